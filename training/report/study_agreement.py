"""How far scores agree with the people of a study, before and after a training, said in figures and in words."""

import csv
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fiqa.evaluation.metrics import srcc
from training.data.datasets import LabelledPhoto, Range
from training.data.opinions import Opinions
from training.data.study_photos import SeenPhotos
from training.fit.targets import share_in_order
from training.report.agreement import Estimate, Figures, estimate, measure_agreement
from training.storage import replace_text

RESULT, SCORES = "result.json", "scores.csv"
BOOTSTRAPS = 1000
FEWEST_TO_TELL = 20
"""Photos: a correlation over fewer says little, whatever its interval."""
PAIRS = "PAIRS"
"""The figure of a study of pairs: the share of preferences that the scores have in order."""

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class StudyAgreement:
    """Scores `before` and `after` (V,), the latter by a head that never saw the photo; on the people's scale, if any.

    `figures` are the agreement of each with people: PLCC, SRCC, KRCC and RMSE with the MOS, PAIRS with preferences.
    `gain` is that of the SRCC, or of PAIRS where nobody gave grades.
    """

    seen: SeenPhotos
    before: Scores
    after: Scores
    figures: dict[str, Figures]
    gain: Estimate

    @property
    def verdict(self) -> str:
        """Return better, worse, or unclear where the interval of the gain leaves both open."""
        if self.gain.low > 0:
            return "better"
        return "worse" if self.gain.high < 0 else "unclear"

    @property
    def measure(self) -> str:
        """The figure that the verdict goes by."""
        return "SRCC" if "SRCC" in self.figures["after"] else PAIRS

    def sentence(self, start: str, name: str) -> str:
        """Say what came of it, plainly."""
        after, before = (_figure(self.figures[when][self.measure].value) for when in ("after", "before"))
        figure = f"SRCC {after}" if self.measure == "SRCC" else f"{after} of preferences in order"
        measured = f"{figure} on photos held out, {start} has {before}"
        said = {
            "better": f"{name} agrees better with these people than {start}",
            "worse": f"{name} agrees LESS with these people than {start}: keep {start}, or have more photos rated",
            "unclear": f"{name} is not clearly better than {start}",
        }[self.verdict]
        few = len(self.seen.photos) < FEWEST_TO_TELL
        caution = f" {len(self.seen.photos)} photos are too few to tell much." if few else ""
        return f"{said} ({measured}).{caution}"


def _figure(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "undefined"


def compare(seen: SeenPhotos, opinions: Opinions, held_out: NDArray[np.float32], score_range: Range) -> StudyAgreement:
    """Compare the network as it was with held-out scores (V,) in 0..1, both put on `score_range`."""
    before, after = (np.interp(scores, (0, 1), score_range) for scores in (seen.score, held_out))
    measures = [*_of_grades(seen), *_of_pairs(seen, opinions)]
    figures: dict[str, Figures] = {"before": {}, "after": {}}
    for figures_of, _ in measures:
        figures["before"] |= figures_of(before)
        figures["after"] |= figures_of(after)
    return StudyAgreement(seen, before, after, figures, measures[0][1](before, after))


Measure = tuple[Callable[[Scores], Figures], Callable[[Scores, Scores], Estimate]]
"""The figures of scores (V,), and the gain in the one that counts from the scores before to those after."""


def _of_grades(seen: SeenPhotos) -> Iterator[Measure]:
    """Yield the agreement with the MOS, where photos have one."""
    rows = np.flatnonzero(np.isfinite(seen.mos))
    if not len(rows):
        return
    mos, sources = seen.mos[rows], [seen.sources[row] for row in rows]

    def gain(before: Scores, after: Scores) -> Estimate:
        return estimate(_srcc_gain, before[rows], after[rows], mos, clusters=sources, bootstraps=BOOTSTRAPS)

    yield lambda scores: measure_agreement(scores[rows], mos, sources, bootstraps=BOOTSTRAPS), gain


def _srcc_gain(before: Scores, after: Scores, mos: Scores) -> float:
    return srcc(after, mos) - srcc(before, mos)


def _of_pairs(seen: SeenPhotos, opinions: Opinions) -> Iterator[Measure]:
    """Yield the agreement with preferences, where photos were compared; pairs belong to the source of their first."""
    pairs = opinions.pairs_among(seen.photos)
    if not len(pairs):
        return
    first, second = pairs.answers[:, 0], pairs.answers[:, 2]
    sources = [seen.sources[photo] for photo in pairs.photos[:, 0]]

    def gap(scores: Scores) -> Scores:
        return scores[pairs.photos[:, 0]] - scores[pairs.photos[:, 1]]

    def figures(scores: Scores) -> Figures:
        share = estimate(share_in_order, gap(scores), first, second, clusters=sources, bootstraps=BOOTSTRAPS)
        return {PAIRS: share}

    def gain(before: Scores, after: Scores) -> Estimate:
        columns = gap(before), gap(after), first, second
        return estimate(_order_gain, *columns, clusters=sources, bootstraps=BOOTSTRAPS)

    yield figures, gain


def _order_gain(before: Scores, after: Scores, first: Scores, second: Scores) -> float:
    return share_in_order(after, first, second) - share_in_order(before, first, second)


def write_agreement(run: Path, opinions: Opinions, agreement: StudyAgreement, *, name: str, start: str) -> None:
    """Write result.json and scores.csv."""
    result = {
        "name": name,
        "start": start,
        "data": opinions.describe(),
        "photos": len(agreement.seen.photos),
        "sources": len(set(agreement.seen.sources)),
        "measure": agreement.measure,
        "verdict": agreement.verdict,
        "sentence": agreement.sentence(start, name),
        "gain": agreement.gain.to_dict(),
        **{when: {key: each.to_dict() for key, each in found.items()} for when, found in agreement.figures.items()},
        "predictions": _predictions(opinions, agreement),
    }
    replace_text(run / SCORES, _scores(agreement))
    replace_text(run / RESULT, json.dumps(result, ensure_ascii=False, allow_nan=False, indent=1) + "\n")


def as_evaluation(opinions: Opinions, agreement: StudyAgreement, *, name: str, start: str) -> dict[str, Any]:
    """Return the figures as the model card takes them; see `training.evaluate.to_dict`."""
    rows = {start: agreement.figures["before"], name: agreement.figures["after"]}
    figures = {row: {key: each.to_dict() for key, each in found.items()} for row, found in rows.items()}
    data = opinions.describe()
    return {"data": data, "split": "held out in turn", "scored": len(agreement.seen.photos), "figures": {"": figures}}


def _predictions(opinions: Opinions, agreement: StudyAgreement) -> list[dict[str, Any]]:
    """Return a row a photo; its MOS is None where it was only compared."""
    columns = zip(agreement.seen.photos, agreement.before, agreement.after, strict=True)
    return [
        {
            "image": opinions.file_of(photo), "stimulus": _stimulus(photo),
            "mos": round(photo.mos, 4) if math.isfinite(photo.mos) else None,
            "before": round(float(before), 4), "after": round(float(after), 4),
        }
        for photo, before, after in columns
    ]  # fmt: skip


def _scores(agreement: StudyAgreement) -> str:
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["stimulus", "score"])
    writer.writerows(
        (_stimulus(photo), round(float(score), 4))
        for photo, score in zip(agreement.seen.photos, agreement.after, strict=True)
    )
    return buffer.getvalue()


def _stimulus(photo: LabelledPhoto) -> str:
    """Return the name that the photo has in its study."""
    return photo.groups.get("stimulus") or photo.path.name
