"""One participant's sitting, as a series of steps that a page can show: consent, screen, training, rating, breaks.

    join ─> CONSENT ─> QUESTIONS ─> SCREEN_CHECK ─> TRAINING ─> RATE ⇄ BREAK ─> FINISH ─> END
                                                                 └─> WAITING (others hold the last slots)

Each action reads (`reading.read_state`), decides (`rules`, which know no database) and writes; then `_go_on` gives the
participant what they are to rate next and tells what they see. What is written is written here and in `assignment`.

Where a participant is follows from the database alone, so a sitting goes on where it was left, on any device, after
a reload or a restart. Every function but `join` takes the participant's token and checks it. What a function returns
must be shown only when its transaction is committed: then a rating is on disk.

Answers carry a key made by the client. Sent again, after a lost connection or by a double click, they change nothing.
"""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from annotate import queries
from annotate.database.tables import Participant
from annotate.design.states import AssignmentState
from annotate.design.stored_protocol import readable
from annotate.errors import AccessError, AssignmentGoneError, SittingError
from annotate.methods import method_of
from annotate.queries import answers, live
from annotate.queries.records import Answer, LastSitting, OpenSitting
from annotate.rating import links, rules
from annotate.rating.admission import check_admission
from annotate.rating.assignment import assign_ahead, assign_training, plan_sitting
from annotate.rating.checks import LONGEST_EXTERNAL_ID, check_answer, check_external_id, check_start_answers, side_px
from annotate.rating.reading import count_begun, read_state
from annotate.rating.state import RaterState
from annotate.rating.steps import Outcome, Panel, ShownStimulus, Step, StepKind


def join(db: Session, join_code: str, now: datetime, *, language: str = "en", panel: Panel | None = None) -> str:
    """Let a newcomer into an open study; return the token of their personal link.

    Whom a panel sends again becomes no second participant, but gets another link to the same one.
    """
    study = (
        queries.studies.study_by_join_code(db, join_code) if join_code.isascii() and join_code.isprintable() else None
    )
    if study is None:
        raise AccessError("This link opens no study. Open it as it was sent to you, or ask for a new one.")
    external_id = check_external_id(panel)
    known = queries.participants.participant_by_external_id(db, study.id, external_id) if external_id else None
    protocol = study.protocol
    if known is None:
        begun = count_begun(db, study.id, study.state, protocol)
        check_admission(study.state, protocol, begun, now)
    language = protocol.language_for(language)
    participant = known or queries.participants.create_participant(
        db, study.id, now, external_id=external_id, language=language
    )
    return links.issue_link(db, participant.id, now)


def next_step(db: Session, token: str, now: datetime, *, device: str | None = None) -> Step:
    """Return where the participant is; on another `device` than before, the screen check comes again."""
    state = read_state(db, token, now)
    sitting = state.sitting
    if sitting and device and sitting.device and sitting.device != links.hash_token(device):
        live.save_screen(db.connection(), sitting, None)
        state = state.with_participant(sitting=replace(sitting, screened=False))
    return _go_on(db, state, sitting)


def give_consent(db: Session, token: str, now: datetime, *, panel: Panel | None = None) -> Step:
    """Note that the participant consents, and begin their first sitting."""
    state = read_state(db, token, now)
    state.check_open()
    if not state.participant.consented:
        check_admission(state.participant.state, state.protocol, state.begun, now)
        live.note_consent(db.connection(), state.participant.id, now)
        state = _begin_sitting(db, state.with_participant(consented=True), panel)
    return _go_on(db, state, state.sitting)


def answer_questions(db: Session, token: str, now: datetime, answers: Mapping[str, object]) -> Step:
    """Store what a participant answers before they rate, once; what they leave out stays blank.

    `answers` maps names of questions to the number of a choice, from 0, or to a text. Raises SittingError.
    """
    state = read_state(db, token, now)
    state.open_sitting()
    if not state.asked:
        checked = check_start_answers(state.protocol, answers)
        live.save_start_answers(db.connection(), state.participant.id, checked)
        state = state.with_participant(asked=True)
    return _go_on(db, state, state.sitting)


def start_another(db: Session, token: str, now: datetime, *, panel: Panel | None = None) -> Step:
    """Begin a further sitting, if the protocol allows one."""
    state = read_state(db, token, now)
    state.check_open()
    if state.sitting is None:
        if not state.participant.consented or not rules.may_start_another(state):
            raise SittingError("There is no further sitting for you in this study. Thank you for taking part.")
        state = _begin_sitting(db, state, panel)
    return _go_on(db, state, state.sitting)


def record_screen(
    db: Session, token: str, now: datetime, *, device: str, result: Mapping[str, Any], passed: bool
) -> Step:
    """Store what the screen check measured; who did not pass is asked again, and whose screen is too small."""
    state = read_state(db, token, now)
    passed = passed and state.protocol.takes_screen(*(side_px(result, side) for side in ("width", "height")))
    state = state.with_sitting(device=links.hash_token(device), screened=passed)  # any text; it stays the client's
    live.save_screen(db.connection(), state.open_sitting(), dict(result) if passed else None)
    return _go_on(db, state, state.sitting)


