"""A whole comparison: photos of methods in, figures of methods and pairs out.

comparison = compare({"input": "photos/", "restored": "out/"}, reference="clean/")
comparison.pairs[0].difference, comparison.pairs[0].interval
comparison.to_frame()
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fiqa.comparison.inputs import match_inputs, name_inputs
from fiqa.comparison.journal import Journal
from fiqa.comparison.matching import MatchedPhotos, PhotoVersions
from fiqa.comparison.measures import Measure, mean_measures, other_people, usable_measures, with_measures
from fiqa.comparison.scoring import ScoredVersions, score_in_groups
from fiqa.comparison.stamp import Stamp, make_stamp
from fiqa.comparison.statistics import MethodFigures, PairFigures, compare_pairs, describe_method
from fiqa.errors import SettingError
from fiqa.results import Interval

if TYPE_CHECKING:
    import pandas as pd

    from fiqa.degradation.atlas import Atlas
    from fiqa.predictor import QualityPredictor


@dataclass(frozen=True)
class Comparison:
    """What came out: one row a method and a pair, every photo's scores, and what it was computed with.

    Differences are b − a: positive where the second method scores higher. `degradations` counts, by method, the
    likeliest degradation of its photos, where these were diagnosed.
    """

    methods: tuple[MethodFigures, ...]
    pairs: tuple[PairFigures, ...]
    photos: tuple[ScoredVersions, ...]
    score_range: Interval
    stamp: Stamp
    notices: tuple[str, ...] = ()

    @property
    def measures(self) -> list[str]:
        """Return the names of the measures that stand beside the scores, in the order of their columns."""
        return list(dict.fromkeys(name for method in self.methods for name in method.measures))

    @property
    def degradations(self) -> dict[str, dict[str, int]]:
        """Return how often each degradation was the likeliest, by method, most frequent first."""
        names = [method.name for method in self.methods]
        counts = {
            name: Counter(photo.diagnoses[name] for photo in self.photos if name in photo.diagnoses) for name in names
        }
        return {name: dict(count.most_common()) for name, count in counts.items() if count}

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data as documented for the command line and the API."""
        return {
            "methods": [asdict(method) for method in self.methods],
            "pairs": [asdict(pair) for pair in self.pairs],
            "photos": [photo.to_dict() for photo in self.photos],
            "score_range": list(self.score_range),
            "degradations": self.degradations,
            "notices": list(self.notices),
            "stamp": self.stamp.to_dict(),
        }

    def to_frame(self) -> "pd.DataFrame":
        """Return one row for every photo and method.

        Columns: name, source, method, score (NaN without), error, degradation, and a column for every measure.
        """
        import pandas as pd

        rows = [
            {
                "name": photo.name,
                "source": photo.source,
                "method": method,
                "score": score,
                "error": photo.errors.get(method),
                "degradation": photo.diagnoses.get(method),
                **{measure: photo.measures.get(method, {}).get(measure) for measure in self.measures},
            }
            for photo in self.photos
            for method, score in photo.scores.items()
        ]
        return pd.DataFrame(rows).astype(dict.fromkeys(["score", *self.measures], "float64"))


def compare(
    methods: Mapping[str, str | Path] | Sequence[str | Path] | str | Path,
    *,
    reference: str | Path | None = None,
    predictor: "QualityPredictor | None" = None,
    checkpoint: str = "lite",
    sources: Mapping[str, str] | None = None,
) -> Comparison:
    """Compare methods by the scores of their photos.

    Args:
        methods: the folder or zip of each method's photos, by the method's name, equal file names belonging together;
            or folders and zips that are named as their methods; or a CSV that lists photos and their methods, see
            `fiqa.comparison.inputs`.
        reference: a folder or zip of the undamaged photos: the face is then found there.
        predictor: scores the photos; one of `checkpoint` is loaded where none is given.
        checkpoint: name of the checkpoint, where no predictor is given.
        sources: who or what a photo shows, by its name without suffix; intervals are then over sources.

    Returns:
        Means with 95 % intervals by method, paired differences with tests by pair, and all scores.

    Raises:
        SettingError: fewer than two methods, no name in common, or no photo that could be scored.
        CheckpointError: the checkpoint cannot be loaded.
    """
    if isinstance(methods, Mapping):
        inputs = {name: str(origin) for name, origin in methods.items()}
    else:
        paths = [methods] if isinstance(methods, str | Path) else methods
        inputs = name_inputs([Path(path) for path in paths])
    undamaged = None if reference is None else str(reference)
    matched = match_inputs(inputs, reference=undamaged, sources=sources)  # what is wrong is told before it takes time
    if predictor is None:
        from fiqa.loading import load_predictor

        predictor = load_predictor(checkpoint)
    measures, _ = usable_measures()
    photos = list(score_photos(predictor, matched.photos, measures=measures))
    return summarise(predictor, matched, photos, inputs, reference=undamaged)


def score_photos(
    predictor: "QualityPredictor",
    photos: Iterable[PhotoVersions],
    *,
    atlas: "Atlas | None" = None,
    measures: Sequence[Measure] = (),
) -> Iterator[ScoredVersions]:
    """Score photos in all their versions, in order, and measure those that have a reference; see `score_decoded`."""
    for versions, scored in score_in_groups(predictor, photos, atlas=atlas):
        yield with_measures(scored, versions, measures)


def score_with_journal(
    predictor: "QualityPredictor", matched: MatchedPhotos, data_dir: Path, *, atlas: "Atlas | None" = None
) -> Iterator[ScoredVersions]:
    """Yield the scores of matched photos in order, those of a run that was killed without computing them again."""
    measures, _ = usable_measures() if matched.has_reference else ([], [])
    kinds = [*(["diagnosed"] if atlas else []), *(measure.name for measure in measures)]
    journal = Journal.of_comparison(data_dir, predictor, matched.photos, kinds=kinds)
    new = [photo for photo in matched.photos if photo.name not in journal.scored]
    scored = score_photos(predictor, new, atlas=atlas, measures=measures)
    for photo in matched.photos:
        if photo.name not in journal.scored:
            journal.add(next(scored))
        yield journal.scored[photo.name]
    journal.finish()


def summarise(
    predictor: "QualityPredictor",
    matched: MatchedPhotos,
    photos: Sequence[ScoredVersions],
    inputs: Mapping[str, str],
    *,
    reference: str | None = None,
    command: Sequence[str] = (),
    notices: Sequence[str] = (),
) -> Comparison:
    """Return the figures of scored photos; `inputs` says where each method's lay, for the stamp.

    Raises SettingError when not one could be scored.
    """
    scores = {
        method: np.array([np.nan if (value := photo.scores[method]) is None else value for photo in photos], float)
        for method in matched.methods
    }
    if all(np.isnan(values).all() for values in scores.values()):
        reasons = [reason for photo in photos for reason in photo.errors.values()]
        raise SettingError(f"Not one photo could be scored, so nothing can be compared. The first reason: {reasons[0]}")
    sources = np.array([photo.source for photo in photos])
    missing = usable_measures()[1] if matched.has_reference else []
    return Comparison(
        methods=tuple(
            replace(describe_method(name, values, sources), measures=mean_measures(photos, name))
            for name, values in scores.items()
        ),
        pairs=tuple(compare_pairs(scores, sources)),
        photos=tuple(photos),
        score_range=predictor.spec.score_range,
        stamp=make_stamp(predictor, inputs, matched.photos, reference=reference, command=command),
        notices=(*matched.notices(), *notices, *missing, *other_people(photos, matched.methods)),
    )
