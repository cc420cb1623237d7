"""How fast, how right and how large maps of where the network looks are: `python -m benchmarks.attention`.

Speed of `lite`: from an encoded photo to the first map on the page, and each kind of map. Rightness of `lite`: faces
of which one half is degraded, and by how much regional quality is lower there, for all six degradations and both
halves; maps of mirrored photos against mirrored maps. Memory: all blocks of the released network (with weights drawn
by recipe; neither depends on their values), crop by crop.

Photos are the astronaut in several sizes; `--photos FOLDER` takes those of a folder instead.
"""

import argparse
import os
import resource
import statistics
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.script import run_benchmark
from fiqa.checkpoints import RELEASED
from fiqa.degradation.synthetic import DEGRADATIONS
from fiqa.errors import FiqaError
from fiqa.faces.finders import Face, load_face_finder
from fiqa.loading import load_predictor
from fiqa.maps.explain import choose_face, compute_maps, map_steps, why_missing
from fiqa.maps.face_maps import KINDS, MapKey
from fiqa.maps.figures import colour_scale
from fiqa.models import OFFICIAL, DslFiqa
from fiqa.models.dsl_fiqa import load_strictly
from fiqa.models.official import convert
from fiqa.photos.images import PHOTO_SUFFIXES, decode_photo
from fiqa.predictor import QualityPredictor
from fiqa.ui.attention.inspection import Subject, begin, fill
from fiqa.ui.attention.panels import maps_panel
from fiqa.ui.service import PredictorService
from tests.fiqa.official import reference

Photo = NDArray[np.uint8]
SIX = ("gaussian_noise", "gaussian_blur", "jpeg", "low_resolution", "low_light", "high_light")
PARTS = 4
"""Maps of mirrored photos are compared in this many parts along each side of the view."""


def main() -> None:
    """Print the tables."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as app and command line do
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=10, help="timed runs of lite")
    parser.add_argument("--photos", type=Path, help="folder of photos to degrade; default: the astronaut")
    parser.add_argument("--every", type=int, default=1, help="take every n-th photo of the folder")
    parser.add_argument("--severity", type=float, default=0.7, help="of the damage to one half")
    parser.add_argument("--crops", type=int, default=4, help="crops of the released network; 0: leave it out")
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; median [fastest, slowest]\n")
    predictor = load_predictor("lite", device="cpu", finder="bundled")
    benchmark_speed(predictor, options.repeats)
    faces = list(found_faces(predictor, options.photos, options.every))
    benchmark_halves(predictor, faces, options.severity)
    benchmark_mirror(predictor, faces)
    if options.crops:
        benchmark_memory(options.crops)


def benchmark_speed(predictor: QualityPredictor, repeats: int) -> None:
    """Time the first map from an encoded photo, as the page makes it, and every kind of map."""
    photo = skimage.data.astronaut()
    buffer = BytesIO()
    Image.fromarray(photo).save(buffer, "JPEG", quality=95)
    service = PredictorService(lambda _: predictor, [predictor.spec], "lite")
    service.device("lite")  # loads and warms up, as the app does behind the page
    _row("lite, first map on the page", [_first_map(service, buffer.getvalue()) for _ in range(repeats)])
    face = choose_face(predictor, photo)
    for kind in KINDS:
        if why_missing(predictor, kind) is None:
            seconds = []
            for _ in range(max(1, repeats // 3)):
                started = time.perf_counter()
                compute_maps(predictor, photo, face, kind)
                seconds.append(time.perf_counter() - started)
            _row(f"lite, {kind}", seconds)


def _first_map(service: PredictorService, encoded: bytes) -> float:
    started = time.perf_counter()
    inspection = begin(service, Subject("", "astronaut", "lite"), decode_photo(encoded).pixels)
    for _ in fill(service, inspection, "contribution"):
        pass
    key = MapKey("contribution")
    maps_panel([inspection], key, [colour_scale([inspection.maps[key]], inspection.score_range)], whole=False)
    return time.perf_counter() - started


def found_faces(predictor: QualityPredictor, folder: Path | None, every: int) -> Iterator[tuple[Photo, Face]]:
    """Yield photos with the main face of each; what holds none is left out."""
    for photo in astronauts() if folder is None else photos_in(folder, every):
        try:
            if face := predictor.find_faces(photo).face:
                yield photo, face
        except FiqaError:
            continue


def astronauts() -> Iterator[Photo]:
    """Yield the astronaut in several sizes and as her mirror image."""
    portrait = skimage.data.astronaut()
    close = Image.fromarray(portrait[20:260, 110:350])
    yield from (portrait, np.ascontiguousarray(portrait[:, ::-1]), portrait[:300, 80:380])
    yield from (np.asarray(close.resize((side, side), Image.Resampling.LANCZOS)) for side in (120, 480))


def photos_in(folder: Path, every: int) -> Iterator[Photo]:
    """Yield every n-th photo of a folder, sorted by name."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
    for path in files[::every]:
        yield decode_photo(path).pixels


