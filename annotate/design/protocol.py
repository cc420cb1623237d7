"""How a study is run: what is asked of whom, in which words, how often, for how long.

A protocol is plain data with a schema: `StudyProtocol.from_json` reads what `to_json` wrote, and what former versions
wrote. Its defaults are those of `docs/protocol.md`, which gives the reasons and references.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from annotate.design.further_scales import MAIN, FurtherScale, check_further_scales, read_further_scales
from annotate.design.languages import LANGUAGES, texts_in
from annotate.design.languages import TEXTS as PACKAGE_TEXTS
from annotate.design.scales import SCALES, Scale
from annotate.design.start_questions import StartQuestion, read_questions
from annotate.design.states import State
from annotate.errors import ProtocolError, StudyStateError

LONGEST_TEXT = 20_000
REASONS = ("blur", "noise", "light", "colour", "compression", "artefacts", "face")
"""What people may give as a reason; the words are the rating page's."""

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
    "max_people": (0, 100_000),
    "lease_s": (30, 86_400),
    "min_screen_side_px": (0, 10_000),
    "pair_partners": (2, 1000),
    "pair_certainty": (0.5, 0.9999),
    "pair_information": (0, 1),
})  # fmt: skip

CHANGEABLE_WHILE_PAUSED = frozenset({
    "ratings_wanted", "sitting_items", "sitting_limit_s", "break_every", "break_s", "max_sittings", "max_people",
    "closes_at", "lease_s", "min_screen_side_px", "completion_code", "language", "pair_certainty", "pair_information",
})  # fmt: skip
"""How much and how fast is rated, and by whom; everything else is what a rating means, and stays as it was for the
first."""


@dataclass(frozen=True)
class StudyTexts:
    """What participants read in one language before they rate; a blank text stands for the package's own."""

    instructions: str = ""
    consent: str = ""
    eligibility: str = ""
    data_protection: str = ""

    def __post_init__(self) -> None:
        for name, text in vars(self).items():
            if len(text) > LONGEST_TEXT:
                raise ProtocolError(f"{name} is longer than {LONGEST_TEXT} characters; shorten it.")

    def filled(self, language: str, method: str) -> "StudyTexts":
        """Return the texts with the package's own in place of blank ones."""
        return StudyTexts(*(own or package for own, package in zip(self, package_texts(language, method), strict=True)))

    def __iter__(self) -> Iterator[str]:
        """Yield the texts."""
        return iter((self.instructions, self.consent, self.eligibility, self.data_protection))


TEXTS = tuple(each.name for each in fields(StudyTexts))


def package_texts(language: str, method: str) -> StudyTexts:
    """Return the texts that come with the package for a method."""
    texts = PACKAGE_TEXTS[language]
    instructions = texts.method_instructions.get(method, texts.instructions)
    return StudyTexts(instructions, texts.consent, texts.eligibility, texts.data_protection)


