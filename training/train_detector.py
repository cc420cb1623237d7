"""Train the bundled face detector on group photos, and on scenes made from a folder of face photos.

python -m training.train_detector --photos DIR [--scenes DIR] [--start WEIGHTS.safetensors]

The run's best.safetensors and training.json, copied as face_detector.safetensors and face_detector.json to the
bundled checkpoint, are what the app loads.
"""

from argparse import ArgumentParser
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from fiqa.faces.boxes import overlaps
from fiqa.faces.finders import FaceDetector, TorchDetectorMaps
from fiqa.faces.landmarks import to_tensor
from fiqa.models.detector_scale import BOX_UNIT_PX, LARGEST_PX, SMALLEST_PX, STRIDE
from fiqa.models.face_detector import FaceDetectorConfig, FaceDetectorNetwork
from training.data.face_scenes import FaceStock, Picture, Scene, covered_share, render_scene
from training.data.face_shape import FaceShape
from training.data.group_photos import HELD_ASIDE, GroupPhoto, GroupStock, read_group_photos
from training.data.rendered_pool import RenderedPool
from training.data.turned_faces import emphasised_stock, often_turned
from training.fit.script import run_script
from training.fit.small_networks import look, read_options, read_splits, train_network

STEPS, BATCH = 18000, 24
POOL, RENEWED = 4000, 3
SCENE_PX, CROP_PX = 208, 160
BOX_LOSS_WEIGHT = 0.5
MEASURED_SCENES = 200
GROUP_SHARE, GROUP_FACE_PX = 0.6, 30
Boxes = NDArray[np.float64]


@dataclass(frozen=True)
class Held:
    """What is validated on: face photos to make scenes of, and group photos with their pixels."""

    stock: FaceStock
    groups: Sequence[tuple[GroupPhoto, Picture]]


class DetectorTask:
    """Find faces in scenes that are made while training."""

    metric = "f1"

    def __init__(self, stock: FaceStock, groups: GroupStock | None, held: Held, network: FaceDetectorNetwork, *,
                 batch: int, seed: int) -> None:  # fmt: skip
        self.network, self.held, self.seed = network, held, seed
        self._stock, self._groups = stock, groups
        self.pool = RenderedPool(self._render, size=POOL, renewed=RENEWED, batch=batch, seed=seed)

    def _render(self, rng: np.random.Generator) -> Scene:
        if self._groups and rng.random() < GROUP_SHARE:
            return self._groups.render(rng, side_px=SCENE_PX)
        return render_scene(self._stock, rng, side_px=SCENE_PX)

    def loss(self, network: nn.Module, draw: int) -> dict[str, Tensor]:
        """Return the loss of random crops of one batch of scenes."""
        rng = np.random.default_rng((self.seed, 2, draw))
        return {"loss": detector_loss(network, [cropped(scene, rng) for scene in self.pool.draw(draw)])}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return how well faces are found on held-aside photos."""
        detector = FaceDetector(TorchDetectorMaps(deepcopy(cast("FaceDetectorNetwork", network)).cpu().eval()))
        made = measure(detector, self.held.stock)
        if not self.held.groups:
            return {"f1": made["made_f1"], **made}
        groups = measure_groups(detector, self.held.groups)
        return {"f1": (made["made_f1"] + groups["group_f1"]) / 2, **made, **groups}


def cropped(scene: Scene, rng: np.random.Generator) -> Scene:
    """Cut a random square of `CROP_PX` out of a scene and mirror every other one."""
    left, top = rng.integers(0, scene.picture.shape[0] - CROP_PX + 1, 2)
    picture = scene.picture[top : top + CROP_PX, left : left + CROP_PX]
    boxes, unsure = (each - (left, top, left, top) for each in (scene.boxes, scene.unsure))
    if rng.random() < 0.5:
        return Scene(picture, boxes, unsure)
    return Scene(picture[:, ::-1], _mirrored(boxes), _mirrored(unsure))


def _mirrored(boxes: Boxes) -> Boxes:
    return np.asarray(np.array([CROP_PX, 0, CROP_PX, 0]) + boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1])


def target_maps(
    boxes: Boxes, unsure: Boxes, side_px: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return what the network should say about a square picture: centres, boxes, and where it counts.

    `centres` (h, w) is 1 at a face's centre and falls off as a Gaussian, `wanted` (4, h, w) the box of the nearest
    face, `counts` (h, w) 0 where neither answer would be wrong: in faces cut by half or outside the sizes asked for,
    and at the `unsure` places.
    """
    cells = -(-side_px // STRIDE)
    position = (np.arange(cells) + 0.5) * STRIDE
    centres, counts = np.zeros((cells, cells), np.float32), np.ones((cells, cells), np.float32)
    wanted = np.zeros((4, cells, cells), np.float32)
    frame = np.array([0.0, 0.0, side_px, side_px])
    for index, box in enumerate(np.concatenate([boxes, unsure])):
        sides = box[2:] - box[:2]
        offset = ((box[:2] + box[2:])[:, None] / 2 - position) / STRIDE
        bell = _bell(offset, np.maximum(sides / (8 * STRIDE), 0.6))
        if index >= len(boxes) or not _is_asked_for(box, frame):
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
    maps = [target_maps(scene.boxes, scene.unsure, CROP_PX) for scene in scenes]
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


def measure(detector: FaceDetector, stock: FaceStock) -> dict[str, float]:
    """Return the F1 score, recall and false boxes a scene on scenes made of `stock`."""
    rng = np.random.default_rng(1)
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
        "made_f1": 2 * found / max(1, 2 * found + false + wanted - found),
        "validation_recall": found / max(1, wanted),
        "validation_false_per_scene": false / MEASURED_SCENES,
    }


