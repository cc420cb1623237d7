"""Train the bundled face detector on scenes made from a folder of face photos.

python -m training.train_detector --photos DIR

The run's best.safetensors and training.json, copied as face_detector.safetensors and face_detector.json to the
bundled checkpoint, are what the app loads.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fiqa.faces.boxes import overlaps
from fiqa.faces.finders import FaceDetector, TorchDetectorMaps
from fiqa.faces.landmarks import to_tensor
from fiqa.models.detector_scale import BOX_UNIT_PX, LARGEST_PX, SMALLEST_PX, STRIDE
from fiqa.models.face_detector import FaceDetectorConfig, FaceDetectorNetwork
from training.data.face_scenes import FaceStock, Scene, covered_share, render_scene
from training.data.rendered_pool import RenderedPool
from training.fit.script import run_script
from training.fit.small_networks import look, read_options, read_splits, train_network

STEPS, BATCH = 18000, 24
POOL, RENEWED = 4000, 3
SCENE_PX, CROP_PX = 208, 160
BOX_LOSS_WEIGHT = 0.5
MEASURED_SCENES = 200
Boxes = NDArray[np.float64]


class DetectorTask:
    """Find faces in scenes that are made while training."""

    metric = "f1"

    def __init__(self, stock: FaceStock, held: FaceStock, config: FaceDetectorConfig, *, batch: int, seed: int) -> None:
        self.network = FaceDetectorNetwork(config)
        self.held, self.seed = held, seed
        self.pool = RenderedPool(
            lambda rng: render_scene(stock, rng, side_px=SCENE_PX), size=POOL, renewed=RENEWED, batch=batch, seed=seed
        )

    def loss(self, network: nn.Module, draw: int) -> dict[str, Tensor]:
        """Return the loss of random crops of one batch of scenes."""
        rng = np.random.default_rng((self.seed, 2, draw))
        return {"loss": detector_loss(network, [cropped(scene, rng) for scene in self.pool.draw(draw)])}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return how well faces are found on held-aside photos."""
        return measure(deepcopy(cast("FaceDetectorNetwork", network)).cpu(), self.held)  # inference is on the CPU


def cropped(scene: Scene, rng: np.random.Generator) -> Scene:
    """Cut a random square of `CROP_PX` out of a scene and mirror every other one."""
    left, top = rng.integers(0, scene.picture.shape[0] - CROP_PX + 1, 2)
    picture = scene.picture[top : top + CROP_PX, left : left + CROP_PX]
    boxes = scene.boxes - (left, top, left, top)
    if rng.random() < 0.5:
        return Scene(picture, boxes)
    return Scene(picture[:, ::-1], np.array([CROP_PX, 0, CROP_PX, 0]) + boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1])


def target_maps(boxes: Boxes, side_px: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return what the network should say about a square picture: centres, boxes, and where it counts.

    `centres` (h, w) is 1 at a face's centre and falls off as a Gaussian, `wanted` (4, h, w) the box of the nearest
    face, `counts` (h, w) 0 where neither answer would be wrong: in faces cut by half or outside the sizes asked for.
    """
    cells = -(-side_px // STRIDE)
    position = (np.arange(cells) + 0.5) * STRIDE
    centres, counts = np.zeros((cells, cells), np.float32), np.ones((cells, cells), np.float32)
    wanted = np.zeros((4, cells, cells), np.float32)
    frame = np.array([0.0, 0.0, side_px, side_px])
    for box in boxes:
        sides = box[2:] - box[:2]
        offset = ((box[:2] + box[2:])[:, None] / 2 - position) / STRIDE
        bell = _bell(offset, np.maximum(sides / (8 * STRIDE), 0.6))
        if not _is_asked_for(box, frame):
            counts[bell > 0.05] = 0.0
            continue
        nearer = bell > centres
        centres = np.maximum(centres, bell)
        values = np.broadcast_arrays(offset[0][None], offset[1][:, None], *np.log(sides / BOX_UNIT_PX)[:, None, None])
        wanted = np.where(nearer, np.stack(values), wanted).astype(np.float32)
    return centres, wanted, np.where(centres == 1, 1.0, counts).astype(np.float32)


def _bell(offset: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the Gaussian (h, w) of cell offsets (2, w) from a centre; the cell of the centre gets exactly 1."""
    along_x, along_y = np.exp(-0.5 * (offset / spread[:, None]) ** 2)
    bell = np.outer(along_y, along_x).astype(np.float32)
    bell[np.unravel_index(bell.argmax(), bell.shape)] = 1.0
    return bell


def _is_asked_for(box: Boxes, frame: Boxes) -> bool:
    longest = float((box[2:] - box[:2]).max())
    return 0.9 * SMALLEST_PX <= longest <= 1.4 * LARGEST_PX and covered_share(box, frame) >= 0.55


def detector_loss(network: nn.Module, scenes: list[Scene]) -> Tensor:
    """Focal loss of the centres (Law & Deng, 2018, arXiv:1808.01244) and L1 loss of the boxes near them."""
    maps = [target_maps(scene.boxes, CROP_PX) for scene in scenes]
    centres, wanted, counts = (torch.from_numpy(np.stack(each)) for each in zip(*maps, strict=True))
    logits, boxes = look(network, to_tensor(np.stack([scene.picture for scene in scenes])))
    near = centres * (centres > 0.5)
    placing = ((boxes - wanted).abs().sum(dim=1) * near).sum() / near.sum().clamp_min(1)
    return focal_loss(logits, centres, counts) + BOX_LOSS_WEIGHT * placing


def focal_loss(logits: Tensor, centres: Tensor, counts: Tensor) -> Tensor:
    """Sum over cells (B, h, w), easy ones and those beside a centre weighing little, per face."""
    found, missed = nn.functional.logsigmoid(logits), nn.functional.logsigmoid(-logits)
    is_centre = centres == 1
    gain = torch.where(is_centre, missed.exp() ** 2 * found, (1 - centres) ** 4 * found.exp() ** 2 * missed)
    return -(gain * counts).sum() / is_centre.sum().clamp_min(1)


def measure(network: FaceDetectorNetwork, stock: FaceStock) -> dict[str, float]:
    """Return the F1 score, recall and false boxes a scene on scenes made of `stock`."""
    detector, rng = FaceDetector(TorchDetectorMaps(network)), np.random.default_rng(1)
    frame = np.array([0.0, 0.0, SCENE_PX, SCENE_PX])
    wanted = found = false = 0
    for _ in range(MEASURED_SCENES):
        scene = render_scene(stock, rng, side_px=SCENE_PX)
        proposed = detector.propose(scene.picture, lowest=0.4).boxes
        asked = [box for box in scene.boxes if _is_asked_for(box, frame)]
        wanted += len(asked)
        found += sum(overlaps(box, proposed).max(initial=0.0) >= 0.4 for box in asked)
        false += sum(overlaps(box, scene.boxes).max(initial=0.0) < 0.4 for box in proposed)
    return {
        "f1": 2 * found / max(1, 2 * found + false + wanted - found),
        "validation_recall": found / max(1, wanted),
        "validation_false_per_scene": false / MEASURED_SCENES,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the detector network."""
    given, loop = read_options(__doc__, arguments, name="detector", steps=STEPS, batch=BATCH)
    photos, held = read_splits(given.photos)
    config = FaceDetectorConfig()
    task = DetectorTask(FaceStock(photos), FaceStock(held), config, batch=loop.batch, seed=loop.seed)
    train_network(task, loop, given.output, config=config, photos=len(photos), bundled_as="face_detector")


if __name__ == "__main__":
    run_script(main)
