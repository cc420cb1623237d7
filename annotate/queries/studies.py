"""Queries of studies: make, find and delete them."""

import secrets
from datetime import datetime

from sqlalchemy import (
    delete,
    select,
)
from sqlalchemy.orm import Session

from annotate.database.tables import (
    Study,
)
from annotate.design.protocol import StudyProtocol
from annotate.design.states import (
    LONGEST_MESSAGE,
    State,
)
from annotate.errors import StudyError
from annotate.methods import check_protocol
from annotate.names import control_character, normalized
from annotate.queries.audit import log_event


def create_study(db: Session, name: str, protocol: StudyProtocol, now: datetime, *, demo: bool = False) -> Study:
    """Make a study in draft; raise StudyError when the name is blank, too long or taken, or ProtocolError."""
    name = normalized(name.strip())
    if not 1 <= len(name) <= 200:
        raise StudyError("A study needs a name of 1 to 200 characters.")
    if control := control_character(name):
        raise StudyError(f"The study's name has the control character {control}; leave it out.")
    if db.scalar(select(Study.id).where(Study.name == name)):
        raise StudyError(f"There is a study called {name!r} already; choose another name.")
    study = Study(
        name=name,
        state=State.DRAFT,
        protocol=check_protocol(protocol),
        join_code=secrets.token_urlsafe(16),
        demo=demo,
        created_at=now,
    )
    db.add(study)
    db.flush()
    log_event(db, study.id, "created", {}, now)
    return study


def find_study(db: Session, name: str) -> Study:
    """Return the study of that name; raise StudyError naming those there are."""
    study = db.scalar(select(Study).where(Study.name.in_({name, normalized(name)})).order_by(Study.id))
    if study is None:
        names = ", ".join(map(repr, db.scalars(select(Study.name).order_by(Study.id).limit(10)))) or "none yet"
        raise StudyError(f"There is no study called {name!r}; there are: {names}.")
    return study


def get_study(db: Session, study_id: int) -> Study:
    """Return a study by its id; raise StudyError when it is gone."""
    study = db.get(Study, study_id)
    if study is None:
        raise StudyError("The study does not exist any more.")
    return study


def is_study(db: Session, study_id: int) -> bool:
    """Return whether there is a study of that id."""
    return db.scalar(select(Study.id).where(Study.id == study_id)) is not None


def study_by_join_code(db: Session, code: str) -> Study | None:
    """Return the study that the link for newcomers opens."""
    return db.scalar(select(Study).where(Study.join_code == code))


def list_studies(db: Session) -> list[Study]:
    """Return all studies, newest first."""
    return list(db.scalars(select(Study).order_by(Study.id.desc())))


def find_demo(db: Session) -> Study | None:
    """Return the study that newcomers may try, if it was made."""
    return db.scalar(select(Study).where(Study.demo).order_by(Study.id).limit(1))


def delete_study(db: Session, study_id: int) -> None:
    """Delete a study with everything that was rated in it; its files stay, other studies may show them."""
    db.execute(delete(Study).where(Study.id == study_id))


def set_message(db: Session, study_id: int, message: str, now: datetime) -> None:
    """Show a message to those who are rating, or none any more where it is blank; raise StudyError when too long."""
    message = message.strip()
    if len(message) > LONGEST_MESSAGE:
        raise StudyError(f"The message has {len(message)} characters; shorten it to {LONGEST_MESSAGE} or fewer.")
    locked_study(db, study_id).message = message
    log_event(db, study_id, "message", {"message": message}, now)


def locked_study(db: Session, study_id: int) -> Study:
    """Return a study, locked until the transaction ends; raises StudyError when it was deleted."""
    study = db.scalar(select(Study).where(Study.id == study_id).with_for_update(key_share=True))
    if study is None:
        raise StudyError("The study does not exist any more.")
    return study