def rate(db: Session, token: str, answer: Answer, now: datetime) -> Outcome:
    """Store an answer, once however often it is sent.

    Raises:
        GradeError: the grade is not on the scale.
        AssignmentGoneError: the lease ran out and the last slot of the picture went to somebody else.
        RatingError: the key was used for another answer, or the picture was rated, or is not this participant's.
        SittingError, StudyStateError: the sitting or the study is over.
    """
    connection = db.connection()
    state = read_state(db, token, now)
    answer = check_answer(answer, state.protocol)
    assigned = live.assigned_to(connection, state.participant, answer.assignment_id)
    feedback = rules.find_feedback(state, assigned, answer)
    waits = assigned is not None and assigned.state is AssignmentState.LEASED
    if not waits and rules.is_same_answer(state, answer, answers.answer_by_key(connection, answer.key)):
        return Outcome(_go_on(db, state, state.sitting), feedback)
    sitting, assigned = state.open_sitting(), rules.check_rateable(assigned)
    expired = assigned.state is AssignmentState.EXPIRED
    if expired and not live.take_up_again(connection, assigned, state.protocol.ratings_wanted):
        raise AssignmentGoneError("You were away for long, and others have rated this picture; go on with the next.")
    if not answers.add_rating(connection, assigned, answer, sitting, now):
        # Its picture waits for an answer, but the key is there: it was undone, or is another answer's.
        rules.is_same_answer(state, answer, answers.answer_by_key(connection, answer.key))
        return Outcome(_go_on(db, state, sitting))
    return Outcome(_go_on(db, rules.after_answer(state, assigned), sitting), feedback)


def undo(db: Session, token: str, now: datetime) -> Step:
    """Take the last answer of this sitting back; its picture is shown again. Not possible in training."""
    state = read_state(db, token, now)
    sitting = state.open_sitting()
    last = answers.last_answer(db.connection(), state.participant, sitting)
    if last is None:
        raise SittingError("There is no answer in this sitting that could be undone.")
    rating_id, assigned = last
    answers.undo_rating(db.connection(), rating_id, assigned, now, state.lease_until)
    return _go_on(db, rules.after_undo(state, assigned), sitting)


def end_break(db: Session, token: str, now: datetime) -> Step:
    """Go on after a break; raise SittingError while it lasts."""
    state = read_state(db, token, now)
    return _go_on(db, rules.after_break(state), state.sitting)


def finish(db: Session, token: str, now: datetime) -> Step:
    """End the sitting when everything in it is rated; what it returns has the completion code."""
    state = read_state(db, token, now)
    step = _go_on(db, state, state.sitting)
    if state.sitting and step.can_finish:
        return rules.find_step(_end_sitting(db, state, state.sitting))
    if step.kind is not StepKind.END:
        raise SittingError("The sitting is not over yet.")
    return step


def take_code(db: Session, token: str, now: datetime) -> None:
    """Note that the participant copied their completion code, or followed it back to their panel."""
    who = links.authenticate(db.connection(), token)
    last = queries.participants.last_sitting(db, who.id)
    if last and last.completion_code and last.code_taken_at is None:
        last.code_taken_at = now


def withdraw(db: Session, token: str, now: datetime) -> None:
    """Delete everything there is of the participant, at any time; the link is dead then."""
    who = links.authenticate(db.connection(), token)
    queries.participants.delete_participant(db, db.get_one(Participant, who.id), now)


def find_picture(db: Session, token: str, assignment_id: int, role: str) -> ShownStimulus:
    """Return a picture that the participant may see now, of an item given to them and not yet rated."""
    participant = links.recognize(db.connection(), token)
    protocol = readable(participant.protocol)
    for assigned in live.leased_to(db.connection(), method_of(protocol).unit, participant.id):
        if assigned.id == assignment_id:
            for picture in rules.show(assigned, protocol).pictures:
                if role == picture.role:
                    return picture
    raise AssignmentGoneError("This picture is not for you to rate at the moment.")


def _begin_sitting(db: Session, state: RaterState, panel: Panel | None) -> RaterState:
    planned = plan_sitting(db.connection(), state)
    check_external_id(panel)
    external_id = panel.session_id[:LONGEST_EXTERNAL_ID] if panel else None
    sitting = live.begin_sitting(
        db.connection(), state.participant, state.now, planned=planned, external_id=external_id
    )
    return state.with_participant(sitting=sitting, sittings=state.participant.sittings + 1)


def _end_sitting(db: Session, state: RaterState, sitting: OpenSitting) -> RaterState:
    """End the sitting; a completion code is for those who rated."""
    code = (state.protocol.completion_code or secrets.token_hex(4).upper()) if sitting.rated else None
    live.end_sitting(db.connection(), sitting, state.now, code)
    return replace(state.with_participant(sitting=None), last=LastSitting(sitting.rated, code))


def _go_on(db: Session, state: RaterState, stored: OpenSitting | None) -> Step:
    """Give the participant what they are to rate next, and write their sitting where it is no longer as `stored`.

    Returns what they see.
    """
    connection = db.connection()
    if rules.find_phase(state) is StepKind.TRAINING:
        state = assign_training(connection, state)
        if not state.items:  # once per participant
            live.note_training(connection, state.participant.id, state.now)
            state = state.with_sitting(last_seen_at=state.now).with_participant(trained=True)
    if rules.find_phase(state) is StepKind.RATE:
        state = rules.with_break(assign_ahead(connection, state))
    if state.sitting and state.sitting != stored:
        live.save_sitting(connection, state.sitting)
    return rules.find_step(state)
