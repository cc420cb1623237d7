"""One participant's sitting, as a series of steps that a page can show: consent, screen, training, rating, breaks.

    join ─> CONSENT ─> QUESTIONS ─> SCREEN_CHECK ─> TRAINING ─> RATE ⇄ BREAK ─> FINISH ─> END
                                                                 └─> WAITING (others hold the last slots)

Where a participant is follows from the database alone, so a sitting goes on where it was left, on any device, after
a reload or a restart. Every function but `join` takes the participant's token and checks it. What a function returns
must be shown only when its transaction is committed: then a rating is on disk.

Answers carry a key made by the client. Sent again, after a lost connection or by a double click, they change nothing.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from annotate import queries
from annotate.database.tables import AssignmentState, Participant
from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.design.sitting_plan import is_too_late_for_a_break
from annotate.design.states import State
from annotate.errors import (
    AccessError,
    AssignmentGoneError,
    RatingError,
    SittingError,
    StudyStateError,
)
from annotate.queries import answers, live, slots
from annotate.queries.answers import Answer
from annotate.queries.live import AssignedStimulus, OpenSitting
from annotate.rating import links
from annotate.rating.admission import Refusal, check_admission, find_refusal
from annotate.rating.assignment import assign_ahead, assign_training, plan_sitting
from annotate.rating.checks import LONGEST_EXTERNAL_ID, check_answer, check_external_id, check_start_answers, side_px
from annotate.rating.steps import Feedback, Outcome, Panel, ShownStimulus, Step, StepKind

IDLE_S = 60.0
"""A longer gap between two actions is counted as so much: the participant was away, and is not tired by it."""
RETRY_S = 5
KEY_USED = "This key was used for another answer; make a new one for each."


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
    protocol = StudyProtocol.from_json(study.protocol)
    if known is None:
        check_admission(db, study.id, study.state, protocol, now)
    language = protocol.language_for(language)
    participant = known or queries.participants.create_participant(
        db, study.id, now, external_id=external_id, language=language
    )
    return links.issue_link(db, participant.id, now)


def next_step(db: Session, token: str, now: datetime, *, device: str | None = None) -> Step:
    """Return where the participant is; on another `device` than before, the screen check comes again."""
    visit = _Visit(db, token, now)
    sitting = visit.sitting
    if sitting and device and sitting.device and sitting.device != links.hash_token(device):
        sitting.screened = False
        live.save_screen(visit.connection, sitting, None)
    return visit.step()


def give_consent(db: Session, token: str, now: datetime, *, panel: Panel | None = None) -> Step:
    """Note that the participant consents, and begin their first sitting."""
    visit = _Visit(db, token, now)
    visit.check_open()
    if not visit.consented:
        check_admission(db, visit.who.study_id, visit.state, visit.protocol, now)
        live.note_consent(visit.connection, visit.who.id, now)
        visit.consented = True
        visit.begin_sitting(panel)
    return visit.step()


def answer_questions(db: Session, token: str, now: datetime, answers: Mapping[str, object]) -> Step:
    """Store what a participant answers before they rate, once; what they leave out stays blank.

    `answers` maps names of questions to the number of a choice, from 0, or to a text. Raises SittingError.
    """
    visit = _Visit(db, token, now)
    visit.open_sitting()
    if not visit.asked:
        live.save_start_answers(visit.connection, visit.who.id, check_start_answers(visit.protocol, answers))
        visit.asked = True
    return visit.step()


def start_another(db: Session, token: str, now: datetime, *, panel: Panel | None = None) -> Step:
    """Begin a further sitting, if the protocol allows one."""
    visit = _Visit(db, token, now)
    visit.check_open()
    if visit.sitting is None:
        if not visit.consented or not visit.may_start_another():
            raise SittingError("There is no further sitting for you in this study. Thank you for taking part.")
        visit.begin_sitting(panel)
    return visit.step()


def record_screen(
    db: Session, token: str, now: datetime, *, device: str, result: Mapping[str, Any], passed: bool
) -> Step:
    """Store what the screen check measured; who did not pass is asked again, and whose screen is too small."""
    visit = _Visit(db, token, now)
    sitting = visit.open_sitting()
    passed = passed and visit.protocol.takes_screen(*(side_px(result, side) for side in ("width", "height")))
    sitting.device, sitting.screened = links.hash_token(device), passed  # any text will do, and it stays the client's
    live.save_screen(visit.connection, sitting, dict(result) if passed else None)
    return visit.step()


def rate(db: Session, token: str, answer: Answer, now: datetime) -> Outcome:
    """Store an answer, once however often it is sent.

    Raises:
        GradeError: the grade is not on the scale.
        AssignmentGoneError: the lease ran out and the last slot of the picture went to somebody else.
        RatingError: the key was used for another answer, or the picture was rated, or is not this participant's.
        SittingError, StudyStateError: the sitting or the study is over.
    """
    visit = _Visit(db, token, now)
    answer = check_answer(answer, visit.protocol)
    assigned = live.assigned_to(visit.connection, visit.who.id, answer.assignment_id)
    waiting = assigned is not None and assigned.state is AssignmentState.LEASED
    if not waiting and _is_stored(visit, answer):
        return Outcome(visit.step(), _feedback(assigned, answer, visit.protocol))
    sitting = visit.open_sitting()
    assigned = _rateable(visit, assigned)
    if not answers.add_rating(visit.connection, assigned, answer, sitting, now):
        # Its picture waits for an answer, but the key is there: it was undone, or is another answer's.
        _is_stored(visit, answer)
        return Outcome(visit.step())
    visit.spend_time()
    sitting.rated += assigned.kind is not ItemKind.TRAINING
    return Outcome(visit.step(), _feedback(assigned, answer, visit.protocol))


def undo(db: Session, token: str, now: datetime) -> Step:
    """Take the last answer of this sitting back; its picture is shown again. Not possible in training."""
    visit = _Visit(db, token, now)
    sitting = visit.open_sitting()
    last = answers.last_answer(visit.connection, visit.who, sitting)
    if last is None:
        raise SittingError("There is no answer in this sitting that could be undone.")
    rating_id, assigned = last
    answers.undo_rating(visit.connection, rating_id, assigned, now, now + timedelta(seconds=visit.protocol.lease_s))
    sitting.rated -= 1
    sitting.break_since = None
    return visit.step()


def end_break(db: Session, token: str, now: datetime) -> Step:
    """Go on after a break; raise SittingError while it lasts."""
    visit = _Visit(db, token, now)
    sitting = visit.open_sitting()
    if sitting.break_since is not None:
        if wait_s := visit.break_left_s():
            raise SittingError(f"The break lasts another {wait_s:.0f} seconds.")
        sitting.breaks = sitting.rated // visit.protocol.break_every
        sitting.break_since, sitting.last_seen_at = None, now
    return visit.step()


def finish(db: Session, token: str, now: datetime) -> Step:
    """End the sitting when everything in it is rated; what it returns has the completion code."""
    visit = _Visit(db, token, now)
    step = visit.step()
    if visit.sitting and step.can_finish:
        visit.end_sitting(visit.sitting)
        return visit.step()
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


def find_picture(db: Session, token: str, assignment_id: int) -> ShownStimulus:
    """Return a picture that the participant may see now: one given to them and not yet rated."""
    participant, _ = links.open_link(db, token)
    for assigned in live.leased_to(db.connection(), participant.id):
        if assigned.id == assignment_id:
            return _picture(assigned)
    raise AssignmentGoneError("This picture is not for you to rate at the moment.")


class _Visit:
    """A participant with everything that decides on their next step; nobody else acts for them meanwhile."""

    def __init__(self, db: Session, token: str, now: datetime) -> None:
        self.db, self.now = db, now
        self.connection = db.connection()
        self.who = links.authenticate(self.connection, token)
        self.state, self.sitting = self.who.state, self.who.sitting
        self.consented, self.trained = self.who.consented, self.who.trained
        self.protocol = StudyProtocol.from_json(self.who.protocol)
        self.asked = self.who.asked or not self.protocol.questions
        self._as_read = replace(self.sitting) if self.sitting else None

    def check_open(self) -> None:
        """Raise StudyStateError unless people may begin or go on."""
        if self.state is not State.OPEN:
            raise StudyStateError(f"The study is {self.state}; nothing can be rated at the moment.")

    def open_sitting(self) -> OpenSitting:
        """Return the sitting, if one runs in which something can be rated; raise otherwise."""
        # What was shown before a pause may still be answered: nothing that somebody did is thrown away.
        if self.state not in (State.OPEN, State.PAUSED):
            raise StudyStateError(f"The study is {self.state}; no rating can be added any more.")
        if self.sitting is None or not self.who.votes_used:
            raise SittingError("This sitting is over; nothing in it can be changed any more.")
        return self.sitting

    def begin_sitting(self, panel: Panel | None) -> None:
        """Begin a sitting."""
        planned = plan_sitting(self.connection, self.protocol, self.who)
        external_id = panel.session_id[:LONGEST_EXTERNAL_ID] if panel else None
        self.sitting = live.begin_sitting(
            self.connection, self.who.id, self.now, planned=planned, external_id=external_id
        )

    def end_sitting(self, sitting: OpenSitting) -> None:
        """End the sitting; a completion code is for those who rated."""
        code = self.protocol.completion_code or secrets.token_hex(4).upper()
        live.end_sitting(self.connection, sitting, self.now, code if sitting.rated else None)
        self.sitting = None

    def may_start_another(self) -> bool:
        """Return whether the protocol allows a further sitting."""
        most = self.protocol.max_sittings
        allowed = not most or live.count_sittings(self.connection, self.who.id) < most
        over = self.protocol.closes_at is not None and self.protocol.closes_at <= self.now
        return allowed and not over and self.who.votes_used and self.state is State.OPEN

    def spend_time(self) -> None:
        """Count the time since the last action as rating time, outside training and breaks."""
        sitting = self.open_sitting()
        if self.trained and sitting.break_since is None:
            gap_s = (self.now - sitting.last_seen_at).total_seconds()
            sitting.active_s += min(max(gap_s, 0.0), IDLE_S)
        sitting.last_seen_at = self.now

    def break_left_s(self) -> float:
        """Return how long the break still lasts, at most as long as a break does, whatever happened to the clock."""
        since = min(self.open_sitting().break_since or self.now, self.now)
        return max(0.0, self.protocol.break_s - (self.now - since).total_seconds())

    def step(self) -> Step:
        """Return the step that follows from where everything stands, and write what changed in the sitting."""
        step = self._next()
        if self.sitting and self.sitting != self._as_read:
            live.save_sitting(self.connection, self.sitting)
        return step

    def _next(self) -> Step:
        if self.consented and (self.sitting is None or not self.who.votes_used):
            return self._end()
        if self.state in (State.DRAFT, State.CLOSED):
            return self._step(StepKind.CLOSED, can_finish=self._has_rated())
        if self.state is State.PAUSED:
            return self._step(StepKind.WAITING, wait_s=RETRY_S)
        if self.sitting is None:
            return self._before_the_first()
        if not self.asked:
            return self._step(StepKind.QUESTIONS)
        if not self.sitting.screened:
            return self._step(StepKind.SCREEN_CHECK)
        return self._training(self.sitting) or self._main_part(self.sitting)

    def _before_the_first(self) -> Step:
        """Ask for consent, or say why it is too late for that."""
        refusal = find_refusal(self.db, self.who.study_id, self.state, self.protocol, self.now)
        return self._step(StepKind.CLOSED, refusal=refusal) if refusal else self._step(StepKind.CONSENT)

    def _end(self) -> Step:
        last = queries.participants.last_sitting(self.db, self.who.id)
        return Step(
            StepKind.END,
            self.state,
            done=last.rated if last else 0,
            total=last.rated if last else 0,
            completion_code=last.completion_code if last else None,
            can_start_another=self.may_start_another(),
        )

    def _training(self, sitting: OpenSitting) -> Step | None:
        """Return the step of the training; None once it is over, which is once per participant."""
        if self.trained:
            return None
        assigned, done, total = assign_training(self.connection, self.protocol, self.who, sitting, self.now)
        if assigned:
            return self._step(StepKind.TRAINING, assigned, done=done, total=total)
        live.note_training(self.connection, self.who.id, self.now)
        self.trained, sitting.last_seen_at = True, self.now
        return None

    def _main_part(self, sitting: OpenSitting) -> Step:
        if sitting.rated >= self.protocol.sitting_items or not self._left_s():
            return self._step(StepKind.FINISH, can_finish=True)
        assigned = assign_ahead(self.connection, self.protocol, self.who, sitting, self.now)
        if not assigned:
            return self._nothing_left()
        if self._is_break_due(sitting):
            sitting.break_since = min(
                sitting.break_since or self.now, self.now
            )  # the server's clock may have been set back
            return self._step(StepKind.BREAK, assigned, wait_s=self.break_left_s())
        return self._step(StepKind.RATE, assigned)

    def _nothing_left(self) -> Step:
        """Wait for slots that others lease and may never use, or end."""
        if slots.others_hold_slots(self.connection, self.who, self.protocol.ratings_wanted):
            return self._step(StepKind.WAITING, wait_s=RETRY_S, can_finish=self._has_rated())
        return self._step(StepKind.FINISH, can_finish=True)

    def _is_break_due(self, sitting: OpenSitting) -> bool:
        every = self.protocol.break_every
        return (
            bool(every)
            and sitting.rated // every > sitting.breaks
            and not is_too_late_for_a_break(sitting.rated, sitting.planned)
        )

    def _step(
        self,
        kind: StepKind,
        assigned: Sequence[AssignedStimulus] = (),
        *,
        done: int | None = None,
        total: int | None = None,
        wait_s: float = 0.0,
        can_finish: bool = False,
        refusal: Refusal | None = None,
    ) -> Step:
        """Return a step with what every step of the running sitting shows."""
        pictures: list[ShownStimulus | None] = [_picture(item) for item in assigned]
        shown, upcoming, *_ = [None, *pictures, None] if kind is StepKind.BREAK else [*pictures, None, None]
        rated = self.sitting.rated if self.sitting else 0
        planned = self.sitting.planned if self.sitting else self.protocol.sitting_items
        return Step(
            kind,
            self.state,
            picture=shown,
            upcoming=upcoming,
            done=rated if done is None else done,
            total=max(planned, rated + len(assigned)) if total is None else total,
            left_s=self._left_s(),
            wait_s=wait_s,
            can_undo=self._has_rated() and kind is not StepKind.CLOSED,
            can_finish=can_finish,
            message=self.who.message,
            refusal=refusal,
        )

    def _has_rated(self) -> bool:
        return self.sitting is not None and self.sitting.rated > 0

    def _left_s(self) -> float:
        active_s = self.sitting.active_s if self.sitting else 0.0
        return max(0.0, self.protocol.sitting_limit_s - active_s)


def _picture(assigned: AssignedStimulus) -> ShownStimulus:
    picture = assigned.stimulus
    return ShownStimulus(assigned.id, picture.sha256, picture.format, picture.width_px, picture.height_px)


def _is_stored(visit: _Visit, answer: Answer) -> bool:
    """Return whether this very answer was stored before; raise RatingError if its key belongs to another."""
    stored = answers.answer_by_key(visit.connection, answer.key)
    if stored is None:
        return False
    if stored != (visit.who.id, answer):
        raise RatingError(KEY_USED)
    return True


def _rateable(visit: _Visit, assigned: AssignedStimulus | None) -> AssignedStimulus:
    """Return an assignment that may be rated now; raise RatingError saying why not."""
    if assigned is None:
        raise RatingError("This picture was not given to you to rate.")
    if assigned.state is AssignmentState.RATED:
        raise RatingError("You have rated this picture already; undo that to change it.")
    expired = assigned.state is AssignmentState.EXPIRED
    if expired and not live.take_up_again(visit.connection, assigned, visit.protocol.ratings_wanted):
        raise AssignmentGoneError("You were away for long, and others have rated this picture; go on with the next.")
    return assigned


def _feedback(assigned: AssignedStimulus | None, answer: Answer, protocol: StudyProtocol) -> Feedback | None:
    """Return what training says about an answer; the main part says nothing."""
    if assigned is None or assigned.kind is not ItemKind.TRAINING:
        return None
    expected = assigned.stimulus.expected
    near = expected is None or (answer.grade is not None and abs(answer.grade - expected) <= protocol.allowed_error)
    return Feedback(expected, near, assigned.stimulus.feedback)
