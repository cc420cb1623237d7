"""Train the bundled landmark network on a folder of face photos, and on photos of groups where there are any.

    python -m training.train_landmarks --photos DIR [--scenes DIR] [--start WEIGHTS.safetensors]

A few hundred faces are enough because every crop is new: another size in the photo, other degradations, another
cut, tilt and light, at times mirrored or partly covered. Every second crop is no face, or not one as a crop
should show it, which teaches the network to say so: many of them are what the bundled detector takes for faces,
so train that one first. Faces of group photos are small, and of them only five points are known. The run's
best.safetensors and training.json, copied as landmarks.safetensors and landmarks.json to the bundled checkpoint,
are what the app loads.
"""

from argparse import ArgumentParser
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from fiqa.faces.finders import FaceDetector
from fiqa.faces.landmarks import VIEW_MARGIN, VIEW_PX, face_view, to_tensor
from fiqa.models.landmark_network import (
    CROP_MARGIN,
    MIRRORED,
    LandmarkNetwork,
    LandmarkNetworkConfig,
    crop_to_view,
    cut_crops,
    frames_around,
    rolls_of,
    view_to_crop,
)
from fiqa.photos.alignment import Square, cut_view
from training.data.face_scenes import (
    FaceStock,
    StockPhoto,
    closely_cut,
    draw_log_uniform,
    faceless_scene,
    randomly_degraded,
    recoloured,
)
from training.data.face_shape import FaceShape, five_points
from training.data.group_faces import GroupFaces
from training.data.group_photos import HELD_ASIDE, GroupPhoto, read_group_photos
from training.data.photos import FacePhoto
from training.data.rendered_pool import RenderedPool
from training.fit.script import run_script
from training.fit.small_networks import look, read_options, read_splits, train_network

STEPS, BATCH = 16000, 32
POOL, RENEWED = 5000, 3
FACE_LOSS_WEIGHT = 0.4
NO_FACE_SHARE = 0.5
PLAIN_SHARE = 0.01
"""Share of views of one colour: nothing else teaches that nothing is no face."""
GROUP_SHARE = 0.4
"""Share of views that come from group photos, of those with a face and of those without."""
FITTED_WEIGHT = 0.2
"""Weight of all 68 landmarks of faces of which only five are known, beside those five: the others are a mean face's."""
EYES_SHARE = 0.5
"""Distance of the eyes' outer corners, seen from the front, as a share of the longer side of the landmarks' box."""
TOLD_FACE_PX = 24
"""Smallest face of group photos that is validated on."""


@dataclass(frozen=True)
class FaceView:
    """A view (V, V, 3) uint8 and its landmarks (68, 2) in shares of its side.

    `is_face` False: background. `exact` False: only what `five_points` makes of the landmarks is known, the rest is
    a mean face's.
    """

    pixels: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    is_face: bool
    exact: bool = True


class ViewRenderer:
    """Draws views of faces, and of what is none, from face photos and, where given, group photos."""

    def __init__(self, stock: FaceStock, groups: GroupFaces | None) -> None:
        self._stock, self._groups = stock, groups
        self._detector = FaceDetector()

    def __call__(self, rng: np.random.Generator) -> FaceView:
        """Render a face of random size and degradation, or, at NO_FACE_SHARE, what is none."""
        if rng.random() < PLAIN_SHARE:
            return no_face(np.broadcast_to(rng.integers(0, 256, 3, dtype=np.uint8), (VIEW_PX, VIEW_PX, 3)))
        nothing = rng.random() < NO_FACE_SHARE
        if self._groups and rng.random() < GROUP_SHARE:
            return no_face(self._groups.draw_mistake(rng)) if nothing else group_face(self._groups.draw_face(rng), rng)
        return self._made_mistake(rng) if nothing else self._face(rng)

    def _face(self, rng: np.random.Generator) -> FaceView:
        face_px = draw_log_uniform(rng, 24, 300)
        small = resized_around_face(self._stock.draw(rng), face_px)
        small = closely_cut(small, rng) if rng.random() < 0.15 else small
        highest = min(1.0, 0.3 + face_px / 160)
        pixels = randomly_degraded(recoloured(small.pixels, rng), rng, highest=highest)
        return view_of(StockPhoto(pixels, small.landmarks))

    def _made_mistake(self, rng: np.random.Generator) -> FaceView:
        """Render a picture without a face and view what the bundled detector would most readily take for one."""
        picture = faceless_scene(self._stock, rng, side_px=2 * VIEW_PX)
        boxes = self._detector.propose(picture, lowest=0.02).boxes[:4]
        corner, side = rng.uniform(0, VIEW_PX, 2), draw_log_uniform(rng, 20, VIEW_PX)
        box = boxes[rng.integers(len(boxes))] if len(boxes) else np.concatenate([corner, corner + side])
        return no_face(face_view(picture, box).image)


