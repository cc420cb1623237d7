"""Ratings of any tool as a study takes them: on its scale, of its pictures, repeats marked as such.

Other tools (`annotate.exchange.other_tools`) know pictures by paths and addresses, which are found by their ends, and
some know words in place of grades.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath

from annotate.design.languages import LANGUAGES
from annotate.design.protocol import StudyProtocol
from annotate.design.scales import Scale
from annotate.errors import GradeError, ImportedRatingsError
from annotate.exchange.imports import RatingsFile, check_name, read_ratings
from annotate.exchange.other_tools import ForeignRating, find_tool
from annotate.names import normalized
from annotate.queries.imports import ImportedRating


def read_any_ratings(
    path: Path,
    protocol: StudyProtocol,
    stimuli: Sequence[str],
    now: datetime,
    *,
    name: str | None = None,
    question: str | None = None,
) -> RatingsFile:
    """Read and check ratings, of another tool or in our own table.

    Args:
        path: A file, or potato's folder.
        protocol: Of the study; values have to be grades of its scale, or their words in any language.
        stimuli: The names of the study's pictures.
        now: No rating is later.
        name: How its owner knows it, where that is not the path's own name.
        question: Which of the questions that another tool asked is rated; needed where several have grades for answers.

    Raises:
        ImportedRatingsError: naming what cannot be used: a line, a picture, a value, a question.
    """
    tool, name = find_tool(path), name or path.name
    if tool is None:
        return read_ratings(path, protocol, now, name=name)
    grades = _Grades(protocol.scale)
    found = _of_question(list(tool.read(path, name)), name, question, grades)
    pictures = _find_pictures({rating.pictures for rating in found}, stimuli, name)
    rated: set[tuple[str, str]] = set()
    ratings = []
    for rating in found:
        who, grade = _participant(rating.participant, name), grades.find(rating.value)
        if grade is None:
            raise ImportedRatingsError(f"{name} has the value {rating.value!r}; expected {protocol.scale.describe()}.")
        key = (pictures[rating.pictures], who)
        time = min(rating.rated_at, now) if rating.rated_at else None
        ratings.append(ImportedRating(*key, grade, rating.response_ms, time, key in rated))
        rated.add(key)
    return RatingsFile(tuple(ratings))


class _Grades:
    """What values of other tools mean on a scale."""

    def __init__(self, scale: Scale) -> None:
        self._scale = scale
        self._known: dict[str, float | None] = {
            word.casefold(): grade for language in LANGUAGES for grade, word in scale.words(language).items()
        }

    def find(self, value: str) -> float | None:
        """Return the grade that a value means, a number or a word of any language; None where it means none."""
        text = value.strip().casefold()
        if text not in self._known:
            try:
                self._known[text] = self._scale.check(text)
            except GradeError:
                self._known[text] = None
        return self._known[text]


def _of_question(
    found: Sequence[ForeignRating], name: str, question: str | None, grades: _Grades
) -> list[ForeignRating]:
    """Return the answers to one question; without its name, to the only one whose every answer is a grade."""
    asked = list(dict.fromkeys(rating.question for rating in found))
    listed = ", ".join(asked)
    if not asked:
        raise ImportedRatingsError(f"{name} holds no ratings.")
    if question is not None and question not in asked:
        raise ImportedRatingsError(f"{name} has no question {question!r}; it has {listed}.")
    wrong = {rating.question for rating in found if grades.find(rating.value) is None}
    graded = [each for each in asked if each not in wrong]
    if question is None and len(graded) > 1:
        raise ImportedRatingsError(f"{name} asked several questions ({', '.join(graded)}); name the one that is rated.")
    chosen = question or next(iter(graded), asked[0] if len(asked) == 1 else None)
    if chosen is None:
        raise ImportedRatingsError(
            f"{name} has no question that was answered with grades of this scale; it has {listed}."
        )
    return [rating for rating in found if rating.question == chosen]


def _find_pictures(known: Iterable[tuple[str, ...]], stimuli: Sequence[str], name: str) -> dict[tuple[str, ...], str]:
    """Return the stimulus of each picture by the names that the tool has for it."""
    by_name = _by_name(stimuli)
    found: dict[tuple[str, ...], str] = {}
    taken: dict[str, str] = {}
    for names in sorted(known):
        first = names[0] if names else "a picture without a name"
        keys = [key for each in names for key in _spellings(each)]
        stimulus = next((by_name[key] for key in keys if key in by_name), None)
        if stimulus is None:
            raise ImportedRatingsError(f"{name} rates {first}, which is not in this study; add it first, by that name.")
        if stimulus in taken:
            raise ImportedRatingsError(
                f"{name} rates {taken[stimulus]} and {first}; in this study both are {stimulus}."
            )
        found[names] = stimulus
        taken[stimulus] = first
    return found


def _by_name(stimuli: Sequence[str]) -> dict[str, str]:
    """Return the stimuli by their names, and by the ends and stems of these that belong to one of them only."""
    found: dict[str, list[str]] = {}
    for stimulus in stimuli:
        for key in _spellings(stimulus):
            found.setdefault(key, []).append(stimulus)
    shared = {key: of_key[0] for key, of_key in found.items() if len(of_key) == 1}
    return shared | {normalized(stimulus): stimulus for stimulus in stimuli}


def _spellings(name: str) -> list[str]:
    """Return a name in NFC and its ends, the longest first, and then these without the suffix."""
    parts = PurePosixPath(normalized(name).replace("\\", "/")).parts
    ends = ["/".join(parts[start:]) for start in range(len(parts))]
    return [*ends, *(PurePosixPath(end).with_suffix("").as_posix() for end in ends)]


def _participant(text: str, name: str) -> str:
    try:
        return check_name("participant", text)
    except ValueError as error:
        raise ImportedRatingsError(f"A rating of {name} {error}.") from None
