"""Reads all that is known of a participant before anything is decided about them."""

from datetime import datetime

from sqlalchemy.orm import Session

from annotate import queries
from annotate.design.protocol import StudyProtocol
from annotate.design.states import State
from annotate.design.stored_protocol import readable
from annotate.methods import method_of
from annotate.queries import live, slots
from annotate.rating import links
from annotate.rating.state import RaterState


def read_state(db: Session, token: str, now: datetime) -> RaterState:
    """Return the state of whose link it is; nobody else acts for them until the commit. Raises AccessError."""
    connection = db.connection()
    participant = links.authenticate(connection, token)
    protocol = readable(participant.protocol)
    in_training = participant.sitting is not None and not participant.trained
    is_over = participant.consented and (participant.sitting is None or not participant.votes_used)
    return RaterState(
        now,
        participant,
        held=tuple(live.leased_to(connection, method_of(protocol).unit, participant.id)),
        counts=live.count_assigned(connection, participant.id),
        training=tuple(slots.training_units(connection, participant)) if in_training else (),
        begun=0 if participant.consented else count_begun(db, participant.study_id, participant.state, protocol),
        last=live.last_sitting(connection, participant.id) if is_over else None,
    )


def count_begun(db: Session, study_id: int, state: State, protocol: StudyProtocol) -> int:
    """Return how many people have begun, where that decides on who may begin; 0 elsewhere.

    Nobody else begins until the commit.
    """
    decides = protocol.max_people and state is State.OPEN
    return queries.participants.count_begun(db, study_id) if decides else 0
