"""Ratings of any tool as a study takes them: on its scale, of its pictures, repeats marked as such.

Other tools (`annotate.exchange.other_tools`) know pictures by paths and addresses, which are found by their ends, and
some know words in place of grades.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from annotate.design.further_scales import MAIN
from annotate.design.languages import LANGUAGES
from annotate.design.protocol import StudyProtocol
from annotate.errors import GradeError, ImportedRatingsError
from annotate.exchange.imports import RatingsFile, check_name, read_ratings, scales_without_grades
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
    questions: Mapping[str, str] = MappingProxyType({}),
) -> RatingsFile:
    """Read and check ratings, of another tool or in our own table.

    Args:
        path: A file, or potato's folder.
        protocol: Of the study; values have to be grades of its scales, or their words in any language.
        stimuli: The names of the study's pictures.
        now: No rating is later.
        name: How its owner knows it, where that is not the path's own name.
        questions: Which of the questions that another tool asked is that of which scale, by the scale's name. Those of
            further scales may also be called like them; that of the first one is needed where several are left.

    Raises:
        ImportedRatingsError: naming what cannot be used: a line, a picture, a value, a question.
    """
    tool, name = find_tool(path), name or path.name
    if tool is None:
        return read_ratings(path, protocol, now, name=name)
    found = list(tool.read(path, name))
    chosen = _choose_questions(found, name, questions, protocol)
    first, *further = (_Answers(found, name, scale, asked, protocol) for scale, asked in chosen.items())
    used = [rating for answers in (first, *further) for rating in answers.ratings.values()]
    pictures = _find_pictures({rating.pictures for rating in used}, stimuli, name)
    for answers in further:
        first.check_holds(answers)
    rated: set[tuple[str, str]] = set()
    ratings = []
    for answer, rating in first.ratings.items():
        who, time = _participant(rating.participant, name), min(rating.rated_at, now) if rating.rated_at else None
        more = {each.scale: each.grade(answer) for each in further if answer in each.ratings}
        key = (pictures[rating.pictures], who)
        ratings.append(
            ImportedRating(*key, first.grade(answer), rating.response_ms, time, key in rated, more_grades=more or None)
        )
        rated.add(key)
    unused = [each for each in dict.fromkeys(rating.question for rating in found) if each not in chosen.values()]
    return RatingsFile(tuple(ratings), scales_without_grades(name, ratings, protocol, unused))


def questions_by_scale(texts: Iterable[str], protocol: StudyProtocol) -> dict[str, str]:
    """Read questions as they are named: NAME, of the first scale, or SCALE=NAME, several with commas between."""
    found: dict[str, str] = {}
    for text in filter(None, map(str.strip, texts)):
        parts = [part.partition("=") for part in text.split(",")]
        if all(equals and scale.strip() in protocol.scale_names for scale, equals, _ in parts):
            found |= {scale.strip(): question.strip() for scale, _, question in parts}
        else:
            found[MAIN] = text
    return found


class _Grades:
    """What values of other tools mean on one of a study's scales."""

    def __init__(self, protocol: StudyProtocol, scale: str) -> None:
        self._scale = protocol.scale
        own = next((each for each in protocol.more_scales if each.name == scale), None)
        words = [own.words_on(self._scale, each) if own else self._scale.words(each) for each in LANGUAGES]
        self._known: dict[str, float | None] = {
            word.casefold(): grade for of_language in words for grade, word in of_language.items()
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


class _Answers:
    """The answers to the question of one scale.

    `ratings` are by picture, person and number of the answer, so that those on several scales find each other; where
    the tool does not say what goes together, the first goes with the first.
    """

    def __init__(
        self, found: Iterable[ForeignRating], name: str, scale: str, question: str, protocol: StudyProtocol
    ) -> None:
        self.name, self.scale, self.question = name, scale, question
        self._grades, self._expected = _Grades(protocol, scale), protocol.scale.describe()
        self.ratings: dict[_Answer, ForeignRating] = {}
        counts: Counter[tuple[tuple[str, ...], str]] = Counter()
        for rating in found:
            if rating.question == question:
                who = (rating.pictures, rating.participant)
                self.ratings[(*who, counts[who] if rating.answer is None else rating.answer)] = rating
                counts[who] += 1

    def grade(self, answer: "_Answer") -> float:
        """Return the grade of an answer; raise ImportedRatingsError where it is none."""
        value = self.ratings[answer].value
        if (grade := self._grades.find(value)) is None:
            raise ImportedRatingsError(f"{self.name} has the value {value!r}; expected {self._expected}.")
        return grade

    def check_holds(self, other: "_Answers") -> None:
        """Raise ImportedRatingsError where somebody answered another question, and not this one."""
        if alone := next((answer for answer in other.ratings if answer not in self.ratings), None):
            picture, person = (alone[0] or ("a picture without a name",))[0], alone[1]
            raise ImportedRatingsError(
                f"{self.name} has an answer of {person} to {other.question} about {picture}, and none to "
                f"{self.question}, which every answer needs; remove it, or name another question for {MAIN}."
            )


_Answer = tuple[tuple[str, ...], str, int]


def _choose_questions(
    found: Sequence[ForeignRating], name: str, given: Mapping[str, str], protocol: StudyProtocol
) -> dict[str, str]:
    """Return the question of each scale that has one, the first scale's first."""
    asked = list(dict.fromkeys(rating.question for rating in found))
    if not asked:
        raise ImportedRatingsError(f"{name} holds no ratings.")
    if missing := next((question for question in given.values() if question not in asked), None):
        raise ImportedRatingsError(f"{name} has no question {missing!r}; it has {', '.join(asked)}.")
    named = {question.casefold(): question for question in reversed(asked)}
    chosen = dict(given)
    for scale in protocol.scale_names[1:]:
        spellings = (scale, *(protocol.scale_titles(each)[scale] for each in protocol.languages))
        called_so = next((named[each.casefold()] for each in spellings if each.casefold() in named), None)
        if scale not in chosen and called_so and called_so not in chosen.values():
            chosen[scale] = called_so
    left = [question for question in asked if question not in chosen.values()]
    first = chosen.pop(MAIN, None) or _rated_question(found, name, left, _Grades(protocol, MAIN), asked)
    return {MAIN: first, **chosen}


def _rated_question(
    found: Sequence[ForeignRating], name: str, left: Sequence[str], grades: _Grades, asked: Sequence[str]
) -> str:
    """Return the question called like the first scale, or the only one left whose every answer is a grade."""
    if called_so := next((each for each in left if each.casefold() == MAIN), None):
        return called_so
    wrong = {rating.question for rating in found if grades.find(rating.value) is None}
    graded = [each for each in left if each not in wrong]
    if len(graded) > 1:
        raise ImportedRatingsError(f"{name} asked several questions ({', '.join(graded)}); name the one that is rated.")
    if not graded and len(left) != 1:
        raise ImportedRatingsError(
            f"{name} has no question that was answered with grades of this scale; it has {', '.join(asked)}."
        )
    return (graded or left)[0]


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
    named = (path for path in map(PurePosixPath, ends) if path.name)
    return [*ends, *(path.with_suffix("").as_posix() for path in named)]


def _participant(text: str, name: str) -> str:
    try:
        return check_name("participant", text)
    except ValueError as error:
        raise ImportedRatingsError(f"A rating of {name} {error}.") from None
