"""Measure a checkpoint on labelled photos: `python -m training.evaluate --checkpoint NAME --data DIR`.

Every photo is scored as a user's is (`fiqa score`): its face is found, cut and scored on a fixed grid of crops. That
is the number to expect in use, and the one to compare groups by. `fiqa evaluate` is for numbers that can be put
beside published ones: it repeats the authors' protocol (random crops of the whole picture, no face finder).

Written to `--output`: evaluation.json, predictions.csv, and scatter plots, one more for each `--by` column.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fiqa.checkpoints import find_checkpoint
from fiqa.loading import load_predictor
from fiqa.predictor import QualityPredictor
from fiqa.results import QualityResult
from training.data.datasets import SPLITS, Dataset, LabelledPhoto, read_dataset
from training.errors import DataError
from training.fit.loop import RECORD
from training.fit.script import run_script
from training.report.agreement import Figures, agreement_table, estimate, measure_agreement
from training.report.drawings import draw_scatter
from training.storage import replace_text

BREAKDOWNS = ("degradation", "group")
UNNAMED = "not named"


@dataclass(frozen=True)
class Evaluation:
    """Scores of photos, in the data set's range, in the order of `photos`; `unscored` says why others have none."""

    dataset: Dataset
    split: str
    checkpoint: str
    photos: tuple[LabelledPhoto, ...]
    scores: NDArray[np.float64]
    unscored: Mapping[str, str]

    @property
    def labels(self) -> NDArray[np.float64]:
        """The MOS of the photos."""
        return np.array([photo.mos for photo in self.photos])

    @property
    def sources(self) -> list[str]:
        """Who or what each photo is of, where the data set says so: photos of one source are resampled together."""
        return [photo.groups.get("source") or str(photo.path) for photo in self.photos]

    def column(self, name: str) -> list[str]:
        """Return every photo's value in a column."""
        return [photo.groups.get(name, UNNAMED) for photo in self.photos]


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate, print the tables and write the files."""
    options = _parser().parse_args(arguments)
    asked = tuple(options.mos_range) if options.mos_range else None
    usual = find_checkpoint(options.checkpoint).score_range
    dataset = read_dataset(options.data, mos_range=asked, usual_range=usual)
    predictor = load_predictor(options.checkpoint, device=options.device, finder=options.finder)
    if is_fitted_to(predictor, dataset):
        print(f"note: {predictor.spec.name} was fitted to these photos, so the figures flatter it.", file=sys.stderr)
    evaluation = evaluate(predictor, dataset, options.split)
    columns = options.by or [name for name in BREAKDOWNS if _is_named(evaluation, name)]
    if unknown := [name for name in columns if not _is_named(evaluation, name)]:
        raise DataError(f"{dataset.root} has no column {unknown[0]!r}: it has {', '.join(_columns(evaluation))}.")
    tables = {"": measure_column(evaluation, None)} | {name: measure_column(evaluation, name) for name in columns}
    print(report(evaluation, tables))
    write_evaluation(options.output, evaluation, tables)
    print(f"\nJSON, predictions and scatter plots: {options.output}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", required=True, help="name or folder, such as RUN/checkpoint")
    parser.add_argument("--data", type=Path, required=True, help="data set or CSV (docs/training.md)")
    parser.add_argument("--split", default="test", choices=SPLITS)
    parser.add_argument(
        "--mos-range", nargs=2, type=float, metavar=("LOW", "HIGH"), help="scale of the MOS [that of the checkpoint]"
    )
    parser.add_argument("--by", nargs="+", metavar="COLUMN", help=f"break down by these [{' '.join(BREAKDOWNS)}]")
    parser.add_argument("--output", type=Path, default=Path("runs/evaluation"), help="folder [runs/evaluation]")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps [auto]")
    parser.add_argument("--finder", default="auto", help="auto, bundled or face-alignment [auto]")
    return parser


def is_fitted_to(predictor: QualityPredictor, dataset: Dataset) -> bool:
    """Return whether `training.train_on_study` fitted a checkpoint to all splits of these photos and labels."""
    try:
        record = json.loads((predictor.spec.folder or Path()).joinpath(RECORD).read_text(encoding="utf-8"))
        fitted = record["trained"] == "head" and record["data"]["labels_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(fitted == dataset.describe()["labels_sha256"])


def evaluate(predictor: QualityPredictor, dataset: Dataset, split: Any) -> Evaluation:
    """Score every photo of a split.

    Args:
        predictor: What scores; its scores are mapped to the range of the data set's MOS.
        dataset: Photos with their MOS, as `read_dataset` reads them.
        split: "train", "val" or "test".

    Returns:
        Scores (N,) and MOS (N,) of the photos that have a score, in the unit of the MOS; the others with their reason.

    Raises:
        DataError: Fewer than two photos could be scored.
    """
    photos = dataset.photos(split)
    outcomes = predictor.score_many(
        tqdm((photo.path for photo in photos), total=len(photos), unit="photo", disable=None)
    )
    scored: list[tuple[LabelledPhoto, float]] = []
    unscored: dict[str, str] = {}
    for photo, outcome in zip(photos, outcomes, strict=True):
        if isinstance(outcome, QualityResult):
            scored.append((photo, outcome.score))
        else:
            unscored[str(photo.path)] = str(outcome)
    if len(scored) < 2:
        reason = next(iter(unscored.values()))
        raise DataError(f"Only {len(scored)} of {len(photos)} photos of {dataset.root} could be scored: {reason}")
    scores = _in_range_of(dataset, predictor, [score for _, score in scored])
    return Evaluation(dataset, split, predictor.spec.name, tuple(photo for photo, _ in scored), scores, unscored)


def _in_range_of(dataset: Dataset, predictor: QualityPredictor, scores: Sequence[float]) -> NDArray[np.float64]:
    """Map scores from the checkpoint's range to the data set's, so that errors have the unit of the MOS."""
    (low, high), (lowest, highest) = predictor.spec.score_range, dataset.mos_range
    return lowest + (np.asarray(scores) - low) * (highest - lowest) / (high - low)


def measure_column(evaluation: Evaluation, column: str | None) -> dict[str, Figures]:
    """Return agreement and bias for each value of a column, or for all photos together for None.

    The bias is the mean of score - MOS: a group whose photos are scored too low shows here, not in a correlation.
    """
    names = np.array(evaluation.column(column) if column else ["all photos"] * len(evaluation.photos))
    return {str(name): _measure(evaluation, np.flatnonzero(names == name)) for name in np.unique(names)}


def _measure(evaluation: Evaluation, rows: NDArray[np.int64]) -> Figures:
    scores, labels = evaluation.scores[rows], evaluation.labels[rows]
    sources = np.array(evaluation.sources)[rows]
    bias = estimate(np.mean, scores - labels, clusters=sources)
    return {**measure_agreement(scores, labels, sources), "bias": bias}


def report(evaluation: Evaluation, tables: Mapping[str, Mapping[str, Figures]]) -> str:
    """Return the tables, under a sentence that says what was measured."""
    low, high = evaluation.dataset.mos_range
    data = f"{len(evaluation.photos)} photos of {evaluation.dataset.name} ({evaluation.split})"
    lines = [f"{evaluation.checkpoint} on {data}, MOS from {low:g} to {high:g}; in brackets 95 % intervals."]
    if evaluation.unscored:
        lines.append(f"Not scored: {len(evaluation.unscored)} photos; evaluation.json says why.")
    for column, rows in tables.items():
        counts = Counter(evaluation.column(column)) if column else {"all photos": len(evaluation.photos)}
        lines.append(agreement_table(column, rows, counts))
    return "\n\n".join(lines)


def write_evaluation(folder: Path, evaluation: Evaluation, tables: Mapping[str, Mapping[str, Figures]]) -> None:
    """Write evaluation.json, predictions.csv and the scatter plots; raise StorageError when that fails."""
    folder.mkdir(parents=True, exist_ok=True)
    replace_text(folder / "evaluation.json", json.dumps(to_dict(evaluation, tables), indent=1, allow_nan=False) + "\n")
    replace_text(folder / "predictions.csv", _predictions(evaluation))
    axes = (f"MOS, {evaluation.dataset.name}", f"score of {evaluation.checkpoint}")
    for column in tables:
        path = folder / (f"scatter-{Path(column).name}.png" if column else "scatter.png")
        groups = evaluation.column(column) if column else None
        draw_scatter(path, evaluation.labels, evaluation.scores, labels=axes, groups=groups)


def to_dict(evaluation: Evaluation, tables: Mapping[str, Mapping[str, Figures]]) -> dict[str, Any]:
    """Return everything that was measured, JSON-ready; `figures` has one object a column, "" for all photos."""
    return {
        "checkpoint": evaluation.checkpoint,
        "data": evaluation.dataset.describe(),
        "split": evaluation.split,
        "scored": len(evaluation.photos),
        "unscored": dict(evaluation.unscored),
        "figures": {
            column: {row: {name: each.to_dict() for name, each in figures.items()} for row, figures in rows.items()}
            for column, rows in tables.items()
        },
    }


def _predictions(evaluation: Evaluation) -> str:
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    columns = _columns(evaluation)
    writer.writerow(["image", "mos", "score", *columns])
    for photo, score in zip(evaluation.photos, evaluation.scores, strict=True):
        named = [photo.groups.get(column, "") for column in columns]
        writer.writerow([photo.path.relative_to(evaluation.dataset.root), photo.mos, round(float(score), 4), *named])
    return buffer.getvalue()


def _columns(evaluation: Evaluation) -> list[str]:
    return sorted({name for photo in evaluation.photos for name in photo.groups})


def _is_named(evaluation: Evaluation, column: str) -> bool:
    return any(column in photo.groups for photo in evaluation.photos)


if __name__ == "__main__":
    run_script(main)
