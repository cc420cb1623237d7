"""What follows from a participant's state: which step they are at, what they are given next, what an answer changes.

Pure functions: a state goes in, a state or a plain value comes out. No database is known here; `sitting` reads the
state before and writes what became of it after.
"""

from dataclasses import replace
from random import Random

from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.design.sitting_plan import AHEAD, CheckSchedule, is_too_late_for_a_break
from annotate.design.states import AssignmentState, State
from annotate.errors import RatingError, SittingError
from annotate.methods import method_of
from annotate.queries.records import Answer, AssignedItem, LastSitting, PairRow, StimulusRow
from annotate.rating.admission import find_refusal
from annotate.rating.state import RaterState
from annotate.rating.steps import Feedback, ShownItem, ShownStimulus, Step, StepKind

IDLE_S = 60.0
"""A longer gap between two actions is counted as so much: the participant was away, and is not tired by it."""
RETRY_S = 5
KEY_USED = "This key was used for another answer; make a new one for each."


# Which step


def find_phase(state: RaterState) -> StepKind:
    """Return where the participant is, before anything is given: in TRAINING and RATE they may find nothing left."""
    participant, sitting = state.participant, state.sitting
    if participant.consented and (sitting is None or not participant.votes_used):
        return StepKind.END
    if participant.state in (State.DRAFT, State.CLOSED):
        return StepKind.CLOSED
    if participant.state is State.PAUSED:
        return StepKind.WAITING
    if sitting is None:
        refusal = find_refusal(participant.state, state.protocol, state.begun, state.now)
        return StepKind.CLOSED if refusal else StepKind.CONSENT
    if not state.asked:
        return StepKind.QUESTIONS
    if not sitting.screened:
        return StepKind.SCREEN_CHECK
    if not participant.trained:
        return StepKind.TRAINING
    return StepKind.FINISH if sitting.rated >= state.protocol.sitting_items or not state.left_s else StepKind.RATE


def find_step(state: RaterState) -> Step:
    """Return what the participant sees, now that they hold what they are to rate."""
    phase = find_phase(state)
    if phase is StepKind.END:
        return _end(state)
    if phase is StepKind.TRAINING:
        return _training_step(state)
    if phase is StepKind.RATE:
        return _rating_step(state)
    step = _step(state, phase)
    if phase is StepKind.CLOSED:
        refused = state.sitting is None and state.participant.state is State.OPEN
        refusal = find_refusal(state.participant.state, state.protocol, state.begun, state.now) if refused else None
        return replace(step, can_finish=state.has_rated, refusal=refusal)
    if phase is StepKind.WAITING:
        return replace(step, wait_s=RETRY_S)
    return replace(step, can_finish=phase is StepKind.FINISH)


def _training_step(state: RaterState) -> Step:
    had, held = state.counts.get(ItemKind.TRAINING, 0), state.items
    step = _step(state, StepKind.TRAINING, held)
    return replace(step, done=had - len(held), total=had + len(_training_left(state)))


def _rating_step(state: RaterState) -> Step:
    if not state.items and state.others_lease:
        return replace(_step(state, StepKind.WAITING), wait_s=RETRY_S, can_finish=state.has_rated)
    if not state.items:
        return replace(_step(state, StepKind.FINISH), can_finish=True)
    if is_break_due(state):
        return replace(_step(state, StepKind.BREAK, state.items), wait_s=state.break_left_s)
    return _step(state, StepKind.RATE, state.items)


def _step(state: RaterState, kind: StepKind, items: tuple[AssignedItem, ...] = ()) -> Step:
    """Return a step with what every step of the running sitting shows."""
    given: list[ShownItem | None] = [show(item, state.protocol) for item in items]
    shown, upcoming, *_ = [None, *given, None] if kind is StepKind.BREAK else [*given, None, None]
    rated = state.sitting.rated if state.sitting else 0
    planned = state.sitting.planned if state.sitting else state.protocol.sitting_items
    return Step(
        kind,
        state.participant.state,
        picture=shown,
        upcoming=upcoming,
        done=rated,
        total=max(planned, rated + len(items)),
        left_s=state.left_s,
        can_undo=state.has_rated and kind is not StepKind.CLOSED,
        message=state.participant.message,
    )


def _end(state: RaterState) -> Step:
    rated, code = state.last or LastSitting(0, None)
    another = may_start_another(state)
    return Step(
        StepKind.END,
        state.participant.state,
        done=rated,
        total=rated,
        completion_code=code,
        can_start_another=another,
    )


def show(item: AssignedItem, protocol: StudyProtocol) -> ShownItem:
    """Return what the participant may know of an item: the pictures that the study's method shows of it."""
    found = ((role, item.unit.pictures.get(role)) for role in method_of(protocol).roles(protocol))
    return ShownItem(
        item.id,
        tuple(
            ShownStimulus(role, picture.sha256, picture.format, picture.width_px, picture.height_px)
            for role, picture in found
            if picture
        ),
    )


def may_start_another(state: RaterState) -> bool:
    """Return whether the protocol allows a further sitting."""
    participant, protocol = state.participant, state.protocol
    allowed = not protocol.max_sittings or participant.sittings < protocol.max_sittings
    over = protocol.closes_at is not None and protocol.closes_at <= state.now
    return allowed and not over and participant.votes_used and participant.state is State.OPEN