def group_face(photo: StockPhoto, rng: np.random.Generator) -> FaceView:
    """View one of a group: already as small and as damaged as the web has it, so little is added."""
    small = resized_around_face(photo, photo.face_px * rng.choice([1.0, rng.uniform(0.5, 1.0)]))
    pixels = randomly_degraded(recoloured(small.pixels, rng), rng, highest=rng.choice([0.0, 0.4]))
    return view_of(StockPhoto(pixels, small.landmarks), exact=False)


def no_face(view: NDArray[np.uint8]) -> FaceView:
    """Return a view (V, V, 3) that shows no face."""
    return FaceView(view, np.full((68, 2), 0.5, dtype=np.float32), is_face=False)


def resized_around_face(photo: StockPhoto, face_px: float) -> StockPhoto:
    """Cut the surroundings of the face and shrink them until it measures `face_px`; faces are never enlarged."""
    centre, reach = photo.box.reshape(2, 2).mean(axis=0), 0.65 * VIEW_MARGIN * photo.face_px
    limit = np.array(photo.pixels.shape[1::-1])
    low, high = np.clip([centre - reach, centre + reach], 0, limit).astype(int)
    scale = min(1.0, face_px / photo.face_px)
    view = StockPhoto(photo.pixels[low[1] : high[1], low[0] : high[0]], photo.landmarks - low.astype(np.float32))
    return view if scale == 1.0 else view.scaled(scale)


def view_of(photo: StockPhoto, *, exact: bool = True) -> FaceView:
    """Cut the view that inference would cut for a perfect box."""
    centre = photo.box.reshape(2, 2).mean(axis=0)
    view = cut_view(photo.pixels, Square(centre, VIEW_MARGIN * photo.face_px), side_px=VIEW_PX)
    landmarks = view.landmarks_from_photo(photo.landmarks) / np.float32(VIEW_PX)
    return FaceView(view.image, landmarks, is_face=True, exact=exact)


@dataclass(frozen=True)
class Batch:
    """`views` (B, 3, V, V) in 0..1, `landmarks` (B, 68, 2) in shares of the view, `is_face` and `exact` (B,) bool."""

    views: Tensor
    landmarks: Tensor
    is_face: Tensor
    exact: Tensor


def collate(views: list[FaceView]) -> Batch:
    """Stack views to tensors."""
    return Batch(
        to_tensor(np.stack([view.pixels for view in views])),
        torch.from_numpy(np.stack([view.landmarks for view in views])),
        torch.tensor([view.is_face for view in views]),
        torch.tensor([view.exact for view in views]),
    )


