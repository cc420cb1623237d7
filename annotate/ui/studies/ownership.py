"""Who may run studies in the app: whoever brings the owner's pass, or is signed in with Hugging Face as an owner.

Events of Gradio answer anybody who sends HTTP, private ones too. So the handlers of the Studies tab are connected
through `Guard.on` only, which puts a check of the owner's pass before each, whatever the page shows:

    guard.on(save.click, self.save, [study, name], panel, **AT_ONCE)

The pass, in `guard.owner_pass`, lives in the browser, so that neither a reload nor a restart of the server with the
same secret asks for a new sign-in.
"""

import importlib.util
import inspect
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from typing import Any

import gradio as gr
from starlette.types import Scope

from annotate.errors import AccessError, AnnotateError
from annotate.owners import GuessLimit, OwnerAccess, check_owner
from annotate.settings import Settings
from annotate.ui.gradio_internals import told

logger = logging.getLogger(__name__)

STORED_AS = "fiqa-owner"
"""Under which name, and scrambled with what, the browser keeps the pass: it must outlive the server's process."""
FORGET_THE_PASS = f"() => {{ localStorage.removeItem({STORED_AS!r}); }}"
"""Run in the browser the moment somebody signs out: whoever loads the page right after must not be signed in."""
LINK = "sign-in"
_SIGN_IN = files("annotate.ui.studies").joinpath("sign_in.js").read_text(encoding="utf-8")
SIGN_IN_BY_LINK = f"const LINK = {LINK!r};\n{_SIGN_IN}"
"""Run in the browser when the door is drawn: takes the token out of the address, and signs in with it."""
APOLOGY = "Something went wrong on the server; its log says what."
UNSEEN: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
AT_ONCE: dict[str, Any] = {"concurrency_limit": None, **UNSEEN}
"""Options of events that take no time: any number of them run together."""
SLOW: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "studies", **UNSEEN}
"""Options of events that read or write a whole study."""

Handler = Callable[..., Any]


class Ownership:
    """Signs owners in and checks them. `visitor_of` tells whose request it is, to refuse who guesses secrets."""

    def __init__(self, settings: Settings, visitor_of: Callable[[Scope], str]) -> None:
        self.owners = settings.owners
        self._access = OwnerAccess(settings.owner_secret)
        self._visitor_of = visitor_of
        self._guesses = GuessLimit()

    @property
    def made_secret(self) -> str | None:
        """The secret that was made because none is configured, to be printed once; None where one is."""
        return self._access.made

    def notice(self, url: str | None) -> str:
        """Return further lines for the terminal of whoever starts the app; nothing where a secret is configured.

        `url` is where a browser on this machine finds the app, None where there is none.
        """
        if not self.made_secret:
            return ""
        secret = f"\nThe secret for the Studies tab, until the app ends: {self.made_secret}"
        return (
            f"{secret}\nOr open this link, which signs in once: {url}#{LINK}={self._access.link_token}"
            if url
            else secret
        )

    @property
    def with_hugging_face(self) -> bool:
        """Whether owners may sign in with Hugging Face: somebody is named, and the Space and Gradio are set up for it.

        Without a Space's client Gradio would not start the page, or let in whoever is logged in on the machine.
        """
        ready = "OAUTH_CLIENT_ID" in os.environ and importlib.util.find_spec("authlib") is not None
        return bool(self.owners) and ready

    def sign_in(self, secret: object, request: gr.Request) -> str:
        """Return a pass for the right secret; raise AccessError for a wrong one, or after too many of them."""
        visitor = self._visitor_of(request.request.scope) if request.request else ""
        with self._guesses.counted(visitor, _now()):
            return self._access.sign_in(secret if isinstance(secret, str) else "", _now())

    def sign_in_by_link(self, token: object, request: gr.Request) -> str:
        """Return a pass for the token of the link of the start, once; raises AccessError as `sign_in` does."""
        visitor = self._visitor_of(request.request.scope) if request.request else ""
        with self._guesses.counted(visitor, _now()):
            return self._access.sign_in_by_link(token if isinstance(token, str) else "", _now())

    def check(self, owner_pass: object, username: str | None) -> None:
        """Raise AccessError unless it is a valid pass, or the name, signed in with Hugging Face, of an owner."""
        if username is not None and self.owners:
            with suppress(AccessError):
                return check_owner(username, self.owners)
        self._access.check_pass(owner_pass if isinstance(owner_pass, str) else None, _now())
        return None


@dataclass(frozen=True)
class Guard:
    """Connects the handlers of one page, each behind a check of the pass that the page's browser keeps."""

    ownership: Ownership
    owner_pass: gr.BrowserState

    def on(self, triggers: Any, work: Handler, inputs: Sequence[Any], outputs: Any, **options: Any) -> Any:
        """Run `work` with the inputs' values when a trigger (one, or several) fires; see `gr.on` for the options.

        With the option `details`, what the page says of the event comes first, as a dictionary.
        """
        handler = self.handler(work, details=options.pop("details", False))
        triggers = triggers if isinstance(triggers, list) else [triggers]
        return gr.on(triggers, handler, [self.owner_pass, *inputs], outputs, **options)

    def handler(self, work: Handler, *, details: bool = False) -> Handler:
        """Return `work` as an event takes it: its first input is the pass, and its errors are sentences."""

        def admit(profile: gr.OAuthProfile | None, event: gr.EventData, given: object) -> list[dict[str, Any]]:
            self.ownership.check(given, profile.username if profile else None)
            return [told(event)] if details else []

        def stepwise(
            profile: gr.OAuthProfile | None, event: gr.EventData, given: object, *inputs: Any
        ) -> Iterator[Any]:
            """Let the owner in, and pass on what the work yields."""
            with translate_errors():
                yield from work(*admit(profile, event, given), *inputs)

        def at_once(profile: gr.OAuthProfile | None, event: gr.EventData, given: object, *inputs: Any) -> Any:
            with translate_errors():
                return work(*admit(profile, event, given), *inputs)

        chosen = stepwise if inspect.isgeneratorfunction(work) else at_once
        chosen.__name__ = getattr(work, "__name__", "handler")
        return chosen


@contextmanager
def translate_errors() -> Iterator[None]:
    """Let out `gr.Error`s of one sentence only; what was not foreseen goes to the log."""
    try:
        yield
    except AnnotateError as error:
        raise gr.Error(escape(str(error)), print_exception=False) from None
    except gr.Error:
        raise
    except Exception:
        logger.exception("Unexpected error")
        raise gr.Error(APOLOGY, print_exception=False) from None


def _now() -> datetime:
    return datetime.now(UTC)
