"""What one visitor of the Curate tab has before them, and what they have asked for."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fiqa.curation.examination import scores_of
from fiqa.curation.persons import check_by_face, group_by_face
from fiqa.curation.photo_facts import PhotoFacts
from fiqa.curation.rules import Rules, SortedPhoto, read_degradations, sort_photos
from fiqa.curation.thresholds import (
    Threshold,
    given_threshold,
    good_threshold,
    telling_examples,
    threshold_for_share,
    threshold_from_examples,
    threshold_of_reference,
)
from fiqa.curation.user_lists import PhotoPersons, match_persons
from fiqa.errors import FiqaError, SettingError
from fiqa.photos.archives import PhotoFile
from fiqa.results import Interval

SHARE, SCORE, REFERENCE, EXAMPLES, GOOD, NONE = ("share", "score", "reference", "examples", "good", "none")
"""Where the threshold comes from; programs may ask for where Good begins, and for none."""
EXAMPLES_SHOWN = 20


@dataclass(frozen=True)
class ExaminedPhoto:
    """One photo: what is known of it, where it lies, and its small picture as a data URI, empty without a score."""

    facts: PhotoFacts
    file: PhotoFile
    thumbnail: str = ""


@dataclass(eq=False)
class CurationState:
    """The photos of a visitor, scored; those of the reference set; who is on them; and which examples are good.

    `scored` is set once they are, `embedded` where that told their persons by face, too. `persons` are path and person
    as a table has them. `examples` are the indices of the photos that are shown, `answers` what was said of the first
    of them: True for good, None where it was passed over.
    """

    photos: tuple[ExaminedPhoto, ...] = ()
    scored: bool = False
    embedded: bool = False
    score_range: Interval = (0.0, 1.0)
    reference: tuple[float, ...] = ()
    persons: tuple[tuple[str, str], ...] = ()
    examples: tuple[int, ...] = ()
    answers: list[bool | None] = field(default_factory=list)
    superseded: bool = False
    made: float = field(default_factory=time.monotonic)

    def forget(self, *, before: float) -> bool:
        """Forget the photos if they came before a time, in seconds; return whether they are still here."""
        if self.made < before:
            self.photos, self.reference, self.persons, self.examples, self.answers = (), (), (), (), []
        return bool(self.photos or self.reference)

    @property
    def facts(self) -> list[PhotoFacts]:
        """What is known of each photo."""
        return [photo.facts for photo in self.photos]

    def begin_examples(self) -> None:
        """Choose the photos that are shown as examples, if any has a score; answers given before are forgotten."""
        scored = [index for index, facts in enumerate(self.facts) if facts.score is not None]
        chosen = telling_examples(scores_of(self.facts), EXAMPLES_SHOWN)
        self.examples, self.answers = tuple(scored[index] for index in chosen), []

    @property
    def example(self) -> ExaminedPhoto | None:
        """The photo that is shown as an example; None where all were answered."""
        left = self.examples[len(self.answers) :]
        return self.photos[left[0]] if left else None

    def answered(self, *, good: bool) -> list[float]:
        """Return the scores of the examples of which this was said."""
        said = zip(self.examples, self.answers, strict=False)
        scores = (self.photos[index].facts.score for index, answer in said if answer is good)
        return [score for score in scores if score is not None]


@dataclass(frozen=True)
class Choices:
    """What a visitor has chosen; `share` and `percentile` are 0 to 100, `best_of` is 0 for no limit.

    `without` names degradations as `fiqa.curation.rules.read_degradations` takes them. With `by_face` the faces tell
    who is the same person.
    """

    way: str
    share: float
    score: float
    percentile: float
    near_duplicates: bool
    best_of: float
    without: tuple[str, ...] = ()
    by_face: bool = False


@dataclass(frozen=True)
class SortedPage:
    """Every photo with its verdict, the threshold (None where there is none), and what to know about the photos."""

    photos: list[SortedPhoto]
    threshold: Threshold | None
    notices: tuple[str, ...] = ()


def find_threshold(state: CurationState, choices: Choices) -> Threshold | None:
    """Return the threshold that is asked for; None where examples or a reference set are still missing."""
    if choices.way == NONE:
        return None
    if choices.way == GOOD:
        return good_threshold(state.score_range)
    if choices.way == SHARE:
        return threshold_for_share(scores_of(state.facts), choices.share / 100)
    if choices.way == SCORE:
        return given_threshold(choices.score, state.score_range)
    if choices.way == REFERENCE:
        if not state.reference:
            return None
        return threshold_of_reference(np.array(state.reference), choices.percentile, "the reference set")
    good, bad = state.answered(good=True), state.answered(good=False)
    return threshold_from_examples(good, bad) if good and bad else None


def check_choices(choices: Choices, score_range: Interval, *, persons: tuple[tuple[str, str], ...] = ()) -> None:
    """Refuse choices that make no sense, on a photo made up, before any is scored; raises SettingError."""
    best = score_range[1]
    trial = ExaminedPhoto(PhotoFacts(persons[0][0] if persons else "trial", score=best, degradation="clean"), "")
    sort_page(CurationState((trial,), score_range=score_range, reference=(best,), persons=persons), choices)


def sort_page(state: CurationState, choices: Choices) -> SortedPage:
    """Return every photo with its verdict under some choices; raises FiqaError where there is nothing to sort."""
    if not state.photos:
        raise FiqaError("These photos were deleted, as all are after some minutes; add them again.")
    has_scores = any(facts.score is not None for facts in state.facts)
    threshold = find_threshold(state, choices) if has_scores else None
    persons = _persons(state, by_face=choices.by_face)
    rules = Rules(
        threshold=None if threshold is None else threshold.value,
        without=_unwanted(state, choices.without),
        near_duplicates=choices.near_duplicates,
        best_of=int(choices.best_of or 0) or None,
        persons=persons.by_photo,
    )
    return SortedPage(sort_photos(state.facts, rules), threshold, persons.notices)


def _persons(state: CurationState, *, by_face: bool) -> PhotoPersons:
    """Return who is on the photos, by their faces or by a table; raises SettingError."""
    if by_face:
        check_by_face(by_table=bool(state.persons))
        return PhotoPersons(group_by_face(state.facts))
    return match_persons([facts.name for facts in state.facts], state.persons) if state.persons else PhotoPersons()


def _unwanted(state: CurationState, names: Sequence[str]) -> frozenset[str]:
    """Return the types of degradation that are not wanted; raises SettingError where photos were not diagnosed."""
    if not names:
        return frozenset()
    from fiqa.degradation.atlas import TYPES

    unwanted = read_degradations(names, TYPES[1:])
    if all(facts.degradation is None for facts in state.facts if facts.score is not None):
        raise SettingError(
            "These photos were not diagnosed, since this checkpoint has no atlas yet: open the Degradation tab once, "
            "which builds it, and add the photos again."
        )
    return unwanted
