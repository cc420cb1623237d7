"""Owners of studies who sign in with Hugging Face, where the app is a Space.

The Space says who somebody is (`gr.OAuthProfile.username`, which Gradio takes from a signed cookie); FIQA_OWNERS says
who may. Elsewhere, and for programs, there is the owner's secret (`annotate.access.OwnerAccess`).
"""

from collections.abc import Collection

from annotate.errors import AccessError


def owner_names(value: str) -> frozenset[str]:
    """Read a list of names with commas between; the Hub's names have no case."""
    return frozenset(name.strip().lower() for name in value.split(",") if name.strip())


def check_owner(username: str | None, owners: Collection[str]) -> None:
    """Raise AccessError unless somebody is signed in who is one of `owners`, in every handler anew."""
    if not owners:
        raise AccessError("Nobody may sign in here with Hugging Face; FIQA_OWNERS would name who may.")
    if username is None:
        raise AccessError("Sign in with Hugging Face first.")
    if username.lower() not in owners:
        raise AccessError(f"{username} is not among the owners of the studies here.")
