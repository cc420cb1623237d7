"""Who is let into a study, with which role: somebody known by the hash of a secret, or by their Hugging Face name."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from annotate.database.tables import Member
from annotate.design.roles import Role
from annotate.errors import StudyError
from annotate.names import control_character, normalized
from annotate.queries.audit import log_event
from annotate.queries.studies import locked_study

LONGEST_NAME = 64


def add_member(
    db: Session,
    study_id: int,
    name: str,
    role: Role,
    now: datetime,
    *,
    secret_hash: str | None = None,
    hub_name: str | None = None,
) -> Member:
    """Let somebody into a study, by a secret or by their Hugging Face name; raise StudyError when that cannot be."""
    name = normalized((name or "").strip())
    if not 1 <= len(name) <= LONGEST_NAME or control_character(name):
        raise StudyError(f"A member needs a name of 1 to {LONGEST_NAME} characters, by which the log knows them.")
    locked_study(db, study_id)  # of two who add the same name at once, one waits
    hub_name = hub_name.strip().lower() if hub_name else None
    same = or_(Member.name == name, Member.hub_name == hub_name) if hub_name else Member.name == name
    if db.scalar(select(Member.id).where(Member.study_id == study_id, same)):
        raise StudyError(f"{name} or their Hugging Face name is in this study already; remove them first.")
    member = Member(study_id=study_id, name=name, role=role, secret_hash=secret_hash, hub_name=hub_name, created_at=now)
    db.add(member)
    db.flush()
    log_event(db, study_id, "member", {"name": name, "role": role}, now)
    return member


def remove_member(db: Session, study_id: int, name: str, now: datetime) -> None:
    """Let somebody in no more, at once; raise StudyError when nobody is called so."""
    removed = delete(Member).where(Member.study_id == study_id, Member.name == normalized(name.strip()))
    if db.scalar(removed.returning(Member.id)) is None:
        raise StudyError(f"Nobody in this study is called {name!r}.")
    log_event(db, study_id, "member removed", {"name": normalized(name.strip())}, now)


def list_members(db: Session, study_id: int) -> list[Member]:
    """Return who is let into a study, in the order in which they were."""
    return list(db.scalars(select(Member).where(Member.study_id == study_id).order_by(Member.id)))


def memberships(db: Session, *, secret_hash: str | None = None, hub_name: str | None = None) -> Sequence[Member]:
    """Return everything that somebody with that secret, or of that Hugging Face name, is let into."""
    if (secret_hash is None) == (hub_name is None):
        raise ValueError("Somebody is known by a secret or by a name.")
    known = Member.secret_hash == secret_hash if secret_hash else Member.hub_name == (hub_name or "").lower()
    return db.scalars(select(Member).where(known).order_by(Member.id)).all()
