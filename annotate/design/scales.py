"""The scales on which quality is rated: ACR of five and nine grades, the continuous scale 0..100, grades of impairment.

The method is absolute category rating, or degradation category rating, of ITU-T P.910; the words are in
`annotate.design.languages`. Higher is better on all of them. Of the nine grades every second has a
word; on the continuous scale the words name the middles of five equal parts, as in BT.500.

A grade is a float: whole on ACR, anything within the ends on the continuous scale.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from types import MappingProxyType

from annotate.design.languages import texts_in
from annotate.errors import GradeError


@dataclass(frozen=True)
class Scale:
    """A rating scale from `low` to `high`; `step` is the distance of neighbouring grades, 0 where there are none.

    `word_grades` are the five grades, worst first, that have a word; `title` tells the scales apart in forms,
    `words_name` is where a `Language` has the words.
    """

    name: str
    low: float
    high: float
    step: float
    word_grades: tuple[float, ...]
    title: str = ""
    words_name: str = "scale_words"

    def grades(self) -> tuple[float, ...]:
        """Return every grade, worst first; nothing for a continuous scale."""
        if not self.step:
            return ()
        return tuple(self.low + number * self.step for number in range(round((self.high - self.low) / self.step) + 1))

    def words(self, language: str) -> dict[float, str]:
        """Return the word of each grade that has one, worst first; English where the language is unknown."""
        return dict(zip(self.word_grades, getattr(texts_in(language), self.words_name), strict=True))

    def check(self, grade: object) -> float:
        """Return the grade as a float; raise GradeError if it is none of this scale's."""
        value = _number(grade)
        if not self.low <= value <= self.high:  # NaN fails both
            raise GradeError(f"{grade!r} is no grade of this scale; expected {self.describe()}.")
        if self.step and not ((value - self.low) / self.step).is_integer():
            raise GradeError(f"{grade!r} lies between two grades; expected {self.describe()}.")
        return value

    def describe(self) -> str:
        """Say in words what a grade may be."""
        ends = f"{self.low:g} to {self.high:g}"
        return f"a whole number from {ends}" if self.step else f"a number from {ends}"


SCALES: Mapping[str, Scale] = MappingProxyType({
    "acr5": Scale("acr5", 1.0, 5.0, 1.0, (1.0, 2.0, 3.0, 4.0, 5.0), "Five grades, Bad to Excellent (ACR)"),
    "acr9": Scale("acr9", 1.0, 9.0, 1.0, (1.0, 3.0, 5.0, 7.0, 9.0), "Nine grades"),
    "continuous": Scale("continuous", 0.0, 100.0, 0.0, (10.0, 30.0, 50.0, 70.0, 90.0), "Slider from 0 to 100"),
    "impairment5": Scale(
        "impairment5", 1.0, 5.0, 1.0, (1.0, 2.0, 3.0, 4.0, 5.0), "Five grades of impairment (DCR)", "impairment_words"
    ),
})  # fmt: skip


def _number(grade: object) -> float:
    """Return a number or the text of one as a float, NaN for anything else; a bool is no grade."""
    if isinstance(grade, bool) or not isinstance(grade, Real | str):
        return math.nan
    try:
        return float(grade)
    except (ValueError, OverflowError):
        return math.nan
