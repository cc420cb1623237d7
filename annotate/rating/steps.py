"""What a page shows a participant: the step they are at, and what came of an answer."""

from dataclasses import dataclass
from enum import StrEnum

from annotate.design.known_pairs import Preferred
from annotate.design.states import State
from annotate.rating.admission import Refusal


class StepKind(StrEnum):
    """What a participant does next; see the module. CLOSED: the study is not open to them."""

    CONSENT = "consent"
    QUESTIONS = "questions"
    SCREEN_CHECK = "screen check"
    TRAINING = "training"
    RATE = "rate"
    BREAK = "break"
    WAITING = "waiting"
    FINISH = "finish"
    END = "end"
    CLOSED = "closed"


@dataclass(frozen=True)
class ShownStimulus:
    """A picture as a participant may know it: not by name. `role` is what it is in its item, as the method says."""

    role: str
    sha256: str
    format: str
    width_px: int
    height_px: int


@dataclass(frozen=True)
class ShownItem:
    """What is rated at a time: its pictures, in the order in which they are shown, and not whether it is a check."""

    assignment_id: int
    pictures: tuple[ShownStimulus, ...]


@dataclass(frozen=True)
class Step:
    """What a page shows.

    `picture` is the item to be rated, `upcoming` the one to be fetched ahead. `done` of `total` items are rated in
    this sitting or, in training, of the training. `left_s` is the rating time left, `wait_s` how long the break still
    lasts or when to ask again. `message` is the owner's to everybody who is rating. Where `can_finish`, `finish` may
    be called; there is a completion code if anything was rated. `refusal` says why somebody who has not begun cannot
    begin.
    """

    kind: StepKind
    state: State
    picture: ShownItem | None = None
    upcoming: ShownItem | None = None
    done: int = 0
    total: int = 0
    left_s: float = 0.0
    wait_s: float = 0.0
    can_undo: bool = False
    can_finish: bool = False
    can_start_another: bool = False
    completion_code: str | None = None
    message: str = ""
    refusal: Refusal | None = None


@dataclass(frozen=True)
class Feedback:
    """What training says about an answer.

    `expected` is None where the item has no right grade, `expected_preferred` where it is no pair with a right answer.
    """

    expected: float | None
    near_enough: bool
    text: str
    expected_preferred: Preferred | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of an answer: the next step, and in training what it should have been."""

    step: Step
    feedback: Feedback | None = None


@dataclass(frozen=True)
class Panel:
    """How a panel knows a participant and a sitting: Prolific's PROLIFIC_PID and SESSION_ID."""

    participant_id: str
    session_id: str = ""
