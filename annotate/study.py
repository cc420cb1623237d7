"""What a study is: its protocol, the states it goes through, and what may change in each.

    draft ── open ⇄ paused        draft    everything may change
               └──────┴── closed  open     nothing: people are rating
                                  paused   stimuli may be added, and what does not touch the meaning of a rating changed
                                  closed   nothing any more; what was rated can be looked at and exported

A protocol is plain data. Its defaults are those of `docs/protocol.md`, which gives the reasons and references.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from annotate.consent import CONSENT, ELIGIBILITY
from annotate.errors import ProtocolError, StudyStateError
from annotate.ratings import ItemKind
from annotate.scales import LANGUAGES, SCALES, Scale

FEWEST_RATINGS = 15
"""Of one picture, for a MOS to be worth reporting (ITU-R BT.500)."""
LONGEST_SITTING_S = 1800
"""ITU-R BT.500: a sitting should last no longer."""
LONGEST_TEXT = 20_000
LONGEST_MESSAGE = 500
"""Of the message to those who are rating."""


class State(StrEnum):
    """What a study allows; see the module."""

    DRAFT = "draft"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


_BOUNDS: Mapping[str, tuple[float, float]] = MappingProxyType({
    "ratings_wanted": (1, 1000),
    "training_count": (0, 100),
    "gold_every": (0, 1000),
    "trap_every": (0, 1000),
    "repeat_every": (0, 1000),
    "gold_tolerance": (0, 4),
    "sitting_items": (1, 10_000),
    "sitting_limit_s": (60, 14_400),
    "break_every": (0, 10_000),
    "break_s": (0, 3600),
    "max_sittings": (0, 1000),
    "lease_s": (30, 86_400),
})  # fmt: skip

CHANGEABLE_WHILE_PAUSED = frozenset({
    "ratings_wanted", "sitting_items", "sitting_limit_s", "break_every", "break_s", "max_sittings", "lease_s",
    "completion_code", "language",
})  # fmt: skip
"""How much and how fast is rated; everything else is what a rating means, and stays as it was for the first."""

_NEXT: Mapping[State, frozenset[State]] = MappingProxyType({
    State.DRAFT: frozenset({State.OPEN}),
    State.OPEN: frozenset({State.PAUSED, State.CLOSED}),
    State.PAUSED: frozenset({State.OPEN, State.CLOSED}),
    State.CLOSED: frozenset(),
})  # fmt: skip


@dataclass(frozen=True)
class Protocol:
    """How a study is run. Counts are items or ratings; 0 for an `…_every` means none of them.

    `ratings_wanted` counts accepted ratings of one stimulus. `gold_tolerance` counts steps of five grades; on other
    scales, quarters of the span. `break_s` is the shortest break. `max_sittings` is how many a participant may have,
    0 for any number. An unanswered stimulus goes to somebody else after `lease_s` seconds. `sight_check` adds acuity
    rings and colour plates to the screen check; they refuse nobody. Blank texts stand for the
    ones that come with the package, in the participant's language; a blank `completion_code` for a random one per
    sitting.
    """

    scale: Scale = SCALES["acr5"]
    ratings_wanted: int = 20
    training_count: int = 5
    gold_every: int = 10
    trap_every: int = 10
    repeat_every: int = 10
    gold_tolerance: float = 1.0
    sitting_items: int = 100
    sitting_limit_s: int = 1800
    break_every: int = 50
    break_s: int = 60
    max_sittings: int = 1
    lease_s: int = 600
    offer_unusable: bool = True
    sight_check: bool = False
    language: str = "en"
    consent_text: str = ""
    eligibility: str = ""
    completion_code: str = ""

    def __post_init__(self) -> None:
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ProtocolError(f"{name} is {value!r}; expected {low:g} to {high:g}.")
        for name in ("consent_text", "eligibility", "completion_code"):
            if len(getattr(self, name)) > LONGEST_TEXT:
                raise ProtocolError(f"{name} is longer than {LONGEST_TEXT} characters; shorten it.")
        if self.language not in LANGUAGES:
            raise ProtocolError(f"language is {self.language!r}; expected one of {', '.join(LANGUAGES)}.")

    @property
    def allowed_error(self) -> float:
        """How far from the right grade an answer to a gold item may be, in units of the scale."""
        return self.gold_tolerance * (self.scale.high - self.scale.low) / 4

    def to_json(self) -> dict[str, Any]:
        """Return plain data, the scale by its name."""
        return {**asdict(self), "scale": self.scale.name}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Protocol":
        """Read what `to_json` gave; what is missing has its default. Raises ProtocolError naming a bad value."""
        kinds = {field.name: type(field.default) for field in fields(cls)}
        if unknown := sorted(values.keys() - kinds.keys()):
            raise ProtocolError(f"A protocol has no {unknown[0]!r}; it has {', '.join(kinds)}.")
        return cls(**{name: _typed(name, value, kinds[name]) for name, value in values.items()})

    def changed(self, state: State, **values: Any) -> "Protocol":
        """Return the protocol with other values, if the state of its study allows; else raise StudyStateError."""
        changed = Protocol.from_json({**self.to_json(), **values})
        different = {field.name for field in fields(self) if getattr(self, field.name) != getattr(changed, field.name)}
        if state in (State.OPEN, State.CLOSED) and different:
            raise StudyStateError(f"The study is {state}; its protocol can be changed {_WHEN[state]}.")
        if state is State.PAUSED and (fixed := sorted(different - CHANGEABLE_WHILE_PAUSED)):
            raise StudyStateError(
                f"{fixed[0]} can only be changed in a draft: ratings given already would mean another."
            )
        return changed

    def consent_for(self, language: str) -> str:
        """Return what a participant consents to."""
        return self.consent_text or CONSENT.get(language, CONSENT["en"])

    def eligibility_for(self, language: str) -> str:
        """Return what a participant confirms about themselves."""
        return self.eligibility or ELIGIBILITY.get(language, ELIGIBILITY["en"])


_WHEN = {State.OPEN: "while it is paused", State.CLOSED: "no more"}


def check_transition(old: State, new: State) -> None:
    """Raise StudyStateError unless a study may go from one state to the other."""
    if old is new:
        raise StudyStateError(f"The study is {old} already.")
    if new not in _NEXT[old]:
        possible = " or ".join(_NEXT[old]) or "nothing else any more"
        raise StudyStateError(f"A study that is {old} cannot become {new}; it can become {possible}.")


def check_ready(protocol: Protocol, counts: Mapping[ItemKind, int]) -> tuple[str, ...]:
    """Raise StudyStateError when a study cannot be opened; return what to warn of when it can."""
    if not counts.get(ItemKind.RATED):
        raise StudyStateError("The study has no stimuli to rate; add some before opening it.")
    return warn(protocol, counts)


def check_takes_stimuli(state: State) -> None:
    """Raise StudyStateError unless stimuli may be added."""
    if state in (State.OPEN, State.CLOSED):
        raise StudyStateError(f"The study is {state}; stimuli can be added {_WHEN[state]}.")


def check_takes_imports(state: State) -> None:
    """Raise StudyStateError unless ratings from elsewhere may be added."""
    if state is State.CLOSED:
        raise StudyStateError("The study is closed; no rating can be added any more.")


def warn(protocol: Protocol, counts: Mapping[ItemKind, int]) -> tuple[str, ...]:
    """Say what a reviewer would object to in a design, given how many stimuli of each kind there are."""
    return (*_warn_of_items(protocol, counts), *_warn_of_effort(protocol, counts))


def _warn_of_items(protocol: Protocol, counts: Mapping[ItemKind, int]) -> list[str]:
    """Compare the special items with what one sitting asks for: a participant sees each of them once."""
    asked_for = {
        ItemKind.TRAINING: protocol.training_count,
        ItemKind.GOLD: _per_sitting(protocol, protocol.gold_every),
        ItemKind.TRAP: _per_sitting(protocol, protocol.trap_every),
    }
    return [
        f"The design asks for {count} {kind.name.lower()} items per sitting, the study has {counts.get(kind, 0)}."
        for kind, count in asked_for.items()
        if counts.get(kind, 0) < count
    ]


def _per_sitting(protocol: Protocol, every: int) -> int:
    return protocol.sitting_items // every if every else 0


def _warn_of_effort(protocol: Protocol, counts: Mapping[ItemKind, int]) -> list[str]:
    warnings = []
    if protocol.ratings_wanted < FEWEST_RATINGS:
        warnings.append(f"{protocol.ratings_wanted} ratings per stimulus are few; BT.500 asks for {FEWEST_RATINGS}.")
    if protocol.sitting_limit_s > LONGEST_SITTING_S:
        minutes = protocol.sitting_limit_s / 60
        warnings.append(f"Sittings of {minutes:g} minutes tire; BT.500 asks for half an hour at most.")
    if counts.get(ItemKind.RATED, 0) < protocol.repeat_every:
        warnings.append("There are too few stimuli for a repeated one, so nobody's consistency can be checked.")
    return warnings


def _typed(name: str, value: Any, kind: type) -> Any:
    """Return a value of JSON as the type of its field; raise ProtocolError where it is another."""
    if kind is Scale:
        if not isinstance(value, str) or value not in SCALES:
            raise ProtocolError(f"scale is {value!r}; expected one of {', '.join(SCALES)}.")
        return SCALES[value]
    if kind is float and type(value) is int:
        return float(value)
    if kind is int and type(value) is float and value.is_integer():
        return int(value)
    if type(value) is not kind:
        raise ProtocolError(f"{name} is {value!r}; expected {_KINDS_IN_WORDS[kind]}.")
    return value


_KINDS_IN_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
