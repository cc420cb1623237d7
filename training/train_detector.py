"""Train the bundled face detector on scenes made from a folder of face photos.

python -m training.train_detector --photos DIR [--minutes 50] [--output DIR] [--seed 0] [--threads 1]
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fiqa.faces import FaceDetector, overlaps
from fiqa.landmarks import to_tensor
from fiqa.models.face_detector import (
    BOX_UNIT_PX,
    LARGEST_PX,
    SMALLEST_PX,
    STRIDE,
    FaceDetectorConfig,
    FaceDetectorNetwork,
)
from training.face_scenes import FaceStock, Scene, covered_share, render_scene
from training.photos import read_photo_folder, split_by_source
from training.rendered_pool import RenderedPool
from training.timed_loop import TimedRun, fit, look, read_arguments, save_weights

BATCH, POOL, RENEWED = 24, 4000, 3
SCENE_PX, CROP_PX = 208, 160
BOX_LOSS_WEIGHT = 0.5
MEASURED_SCENES = 200
MINUTES = 50.0
Boxes = NDArray[np.float64]


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
    """Return recall and false boxes a scene on scenes made of `stock`."""
    detector, rng = FaceDetector(network), np.random.default_rng(1)
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
        "validation_recall": round(found / max(1, wanted), 4),
        "validation_false_per_scene": round(false / MEASURED_SCENES, 4),
    }


def main() -> None:
    """Train and write face_detector.safetensors and face_detector.json."""
    arguments = read_arguments("Train the bundled face detector.", minutes=MINUTES)
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    photos = read_photo_folder(arguments.photos)
    splits = split_by_source([photo.source for photo in photos])
    stock, held_aside = (
        FaceStock([photo for photo in photos if splits[photo.source] == split]) for split in ("train", "val")
    )
    run = TimedRun(arguments.minutes, arguments.seed, arguments.state / "face_detector.pt")
    seed = (arguments.seed, round(run.trained_s()))
    pool = RenderedPool(lambda rng: render_scene(stock, rng, side_px=SCENE_PX), size=POOL, renewed=RENEWED, seed=seed)
    rng = np.random.default_rng(seed)
    config = FaceDetectorConfig()
    network = fit(
        FaceDetectorNetwork(config),
        lambda network: detector_loss(network, [cropped(scene, rng) for scene in pool.draw(BATCH)]),
        run,
    )
    about: dict[str, Any] = {
        "metrics": measure(network, held_aside) if held_aside.photos else {},
        "training": {"photos": len(stock.photos), "minutes": run.minutes, "seed": run.seed, "batch": BATCH},
    }
    print(save_weights(network, arguments.output, "face_detector", config=config, about=about))


if __name__ == "__main__":
    main()
