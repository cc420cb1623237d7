"""How well `lite` orders degraded faces of sources it never saw: `python -m benchmarks.accuracy --photos DIR`.

Renders views of the held-aside test sources (no jitter, every type at five levels, stacks of two and
three), labels them by the same full-reference metrics as in training, and scores every view whole,
through the predictor with its own face finder, as a user's photo is. Prints tables and, with `--json`,
writes the figures.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from fiqa.checkpoints import load_predictor
from fiqa.degradations import LEVELS, PAPER_TYPES
from fiqa.metrics import krcc, plcc, rmse, srcc
from fiqa.predictor import QualityPredictor
from fiqa.results import QualityResult
from training.pseudo_mos import TYPES
from training.train_quality import predict_views
from training.views import PseudoMos, RenderedViews, read_views

BOOTSTRAPS = 1000


def main() -> None:
    """Print the accuracy tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--views", type=Path, default=Path("runs/pseudo_mos"), help="from training.pseudo_mos")
    parser.add_argument("--checkpoint", default="lite")
    parser.add_argument("--split", default="test", choices=("val", "test"))
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    predictor = load_predictor(options.checkpoint, device="cpu", finder="bundled")
    train, held = read_views(options.views, "train"), read_views(options.views, options.split)
    target = PseudoMos.fit(train.metrics)(held.metrics)
    predicted = predict_views(
        predictor.network, held, np.arange(len(held)), predictor.config.crop_px, predictor.spec.preprocessing.crops
    )
    figures = agreement(predicted, target, held) | {"levels": neighbouring_levels(predicted, held)}
    figures |= {"invariance": invariance(predictor, held)}
    _print(figures, len(held))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def agreement(predicted: NDArray[np.float32], target: NDArray[np.float32], held: RenderedViews) -> dict[str, float]:
    """Return agreement with pseudo-MOS over all views, and over those of the paper's types alone."""
    paper = held.severity[:, [TYPES.index(name) not in map(TYPES.index, PAPER_TYPES) for name in TYPES]].max(1) == 0
    low, high = _bootstrap_srcc(predicted, target, held.identity)
    return {
        "views": len(held),
        "identities": int(held.identity.max()) + 1,
        "srcc": srcc(predicted, target),
        "srcc_low": low,
        "srcc_high": high,
        "srcc_paper_types": srcc(predicted[paper], target[paper]),
        "plcc": plcc(predicted, target),
        "krcc": krcc(predicted, target),
        "rmse": rmse(predicted, target),
    }


def _bootstrap_srcc(
    predicted: NDArray[np.float32], target: NDArray[np.float32], identity: NDArray[np.int64]
) -> tuple[float, float]:
    """Return the 95 % interval of SRCC by resampling photos, because views of one photo are not independent."""
    rng = np.random.default_rng(0)
    groups = [np.flatnonzero(identity == photo) for photo in np.unique(identity)]
    values = []
    for _ in range(BOOTSTRAPS):
        chosen = np.concatenate([groups[index] for index in rng.integers(0, len(groups), len(groups))])
        values.append(srcc(predicted[chosen], target[chosen]))
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def neighbouring_levels(predicted: NDArray[np.float32], held: RenderedViews) -> dict[str, float]:
    """Return, per type, the share of pairs of neighbouring severities (clean and levels 1 to 5) ranked right."""
    shares = {}
    single = (held.severity > 0).sum(1) <= 1
    for column, name in enumerate(TYPES):
        right = []
        for photo in np.unique(held.identity):
            mine = single & (held.identity == photo)
            clean = predicted[mine & (held.severity.max(1) == 0)][:1]
            levels = np.flatnonzero(mine & (held.severity[:, column] > 0))
            ordered = predicted[levels[np.argsort(held.severity[levels, column])]]
            right += list(np.diff(np.concatenate([clean, ordered])[: LEVELS + 1]) < 0)
        shares[name] = float(np.mean(right))
    return shares


def invariance(predictor: QualityPredictor, held: RenderedViews, count: int = 60) -> dict[str, float]:
    """Return the mean change of score, through the whole predictor, when a view is mirrored, shifted or zoomed.

    Views in which the damage left nothing like a face are refused by the predictor and left out.
    """
    chosen = np.random.default_rng(0).permutation(len(held))[:count]
    changes: dict[str, list[float]] = {"mirror": [], "shift 2 %": [], "zoom 5 %": []}
    for index in tqdm(chosen, desc="invariance", unit="view"):
        view, side = held.pixels[index], held.pixels.shape[1]
        shift, inset = round(0.02 * side), round(0.025 * side)
        variants = (view, view[:, ::-1], view[shift:, shift:], view[inset:-inset, inset:-inset])
        outcomes = list(predictor.score_many(np.ascontiguousarray(variant) for variant in variants))
        scores = [outcome.score for outcome in outcomes if isinstance(outcome, QualityResult)]
        if len(scores) == len(variants):
            for name, score in zip(changes, scores[1:], strict=True):
                changes[name].append(abs(score - scores[0]))
    used = {"views used": float(len(changes["mirror"]))}
    return used | {name: float(np.mean(values)) for name, values in changes.items()}


def _print(figures: Mapping[str, object], views: int) -> None:
    print(f"{views} views of held-aside sources")
    for name, value in figures.items():
        if isinstance(value, dict):
            print(f"\n{name}")
            for key, share in value.items():
                print(f"  {key:16} {share:.3f}")
        else:
            print(f"{name:18} {value:.4f}")


if __name__ == "__main__":
    main()
