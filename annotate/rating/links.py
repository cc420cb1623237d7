"""Personal links: a participant's token, and who it belongs to.

A token is 256 random bits; the database keeps its SHA-256 only, so that a copy of the database opens no sitting.
"""

import hashlib
import secrets
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from annotate.errors import AccessError

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from annotate.database.tables import Participant, Study
    from annotate.queries.records import CurrentParticipant


LONGEST_TOKEN = 200
PROLIFIC = "&PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}"
"""What Prolific replaces by whom it sends."""
INVALID_LINK = "This personal link is not valid. Open it as it was sent to you, or ask for a new one."


class PersonalLink(NamedTuple):
    """Whose link it is, and what follows the address of the page."""

    pseudonym: str
    path: str


def join_path(study: "Study") -> str:
    """Return what follows the address of the page in the link that anybody may follow."""
    return f"?study={study.join_code}"


def prolific_path(study: "Study") -> str:
    """Return the same as Prolific takes it."""
    return join_path(study) + PROLIFIC


def make_links(db: "Session", study: "Study", count: int, now: datetime) -> list[PersonalLink]:
    """Make so many participants, who read the study's first language, with a personal link each."""
    from annotate import queries  # late, here and below: the page is laid out without the database's library

    language = study.protocol.language
    people = [queries.participants.create_participant(db, study.id, now, language=language) for _ in range(count)]
    return [_personal_link(db, study, person, now) for person in people]


def renew_link(db: "Session", study: "Study", pseudonym: str, now: datetime) -> PersonalLink:
    """Close a participant's links and make a new one."""
    from annotate import queries

    person = queries.participants.get_participant(db, study.id, pseudonym)
    queries.participants.delete_links(db, person.id)
    queries.audit.log_event(db, study.id, "link", {"participant": pseudonym}, now)
    return _personal_link(db, study, person, now)


def _personal_link(db: "Session", study: "Study", person: "Participant", now: datetime) -> PersonalLink:
    token = issue_link(db, person.id, now)
    return PersonalLink(person.pseudonym, f"{join_path(study)}&participant={token}")


def issue_link(db: "Session", participant_id: int, now: datetime) -> str:
    """Make another personal link of a participant and return its token, which is stored nowhere."""
    from annotate import queries

    token = secrets.token_urlsafe(32)
    queries.participants.add_link(db, participant_id, hash_token(token), now)
    return token


def open_link(db: "Session", token: str) -> "tuple[Participant, Study]":
    """Return whose link it is, and their study; raise AccessError when it is nobody's."""
    from annotate import queries

    found = queries.participants.participant_by_link(db, hash_token(token)) if 0 < len(token) <= LONGEST_TOKEN else None
    if found is None:
        raise AccessError(INVALID_LINK)
    return found


def authenticate(connection: "Connection", token: str) -> "CurrentParticipant":
    """Return whose link it is, to act for them: nobody else does until the commit. Raises AccessError."""
    from annotate.queries import live

    found = live.find_participant(connection, hash_token(token)) if 0 < len(token) <= LONGEST_TOKEN else None
    if found is None:
        raise AccessError(INVALID_LINK)
    return found


def recognize(connection: "Connection", token: str) -> "CurrentParticipant":
    """Return whose link it is, to show them something: others may act for them meanwhile. Raises AccessError."""
    from annotate.queries import live

    found = live.read_participant(connection, hash_token(token)) if 0 < len(token) <= LONGEST_TOKEN else None
    if found is None:
        raise AccessError(INVALID_LINK)
    return found


def hash_token(token: str) -> str:
    """Return what the database keeps of a token: random enough to need no salt."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
