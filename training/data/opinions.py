"""What people said of photos: grades of each, or which of two is better, from one exported study or one of each kind.

A study of pairs is exported with two tables that name nobody, each also as CSV:

    pairs.json   first, second, first_better, no_difference, second_better: how often a pair was answered how
    scale.json   stimulus, image, source: the file of each picture, and what it was made of

Everything else is photos with a MOS (training/data/datasets.py); an export has also every vote, in ratings.json, where
it was asked for with the tables of people. A picture that is in both studies, byte for byte, is
one photo.

Shapes: V photos, P pairs of them, G grades.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.datasets import FIRST_SCALE, SPLITS, Dataset, LabelledPhoto, Range, read_dataset
from training.errors import DataError

PAIRS, SCALE, RATINGS = "pairs.json", "scale.json", "ratings.json"
MOST_GRADES = 11
"""Of a scale whose votes are counted by grade."""
COUNTS = ("first_better", "no_difference", "second_better")


@dataclass(frozen=True, eq=False)
class PairAnswers:
    """Answers to pairs of photos, by number (P, 2): how often the first, neither or the second was better (P, 3).

    P may be 0.
    """

    photos: NDArray[np.int64]
    answers: NDArray[np.float64]

    @classmethod
    def none(cls) -> "PairAnswers":
        """Return no answers at all."""
        return cls(np.empty((0, 2), np.int64), np.empty((0, 3)))

    def __len__(self) -> int:
        return len(self.photos)

    def renumbered(self, numbers: NDArray[np.int64]) -> "PairAnswers":
        """Return the pairs with photo n as `numbers[n]`, without those of a photo whose new number is negative."""
        photos = numbers[self.photos]
        kept = (photos >= 0).all(axis=1)
        return PairAnswers(photos[kept], self.answers[kept])


@dataclass(frozen=True, eq=False)
class Opinions:
    """What people said of photos (V,); `dataset` has the grades, None where nobody gave any.

    The MOS of a photo that was only compared is NaN. `votes` are how often each grade, from the lowest, was given (G,),
    by the path of the photo; none where they were not asked for.
    """

    name: str
    roots: tuple[Path, ...]
    photos: tuple[LabelledPhoto, ...]
    dataset: Dataset | None
    pairs: PairAnswers
    votes: Mapping[Path, NDArray[np.int64]] = field(default_factory=dict)

    @classmethod
    def of_grades(cls, dataset: Dataset) -> "Opinions":
        """Return the opinions of photos that were graded and not compared."""
        photos = tuple(photo for split in SPLITS for photo in dataset.splits.get(split, ()))
        return cls(dataset.name, (dataset.root,), photos, dataset, PairAnswers.none())

    def pairs_among(self, photos: Sequence[LabelledPhoto]) -> PairAnswers:
        """Return the answers to pairs of some of the photos, numbered among those."""
        number = {photo.path: place for place, photo in enumerate(photos)}
        return self.pairs.renumbered(np.array([number.get(photo.path, -1) for photo in self.photos], np.int64))

    def file_of(self, photo: LabelledPhoto) -> str:
        """Return the path of a photo in the study that it is of."""
        return next(photo.path.relative_to(root).as_posix() for root in self.roots if photo.path.is_relative_to(root))

    def describe(self) -> dict[str, Any]:
        """Return what identifies the data, JSON-ready: equal for equal names, labels and answers."""
        graded = self.dataset.describe() if self.dataset else {}
        if not len(self.pairs):
            return graded
        named = [[self.photos[number].path.name for number in pair] for pair in self.pairs.photos]
        answered = json.dumps([named, self.pairs.answers.tolist()])
        compared = {"pairs": len(self.pairs), "answers": int(self.pairs.answers.sum())}
        return {
            **graded,
            "name": self.name,
            **compared,
            "pairs_sha256": hashlib.sha256(answered.encode()).hexdigest()[:16],
        }


def read_opinions(
    studies: Sequence[Path], *, mos_range: Range | None = None, votes: bool = False, scale: str = FIRST_SCALE
) -> Opinions:
    """Read one study, or one of grades and one of pairs.

    Args:
        studies: Folders that `python -m annotate export` wrote; of grades also what `read_dataset` reads.
        mos_range: (low, high) of the scale, for grades that do not say so themselves.
        votes: Whether to count the grades that each photo was given.
        scale: Which scale of a study of grades, where pictures were graded on several.

    Raises:
        DataError: Something cannot be read, there are two studies of one kind, all labels are equal, or there are no
            votes to count.
    """
    compared = [folder for folder in studies if (folder / PAIRS).is_file()]
    graded = [folder for folder in studies if folder not in compared]
    if len(compared) > 1 or len(graded) > 1:
        raise DataError(
            "Name one study of grades, one of pairs, or one of each: two of a kind have scales of their own."
        )
    opinions = None
    if graded:
        dataset = read_dataset(graded[0], mos_range=mos_range, scale=scale)
        dataset.check_labels_differ()
        opinions = Opinions.of_grades(dataset)
        opinions = replace(opinions, votes=_count_votes(dataset, opinions.photos, scale)) if votes else opinions
    return _with_pairs(opinions, compared[0]) if compared else _known(opinions)


def _count_votes(dataset: Dataset, photos: Sequence[LabelledPhoto], scale: str) -> dict[Path, NDArray[np.int64]]:
    """Return how often each grade was given to each photo, by the votes that count."""
    column = "grade" if scale == FIRST_SCALE else f"grade_{scale}"
    low, high = dataset.mos_range
    count = round(high - low) + 1
    path = dataset.root / RATINGS
    if count > MOST_GRADES:
        raise DataError(f"Votes on a scale of {low:g} to {high:g} are no grades to count: train on their mean alone.")
    try:
        given = [(row["stimulus"], row[column]) for row in _rows(path) if row["used"] and row[column] is not None]
        places = [(stimulus, int(grade - low)) for stimulus, grade in given]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} cannot be read ({error!r}): export the study with the tables of people.") from error
    counts = {photo.groups.get("stimulus"): np.zeros(count, np.int64) for photo in photos}
    for stimulus, place in places:
        if stimulus in counts:
            counts[stimulus][place] += 1
    return {photo.path: counts[photo.groups.get("stimulus")] for photo in photos}


def _known(opinions: Opinions | None) -> Opinions:
    if opinions is None:
        raise DataError("Name a study to train on.")
    return opinions


def _with_pairs(graded: Opinions | None, root: Path) -> Opinions:
    """Add a study of pairs; its pictures that were graded too are not there twice."""
    compared, pairs = _read_pairs(root)
    known = list(graded.photos) if graded else []
    places = {_content(photo.path): place for place, photo in enumerate(known)}
    numbers = []
    for photo in compared:
        place = places.setdefault(_content(photo.path), len(known))
        if place == len(known):
            known.append(photo)
        known[place] = replace(known[place], groups={**photo.groups, **known[place].groups})
        numbers.append(place)
    name = " and ".join(dict.fromkeys([*([graded.name] if graded else []), _name_of(root)]))
    roots = (*(graded.roots if graded else ()), root)
    answers = pairs.renumbered(np.array(numbers, np.int64))
    grades = (graded.dataset, answers, graded.votes) if graded else (None, answers)
    return Opinions(name, roots, tuple(known), *grades)


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_pairs(root: Path) -> tuple[list[LabelledPhoto], PairAnswers]:
    """Return the pictures of a study of pairs that were exported, without a MOS, and the answers to pairs of them."""
    try:
        pictures = list(_pictures(root))
        number = {photo.groups["stimulus"]: place for place, photo in enumerate(pictures)}
        rows = [row for row in _rows(root / PAIRS) if row["first"] in number and row["second"] in number]
        photos = np.array([(number[row["first"]], number[row["second"]]) for row in rows], np.int64).reshape(-1, 2)
        answers = np.array([[float(row[name]) for name in COUNTS] for row in rows]).reshape(-1, 3)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{root} cannot be read as a study of pairs ({error!r}): export it again.") from error
    if not answers[:, [0, 2]].any():
        raise DataError(
            f"In {root} nobody preferred one of two pictures that were exported, so there is nothing to learn."
        )
    return pictures, PairAnswers(photos, answers)


def _pictures(root: Path) -> Iterator[LabelledPhoto]:
    for row in _rows(root / SCALE):
        if row["image"] is None:  # left out of the export
            continue
        image = PurePosixPath(row["image"])
        if image.is_absolute() or ".." in image.parts or not (root / image).is_file():
            raise DataError(f"{root / SCALE} names {image}, which is no file in {root}: export the study again.")
        groups = {name: str(row[name]) for name in ("stimulus", "source", "condition") if row.get(name)}
        yield LabelledPhoto(root / image, float("nan"), groups=groups)


def _rows(path: Path) -> list[dict[str, Any]]:
    return [dict(row) for row in json.loads(path.read_text(encoding="utf-8"))]


def _name_of(root: Path) -> str:
    """Return the name that dataset.json says, else the folder's."""
    try:
        return str(json.loads((root / "dataset.json").read_text(encoding="utf-8"))["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return root.resolve().name
