"""Whether maps of where the network looks can be read: `python -m benchmarks.maps --photos PHOTOS`.

Takes one clean photo of each person in the split test of a photo folder (training/data/photos.py), or, without
`--photos`, the astronaut and her mirror image, and measures with `fiqa.maps.readability`: the correlation of
neighbouring cells, that of the maps of a face and of the same face two pixels aside on the network's grid, the share of
confidence outside the face, and deletion and insertion in the order of the contribution, of occlusion, and of a random
map.

`--json` keeps the figures, `--page` writes them into a page that has their block; `--read` does the latter with figures
that were kept.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.cards import write_block
from benchmarks.script import run_benchmark
from fiqa.faces.finders import load_face_finder
from fiqa.loading import load_predictor
from fiqa.maps.readability import measure_face
from fiqa.predictor import QualityPredictor
from training.data.photos import read_photo_folder
from training.data.rendering import one_a_person, uses
from training.report.agreement import estimate, show_estimate
from training.report.tables import markdown_table

BLOCK = "figures of benchmarks.maps"
RANDOM = "a random order"
Photo = NDArray[np.uint8]
Landmarks = NDArray[np.float32]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write what was asked for."""
    options = _parser().parse_args(arguments)
    figures = json.loads(options.read.read_text(encoding="utf-8")) if options.read else measure(options)
    print(report(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    if options.page:
        write_block(options.page, BLOCK, report(figures))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.maps", description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=Path, metavar="DIR", help="photo folder with faces.json [the astronaut]")
    parser.add_argument("--people", type=int, default=24, help="photos that are looked at, at most [24]")
    parser.add_argument("--checkpoint", default="lite")
    parser.add_argument("--read", type=Path, metavar="JSON", help="take these figures instead of measuring")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--page", type=Path, help="write the figures into this page")
    return parser


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return every figure, as JSON-ready data."""
    predictor = load_predictor(options.checkpoint, device="cpu", finder="bundled")
    faces = list(tested_faces(options.photos) if options.photos else astronauts())[: options.people]
    spec = predictor.spec
    return {"checkpoint": spec.name, "sha256": spec.sha256, "maps": summarise_maps(predictor, faces)}


def tested_faces(folder: Path) -> Iterator[tuple[Photo, Landmarks]]:
    """Yield a clean photo of each person in the split test, with its landmarks."""
    held = [(photo, use) for photo, use in uses(read_photo_folder(folder)) if use == "test"]
    for photo, _ in one_a_person(held):
        yield photo.read(), photo.landmarks


def astronauts() -> Iterator[tuple[Photo, Landmarks]]:
    """Yield scikit-image's astronaut and her mirror image, with the landmarks that the bundled finder places."""
    portrait, finder = np.asarray(skimage.data.astronaut()), load_face_finder("bundled")
    for photo in (portrait, np.ascontiguousarray(portrait[:, ::-1])):
        yield photo, finder.find(photo)[0].landmarks


def summarise_maps(predictor: QualityPredictor, faces: Sequence[tuple[Photo, Landmarks]]) -> dict[str, Any]:
    """Return the mean of every measure over faces, and how much better than a random order the maps' orders are."""
    bar = tqdm(faces, desc="maps", unit="photo", leave=False, disable=None)
    rows = [_with_gains(measure_face(predictor, *face, seed=number)) for number, face in enumerate(bar)]
    return {"n": len(rows)} | {name: estimate(np.nanmean, [row[name] for row in rows]).to_dict() for name in rows[0]}


def _with_gains(row: Mapping[str, float]) -> dict[str, float]:
    """Add by how much each map's order beats a random one of the same face: above 0 is better, for both curves."""
    gains = {
        f"gain over a random order, {curve} by {name}": sign * (row[f"{curve} by {name}"] - row[f"{curve} by {RANDOM}"])
        for curve, sign in (("deletion", -1), ("insertion", 1))
        for name in ("contribution", "occlusion")
    }
    return {**row, **gains}


def report(figures: Mapping[str, Any]) -> str:
    """Return the table under a sentence that says what it shows."""
    maps = figures["maps"]
    rows = [(name, show_estimate(each)) for name, each in maps.items() if name != "n"]
    head = (
        f"Means over {maps['n']} faces, one of each person, of maps of `{figures['checkpoint']}`, with 95 % intervals "
        "from resampling people:"
    )
    return f"{head}\n\n{markdown_table(('of maps of the contribution', 'mean'), rows)}"


if __name__ == "__main__":
    run_benchmark(main)
