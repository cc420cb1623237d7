"""What a GPU does to throughput, memory and scores: `make gpu`, which runs tests/fiqa/test_on_gpu.py first.

`lite` scores portraits of 512 x 512 pixels: in the plain loop over `score` on the processor and on the GPU, in
`score_many`, and the network alone by faces of one batch. The network of the paper's authors, with random weights,
which cost the same, takes 20 crops of 384 pixels one by one and together. Prints rates, the most memory that torch took
on the GPU, and the largest difference of a score from the processor's. Meant for less than eight minutes.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from benchmarks.throughput import largest_difference, portrait, rate
from fiqa import load_predictor
from fiqa.checkpoints import RELEASED
from fiqa.faces.finders import load_face_finder
from fiqa.models import OFFICIAL, DslFiqa
from fiqa.photo_scorer import FaceCrops
from fiqa.photos.images import decode_photo
from fiqa.predictor import QualityPredictor

FACES_OF_A_BATCH = (1, 8, 64, 256)
FACES_ON_CPU = (1, 4)
COMPARED_CROPS = 2
"""Crops of the authors' network that are scored on the processor too: it takes about a second for each."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print every figure; return 1 with a sentence where there is no such device."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=int, default=100, metavar="N", help="default: 100")
    parser.add_argument("--device", default="cuda", help="default: cuda; cpu shows that the script runs")
    options = parser.parse_args(arguments)
    if options.device != "cpu" and not torch.cuda.is_available():
        print("There is no GPU here: run this on a machine with one.", file=sys.stderr)
        return 1
    name = "the processor" if options.device == "cpu" else torch.cuda.get_device_name(options.device)
    print(f"torch {torch.__version__}, {name}, {options.photos} photos of 512 x 512 pixels")
    files = [portrait(seed) for seed in range(options.photos)]
    measure_lite(files, options.device)
    measure_official(files[0], options.device)
    return 0


def measure_lite(files: Sequence[bytes], device: str) -> None:
    """Print rates of `lite` beside the plain loop on the processor, memory and the difference of scores."""
    on_cpu, on_device = (load_predictor("lite", device=each, finder="bundled") for each in ("cpu", device))
    on_cpu.score(files[0])
    on_device.score(files[0])
    expected, plain = rate("lite, loop on the processor", len(files), lambda: [on_cpu.score(each) for each in files])
    _, loop = rate(f"lite, loop on {device}", len(files), lambda: [on_device.score(each) for each in files])
    found, many = rate(f"lite, score_many on {device}", len(files), lambda: list(on_device.score_many(files)))
    print(f"{'':28} {loop / plain:8.2f} and {many / plain:.2f} times the loop on the processor")
    print(f"{'':28} {largest_difference(expected, found):8.1e} largest difference of a score")
    face = face_of(on_device, files[0])
    for count in FACES_ON_CPU if device == "cpu" else FACES_OF_A_BATCH:
        time_network(f"lite's network, {count} faces", on_device, [face] * count)


def measure_official(file: bytes, device: str) -> None:
    """Print rates of the authors' network, its memory, and the difference of scores of a few crops."""
    torch.manual_seed(0)
    network, spec, finder = DslFiqa(OFFICIAL), RELEASED["cgfiqa"], load_face_finder("bundled")
    few = None
    for each in ("cpu", device):
        predictor = QualityPredictor(network, spec, finder, device=each)
        face = face_of(predictor, file)
        scores = predictor.crop_scores([replace(face, offsets=face.offsets[:COMPARED_CROPS])])
        if few is not None:
            print(f"official, {COMPARED_CROPS} crops: {np.abs(scores - few).max():.1e} largest difference of a score")
        few = scores
    crops = [replace(face, offsets=[offset]) for offset in face.offsets]
    if device == "cpu":
        crops, face = crops[:COMPARED_CROPS], replace(face, offsets=face.offsets[:COMPARED_CROPS])
    time_network("official, crops together", predictor, [face])
    started = time.perf_counter()
    for crop in crops:
        predictor.crop_scores([crop])
    print(f"{'official, crops one by one':28} {time.perf_counter() - started:8.2f} s for {len(crops)}", flush=True)


def face_of(predictor: QualityPredictor, file: bytes) -> FaceCrops:
    """Return the face of a portrait as the network gets it."""
    pixels = decode_photo(file).pixels
    return predictor.face_crops(pixels, predictor.find_faces(pixels).faces[0])


def time_network(name: str, predictor: QualityPredictor, faces: Sequence[FaceCrops]) -> None:
    """Print the faces a second of one call with these, the second time, and the most memory it took on a GPU."""
    on_gpu = predictor.device != "cpu"
    predictor.crop_scores(faces)
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(predictor.device)
    started = time.perf_counter()
    predictor.crop_scores(faces)
    seconds = time.perf_counter() - started
    memory = f"{torch.cuda.max_memory_allocated(predictor.device) / 2**20:6.0f} MiB" if on_gpu else ""
    print(f"{name:28} {len(faces) / seconds:8.1f} faces/s {memory}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
