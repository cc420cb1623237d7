"""Personal links: a participant's token, and who it belongs to.

A token is 256 random bits; the database keeps its SHA-256 only, so that a copy of the database opens no sitting.
"""

import hashlib
import secrets
from datetime import datetime
from typing import TYPE_CHECKING

from annotate.errors import AccessError

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from annotate.database.tables import Participant, Study
    from annotate.queries.records import CurrentParticipant


LONGEST_TOKEN = 200


INVALID_LINK = "This personal link is not valid. Open it as it was sent to you, or ask for a new one."


def issue_link(db: "Session", participant_id: int, now: datetime) -> str:
    """Make another personal link of a participant and return its token, which is stored nowhere."""
    from annotate import queries  # late, here and below: the page is laid out without the database's library

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


def hash_token(token: str) -> str:
    """Return what the database keeps of a token: random enough to need no salt."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
