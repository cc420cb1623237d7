"""How well `lite` judges degraded faces of sources it never saw: `python -m benchmarks.accuracy`.

Measures everything that docs/model_card.md states, on the views that `python -m training.pseudo_mos` rendered
of the held-aside photos (no jitter; clean, every type at five levels, stacks of two and three):

* agreement with pseudo-MOS, views alone and stacked, the paper's types and all, each type alone, within one photo;
* neighbouring severities ranked right, per type;
* degradation type by nearest neighbour in the encoder's embedding, among training views of other people;
* agreement on types that a training (`--held-out RUN`, made with --without) never saw;
* change of score under mirroring, shift and zoom;
* with `--photos`, the photos themselves: damage on the face alone and around it, clean photos saved again, enlarged,
  framed, landmarks left out, and maps (`benchmarks.robustness`), and of faces that are sharp but wrong
  (`benchmarks.wrong_faces`);
* beside it, on the same views, the classical measures of `benchmarks.classical`.

`--json` keeps the figures, `--card` writes them into a model card, `--figures` draws them. `--read` does the
last two with figures kept before.
"""

import argparse
import json
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks import robustness
from benchmarks.accuracy_report import BLOCK, draw_figures, report
from benchmarks.cards import write_block
from benchmarks.classical import Measure, load_measures
from benchmarks.script import run_benchmark
from benchmarks.wrong_faces import wrong_faces
from fiqa.degradation.synthetic import DEGRADATIONS, LEVELS, PAPER_TYPES
from fiqa.evaluation.metrics import srcc
from fiqa.loading import load_network, load_predictor
from fiqa.models import DslFiqa
from fiqa.models.degradation_encoder import DegradationEncoder
from fiqa.predictor import QualityPredictor
from fiqa.results import QualityResult
from training.data.photos import Split, read_photo_folder
from training.data.rendering import TYPES, one_a_person, uses
from training.data.views import PseudoMos, RenderedViews, read_views
from training.fit.starting import load_encoder
from training.release import count_gflops
from training.report.agreement import Estimate, estimate, measure_agreement
from training.train_degradation import NEIGHBOURS, NOTICEABLE, embed
from training.train_quality import predict_views

REFERENCES = 40
"""Views of each training photo among which the nearest neighbours are sought."""
TURNED = 0.08
"""From this offset of the nose tip on, as a share of the distance of the outer eye corners, a face is turned."""
NOSE_TIP, OUTER_EYES = 30, (36, 45)
INVARIANCE_VIEWS = 60