def jittered_frames(batch: Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return frames (B, 4) as a detector or a first look would give them, and which of them (B,) show a face.

    One in six is spoilt on purpose: upside down, so near that only a part is seen, or beside the face.
    """
    size = len(batch.views)

    def normal(deviation: float) -> Tensor:
        return deviation * torch.randn(size, generator=generator)

    def chance(share: float) -> Tensor:
        return torch.rand(size, generator=generator) < share

    upright = rolls_of(batch.landmarks) + normal(0.1)
    frames = frames_around(batch.landmarks, torch.where(chance(0.5), upright, normal(0.4)))
    frames[~batch.is_face] = torch.tensor([0.5, 0.5, 0.68, 0.0])
    wide = torch.where(chance(0.4), 1.0, 0.35)
    frames[:, 2] *= torch.exp(0.16 * wide * normal(1.0))
    frames[:, 0] += 0.09 * wide * frames[:, 2] * normal(1.0)
    frames[:, 1] += 0.09 * wide * frames[:, 2] * normal(1.0)
    spoilt, kind = chance(1 / 6), torch.randint(3, (size,), generator=generator)
    frames[:, 3] += torch.where(spoilt & (kind == 0), torch.pi + normal(0.4), 0.0)
    frames[:, 2] *= torch.where(spoilt & (kind == 1), 0.35, 1.0)
    side = torch.where(chance(0.5), 0.65, -0.65)
    frames[:, 0] += torch.where(spoilt & (kind == 2), side * frames[:, 2], 0.0)
    return frames, batch.is_face & ~spoilt


def mirrored(crops: Tensor, landmarks: Tensor, flip: Tensor) -> tuple[Tensor, Tensor]:
    """Mirror the crops (B, 3, S, S) and landmarks (B, 68, 2) for which `flip` (B,) is true."""
    other = landmarks[:, MIRRORED] * torch.tensor([-1.0, 1.0]) + torch.tensor([1.0, 0.0])
    return torch.where(flip[:, None, None, None], crops.flip(3), crops), torch.where(
        flip[:, None, None], other, landmarks
    )


def covered(crops: Tensor, generator: torch.Generator) -> Tensor:
    """Cover a rectangle of every third crop with what another crop shows there."""
    size, side = len(crops), crops.shape[-1]
    low = torch.rand(size, 2, generator=generator) * 0.9
    high = low + 0.1 + 0.35 * torch.rand(size, 2, generator=generator)
    position = (torch.arange(side) + 0.5) / side
    inside = (position > low[..., None]) & (position < high[..., None])
    mask = inside[:, 0, None, :] & inside[:, 1, :, None] & (torch.rand(size, 1, 1, generator=generator) < 1 / 3)
    return torch.where(mask[:, None], crops.roll(1, dims=0), crops)


def landmark_loss(network: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
    """Mean distance per axis in units of the face's size, plus the question "is this a face"."""
    frames, is_face = jittered_frames(batch, generator)
    flip = torch.rand(len(frames), generator=generator) < 0.5
    wanted = view_to_crop(batch.landmarks, frames)
    crops, wanted = mirrored(cut_crops(batch.views, frames), wanted, flip)
    found, logits = look(network, covered(crops, generator))
    every, five = ((each(found) - each(wanted)).abs().mean(dim=(1, 2)) for each in (Tensor.clone, five_points))
    error = torch.where(batch.exact, every, torch.lerp(five, every, FITTED_WEIGHT)) / sizes(wanted)
    placing: Tensor = (error * is_face).sum() / is_face.sum().clamp_min(1)
    telling: Tensor = functional.binary_cross_entropy_with_logits(logits, is_face.float())
    return placing + FACE_LOSS_WEIGHT * telling


def sizes(landmarks: Tensor) -> Tensor:
    """Return the distance of the outer corners of the eyes (B,), or what it would be were the face not turned."""
    apart = (landmarks[:, 36] - landmarks[:, 45]).norm(dim=1)
    longest = (landmarks.amax(dim=1) - landmarks.amin(dim=1)).amax(dim=1)
    return torch.maximum(apart, EYES_SHARE * longest).clamp_min(0.05)


def mean_error(network: nn.Module, photos: list[FacePhoto]) -> float:
    """Return the mean landmark error over photos, by a perfect first box, as a share of the eye-corner distance."""
    batch = collate([view_of(StockPhoto(photo.read(), photo.landmarks)) for photo in photos])
    frames = frames_around(batch.landmarks, torch.zeros(len(photos)))
    with torch.inference_mode():
        found = crop_to_view(network(cut_crops(batch.views, frames)).landmarks, frames)
    apart = (batch.landmarks[:, 36] - batch.landmarks[:, 45]).norm(dim=1)
    return float(((found - batch.landmarks).norm(dim=2).mean(dim=1) / apart).mean())


@dataclass(frozen=True)
class Held:
    """What is validated on: face photos and, where there are any, faces and mistakes of group photos."""

    photos: list[FacePhoto]
    groups: GroupFaces | None


def told_apart(network: nn.Module, groups: GroupFaces) -> tuple[float, float]:
    """Return the shares of faces, and of places that are none, that the network takes for a face."""
    faces = [view_of(photo, exact=False) for photo in groups.faces(at_least_px=TOLD_FACE_PX)]
    return share_taken(network, faces), share_taken(network, [no_face(view) for view in groups.mistakes])


def share_taken(network: nn.Module, views: list[FaceView]) -> float:
    """Return the share of views that the network takes for a face, seen as the detector frames them."""
    if not views:
        return 0.0
    batch = collate(views)
    frames = torch.tensor([0.5, 0.5, CROP_MARGIN / VIEW_MARGIN, 0.0]).repeat(len(views), 1)
    with torch.inference_mode():
        logits = network(cut_crops(batch.views, frames)).face_logits
    return float((logits > 0).float().mean())


class LandmarkTask:
    """Place landmarks in views that are made while training."""

    metric = "closeness"

    def __init__(self, render: ViewRenderer, held: Held, network: LandmarkNetwork, *, batch: int, seed: int) -> None:
        self.network, self.held, self.seed = network, held, seed
        self.pool = RenderedPool(render, size=POOL, renewed=RENEWED, batch=batch, seed=seed)

    def loss(self, network: nn.Module, draw: int) -> dict[str, Tensor]:
        """Return the loss of one batch of views, as a detector would frame them."""
        generator = torch.Generator().manual_seed(2**32 * self.seed + draw)
        return {"loss": landmark_loss(network, collate(self.pool.draw(draw)), generator)}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return the error on held-aside photos, 1 minus it, and how well faces are told there."""
        alone = deepcopy(network).cpu().eval()
        error = mean_error(alone, self.held.photos)
        figures = {"closeness": 1 - error, "validation_error": error}
        if self.held.groups is None:
            return figures
        told, mistaken = told_apart(alone, self.held.groups)
        return {**figures, "group_told": told, "group_mistaken": mistaken}


def start_network(start: Path | None) -> LandmarkNetwork:
    """Return a network with random weights, or with those of a file."""
    network = LandmarkNetwork(LandmarkNetworkConfig())
    if start:
        network.load_state_dict(load_file(start))
    return network


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the landmark network."""
    given, loop = read_options(__doc__, arguments, name="landmarks", steps=STEPS, batch=BATCH, more=add_options)
    photos, held = ([photo for photo in split if photo.source not in HELD_ASIDE] for split in read_splits(given.photos))
    groups = read_group_photos(given.scenes) if given.scenes else []
    trained, validated = ([photo for photo in groups if photo.split == split] for split in ("train", "val"))
    stock = FaceStock(photos)
    shape = FaceShape.from_landmarks(np.stack([photo.landmarks for photo in photos]))
    portraits = [as_group_photo(photo) for photo in photos]
    renderer = ViewRenderer(stock, GroupFaces(trained, shape, portraits) if trained else None)
    network = start_network(given.start)
    task = LandmarkTask(
        renderer, Held(held, GroupFaces(validated, shape) if validated else None), network,
        batch=loop.batch, seed=loop.seed,
    )  # fmt: skip
    count = len(photos) + len(trained)
    train_network(task, loop, given.output, config=network.config, photos=count, bundled_as="landmarks")


def as_group_photo(photo: FacePhoto) -> GroupPhoto:
    """Return a photo of one face as one of a group, to tell what in it is no face."""
    box = np.concatenate([photo.landmarks.min(axis=0), photo.landmarks.max(axis=0)]).astype(np.float64)
    return GroupPhoto(photo.path, photo.source, box[None], np.empty((0, 4)), np.empty((0, 5, 2), dtype=np.float32))


def add_options(parser: ArgumentParser) -> None:
    """Add the options that the loop does not have."""
    parser.add_argument("--scenes", type=Path, help="folder of group photos with scenes.json, to learn from too")
    parser.add_argument("--start", type=Path, help="weights to go on from")


if __name__ == "__main__":
    run_script(main)
