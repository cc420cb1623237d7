"""How long a score takes, part by part, and how much memory: `python -m benchmarks.score`.

For `lite`: end to end from an encoded photo, and its parts. For the network of the released weights
(with weights drawn by recipe; speed does not depend on their values): one crop, and the 20 crops of a
photo through the predictor, beside the plain sequential form of the same network, one crop at a time,
with the blocks that are computed and thrown away, unfused attention and no cache, in the same run.
"""

import argparse
import copy
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, NamedTuple, cast
from unittest import mock

import numpy as np
import skimage.data
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from benchmarks.script import run_benchmark
from fiqa.checkpoints import RELEASED
from fiqa.faces.finders import load_face_finder
from fiqa.loading import load_predictor
from fiqa.memory import reuse_freed_memory
from fiqa.models import OFFICIAL, DslFiqa
from fiqa.models.dsl_fiqa import load_strictly
from fiqa.models.landmark_encoding import index_vector
from fiqa.models.official import convert
from fiqa.photo_scorer import FaceCrops
from fiqa.photos.alignment import View
from fiqa.photos.crops import grid_offsets
from fiqa.predictor import QualityPredictor
from tests.fiqa.official import reference

UNTURNED = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def main() -> None:
    """Print the tables."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as app and command line do
    reuse_freed_memory()  # likewise
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=20, help="timed runs of lite")
    parser.add_argument("--rounds", type=int, default=3, help="timed runs of the released network's 20 crops; 0: none")
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; median [fastest, slowest]\n")
    benchmark_lite(options.repeats)
    if options.rounds:
        benchmark_released(options.rounds)
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


def benchmark_lite(repeats: int) -> None:
    """Time `lite` on an encoded photo of 512 x 512 pixels with one face."""
    started = time.perf_counter()
    predictor = load_predictor("lite", device="cpu", finder="bundled")
    buffer = BytesIO()
    Image.fromarray(skimage.data.astronaut()).save(buffer, "JPEG", quality=95)
    results = [predictor.score(buffer.getvalue()) for _ in range(repeats + 3)][3:]
    print(f"lite, load {time.perf_counter() - started:.2f} s with the first photos")
    for part in results[0].timings_ms:
        _row(f"lite, {part}", [result.timings_ms[part] / 1000 for result in results])
    print(f"peak memory so far {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB\n")


@torch.inference_mode()
def benchmark_released(rounds: int) -> None:
    """Time the released network: the predictor's way and the plain way in turn, on the same 20 crops."""
    state = convert(reference.released_state("de"), reference.released_state("iqa"))
    with torch.device("meta"):
        network = DslFiqa(OFFICIAL)
    load_strictly(network, state, "weights by recipe")
    plain = PlainSequential(copy.deepcopy(network).eval())  # the predictor changes its network for speed
    predictor = QualityPredictor(network, RELEASED["cgfiqa"], load_face_finder("bundled"))
    faces = astronaut_crops()
    one = FaceCrops(None, faces.view, faces.offsets[:1], faces.landmarks)
    singly = [_timed(lambda: predictor.predict([one]))[0].wall for _ in range(rounds + 1)][1:]
    _row("released network, 1 crop", singly)
    ours, theirs, difference = list[Seconds](), list[Seconds](), 0.0
    for _ in range(rounds):
        seconds, prediction = _timed(lambda: predictor.predict([faces]))
        ours.append(seconds)
        seconds, scores = _timed(lambda: plain.scores(predictor, faces))
        theirs.append(seconds)
        difference = max(difference, float((prediction.score - scores).abs().max()))
    for kind in Seconds._fields:
        mine, others = ([getattr(each, kind) for each in run] for run in (ours, theirs))
        _row(f"released network, 20 crops, {kind}", mine)
        _row(f"plain form, 20 crops, {kind}", others)
        print(f"plain / ours {statistics.median(b / a for a, b in zip(mine, others, strict=True)):.2f}\n")
    print(f"largest difference of a crop's score {difference:.1e}")