Rows = NDArray[np.bool_]
Scores = NDArray[np.float32]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write what was asked for."""
    options = _parser().parse_args(arguments)
    figures = json.loads(options.read.read_text(encoding="utf-8")) if options.read else measure(options)
    print(report(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    if options.card:
        write_block(options.card, BLOCK, report(figures))
    if options.figures:
        draw_figures(options.figures, figures)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__.split("\n")[0])
    parser.add_argument("--views", type=Path, default=Path("runs/pseudo_mos"), help="rendered views")
    photos = "photo folder that the views were rendered of: measure too what only photos can show"
    parser.add_argument("--photos", type=Path, metavar="DIR", help=photos)
    parser.add_argument("--checkpoint", default="lite")
    parser.add_argument("--split", default="test", choices=("val", "test"))
    small = "views of the same photos, rendered with --held-aside-px below 256"
    parser.add_argument("--small", type=Path, metavar="DIR", help=small)
    parser.add_argument("--label-free", type=Path, metavar="RUN", help="run of training.train_degradation")
    parser.add_argument("--held-out", type=Path, metavar="RUN", help="run of training.train_quality --without TYPE …")
    parser.add_argument("--held-out-types", nargs="+", default=[], choices=tuple(TYPES), metavar="TYPE")
    parser.add_argument("--classical-views", type=int, default=400, help="views that the classical measures are given")
    parser.add_argument("--read", type=Path, metavar="JSON", help="take these figures instead of measuring")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--card", type=Path, help="write the figures into this model card")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="draw the figures there")
    return parser


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return every figure, as JSON-ready data."""
    predictor = load_predictor(options.checkpoint, device="cpu", finder="bundled")
    reference, metrics = read_reference(options.views)
    views = read_views(options.views, options.split)
    mapping = PseudoMos.fit(metrics)
    target = mapping(views.metrics)
    scores = scores_of(predictor, views)
    sample = np.sort(np.random.default_rng(0).permutation(len(views))[: options.classical_views])
    name = predictor.spec.name
    encoders = {name: predictor.network.encoder}
    if options.label_free:
        encoders["never shown a label"] = _label_free_encoder(predictor.network, options.label_free)
    crop_px = predictor.config.crop_px
    return {
        "checkpoint": name,
        "data": {
            "split": options.split,
            "photos": len(np.unique(views.identity)),
            "views": len(views),
            "train_photos": len(np.unique(reference.identity)),
            "train_views": len(metrics),
        },
        "size": size(predictor),
        "agreement": agreement(scores, target, views),
        "types_alone": types_alone(scores, target, views),
        "within_photos": within_photos(scores, target, views),
        "robustness": on_photos(predictor, options.photos, options.split) if options.photos else {},
        "poses": poses(scores, target, views),
        "levels": neighbouring_levels(scores, views),
        "small": small_faces(predictor, read_views(options.small, options.split), mapping) if options.small else {},
        "types": {which: type_accuracy(each, reference, views, crop_px) for which, each in encoders.items()},
        "held_out": held_out(options, name, scores, target, views),
        "invariance": invariance(predictor, views),
        "measures": measures(predictor, scores, target, views, sample),
        "scatter": {"score": _rounded(scores[sample]), "pseudo_mos": _rounded(target[sample])},
    }


def read_reference(folder: Path, per_photo: int = REFERENCES) -> tuple[RenderedViews, NDArray[np.float64]]:
    """Return views of every training photo with one noticeable degradation or none, and the metrics of all views.

    All training views at once would take gigabytes.
    """
    parts, metrics = [], []
    for path in tqdm(sorted(folder.glob("*.npz")), desc="reading train", unit="photo", leave=False, disable=None):
        with np.load(path) as shard:
            if str(shard["split"]) != "train":
                continue
            metrics.append(shard["metrics"])
            rows = np.flatnonzero(_shows_one_type(shard["severity"]))[:per_photo]
            parts.append({"pixels": shard["views"][rows], "landmarks": shard["landmarks"][rows]})
            parts[-1] |= {"metrics": metrics[-1][rows], "severity": shard["severity"][rows]}
            parts[-1] |= {"identity": np.full(len(rows), len(parts)), "weight": np.ones(len(rows))}
            parts[-1] |= {"reference": np.arange(len(rows))}  # nothing is compared here
    if not parts:
        read_views(folder, "train")  # says what is missing
    joined = {item.name: np.concatenate([part[item.name] for part in parts]) for item in fields(RenderedViews)}
    return RenderedViews(**joined), np.concatenate(metrics)


def scores_of(predictor: QualityPredictor, views: RenderedViews) -> Scores:
    """Return the score (V,) of every view, its landmarks given."""
    crops = predictor.spec.preprocessing.crops
    return predict_views(predictor.network, views, np.arange(len(views)), crops)


def size(predictor: QualityPredictor) -> dict[str, Any]:
    """Return the network's parameters and billions of operations a face, and which weights they are."""
    network = load_network(predictor.spec)  # the predictor has folded its own
    parameters = sum(parameter.numel() for parameter in network.parameters())
    gflops = count_gflops(network, predictor.spec.preprocessing.crops)
    return {"parameters": parameters, "gflops": round(gflops, 3), "sha256": predictor.spec.sha256}


def agreement(scores: Scores, target: Scores, views: RenderedViews) -> dict[str, Any]:
    """Return agreement with pseudo-MOS by what was done to the views."""
    stacked, paper = _steps(views.severity) > 1, _only(PAPER_TYPES, views.severity)
    everything = np.ones(len(views), dtype=bool)
    subjects = {
        "the paper's types and motion blur": paper,
        "— one at a time": paper & ~stacked,
        "— stacked": paper & stacked,
        "all types": everything,
        "— one at a time, all types": ~stacked,
        "— stacked, all types": stacked,
    }
    return {name: agreement_on(rows, scores, target, views) for name, rows in subjects.items()}