# Which picture


def next_training(state: RaterState) -> tuple[StimulusRow | PairRow, ...]:
    """Return the training stimuli or pairs to give now, in the order in which they were added; none when it is over."""
    return _training_left(state)[: AHEAD - len(state.items)]


def _training_left(state: RaterState) -> tuple[StimulusRow | PairRow, ...]:
    had = state.counts.get(ItemKind.TRAINING, 0)
    return state.training[: max(0, state.protocol.training_count - had)]


def count_missing(state: RaterState) -> int:
    """Return how many items are to be given now, outside training."""
    return max(0, min(AHEAD, state.protocol.sitting_items - state.open_sitting().rated) - len(state.items))


def kinds_to_give(state: RaterState) -> list[ItemKind]:
    """Return the kinds that the next item may be of, the first for which there is a stimulus."""
    return [*_schedule(state).due(state.main_counts), ItemKind.RATED]


def draw(state: RaterState, what: str) -> Random:
    """Return a generator for one decision about the next item, the same whenever it is taken again."""
    return _schedule(state).draw(what, sum(state.main_counts.values()))


def _schedule(state: RaterState) -> CheckSchedule:
    return CheckSchedule(state.protocol, state.participant.seed)


# What an answer changes


def is_same_answer(state: RaterState, answer: Answer, stored: tuple[int, Answer] | None) -> bool:
    """Return whether `stored`, whose and which answer has the key, is this very one; RatingError if another."""
    if stored is None:
        return False
    if stored != (state.participant.id, answer):
        raise RatingError(KEY_USED)
    return True


def check_rateable(assigned: AssignedItem | None) -> AssignedItem:
    """Return an item that waits for an answer, or waited until its lease ran out; raise RatingError if it does not."""
    if assigned is None:
        raise RatingError("This picture was not given to you to rate.")
    if assigned.state is AssignmentState.RATED:
        raise RatingError("You have rated this picture already; undo that to change it.")
    return assigned


def find_feedback(state: RaterState, assigned: AssignedItem | None, answer: Answer) -> Feedback | None:
    """Return what training says about an answer; the main part says nothing."""
    if assigned is None or assigned.kind is not ItemKind.TRAINING:
        return None
    if isinstance(assigned.unit, PairRow):
        preferred = assigned.unit.expected_preferred
        return Feedback(None, preferred in {None, answer.preferred}, assigned.unit.feedback, preferred)
    expected = assigned.unit.expected
    error = state.protocol.allowed_error
    near = expected is None or (answer.grade is not None and abs(answer.grade - expected) <= error)
    return Feedback(expected, near, assigned.unit.feedback)


def after_answer(state: RaterState, assigned: AssignedItem) -> RaterState:
    """Return the state when an item is rated; the time since the last action is counted."""
    sitting = state.open_sitting()
    active_s = sitting.active_s
    if state.participant.trained and sitting.break_since is None:
        gap_s = (state.now - sitting.last_seen_at).total_seconds()
        active_s += min(max(gap_s, 0.0), IDLE_S)
    if assigned.state is AssignmentState.EXPIRED:  # it was taken up again for this answer
        state = state.with_item(assigned)
        never_had = tuple(unit for unit in state.training if unit.id != assigned.unit.id)
        state = replace(state, training=never_had)
    state = replace(state, held=tuple(item for item in state.held if item.id != assigned.id))
    return state.with_sitting(
        active_s=active_s,
        last_seen_at=state.now,
        answers=sitting.answers + 1,
        rated=sitting.rated + (assigned.kind is not ItemKind.TRAINING),
    )


def after_undo(state: RaterState, assigned: AssignedItem) -> RaterState:
    """Return the state when the last answer was taken back: its item is the first to be rated."""
    again = assigned._replace(state=AssignmentState.LEASED, expires_at=state.lease_until)
    held = tuple(sorted((*state.held, again), key=lambda item: item.id))
    sitting = state.open_sitting()
    return replace(state, held=held).with_sitting(rated=sitting.rated - 1, break_since=None)


# Breaks


def is_break_due(state: RaterState) -> bool:
    """Return whether a break comes before the next item."""
    sitting, every = state.open_sitting(), state.protocol.break_every
    due = bool(every) and sitting.rated // every > sitting.breaks
    return due and not is_too_late_for_a_break(sitting.rated, sitting.planned)


def with_break(state: RaterState) -> RaterState:
    """Return the state in which a break that is due has begun."""
    if find_phase(state) is not StepKind.RATE or not state.items or not is_break_due(state):
        return state
    began = state.open_sitting().break_since or state.now
    return state.with_sitting(break_since=min(began, state.now))  # the server's clock may have been set back


def after_break(state: RaterState) -> RaterState:
    """Return the state when the participant goes on after a break; raise SittingError while it lasts."""
    sitting = state.open_sitting()
    if sitting.break_since is None:
        return state
    if wait_s := state.break_left_s:
        raise SittingError(f"The break lasts another {wait_s:.0f} seconds.")
    breaks = sitting.rated // state.protocol.break_every
    return state.with_sitting(breaks=breaks, break_since=None, last_seen_at=state.now)
