"""A whole curation: a folder in, a verdict for every photo out.

curation = curate("photos/", keep_share=0.3, near_duplicates=True)
curation.counts["keep"], curation.threshold.value
curation.to_frame()
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from fiqa.curation.examination import Examiner, PhotoFolder, find_folder, scores_of
from fiqa.curation.persons import check_by_face, group_by_face
from fiqa.curation.photo_facts import PhotoFacts
from fiqa.curation.rules import VERDICTS, Rules, SortedPhoto, read_degradations, sort_photos
from fiqa.curation.thresholds import (
    Threshold,
    check_percentile,
    check_share,
    given_threshold,
    good_threshold,
    threshold_for_share,
    threshold_from_examples,
    threshold_of_reference,
)
from fiqa.curation.user_lists import PhotoPersons, match_persons
from fiqa.errors import SettingError
from fiqa.photos.sources import as_on_disk
from fiqa.results import Interval
from fiqa.settings import Settings
from fiqa.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from fiqa.degradation.atlas import Atlas
    from fiqa.predictor import QualityPredictor


@dataclass(frozen=True)
class CurationOptions:
    """What is asked for; at most one of `keep_share`, `threshold`, `percentile` and `examples`.

    `percentile` is taken of the photos in `reference`; `examples` are the paths of good and of bad photos. Where none
    of them and no other rule is given, the threshold is where Good begins. `persons` says who is on the photos; with
    `persons_by_face` the faces themselves tell who is the same.
    """

    keep_share: float | None = None
    threshold: float | None = None
    percentile: float | None = None
    reference: Path | None = None
    examples: tuple[Sequence[str], Sequence[str]] | None = None
    best_of: int | None = None
    persons: PhotoPersons = field(default_factory=PhotoPersons)
    near_duplicates: bool = False
    without: tuple[str, ...] = ()
    persons_by_face: bool = False

    def __post_init__(self) -> None:
        asked = ("keep_share", "threshold", "percentile", "examples")
        given = [name.replace("_", " ") for name in asked if getattr(self, name) is not None]
        if len(given) > 1:
            raise SettingError(f"A threshold was asked for in several ways ({', '.join(given)}): choose one.")
        if (self.percentile is None) != (self.reference is None):
            raise SettingError("A percentile is taken of a reference set: name both, or neither.")
        if self.keep_share is not None:
            check_share(self.keep_share)
        if self.percentile is not None:
            check_percentile(self.percentile)
        if self.persons_by_face:
            check_by_face(by_table=bool(self.persons.by_photo))

    @property
    def names_no_rule(self) -> bool:
        """Whether nothing but the threshold can say what is wanted."""
        return not (self.best_of or self.near_duplicates or self.without)


@dataclass(frozen=True)
class Curation:
    """What came out: every photo with its verdict, the threshold (None where there is none), and how it was computed.

    `stamp` names version, checkpoint, finder, device and date. `notices` say what to know about the folder.
    """

    folder: Path
    photos: tuple[SortedPhoto, ...]
    threshold: Threshold | None
    score_range: Interval
    stamp: Mapping[str, str | None]
    notices: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Return how many photos have each verdict: keep, maybe, drop, unscored."""
        count = Counter(photo.verdict for photo in self.photos)
        return {verdict: count[verdict] for verdict in VERDICTS}

    def names(self, *verdicts: str) -> list[str]:
        """Return the names of the photos with one of these verdicts, in the order of the folder."""
        return [photo.name for photo in self.photos if photo.verdict in verdicts]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data as documented for the command line."""
        return {
            "folder": str(self.folder),
            "counts": self.counts,
            "threshold": None if self.threshold is None else self.threshold.to_dict(),
            "photos": [photo.to_dict() for photo in self.photos],
            "score_range": list(self.score_range),
            "notices": list(self.notices),
            "stamp": dict(self.stamp),
        }

    def to_frame(self) -> "pd.DataFrame":
        """Return a pandas table, one row a photo; see `fiqa.curation.reports.COLUMNS`."""
        from fiqa.curation.reports import to_frame

        return to_frame(self)


def curate(
    folder: str | Path,
    *,
    keep_share: float | None = None,
    threshold: float | None = None,
    percentile: float | None = None,
    reference: str | Path | None = None,
    examples: tuple[Sequence[str], Sequence[str]] | None = None,
    best_of: int | None = None,
    persons: Mapping[str, str] | None = None,
    near_duplicates: bool = False,
    without: Sequence[str] = (),
    persons_by_face: bool = False,
    predictor: "QualityPredictor | None" = None,
    checkpoint: str = "lite",
) -> Curation:
    """Sort the photos of a folder into keep, maybe and drop; nothing is copied, moved or kept.

    Args:
        folder: the photos, searched to its bottom.
        keep_share: the share of the scored photos to keep, above 0 and up to 1.
        threshold: the score from which photos are kept.
        percentile: 0 to 100; the threshold is that percentile of the photos in `reference`.
        reference: a folder of photos as good as one's own should be.
        examples: paths of good photos and of bad ones; the threshold divides them.
        best_of: how many photos of each person, or else of each folder, to keep at most.
        persons: who is on a photo, by its path; see `fiqa.curation.user_lists.match_persons`.
        near_duplicates: keep the best of photos that look alike only.
        without: types of degradation that are not wanted, or "blur", "noise", "compression", "light".
        persons_by_face: tell persons by their faces instead, with the extra `identity`.
        predictor: scores the photos; one of `checkpoint` is loaded where none is given.
        checkpoint: name of the checkpoint, where no predictor is given.

    Returns:
        Every photo with its verdict and the reason for it; one that cannot be scored has an error instead.

    Raises:
        SettingError: the folder holds no photos, or what is asked for makes no sense.
        CheckpointError: the checkpoint cannot be loaded.
    """
    photos = find_folder(Path(folder))
    named = match_persons(photos.photos, [*persons.items()]) if persons else PhotoPersons()
    options = CurationOptions(
        keep_share, threshold, percentile, None if reference is None else Path(reference), examples, best_of,
        named, near_duplicates, (without,) if isinstance(without, str) else tuple(without), persons_by_face,
    )  # fmt: skip
    if predictor is None:
        from fiqa.loading import load_predictor

        predictor = load_predictor(checkpoint)
    atlas = open_atlas_for(predictor, options, Settings.from_environment())
    examiner = Examiner(predictor, atlas, embeds=persons_by_face)
    return decide(examiner, photos, examiner.examine(photos), options)


def open_atlas_for(
    predictor: "QualityPredictor", options: CurationOptions, settings: Settings, *, progress: bool = False
) -> "Atlas | None":
    """Return the atlas that diagnoses photos, None where no degradation is unwanted."""
    if not options.without:
        return None
    from fiqa.degradation.atlas import TYPES
    from fiqa.degradation.atlas_building import open_atlas

    read_degradations(options.without, TYPES[1:])  # before an atlas is built, which takes a while
    return open_atlas(predictor, settings, progress=progress)


def decide(
    examiner: Examiner,
    folder: PhotoFolder,
    photos: Sequence[PhotoFacts],
    options: CurationOptions,
    *,
    command: str | None = None,
) -> Curation:
    """Return the verdicts on examined photos of a folder; a reference set is examined here. Raises SettingError."""
    predictor = examiner.predictor
    threshold = _find_threshold(examiner, folder, photos, options)
    rules = Rules(
        threshold=None if threshold is None else threshold.value,
        without=_unwanted(options),
        near_duplicates=options.near_duplicates,
        best_of=options.best_of,
        persons=group_by_face(photos) if options.persons_by_face else options.persons.by_photo,
    )
    return Curation(
        folder=folder.path.resolve(),
        photos=tuple(sort_photos(photos, rules)),
        threshold=threshold,
        score_range=predictor.spec.score_range,
        stamp=make_stamp(predictor, command),
        notices=(*folder.notices, *options.persons.notices),
    )


def make_stamp(predictor: "QualityPredictor", command: str | None) -> dict[str, str | None]:
    """Return with what a curation is computed."""
    return {
        "version": __version__,
        "checkpoint": predictor.spec.name,
        "sha256": predictor.spec.sha256,
        "finder": predictor.finder.name,
        "device": predictor.device,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
    }


def _unwanted(options: CurationOptions) -> frozenset[str]:
    if not options.without:
        return frozenset()
    from fiqa.degradation.atlas import TYPES

    return read_degradations(options.without, TYPES[1:])


def _find_threshold(
    examiner: Examiner, folder: PhotoFolder, photos: Sequence[PhotoFacts], options: CurationOptions
) -> Threshold | None:
    """Return the threshold that is asked for; None where other rules say what is wanted."""
    score_range = examiner.predictor.spec.score_range
    if options.threshold is not None:
        return given_threshold(options.threshold, score_range)
    if options.keep_share is not None:
        return threshold_for_share(scores_of(photos), options.keep_share)
    if options.percentile is not None and options.reference is not None:
        scores = scores_of(examiner.examine(find_folder(options.reference)))
        return threshold_of_reference(scores, options.percentile, str(options.reference))
    if options.examples is not None:
        known_scores = {facts.name: facts.score for facts in photos if facts.score is not None}
        good, bad = ([*_example_scores(examiner, folder, known_scores, names)] for names in options.examples)
        return threshold_from_examples(good, bad)
    return good_threshold(score_range) if options.names_no_rule else None


def _example_scores(
    examiner: Examiner, folder: PhotoFolder, known: Mapping[str, float], names: Sequence[str]
) -> Iterator[float]:
    """Yield the scores of examples: photos of the folder, or else other files."""
    for name in names:
        within = PurePath(name)
        if within.is_absolute() and within.is_relative_to(folder.path.resolve()):
            within = within.relative_to(folder.path.resolve())
        if within.as_posix() in folder.photos:
            yield from [known[within.as_posix()]] if within.as_posix() in known else []
        elif Path(as_on_disk(Path(), name)).is_file():
            yield from examiner.score([as_on_disk(Path(), name)])
        else:
            raise SettingError(f"The example {name!r} is neither a photo in {folder.path} nor another file.")
