"""How far scores agree with the people of a study, before and after a training, said in figures and in words."""

import csv
import json
import math
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fiqa.evaluation.metrics import srcc
from training.data.datasets import Dataset, LabelledPhoto
from training.data.study_photos import SeenPhotos
from training.report.agreement import Estimate, Figures, estimate, measure_agreement
from training.storage import replace_text

RESULT, SCORES = "result.json", "scores.csv"
BOOTSTRAPS = 1000
FEWEST_TO_TELL = 20
"""Photos: a correlation over fewer says little, whatever its interval."""


@dataclass(frozen=True)
class StudyAgreement:
    """Scores `before` and `after` (V,) on the people's scale, the latter by a head that never saw the photo.

    `figures` are the agreement of each with the MOS, `gain` that of the SRCC.
    """

    seen: SeenPhotos
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    figures: dict[str, Figures]
    gain: Estimate

    @property
    def verdict(self) -> str:
        """Return better, worse, or unclear where the interval of the gain leaves both open."""
        if self.gain.low > 0:
            return "better"
        return "worse" if self.gain.high < 0 else "unclear"

    def sentence(self, start: str, name: str) -> str:
        """Say what came of it, plainly."""
        after, before = (_figure(self.figures[when]["SRCC"].value) for when in ("after", "before"))
        measured = f"SRCC {after} on photos held out, {start} has {before}"
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


def compare(seen: SeenPhotos, dataset: Dataset, held_out: NDArray[np.float32]) -> StudyAgreement:
    """Compare the network as it was with held-out scores (V,) in 0..1."""
    before, after = (np.interp(scores, (0, 1), dataset.mos_range) for scores in (seen.score, held_out))
    figures = {
        when: measure_agreement(scores, seen.mos, seen.sources, bootstraps=BOOTSTRAPS)
        for when, scores in (("before", before), ("after", after))
    }
    gain = estimate(_srcc_gain, before, after, seen.mos, clusters=seen.sources, bootstraps=BOOTSTRAPS)
    return StudyAgreement(seen, before, after, figures, gain)


def _srcc_gain(before: NDArray[np.float64], after: NDArray[np.float64], mos: NDArray[np.float64]) -> float:
    return srcc(after, mos) - srcc(before, mos)


def write_agreement(run: Path, dataset: Dataset, agreement: StudyAgreement, *, name: str, start: str) -> None:
    """Write result.json and scores.csv."""
    result = {
        "name": name,
        "start": start,
        "data": dataset.describe(),
        "photos": len(agreement.seen.photos),
        "sources": len(set(agreement.seen.sources)),
        "verdict": agreement.verdict,
        "sentence": agreement.sentence(start, name),
        "gain": agreement.gain.to_dict(),
        **{when: {key: each.to_dict() for key, each in found.items()} for when, found in agreement.figures.items()},
        "predictions": _predictions(dataset, agreement),
    }
    replace_text(run / SCORES, _scores(agreement))
    replace_text(run / RESULT, json.dumps(result, ensure_ascii=False, allow_nan=False, indent=1) + "\n")


def as_evaluation(dataset: Dataset, agreement: StudyAgreement, *, name: str, start: str) -> dict[str, Any]:
    """Return the figures as the model card takes them; see `training.evaluate.to_dict`."""
    rows = {start: agreement.figures["before"], name: agreement.figures["after"]}
    figures = {row: {key: each.to_dict() for key, each in found.items()} for row, found in rows.items()}
    data = dataset.describe()
    return {"data": data, "split": "held out in turn", "scored": len(agreement.seen.photos), "figures": {"": figures}}


def _predictions(dataset: Dataset, agreement: StudyAgreement) -> list[dict[str, Any]]:
    columns = zip(agreement.seen.photos, agreement.before, agreement.after, strict=True)
    return [
        {
            "image": photo.path.relative_to(dataset.root).as_posix(), "stimulus": _stimulus(photo),
            "mos": round(photo.mos, 4), "before": round(float(before), 4), "after": round(float(after), 4),
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
