"""What torch and ONNX Runtime cost to be ready and to score: `make bench NAME=footprint ARGS="--onnx lite-onnx"`.

Each runs in a process of its own, on as many threads as are asked for. Prints processor time until the predictor is
loaded, memory then (resident, at its peak), memory after 11 photos, and processor time of a photo of 512 x 512 pixels.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.script import run_benchmark
from fiqa.photo_scorer import PhotoScorer

PHOTOS = 10


def main() -> None:
    options = read_options()
    if options.only:
        measure(options.only, options)
        return
    from PIL import Image
    from skimage.data import astronaut

    print(f"{'':8} {'ready':>8} {'memory':>10} {'after':>10} {'a photo':>10}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "portrait.png"
        Image.fromarray(astronaut()).save(photo)
        for runtime in ("torch", "onnx"):
            command = [sys.executable, "-m", "benchmarks.footprint", "--only", runtime, "--photo", str(photo)]
            command += ["--onnx", str(options.onnx), "--threads", str(options.threads)]
            subprocess.run(command, check=True)  # noqa: S603  this script again


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--onnx", type=Path, default=Path("lite-onnx"), help="a folder that `fiqa export` wrote")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="default: 1")
    parser.add_argument("--only", choices=("torch", "onnx"), help=argparse.SUPPRESS)
    parser.add_argument("--photo", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(runtime: str, options: argparse.Namespace) -> None:
    """Load one predictor in this process, score, and print the row."""
    predictor = load(runtime, options)
    ready, memory = time.process_time(), peak_mib()
    predictor.score(options.photo)
    started = time.process_time()
    for _ in range(PHOTOS):
        predictor.score(options.photo)
    photo_ms = 1000 * (time.process_time() - started) / PHOTOS
    print(f"{runtime:8} {ready:6.2f} s {memory:6.0f} MiB {peak_mib():6.0f} MiB {photo_ms:7.0f} ms", flush=True)


def load(runtime: str, options: argparse.Namespace) -> PhotoScorer:
    """Import what the runtime needs, and no more, and load `lite` with it."""
    if runtime == "onnx":
        from fiqa.onnx import load_onnx

        return load_onnx(options.onnx, threads=options.threads)
    import torch

    from fiqa import load_predictor

    torch.set_num_threads(options.threads)
    return load_predictor("lite", device="cpu", finder="bundled")


def peak_mib() -> float:
    """Return the most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    run_benchmark(main)