def agreement_on(rows: Rows, scores: Scores, target: Scores, views: RenderedViews) -> dict[str, Any]:
    """Return the agreement on some views and how many they are."""
    figures = measure_agreement(scores[rows], target[rows], views.identity[rows])
    return {"n": int(rows.sum())} | {name: each.to_dict() for name, each in figures.items()}


def types_alone(scores: Scores, target: Scores, views: RenderedViews) -> dict[str, Any]:
    """Return the SRCC over the views of each type alone, and the clean ones."""
    found = {}
    for column, name in enumerate(TYPES):
        rows = (_steps(views.severity) == 0) | ((_steps(views.severity) == 1) & (views.severity[:, column] > 0))
        figure = estimate(srcc, scores[rows], target[rows], clusters=views.identity[rows])
        found[name] = {"n": int(rows.sum()), "srcc": figure.to_dict()}
    return found


def within_photos(scores: Scores, target: Scores, views: RenderedViews) -> dict[str, Any]:
    """Return the median and the lowest SRCC over the views of one photo."""
    photos = np.unique(views.identity)
    each = np.array([srcc(scores[views.identity == photo], target[views.identity == photo]) for photo in photos])
    return {"n": len(each), "median": estimate(np.median, each).to_dict(), "lowest": round(float(each.min()), 4)}


def on_photos(predictor: QualityPredictor, folder: Path, split: Split) -> dict[str, Any]:
    """Return what `benchmarks.robustness` measures: on tested people, and on clean photos of held-aside sources."""
    held = [(photo, use) for photo, use in uses(read_photo_folder(folder)) if use == split]
    tested = {photo.id for photo, _ in one_a_person(held)}
    photos = [photo for photo, _ in held if photo.id in tested or not photo.is_of_known_person]
    subjects = [robustness.subject_of(predictor, photo) for photo in photos]
    people = [subject for subject in subjects if not subject.in_the_wild]
    return robustness.measure(predictor, subjects) | {"wrong": wrong_faces(predictor, people)}


def poses(scores: Scores, target: Scores, views: RenderedViews) -> dict[str, Any]:
    """Return agreement for faces seen from the front and for turned ones, told apart by their landmarks."""
    left, right = (views.landmarks[:, index] for index in OUTER_EYES)
    apart = np.linalg.norm(right - left, axis=1)
    turned = np.abs(views.landmarks[:, NOSE_TIP, 0] - (left + right)[:, 0] / 2) / apart > TURNED
    groups = {"from the front": ~turned, "turned": turned}
    return {
        name: {"photos": len(np.unique(views.identity[rows])), **agreement_on(rows, scores, target, views)}
        for name, rows in groups.items()
    }


def neighbouring_levels(scores: Scores, views: RenderedViews) -> dict[str, Any]:
    """Return, per type, the share of pairs of neighbouring severities (clean and levels 1 to 5) ranked right."""
    shares = {}
    single = _steps(views.severity) <= 1
    for column, name in enumerate(TYPES):
        right: list[bool] = []
        photos: list[int] = []
        for photo in np.unique(views.identity):
            mine = single & (views.identity == photo)
            clean = scores[mine & (views.severity.max(1) == 0)][:1]
            levels = np.flatnonzero(mine & (views.severity[:, column] > 0))
            ordered = scores[levels[np.argsort(views.severity[levels, column])]]
            falls = np.diff(np.concatenate([clean, ordered])[: LEVELS + 1]) < 0
            right += list(falls)
            photos += [int(photo)] * len(falls)
        share = bounded(estimate(np.mean, np.array(right), clusters=photos), len(set(photos)))
        shares[name] = {"n": len(right), "share": share.to_dict()}
    return shares