def benchmark_halves(predictor: QualityPredictor, faces: list[tuple[Photo, Face]], severity: float) -> None:
    """Print by how much regional quality is lower on the degraded half, averaged over the faces."""
    print(f"\nregional quality, whole half less degraded half (severity {severity}), {len(faces)} faces")
    print(f"{'':16}  left   right  positive")
    for name in SIX:
        margins = np.array([[half_margin(predictor, *face, name, severity, side) for side in (0, 1)] for face in faces])
        left, right = margins.mean(axis=0)
        print(f"{name:16} {left:6.3f} {right:6.3f} {(margins > 0).mean():8.0%}")


def half_margin(predictor: QualityPredictor, photo: Photo, face: Face, name: str, severity: float, side: int) -> float:
    """Return the mean regional quality of the half left as it is, less that of the half degraded (0 left, 1 right)."""
    y, x = (np.arange(0.5, length, max(1.0, length / 200)) for length in photo.shape[:2])
    middle = float(face.landmarks[27:31, 0].mean())  # the bridge of the nose
    mixed = np.array(DEGRADATIONS[name](photo, severity))
    kept = slice(0, int(middle)) if side else slice(int(middle), None)
    mixed[:, kept] = photo[:, kept]
    maps = compute_maps(predictor, mixed, predictor.face_crops(mixed, face), "quality")
    quality = maps[MapKey("quality")].at(x, y).values
    degraded = (x >= middle) == bool(side)
    return float(np.nanmean(quality[:, ~degraded]) - np.nanmean(quality[:, degraded]))


def benchmark_mirror(predictor: QualityPredictor, faces: list[tuple[Photo, Face]]) -> None:
    """Print how far maps of mirrored photos are from mirrored maps, cell by cell and in sixteenths of the view."""
    print("\nregional quality of the mirrored photo, mean absolute difference from the mirrored map")
    for name in ("none", *SIX):
        apart = []
        for photo, _ in faces:
            damaged = photo if name == "none" else DEGRADATIONS[name](photo, 0.5)
            try:
                pair = [_quality_in_view(predictor, each) for each in (damaged, np.ascontiguousarray(damaged[:, ::-1]))]
            except FiqaError:
                continue
            difference = pair[0] - pair[1][:, ::-1]
            side = len(difference) // PARTS
            parts = difference.reshape(PARTS, side, PARTS, side).mean(axis=(1, 3))
            apart.append((np.abs(difference).mean(), np.abs(parts).mean()))
        cells, sixteenths = np.mean(apart, axis=0)
        print(f"{name:16} cells {cells:.3f}   sixteenths {sixteenths:.3f}")


def _quality_in_view(predictor: QualityPredictor, photo: Photo) -> NDArray[np.float64]:
    face = choose_face(predictor, photo)
    return compute_maps(predictor, photo, face, "quality")[MapKey("quality")].in_view()


def benchmark_memory(crops: int) -> None:
    """Print the peak of memory after each crop while attention of all blocks of the released network is read."""
    state = convert(reference.released_state("de"), reference.released_state("iqa"))
    with torch.device("meta"):
        network = DslFiqa(OFFICIAL)
    load_strictly(network, state, "weights by recipe")
    del state
    predictor = QualityPredictor(network, RELEASED["cgfiqa"], load_face_finder("bundled"))
    face = choose_face(predictor, skimage.data.astronaut())
    print(f"\nreleased network, {len(face.offsets)} crops a face: peak memory, GiB (before: {_peak_gib():.2f})")
    for kind in ("quality", "rollout", "cross_attention"):
        steps = map_steps(predictor, face, kind)[:crops]
        peaks, seconds = [], []
        for step in steps:
            started = time.perf_counter()
            maps: dict[Any, Any] = step()
            seconds.append(time.perf_counter() - started)
            peaks.append(f"{_peak_gib():.2f}")
        _row(f"released, {kind}, 1 crop", seconds)
        print(f"{'':8}{len(maps)} maps a crop; after each crop {', '.join(peaks)}")


def _peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _row(name: str, seconds: list[float]) -> None:
    low, middle, high = (1000 * value for value in (min(seconds), statistics.median(seconds), max(seconds)))
    print(f"{name:34} {middle:9.1f} ms  [{low:.1f}, {high:.1f}]", flush=True)


if __name__ == "__main__":
    run_benchmark(main)