def astronaut_crops() -> FaceCrops:
    """Return the 20 crops of the 512 x 512 astronaut with made-up landmarks."""
    landmarks = reference.vectors()["e2e/landmarks"].astype(np.float32)
    return FaceCrops(None, View(skimage.data.astronaut(), UNTURNED), grid_offsets(512, 512, 384, 20), landmarks)


class PlainSequential:
    """The released network as it was published: twelve blocks, explicit attention, one crop at a time."""

    def __init__(self, network: DslFiqa) -> None:
        import timm  # after the network, which prepares torchvision for it

        self.network = network
        self.vit = cast("Any", timm.create_model(OFFICIAL.backbone, num_classes=0)).eval()
        trimmed = cast("Any", network.transformer.backbone).network.state_dict()
        self.vit.load_state_dict(trimmed, strict=False)  # the last two blocks keep weights nobody sees
        for block in self.vit.blocks:
            block.attn.fused_attn = False

    def scores(self, predictor: QualityPredictor, face: FaceCrops) -> Tensor:
        """Return the score of every crop (K,)."""
        with explicit_attention():
            return torch.cat([self._score(predictor, face, top, left) for top, left in face.offsets])

    def _score(self, predictor: QualityPredictor, face: FaceCrops, top: int, left: int) -> Tensor:
        side, transformer = OFFICIAL.crop_px, self.network.transformer
        crop = predictor.normalise(face.view.image[None, top : top + side, left : left + side])
        landmarks = cast("NDArray[np.float32]", face.landmarks)
        vector = index_vector(landmarks, top, left, side, OFFICIAL.landmark_slots)
        weights = self.network.landmark_weights(torch.from_numpy(vector)[None])
        degradation = self.network.encoder(crop)
        with mock.patch.object(transformer, "backbone", _Recorded(self.vit)):
            score: Tensor = transformer(crop, degradation, weights).score
        return score


class _Recorded(nn.Module):
    """Runs the whole ViT and returns what hooks saw after the tapped blocks."""

    vit: Any

    def __init__(self, vit: nn.Module) -> None:
        super().__init__()
        self.vit = vit

    def forward(self, crops: Tensor) -> Tensor:
        outputs: list[Tensor] = []
        hooks = [
            block.register_forward_hook(lambda _m, _i, output: outputs.append(output)) for block in self.vit.blocks
        ]
        self.vit.forward_features(crops)
        for hook in hooks:
            hook.remove()
        tokens = torch.cat([outputs[tap][:, 1:] for tap in OFFICIAL.backbone_taps], dim=-1)
        return tokens.transpose(1, 2).reshape(-1, tokens.shape[-1], OFFICIAL.grid, OFFICIAL.grid)


@contextmanager
def explicit_attention() -> Iterator[None]:
    """Make every attention compute its matrix."""

    def explicit(q: Tensor, k: Tensor, v: Tensor, attn_mask: Tensor | None = None) -> Tensor:
        logits = q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)
        weights = torch.softmax(logits if attn_mask is None else logits + attn_mask, dim=-1)
        return weights @ v

    with mock.patch("torch.nn.functional.scaled_dot_product_attention", explicit):
        yield


class Seconds(NamedTuple):
    """How long something took by the clock, and of processors, which says more where others use them too."""

    wall: float
    processor: float


def _timed(call: Callable[[], Any]) -> tuple[Seconds, Any]:
    wall, processor = time.perf_counter(), time.process_time()
    result = call()
    return Seconds(time.perf_counter() - wall, time.process_time() - processor), result


def _row(name: str, seconds: list[float]) -> None:
    low, middle, high = (1000 * value for value in (min(seconds), statistics.median(seconds), max(seconds)))
    print(f"{name:34} {middle:9.1f} ms  [{low:.1f}, {high:.1f}]")


if __name__ == "__main__":
    run_benchmark(main)
