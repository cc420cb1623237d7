"""What the queries of every rating return: plain values, on which is decided without a database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, NamedTuple

from pydantic import ConfigDict, Field

from annotate.design.further_scales import LONGEST_NAME, MOST_FURTHER
from annotate.design.items import ItemKind
from annotate.design.known_pairs import Preferred, right_answer
from annotate.design.states import AssignmentState, State
from annotate.design.stored_protocol import StoredProtocol

LONGEST_KEY = 64
MOST_REASONS = 20
Reason = Annotated[str, Field(max_length=32)]
ScaleName = Annotated[str, Field(max_length=LONGEST_NAME)]
Number = Annotated[int, Field(ge=0, lt=2**31)]
"""What fits into an integer of every database."""


@dataclass(frozen=True)
class OpenSitting:
    """A sitting that is not over; see `annotate.database.tables.Sitting`."""

    id: int
    device: str | None
    screened: bool
    last_seen_at: datetime
    break_since: datetime | None
    active_s: float
    planned: int
    answers: int
    rated: int
    breaks: int


@dataclass(frozen=True)
class CurrentParticipant:
    """A participant as their link tells, with what their study says; `sitting` is the one they are in.

    `asked` says that they were asked the questions that come before the first rating, `sittings` how many they began.
    """

    id: int
    study_id: int
    seed: int
    consented: bool
    trained: bool
    votes_used: bool
    asked: bool
    language: str
    sittings: int
    state: State
    protocol: StoredProtocol
    message: str
    sitting: OpenSitting | None


class LastSitting(NamedTuple):
    """How the sitting ended that a participant began last."""

    rated: int
    completion_code: str | None


class PictureRow(NamedTuple):
    """What there is to know of a picture that is only shown."""

    id: int
    sha256: str
    format: str
    width_px: int
    height_px: int


class StimulusRow(NamedTuple):
    """What there is to know of a stimulus when it is given and rated."""

    id: int
    sha256: str
    format: str
    width_px: int
    height_px: int
    expected: float | None
    feedback: str
    reference: "PictureRow | None" = None

    @property
    def pictures(self) -> "Mapping[str, StimulusRow | PictureRow | None]":
        """Its pictures by the roles that a method may show."""
        return {"picture": self, "reference": self.reference}


class PairRow(NamedTuple):
    """Two stimuli to compare, and their reference; the second one stands on the left where it is `turned`."""

    id: int
    first: StimulusRow
    second: StimulusRow
    reference: PictureRow | None = None
    turned: bool = False

    @property
    def pictures(self) -> Mapping[str, StimulusRow | PictureRow | None]:
        """Its pictures by the roles that a method may show."""
        left, right = (self.second, self.first) if self.turned else (self.first, self.second)
        return {"left": left, "right": right, "reference": self.reference}

    @property
    def expected_preferred(self) -> Preferred | None:
        """The right answer, as the pair is shown; None where none is known."""
        return right_answer(self.first.expected, self.second.expected, turned=self.turned)

    @property
    def feedback(self) -> str:
        """What training says about both pictures."""
        return " ".join(filter(None, (self.first.feedback, self.second.feedback)))


class AssignedItem(NamedTuple):
    """An assignment with what is rated."""

    id: int
    kind: ItemKind
    state: AssignmentState
    expires_at: datetime
    unit: StimulusRow | PairRow


@dataclass(frozen=True)
class Answer:
    """What a client sends, and what is stored as an `annotate.database.tables.Rating`.

    Two that are equal are the same answer. `key` is made by the client, `grade` on the study's first scale,
    `more_grades` on its further ones by name, sizes in CSS pixels. `preferred` is as the participant saw the pair,
    `flipped` whether pictures were shown in turn. The page's messages are checked for it field by field.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    key: Annotated[str, Field(max_length=LONGEST_KEY)]
    assignment_id: Number
    grade: float | None = None
    unusable: bool = False
    response_ms: Number | None = None
    width_px: float | None = None
    height_px: float | None = None
    pixel_ratio: float | None = None
    preferred: Preferred | None = None
    reasons: Annotated[tuple[Reason, ...], Field(max_length=MOST_REASONS)] = ()
    flipped: bool | None = None
    more_grades: Annotated[dict[ScaleName, float], Field(max_length=MOST_FURTHER)] | None = None