def measure_groups(detector: FaceDetector, photos: Sequence[tuple[GroupPhoto, Picture]]) -> dict[str, float]:
    """Return the F1 score, recall and false boxes a photo on group photos, for faces of `GROUP_FACE_PX` and more."""
    wanted = found = false = 0
    for photo, picture in photos:
        proposed = detector.propose(picture, lowest=0.4).boxes
        asked = photo.faces[(photo.faces[:, 2:] - photo.faces[:, :2]).max(axis=1) >= GROUP_FACE_PX]
        known = np.concatenate([photo.faces, photo.unsure])
        wanted += len(asked)
        found += sum(overlaps(box, proposed).max(initial=0.0) >= 0.4 for box in asked)
        false += sum(overlaps(box, known).max(initial=0.0) < 0.2 for box in proposed)
    return {
        "group_f1": 2 * found / max(1, found + wanted + false),
        "group_recall": found / max(1, wanted),
        "group_false_per_photo": false / max(1, len(photos)),
    }


def start_network(start: Path | None) -> FaceDetectorNetwork:
    """Return a network with random weights, or with those of a file, as far as it has them."""
    network = FaceDetectorNetwork(FaceDetectorConfig())
    if start:
        network.load_state_dict(load_file(start), strict=False)
    return network


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the detector network."""
    given, loop = read_options(__doc__, arguments, name="detector", steps=STEPS, batch=BATCH, more=add_options)
    photos, held = ([photo for photo in split if photo.source not in HELD_ASIDE] for split in read_splits(given.photos))
    groups = read_group_photos(given.scenes) if given.scenes else []
    trained = [photo for photo in groups if photo.split == "train"]
    validated = [(photo, photo.read()) for photo in groups if photo.split == "val"]
    network = start_network(given.start)
    shape = FaceShape.from_landmarks(np.stack([photo.landmarks for photo in photos]))
    present = FaceDetector(TorchDetectorMaps(deepcopy(network).eval()) if given.start else None)
    task = DetectorTask(
        FaceStock(photos, often_turned(photos, shape)), emphasised_stock(trained, shape, present) if trained else None,
        Held(FaceStock(held), validated), network, batch=loop.batch, seed=loop.seed,
    )  # fmt: skip
    count = len(photos) + len(trained)
    train_network(task, loop, given.output, config=network.config, photos=count, bundled_as="face_detector")


def add_options(parser: ArgumentParser) -> None:
    """Add the options that only the detector has."""
    parser.add_argument("--scenes", type=Path, help="folder of group photos with scenes.json, to learn from too")
    parser.add_argument("--start", type=Path, help="weights to go on from")


if __name__ == "__main__":
    run_script(main)