def bounded(share: Estimate, people: int) -> Estimate:
    """Return a share with a low end where resampling people finds none, because all of them are right.

    It is the share of people below which so many would be right by chance once in forty times (Clopper and Pearson,
    1934).
    """
    return replace(share, low=0.025 ** (1 / people)) if share.value == 1 else share


def small_faces(predictor: QualityPredictor, views: RenderedViews, mapping: PseudoMos) -> dict[str, Any]:
    """Return agreement and neighbouring severities ranked right on faces that were small when they were damaged."""
    scores = scores_of(predictor, views)
    everything, paper = np.ones(len(views), dtype=bool), _only(PAPER_TYPES, views.severity)
    subjects = {"the paper's types and motion blur": paper, "all types": everything}
    target = mapping(views.metrics)
    agreements = {name: agreement_on(rows, scores, target, views) for name, rows in subjects.items()}
    return {"agreement": agreements, "levels": neighbouring_levels(scores, views)}


@torch.inference_mode()
def type_accuracy(
    encoder: DegradationEncoder, reference: RenderedViews, views: RenderedViews, crop_px: int
) -> dict[str, Any]:
    """Return how often the nearest training views name the degradation: clean, or one type from level 2 on."""
    known = np.flatnonzero(_shows_one_type(reference.severity))
    asked = np.flatnonzero(_shows_one_type(views.severity))
    distance = torch.cdist(embed(encoder, views, asked, crop_px), embed(encoder, reference, known, crop_px))
    nearest = distance.topk(NEIGHBOURS, largest=False).indices.numpy()
    votes = torch.from_numpy(_type_of(reference.severity[known])[nearest]).mode(dim=1).values.numpy()
    truth = _type_of(views.severity[asked])
    right = votes == truth
    by_type = {name: right[truth == code] for code, name in enumerate(("clean", *TYPES))}
    return {
        "n": len(asked),
        "accuracy": estimate(np.mean, right, clusters=views.identity[asked]).to_dict(),
        "by_type": {name: round(float(hits.mean()), 4) for name, hits in by_type.items() if len(hits)},
    }


def held_out(
    options: argparse.Namespace, name: str, scores: Scores, target: Scores, views: RenderedViews
) -> dict[str, Any]:
    """Return agreement on types that a training never saw, beside the checkpoint `name`, which saw them."""
    if not options.held_out:
        return {}
    predictor = load_predictor(str(options.held_out / "checkpoint"), device="cpu", finder="bundled")
    unseen = {name: scores, f"trained without {_listed(options.held_out_types)}": scores_of(predictor, views)}
    alone = _only(options.held_out_types, views.severity)
    touched = alone | (views.severity[:, [TYPES.index(name) for name in options.held_out_types]].max(1) > 0)
    return {
        "types": options.held_out_types,
        "views of these types alone, and clean": _agreements(alone, unseen, target, views),
        "those, and stacks with one of them": _agreements(touched, unseen, target, views),
    }


def _agreements(
    rows: Rows, scores: Mapping[str, Scores], target: Scores, views: RenderedViews
) -> dict[str, dict[str, Any]]:
    return {name: agreement_on(rows, each, target, views) for name, each in scores.items()}


def invariance(predictor: QualityPredictor, views: RenderedViews) -> dict[str, Any]:
    """Return the change of score, through the whole predictor, when a view is mirrored, shifted or zoomed.

    Views in which the damage left nothing like a face are refused by the predictor and left out.
    """
    chosen = np.random.default_rng(0).permutation(len(views))[:INVARIANCE_VIEWS]
    changes: dict[str, list[float]] = {"mirrored": [], "shifted by 2 %": [], "zoomed by 5 %": []}
    photos = []
    for index in tqdm(chosen, desc="invariance", unit="view", leave=False, disable=None):
        variants = _variants(views.pixels[index])
        results = [outcome for outcome in predictor.score_many(variants) if isinstance(outcome, QualityResult)]
        if len(results) == len(variants):
            photos.append(views.identity[index])
            for name, result in zip(changes, results[1:], strict=True):
                changes[name].append(abs(result.score - results[0].score))
    return {"n": len(photos)} | {
        name: {"mean": estimate(np.mean, values, clusters=photos).to_dict(), "largest": round(max(values), 4)}
        for name, values in changes.items()
    }