@dataclass(frozen=True)
class StudyProtocol:
    """How a study is run. Counts are items or ratings; 0 for an `…_every` means none of them.

    method:              what is shown and asked, by its name in `annotate.methods`
    ratings_wanted:      accepted ratings of one stimulus
    gold_tolerance:      steps of five grades; on other scales, quarters of the span
    break_s:             the shortest break
    max_sittings:        how many a participant may have, 0 for any number
    max_people:          how many may begin, of those whose votes are used; 0 for any number
    closes_at:           nobody begins after it, whoever is rating may finish; None for no deadline
    identifiers_until:   panels' identifiers and completion codes are deleted then, and nobody begins later; None: never
    lease_s:             an unanswered stimulus goes to somebody else after so many seconds
    min_screen_side_px:  shorter side of the screen, in pixels of CSS; 0 for any screen that the stimuli fit on
    sight_check:         acuity rings and colour plates in the screen check; they refuse nobody
    languages:           those that participants may choose from; `language` is the first they see
    texts:               by language, what they read before they rate
    questions:           what they are asked once, before they rate
    completion_code:     blank for a random one per sitting
    reference_beside:    whether DCR shows the reference beside the picture, where that fits, and not before it
    offer_no_difference: whether neither of two pictures may be called better
    reasons:             of `REASONS`, those that may be given with an answer
    more_scales:         what else of a picture is graded, on the grades of `scale`
    pair_design:         which pairs are compared, by its name in `annotate.pair_designs`
    pair_partners:       how many others a picture is compared with, in a design that does not go by the answers
    pair_certainty:      of the order of neighbours on the scale, from which on an active design asks for no more
    pair_information:    bits that an answer must be expected to tell for an active design to ask for it
    pair_across_sources: whether pictures of different sources are compared
    pair_reference:      whether the reference of two pictures is shown with them, and not compared itself
    """

    method: str = "acr"
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
    max_people: int = 0
    closes_at: datetime | None = None
    identifiers_until: datetime | None = None
    lease_s: int = 600
    offer_unusable: bool = True
    sight_check: bool = False
    min_screen_side_px: int = 0
    language: str = "en"
    languages: tuple[str, ...] = tuple(LANGUAGES)
    texts: Mapping[str, StudyTexts] = field(default_factory=dict)
    questions: tuple[StartQuestion, ...] = ()
    completion_code: str = ""
    offer_no_difference: bool = True
    reference_beside: bool = False
    reasons: tuple[str, ...] = ()
    more_scales: tuple[FurtherScale, ...] = ()
    pair_design: str = "balanced"
    pair_partners: int = 6
    pair_certainty: float = 0.95
    pair_information: float = 0.01
    pair_across_sources: bool = False
    pair_reference: bool = False

    def __post_init__(self) -> None:
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ProtocolError(f"{name} is {value!r}; expected {low:g} to {high:g}.")
        if len(self.completion_code) > LONGEST_TEXT:
            raise ProtocolError(f"completion_code is longer than {LONGEST_TEXT} characters; shorten it.")
        if self.language not in LANGUAGES:
            raise ProtocolError(f"language is {self.language!r}; expected one of {', '.join(LANGUAGES)}.")
        if self.language not in self.languages:
            raise ProtocolError(
                f"language is {self.language!r}, which is not offered; offer it, or choose one of "
                f"{', '.join(self.languages)}."
            )
        check_further_scales(self.more_scales, self.scale, self.languages)

    @property
    def scale_names(self) -> tuple[str, ...]:
        """The names of all scales that a picture is graded on, the first one first."""
        return (MAIN, *(each.name for each in self.more_scales))

    def scale_titles(self, language: str) -> dict[str, str]:
        """Return what is graded on each scale, by name, in a language or, where that is missing, the study's first."""
        further = {each.name: each.title.get(language, each.title[self.language]) for each in self.more_scales}
        return {MAIN: texts_in(language).scale_titles[MAIN], **further}

    def check_scale(self, name: str) -> None:
        """Raise ProtocolError unless a picture is graded on a scale of that name."""
        if name not in self.scale_names:
            raise ProtocolError(f"The study has no scale {name!r}; it has {', '.join(self.scale_names)}.")

    @property
    def allowed_error(self) -> float:
        """How far from the right grade an answer to a gold item may be, in units of the scale."""
        return self.gold_tolerance * (self.scale.high - self.scale.low) / 4

    def texts_for(self, language: str) -> StudyTexts:
        """Return what a participant reads, the package's own texts in place of blank ones."""
        return self.texts.get(language, StudyTexts()).filled(language, self.method)

    def with_texts_fixed(self) -> "StudyProtocol":
        """Return the protocol with every text that participants will read: a later version may bring others."""
        return replace(self, texts={language: self.texts_for(language) for language in self.languages})

    def language_for(self, wanted: str) -> str:
        """Return the wanted language if it is offered, else the first."""
        return wanted if wanted in self.languages else self.language

    def takes_screen(self, width_px: float, height_px: float) -> bool:
        """Return whether a screen of so many pixels of CSS is large enough."""
        return min(width_px, height_px) >= self.min_screen_side_px

    def to_json(self) -> dict[str, Any]:
        """Return plain data: the scale by its name, a time as ISO 8601, of the texts those that are not blank."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            **values,
            "scale": self.scale.name,
            "closes_at": self.closes_at.isoformat() if self.closes_at else None,
            "identifiers_until": self.identifiers_until.isoformat() if self.identifiers_until else None,
            "languages": list(self.languages),
            "texts": {language: vars(texts) for language, texts in self.texts.items() if any(texts)},
            "questions": [question.to_json() for question in self.questions],
            "reasons": list(self.reasons),
            "more_scales": [each.to_json() for each in self.more_scales],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "StudyProtocol":
        """Read what `to_json` gave; what is missing has its default. Raises ProtocolError naming a bad value.

        What the first version wrote is read too: its one consent and eligibility were shown in every language.
        """
        values = _from_first_version(values)
        if unknown := sorted(values.keys() - _READERS.keys()):
            raise ProtocolError(f"A protocol has no {unknown[0]!r}; it has {', '.join(_READERS)}.")
        return cls(**{name: _READERS[name](value) for name, value in values.items()})

    def changed(self, state: State, **values: Any) -> "StudyProtocol":
        """Return the protocol with other values, if the state of its study allows; else raise StudyStateError."""
        changed = StudyProtocol.from_json({**self.to_json(), **values})
        different = {each.name for each in fields(self) if getattr(self, each.name) != getattr(changed, each.name)}
        if state in (State.OPEN, State.CLOSED) and different:
            raise StudyStateError(f"The study is {state}; its protocol can be changed {_WHEN[state]}.")
        if state is State.PAUSED and (fixed := sorted(different - CHANGEABLE_WHILE_PAUSED)):
            raise StudyStateError(
                f"{fixed[0]} can only be changed in a draft: ratings given already would mean another."
            )
        return changed


_WHEN = {State.OPEN: "while it is paused", State.CLOSED: "no more"}


def _from_first_version(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as the present version names them."""
    former = {name: values[name] for name in ("consent_text", "eligibility") if name in values}
    now = {name: value for name, value in values.items() if name not in former}
    if not former:
        return now
    own = {name.removesuffix("_text"): _read_simple(name, str, text) for name, text in former.items()}
    texts = {language: {**own, **_by_language(now.get("texts", {})).get(language, {})} for language in LANGUAGES}
    return {**now, "texts": texts}


