"""Further scales of a picture: what else is graded, beside how good it is as a whole.

The first scale of a study asks for the overall quality, in the words of its `Scale`. Up to three more ask for one side
of it each, as PIQ23 asks for details and exposure, on the same grades. Checks of participants go by the first one.

    {"name": "details", "title": {"en": "Details", "de": "Details"}, "words": {"en": [five words, worst first], …}}
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from annotate.design.languages import LANGUAGES, TEXTS
from annotate.design.scales import Scale
from annotate.errors import ProtocolError

MAIN = "overall"
"""The first scale of every study, as exports and commands call it."""
MOST_FURTHER = 3
WORDS = 5
LONGEST_NAME = 24
LONGEST_TITLE = 60
_NAME = re.compile(rf"(?!{MAIN}$|p910|ci95)[a-z][a-z0-9_]{{0,{LONGEST_NAME - 1}}}")
"""What stands after `mos_` in the columns of exports, where it must not be taken for `mos_p910` or `dmos_ci95`."""


@dataclass(frozen=True)
class FurtherScale:
    """A further scale by its `name`; `title` says by language what is graded.

    `words` are by language those of its five grades that have one, worst first; none for the first scale's.
    """

    name: str
    title: Mapping[str, str]
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ProtocolError(
                f"A further scale is called {self.name!r}; expected at most {LONGEST_NAME} lower-case letters, digits "
                f"and underscores, as the column of an export, and neither {MAIN}, p910 nor ci95."
            )
        if not self.title or not all(0 < len(title.strip()) <= LONGEST_TITLE for title in self.title.values()):
            raise ProtocolError(f"The scale {self.name} needs a title of 1 to {LONGEST_TITLE} characters.")
        if self.words and self.words.keys() != self.title.keys():
            raise ProtocolError(f"The scale {self.name} needs words in the languages of its title, or in none.")
        for words in self.words.values():
            if len(words) != WORDS or not all(0 < len(word.strip()) <= LONGEST_TITLE for word in words):
                raise ProtocolError(
                    f"The scale {self.name} needs {WORDS} words in each language, worst first, of 1 to {LONGEST_TITLE} "
                    "characters."
                )

    def words_on(self, scale: Scale, language: str) -> dict[float, str]:
        """Return the word of each grade that has one, worst first; `scale` is the study's first."""
        own = self.words.get(language)
        return scale.words(language) if own is None else dict(zip(scale.word_grades, own, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        words = {language: list(each) for language, each in self.words.items()}
        return {"name": self.name, "title": dict(self.title), "words": words}

    @classmethod
    def from_json(cls, values: object) -> "FurtherScale":
        """Read what `to_json` gave; raises ProtocolError."""
        if not isinstance(values, Mapping) or not {"name", "title"} <= values.keys() <= {"name", "title", "words"}:
            raise ProtocolError(f"A further scale is {values!r}; expected a name, a title and words by language.")
        name, title, words = values["name"], values["title"], values.get("words", {})
        if not isinstance(name, str) or not _is_by_language(title, str) or not _is_by_language(words, list | tuple):
            raise ProtocolError(f"The scale {name!r} needs its title and its words by language.")
        if not all(isinstance(word, str) for listed in words.values() for word in listed):
            raise ProtocolError(f"The scale {name} has a word that is no text.")
        return cls(name, dict(title), {language: tuple(each) for language, each in words.items()})


def _is_by_language(values: object, kind: Any) -> bool:
    return isinstance(values, Mapping) and all(
        language in LANGUAGES and isinstance(value, kind) for language, value in values.items()
    )


def _ready(name: str) -> FurtherScale:
    return FurtherScale(name, {code: texts.scale_titles[name] for code, texts in TEXTS.items()})


PRESETS: Mapping[str, tuple[FurtherScale, ...]] = MappingProxyType({"piq23": (_ready("details"), _ready("exposure"))})
"""Further scales that a study can ask for as they are. PIQ23 (Chahine et al., CVPR 2023): details and exposure."""


def read_further_scales(value: object) -> tuple[FurtherScale, ...]:
    """Read the further scales of a protocol, or the name of a preset; raises ProtocolError."""
    if isinstance(value, str) and value in PRESETS:
        return PRESETS[value]
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MOST_FURTHER:
        raise ProtocolError(
            f"more_scales is {value!r}; expected a list of at most {MOST_FURTHER}, or one of {', '.join(PRESETS)}."
        )
    scales = tuple(each if isinstance(each, FurtherScale) else FurtherScale.from_json(each) for each in value)
    names = [scale.name for scale in scales]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ProtocolError(f"There are two scales called {twice}; each needs a name of its own.")
    return scales


def check_further_scales(further: Sequence[FurtherScale], scale: Scale, languages: Sequence[str]) -> None:
    """Raise ProtocolError where they cannot be asked beside a study's first scale, or not in all of its languages."""
    if further and not scale.step:
        raise ProtocolError(f"Further scales are of grades, as acr5 is; {scale.name} has none.")
    for each in further:
        if missing := [LANGUAGES[language] for language in languages if language not in each.title]:
            raise ProtocolError(
                f"The scale {each.name} has no title in {missing[0]}; give one, or do not offer that language."
            )
