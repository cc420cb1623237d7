"""How well degradations are told apart on faces that are not in the atlas: `python -m benchmarks.degradation`.

Takes the rendered views of `training.pseudo_mos` that were held aside and prints, for the checkpoint's atlas,

* the goals: type of single degradations at severity 2 of 5 and more, severity within one level, clean called clean,
  one of a stack of two named first;
* the same by majority of the nearest references alone, which uses no labels of the embedding's making but those of
  the references: what the encoder's embedding is worth without the classifier on top;
* whether the embedding follows content: silhouettes by degradation and by identity;
* how much of the neighbourhood the map keeps, for references and for new faces;
* the confusion matrix of the single degradations at severity 2 of 5 and more.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import silhouette_score

from benchmarks.cards import write_block
from benchmarks.degradation_report import BLOCK, report
from benchmarks.script import run_benchmark
from fiqa.degradation.atlas import CLEAN, TYPES, Atlas, Diagnosis, distances, find_atlas
from fiqa.degradation.atlas_building import LabelledEmbeddings, single_types
from fiqa.degradation.synthetic import LEVELS
from fiqa.errors import CheckpointError
from fiqa.loading import load_predictor
from fiqa.settings import Settings
from training.build_atlas import embed_split

NOTICEABLE = 1.5 / LEVELS
"""Severity 2 of 5 and more."""
KEPT_NEIGHBOURS = 15


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--views", type=Path, default=Path("runs/pseudo_mos"), help="from training.pseudo_mos")
    parser.add_argument("--checkpoint", default="lite")
    parser.add_argument("--split", default="test", choices=("val", "test"))
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--card", type=Path, help="write the figures into this model card")
    options = parser.parse_args()
    predictor = load_predictor(options.checkpoint, device="cpu", finder="bundled")
    atlas = find_atlas(predictor.spec, Settings.from_environment())
    if atlas is None:
        raise CheckpointError("There is no atlas for these weights: run python -m training.build_atlas.")
    held = embed_split(predictor, options.views, options.split)
    diagnoses = atlas.diagnose(held.vectors)
    figures: dict[str, Any] = {"sha256": predictor.spec.sha256, "identities": len(np.unique(held.identity))}
    figures |= {"views": count_views(held)}
    figures |= goals(diagnoses, held) | {"nearest_references": by_neighbours(atlas, held)}
    figures |= silhouettes(atlas, held) | {"neighbours_kept": neighbours_kept(atlas, diagnoses, held)}
    figures |= {"confusion": confusion(diagnoses, held).round(4).tolist()}
    print(report(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if options.card:
        write_block(options.card, BLOCK, report(figures))


def _groups(held: LabelledEmbeddings) -> dict[str, NDArray[np.intp]]:
    """Return the indices of clean views, of noticeable single degradations, of all singles, of stacks of two."""
    applied, strongest = (held.severity > 0).sum(axis=1), held.severity.max(axis=1)
    return {
        "clean": np.flatnonzero(applied == 0),
        "noticeable": np.flatnonzero((applied == 1) & (strongest >= NOTICEABLE)),
        "single": np.flatnonzero(applied == 1),
        "stack": np.flatnonzero(applied == 2),
    }


def count_views(held: LabelledEmbeddings) -> dict[str, int]:
    """Return how many views are clean, of single degradations, and stacks of two and of three."""
    applied = (held.severity > 0).sum(axis=1)
    names = ("clean", "single", "stack", "stack of three")
    return {name: int((applied == count).sum()) for count, name in enumerate(names)}


def goals(diagnoses: list[Diagnosis], held: LabelledEmbeddings) -> dict[str, float]:
    """Return the shares that the goals are about."""
    groups, first = _groups(held), [diagnosis.degradations[0] for diagnosis in diagnoses]
    named = np.array([TYPES.index(finding.type) for finding in first])
    true, strongest = single_types(held.severity), held.severity.max(axis=1)

    def within_a_level(index: int) -> bool:
        of_type = [each for each in diagnoses[index].degradations if each.type == TYPES[true[index]]]
        apart = round(of_type[0].severity * LEVELS) - round(strongest[index] * LEVELS) if of_type else LEVELS
        return bool(abs(apart) <= 1)

    return {
        "type_right": _share(named[groups["noticeable"]] == true[groups["noticeable"]]),
        "severity_within_a_level": _share([within_a_level(index) for index in groups["noticeable"]]),
        "clean_called_clean": _share(named[groups["clean"]] == 0),
        "one_of_two_named_first": _share([_names_one(first[i].type, held.severity[i]) for i in groups["stack"]]),
    }


def _names_one(name: str, severity: NDArray[np.float32]) -> bool:
    return name != CLEAN and bool(severity[TYPES.index(name) - 1] > 0)


def by_neighbours(atlas: Atlas, held: LabelledEmbeddings) -> dict[str, float]:
    """Return the type goals by majority of the five nearest references alone."""
    groups, true = _groups(held), single_types(held.severity)
    nearest = np.argsort(distances((held.vectors - atlas.centre) / atlas.scale, atlas.vectors), axis=1)[:, :5]
    votes = np.array([np.bincount(atlas.types[row], minlength=len(TYPES)).argmax() for row in nearest])
    return {
        "type_right": _share(votes[groups["noticeable"]] == true[groups["noticeable"]]),
        "clean_called_clean": _share(votes[groups["clean"]] == 0),
        "one_of_two_named_first": _share([_names_one(TYPES[votes[i]], held.severity[i]) for i in groups["stack"]]),
    }


def silhouettes(atlas: Atlas, held: LabelledEmbeddings) -> dict[str, float]:
    """Return the silhouettes (-1 to 1) of noticeable single degradations and clean faces, by type and by identity."""
    groups = _groups(held)
    chosen = np.concatenate([groups["clean"], groups["noticeable"]])
    standard = (held.vectors[chosen] - atlas.centre) / atlas.scale
    return {
        "silhouette_by_degradation": float(silhouette_score(standard, single_types(held.severity[chosen]))),
        "silhouette_by_identity": float(silhouette_score(standard, held.identity[chosen])),
    }


def neighbours_kept(atlas: Atlas, diagnoses: list[Diagnosis], held: LabelledEmbeddings) -> dict[str, float]:
    """Return which share of the nearest references in the embedding are so on the map, and on that of two components.

    Of the references themselves, and of the new single degradations placed among them.
    """
    chosen = np.concatenate([_groups(held)["clean"], _groups(held)["single"]])
    asked = (held.vectors[chosen] - atlas.centre) / atlas.scale
    placed = np.array([diagnoses[index].position for index in chosen], dtype=np.float32)
    components = np.linalg.svd(atlas.vectors - atlas.vectors.mean(axis=0), full_matrices=False)[2][:2].T
    plane = atlas.vectors @ components
    return {
        "references, t-SNE": _kept(atlas.vectors, atlas.vectors, atlas.places, atlas.places, skip=1),
        "references, two components": _kept(atlas.vectors, atlas.vectors, plane, plane, skip=1),
        "new faces, median of neighbours": _kept(asked, atlas.vectors, placed, atlas.places),
        "new faces, two components": _kept(asked, atlas.vectors, asked @ components, plane),
    }


def _kept(
    points: NDArray[np.float32], references: NDArray[np.float32],
    places: NDArray[np.float32], reference_places: NDArray[np.float32], *, skip: int = 0,
) -> float:  # fmt: skip
    wanted = slice(skip, skip + KEPT_NEIGHBOURS)
    before = np.argsort(distances(points, references), axis=1)[:, wanted]
    after = np.argsort(distances(places, reference_places), axis=1)[:, wanted]
    return _share([len(set(a) & set(b)) / KEPT_NEIGHBOURS for a, b in zip(before, after, strict=True)])


def confusion(diagnoses: list[Diagnosis], held: LabelledEmbeddings) -> NDArray[np.float64]:
    """Return the share of each true type (rows) that was taken for each (columns)."""
    groups, true = _groups(held), single_types(held.severity)
    counts = np.zeros((len(TYPES), len(TYPES)))
    for index in np.concatenate([groups["clean"], groups["noticeable"]]):
        counts[true[index], TYPES.index(diagnoses[index].degradations[0].type)] += 1
    shares: NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shares


def _share(values: Any) -> float:
    return float(np.mean(values))


if __name__ == "__main__":
    run_benchmark(main)