def _variants(view: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return a view (H, W, 3), mirrored, shifted by 2 % and zoomed by 5 %."""
    side = view.shape[0]
    shift, inset = round(0.02 * side), round(0.025 * side)
    return [view, view[:, ::-1].copy(), view[shift:, shift:].copy(), view[inset:-inset, inset:-inset].copy()]


def measures(
    predictor: QualityPredictor, scores: Scores, target: Scores, views: RenderedViews, sample: NDArray[np.int64]
) -> dict[str, Any]:
    """Return SRCC to pseudo-MOS of the model and of the classical measures on the same views."""
    classical, missing = load_measures()
    for line in missing:
        tqdm.write(line)
    model = predictor.spec.name
    asked: dict[str, Measure] = {f"{model}, from photo to score": _from_photo(predictor), **classical}
    found = {model: measured_srcc(scores[sample], target, views, sample)}
    for name, measure_one in asked.items():
        bar = tqdm(sample, desc=name, unit="view", leave=False, disable=None)
        started = time.process_time()
        values = np.array([_or_nan(measure_one, views.pixels[index]) for index in bar])
        spent_ms = 1000 * (time.process_time() - started) / len(sample)
        found[name] = {**measured_srcc(values, target, views, sample), "ms": round(spent_ms, 1)}
    return found


def measured_srcc(
    values: NDArray[np.floating], target: Scores, views: RenderedViews, sample: NDArray[np.int64]
) -> dict[str, Any]:
    """Return SRCC over the views that a measure gave a number for, and how many it gave none for."""
    usable = np.isfinite(values)
    paper = usable & _only(PAPER_TYPES, views.severity[sample])
    subjects = {"srcc": usable, "srcc_paper": paper}
    return {"n": len(sample), "refused": int((~usable).sum())} | {
        name: estimate(srcc, values[rows], target[sample][rows], clusters=views.identity[sample][rows]).to_dict()
        for name, rows in subjects.items()
    }


def _from_photo(predictor: QualityPredictor) -> Measure:
    """Return the score as a user gets it: the face is found first; NaN where none is."""

    def score(photo: NDArray[np.uint8]) -> float:
        outcome = next(iter(predictor.score_many([photo])))
        return outcome.score if isinstance(outcome, QualityResult) else float("nan")

    return score


def _or_nan(measure_one: Measure, photo: NDArray[np.uint8]) -> float:
    """Return a measure, NaN where it cannot be computed: pictures without any contrast break some packages."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of the same
            return measure_one(photo)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):
        return float("nan")


def _label_free_encoder(network: DslFiqa, run: Path) -> DegradationEncoder:
    fresh = DslFiqa(network.config)
    load_encoder(fresh, run)
    return fresh.encoder.eval()


def _steps(severity: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return how many degradations were applied to each view."""
    counts: NDArray[np.int64] = (severity > 0).sum(1)
    return counts


def _only(types: Sequence[str], severity: NDArray[np.float32]) -> Rows:
    """Tell which views show no other degradation than these; clean ones do not."""
    others = [column for column, name in enumerate(TYPES) if name not in types]
    rows: Rows = severity[:, others].max(1, initial=0) == 0
    return rows


def _shows_one_type(severity: NDArray[np.float32]) -> Rows:
    steps = _steps(severity)
    rows: Rows = (steps == 0) | ((steps == 1) & (severity.max(1) >= NOTICEABLE))
    return rows


def _type_of(severity: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return 0 for clean views, else 1 and the position of the type."""
    return np.where(_steps(severity) == 0, 0, severity.argmax(1) + 1)


def _listed(types: Sequence[str]) -> str:
    return " and ".join(DEGRADATIONS[name].label for name in types)


def _rounded(values: Scores) -> list[float]:
    return [round(float(value), 4) for value in values]


if __name__ == "__main__":
    run_benchmark(main)
