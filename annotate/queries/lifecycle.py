"""The states of a study, and its protocol: what is checked and noted when one is changed."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from annotate.database.tables import (
    Study,
)
from annotate.design.protocol import StudyProtocol
from annotate.design.review import check_ready
from annotate.design.states import (
    State,
    check_transition,
)
from annotate.errors import StudyStateError
from annotate.methods import changes_to, check_protocol, method_of
from annotate.methods.method import Unit
from annotate.queries import pairs
from annotate.queries.audit import log_event
from annotate.queries.ratings import count_votes
from annotate.queries.reasons import count_given
from annotate.queries.stimuli import link_references_again, summarize_stimuli
from annotate.queries.studies import locked_study
from annotate.wording import counted

_MEANING = {"method": "method", "scale": "scale", "more_scales": "choice of further scales"}
"""What says how a vote is read, and how a sentence calls it."""


def change_state(db: Session, study_id: int, state: State, now: datetime) -> tuple[str, ...]:
    """Take a study to another state; return what to warn of. Raises StudyStateError when it cannot go there."""
    study = locked_study(db, study_id)
    check_transition(study.state, state)
    warnings: tuple[str, ...] = ()
    if state is State.OPEN:
        warnings = _make_ready(db, study, now)
    log_event(db, study_id, "state", {"from": study.state, "to": state}, now)
    study.state = state
    return warnings


def _make_ready(db: Session, study: Study, now: datetime) -> tuple[str, ...]:
    """Check a study that is about to open; from its first opening on its texts stay as they are."""
    protocol = study.protocol
    method = method_of(protocol)
    if method.unit is Unit.PAIR:
        pairs.plan_pairs(db, study)
    stimuli = summarize_stimuli(db, study.id)
    warnings = check_ready(protocol, stimuli, now)
    method.check_design(protocol, stimuli)
    if study.state is State.DRAFT:
        study.protocol = protocol.with_texts_fixed()
    return warnings


def change_protocol(db: Session, study_id: int, now: datetime, **values: Any) -> StudyProtocol:
    """Change values of a protocol as far as the study's state and its votes allow.

    Raises StudyStateError or ProtocolError.
    """
    study = locked_study(db, study_id)
    former = study.protocol
    protocol = check_protocol(former.changed(study.state, **changes_to(former, values)))
    _check_votes_keep_meaning(db, study_id, former, protocol)
    study.protocol = protocol
    if study.state is State.DRAFT and _references_of(study.protocol) != _references_of(former):
        link_references_again(db, study)
    before = former.to_json()
    changed = {name: value for name, value in study.protocol.to_json().items() if value != before[name]}
    log_event(db, study_id, "protocol", changed, now)
    return study.protocol


def _check_votes_keep_meaning(db: Session, study_id: int, former: StudyProtocol, protocol: StudyProtocol) -> None:
    """Raise StudyStateError where votes would be read as others: imports bring a draft some, too."""
    what_to_do = "make a new study, or delete this one in the Set-up panel"
    changed = next((what for name, what in _MEANING.items() if getattr(former, name) != getattr(protocol, name)), None)
    if changed and (votes := count_votes(db, study_id)):
        raise StudyStateError(
            f"The {changed} cannot be changed: the study holds {counted(votes, 'vote')}, which would mean something "
            f"else; {what_to_do}."
        )
    left_out = [reason for reason in former.reasons if reason not in protocol.reasons]
    given = count_given(db, study_id) if left_out else {}
    if reason := next((each for each in left_out if each in given), None):
        raise StudyStateError(
            f"The reason {reason} cannot be left out: the study holds {counted(given[reason], 'vote')} that would lose "
            f"it; {what_to_do}."
        )


def _references_of(protocol: StudyProtocol) -> tuple[bool, bool]:
    """Return whether pictures have references by a protocol, and whether those are rated."""
    method = method_of(protocol)
    return method.references(protocol), method.rates_references
