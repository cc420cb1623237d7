"""What a method says of itself: which pictures an item shows, what an answer is, what is checked before it begins."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.design.review import StimulusSummary

if TYPE_CHECKING:
    from annotate.statistics.ratings import Ratings

Row = dict[str, Any]
NO_REFERENCES = "{}; name each in the column reference of stimuli.csv, or as its source, or choose another method."


class Unit(StrEnum):
    """What is rated at a time, and slots are counted of."""

    STIMULUS = "stimulus"
    PAIR = "pair"


class AnswerKind(StrEnum):
    """What an answer is: a grade on the study's scale, or which of two pictures is preferred."""

    GRADE = "grade"
    PREFERENCE = "preference"


class Show(StrEnum):
    """How the pictures of an item are shown.

    BESIDE is side by side where that fits, else in turn; IN_TURN always in turn, in the same place.
    """

    SINGLE = "single"
    BESIDE = "beside"
    IN_TURN = "in turn"


class Workload(NamedTuple):
    """How many pictures or pairs there are to rate, and answers wanted of them together, at most."""

    units: int
    answers: int


def every_picture(protocol: StudyProtocol, stimuli: StimulusSummary) -> Workload:
    """Return the work of a study whose pictures are rated singly."""
    pictures = stimuli[ItemKind.RATED]
    return Workload(pictures, pictures * protocol.ratings_wanted)


def no_objection(protocol: StudyProtocol, stimuli: StimulusSummary) -> None:
    """Object to nothing in a design."""


Roles = Callable[[StudyProtocol], tuple[str, ...]]


@dataclass(frozen=True)
class Method:
    """A way of asking about quality.

    name, title:  as in protocols and on the command line; as in forms
    roles:        what the pictures of an item are, in the order in which they are shown
    show:         how they are shown
    unit:         what is rated at a time
    answer:       what is asked
    check_design: raises StudyStateError where a study cannot be opened
    workload:     how much there is to rate
    scales:       those that it may be asked on, the first by default; none for preferences
    defaults:     of the protocol, where they differ from those of single pictures
    fixed:        values that its protocols must have
    settings:     values of the protocol that this method has, and not every other
    unused:       values of the protocol that it has no use for, besides `fixed` ones
    add_dmos:     adds `dmos` and `dmos_ci95` to the rows of a MOS table, from the ratings that count and the names of
                  references; None where there is no DMOS
    references:   whether pictures have references; `rates_references` whether those are rated too, unknown as such
    """

    name: str
    title: str
    roles: Roles
    show: Callable[[StudyProtocol], Show] = lambda _protocol: Show.SINGLE
    unit: Unit = Unit.STIMULUS
    answer: AnswerKind = AnswerKind.GRADE
    check_design: Callable[[StudyProtocol, StimulusSummary], None] = no_objection
    workload: Callable[[StudyProtocol, StimulusSummary], Workload] = every_picture
    scales: tuple[str, ...] = ("acr5", "acr9", "continuous")
    defaults: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    add_dmos: "Callable[[Sequence[Row], Ratings, Mapping[str, str]], list[Row]] | None" = None
    references: Callable[[StudyProtocol], bool] = lambda _protocol: False
    rates_references: bool = True