def _by_language(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not value.keys() <= LANGUAGES.keys():
        raise ProtocolError(f"texts is {value!r}; expected texts by language: {', '.join(LANGUAGES)}.")
    return value


def _read_texts(value: object) -> dict[str, StudyTexts]:
    """Read the texts by language; those of which nothing is said are left out."""
    read = {}
    for language, texts in _by_language(value).items():
        if not isinstance(texts, Mapping) or not texts.keys() <= set(TEXTS):
            raise ProtocolError(f"The texts in {LANGUAGES[language]} are {texts!r}; expected {', '.join(TEXTS)}.")
        own = StudyTexts(**{name: _read_simple(name, str, text) for name, text in texts.items()})
        if any(own):
            read[language] = own
    return read


def _read_languages(value: object) -> tuple[str, ...]:
    known = isinstance(value, Sequence) and all(isinstance(each, str) and each in LANGUAGES for each in value)
    if isinstance(value, str) or not known or not value:
        raise ProtocolError(f"languages is {value!r}; expected some of {', '.join(LANGUAGES)}.")
    return tuple(language for language in LANGUAGES if language in value)  # type: ignore[operator]  # checked above


def _read_reasons(value: object) -> tuple[str, ...]:
    known = isinstance(value, Sequence) and all(isinstance(each, str) and each in REASONS for each in value)
    if isinstance(value, str) or not known:
        raise ProtocolError(f"reasons is {value!r}; expected some of {', '.join(REASONS)}.")
    return tuple(reason for reason in REASONS if reason in value)  # type: ignore[operator]  # checked above


def _read_time(name: str, value: object) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ProtocolError(f"{name} is {value!r}; expected a time with its zone, as 2026-12-31T18:00:00+00:00.")
    return time.astimezone(UTC)


def _read_scale(value: object) -> Scale:
    if isinstance(value, Scale):
        return value
    if not isinstance(value, str) or value not in SCALES:
        raise ProtocolError(f"scale is {value!r}; expected one of {', '.join(SCALES)}.")
    return SCALES[value]


def _read_simple(name: str, kind: type, value: Any) -> Any:
    """Return a value of JSON as the type of its field; raise ProtocolError where it is another."""
    if kind is float and type(value) is int:
        return float(value)
    if kind is int and type(value) is float and value.is_integer():
        return int(value)
    if type(value) is not kind:
        raise ProtocolError(f"{name} is {value!r}; expected {_KINDS_IN_WORDS[kind]}.")
    return value


_KINDS_IN_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
_OWN_READERS: Mapping[str, Callable[[Any], Any]] = {
    "scale": _read_scale,
    "closes_at": partial(_read_time, "closes_at"),
    "identifiers_until": partial(_read_time, "identifiers_until"),
    "languages": _read_languages,
    "texts": _read_texts,
    "questions": read_questions,
    "reasons": _read_reasons,
    "more_scales": read_further_scales,
}
_READERS: Mapping[str, Callable[[Any], Any]] = {
    each.name: _OWN_READERS.get(each.name)
    or partial(_read_simple, each.name, type(each.default if each.default is not MISSING else ""))
    for each in fields(StudyProtocol)
}
