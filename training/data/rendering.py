"""Render degraded views of reference photos and label them by full-reference metrics.

No human labels can be bundled, so `lite` learns a pseudo-MOS: four full-reference metrics that agree
with people (VSI, FSIM, HaarPSI, MDSI) compare every degraded view with its reference; each is mapped
to its rank among the training views, and the ranks are averaged. A pseudo-MOS of 0.7 says that the
view looks less damaged than 70 % of the degraded views made here, nothing about human opinion.

The metrics cost about 0.13 s a view, so they are computed once: one `.npz` shard a photo, written
atomically, and shards that exist are kept. A shard holds V views:

    views      (V, 256, 256, 3) uint8
    landmarks  (V, 68, 2) float32, pixels of the view
    metrics    (V, 4) float64, as `METRICS`, each turned so that higher is better; NaN in split "real"
    severity   (V, T) float32, per degradation type as in `DEGRADATIONS`, 0 where it was not applied
    source, split, identity   strings, one each

References are pristine photos and, for training only, fair ones (training/data/photos.py): there are more people among
them, and validation and test stay strict. Other photos cannot be references, so their views are not labelled: they
make the split "real", one untouched view and single degradations on top of what the photo went through already.
The degradation encoder learns from them; the scores do not.
"""

import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.restoration import denoise_tv_chambolle

from fiqa.degradation.synthetic import DEGRADATIONS, LEVELS, degrade
from fiqa.models.torchvision_shim import prepare_torchvision
from fiqa.photos.alignment import View, cut_view
from training.data.photos import FacePhoto, Split, split_by_source
from training.storage import replace_file

METRICS = ("vsi", "fsim", "haarpsi", "mdsi")


TYPES = tuple(DEGRADATIONS)


VIEW_PX = 256


MARGIN = 1.7
"""Side of the view over the longer side of the landmarks' box; `lite` is given the same."""


NATIVE_PX = (256, 435)
"""Degradations are applied at a side drawn from this range, then the view is made, as it is for users' photos."""


SMALL_PX = (128, 255)
"""The same for the small faces among the training views, whose damage is enlarged with them."""


SMALL_SHARE = 0.25


HELD_ASIDE_PX = (256, 320, 384)
"""The same for held-aside photos: one of these for all views of a photo."""


RETOUCHED_SHARE = 0.25
"""Share of training views whose reference is retouched: smooth skin must not pass for a blurred photo."""


RETOUCH = (0.01, 0.05)
"""Weights of total variation denoising that look like the smoothing of portrait cameras and editors."""


COMPARED_AT_ONCE = {"cpu": 4, "cuda": 64}
"""Views that the metrics are given at a time: on a CPU ten at a time cost half as much again."""


Step = tuple[str, float]


Use = Split | Literal["real"]


Device = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Recipe:
    """How one view is made: degradation steps, the side they are applied at, framing jitter, and retouching before."""

    steps: tuple[Step, ...]
    native_px: int
    seed: int
    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    angle_deg: float = 0.0
    retouch: float = 0.0


@dataclass(frozen=True)
class Amounts:
    """How many views to render: of a training photo, of one that is no reference, and stacks of a held-aside one.

    A held-aside photo gets every type at every level too, applied at one of the sides `held_aside_px`.
    """

    views: int = 160
    real_views: int = 25
    stacks: int = 40
    held_aside_px: tuple[int, ...] = HELD_ASIDE_PX


def training_recipes(photo_id: str, count: int) -> Iterator[Recipe]:
    """Yield `count` random recipes: a tenth clean, half single degradations, the rest stacks of two or three."""
    rng = np.random.default_rng(zlib.crc32(photo_id.encode()))
    retouches, smaller = _retouches(photo_id), _smaller_sides(photo_id)
    for index in range(count):
        kind = index % 10
        steps = 0 if kind == 0 else 1 if kind <= 5 else int(rng.integers(2, 4))
        names = [str(name) for name in rng.choice(TYPES, size=steps, replace=False)]
        if steps == 1:  # every type comes equally often
            names = [TYPES[(index - index // 10 - 1) % len(TYPES)]]
        recipe = Recipe(
            steps=tuple((name, float(rng.uniform(0.04, 1.0))) for name in names),
            native_px=int(rng.integers(NATIVE_PX[0], NATIVE_PX[1] + 1)),
            seed=int(rng.integers(2**31)),
            zoom=float(rng.uniform(0.9, 1.08)),
            shift=(float(rng.uniform(-0.03, 0.03)), float(rng.uniform(-0.03, 0.03))),
            angle_deg=float(rng.uniform(-12, 12)),
            retouch=next(retouches),
        )
        yield replace(recipe, native_px=next(smaller) or recipe.native_px)


def _retouches(photo_id: str) -> Iterator[float]:
    rng = np.random.default_rng((zlib.crc32(photo_id.encode()), 1))
    while True:
        yield float(rng.uniform(*RETOUCH)) if rng.random() < RETOUCHED_SHARE else 0.0


def _smaller_sides(photo_id: str) -> Iterator[int | None]:
    """Yield the side of a small face for a share of the views, of its own generator, and None for the others."""
    rng = np.random.default_rng((zlib.crc32(photo_id.encode()), 2))
    while True:
        yield int(rng.integers(SMALL_PX[0], SMALL_PX[1] + 1)) if rng.random() < SMALL_SHARE else None


def benchmark_recipes(photo_id: str, stacks: int, sides_px: Sequence[int] = HELD_ASIDE_PX) -> Iterator[Recipe]:
    """Yield the clean view, every type at every level, and `stacks` random stacks, without jitter."""
    rng = np.random.default_rng(zlib.crc32(photo_id.encode()))
    native_px, seed = int(rng.choice(sides_px)), int(rng.integers(2**31))
    yield Recipe((), native_px, seed)
    for name in TYPES:
        for level in range(1, LEVELS + 1):
            yield Recipe(((name, level / LEVELS),), native_px, seed)
    for _ in range(stacks):
        names = rng.choice(TYPES, size=int(rng.integers(2, 4)), replace=False)
        yield Recipe(tuple((str(name), float(rng.uniform(0.1, 1.0))) for name in names), native_px, seed)


def real_recipes(photo_id: str, count: int) -> Iterator[Recipe]:
    """Yield the photo as it is and `count` - 1 single degradations, strong enough to show beside the photo's own."""
    rng = np.random.default_rng(zlib.crc32(photo_id.encode()))
    for index in range(count):
        name = TYPES[index % len(TYPES)]
        yield Recipe(
            steps=((name, float(rng.uniform(0.3, 1.0))),) if index else (),
            native_px=int(rng.integers(NATIVE_PX[0], NATIVE_PX[1] + 1)),
            seed=int(rng.integers(2**31)),
        )


def render(photo: FacePhoto, pixels: NDArray[np.uint8], recipe: Recipe) -> tuple[View, View]:
    """Return the reference view and the degraded view of one recipe, both `VIEW_PX` wide.

    A small face is compared with a reference of full size, because enlarging it costs quality too.
    """
    low, high = photo.landmarks.min(axis=0), photo.landmarks.max(axis=0)
    extent = float((high - low).max()) * MARGIN * recipe.zoom
    centre = (low + high) / 2 + np.asarray(recipe.shift) * extent
    angle = np.radians(recipe.angle_deg)
    whole = cut_view(pixels, centre, extent, angle, side_px=max(recipe.native_px, VIEW_PX))
    if recipe.retouch:
        whole = replace(whole, image=retouched(whole.image, recipe.retouch))
    damaged = degrade(_resized(whole.image, recipe.native_px), recipe.steps, seed=recipe.seed)
    return _as_view(whole, whole.image), _as_view(whole, damaged)


def retouched(image: NDArray[np.uint8], weight: float) -> NDArray[np.uint8]:
    """Return an image (H, W, 3) with smooth skin and sharp edges, by total variation denoising (Chambolle, 2004)."""
    share = image.astype(np.float32) / 255
    smooth = denoise_tv_chambolle(share, weight=weight, eps=1e-3, max_num_iter=30, channel_axis=-1)
    pixels: NDArray[np.uint8] = np.rint(smooth * 255).clip(0, 255).astype(np.uint8)
    return pixels


def _as_view(whole: View, image: NDArray[np.uint8]) -> View:
    """Return `image`, which shows what `whole` does at whatever size, as a view `VIEW_PX` wide."""
    scale = whole.image.shape[0] / VIEW_PX
    to_photo = np.column_stack([whole.to_photo[:, :2] * scale, whole.to_photo[:, 2]])
    return View(_resized(image, VIEW_PX), to_photo)


def _resized(image: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(image).resize((side_px, side_px), Image.Resampling.LANCZOS))


def full_reference_metrics(
    views: NDArray[np.uint8], references: NDArray[np.uint8], device: Device = "cpu"
) -> NDArray[np.float64]:
    """Compare (V, H, W, 3) uint8 views with their references; return (V, 4), higher is better."""
    step = COMPARED_AT_ONCE[device]
    chunks = [slice(start, start + step) for start in range(0, len(views), step)]
    return np.concatenate([_compare(views[chunk], references[chunk], device) for chunk in chunks])


def _compare(views: NDArray[np.uint8], references: NDArray[np.uint8], device: Device) -> NDArray[np.float64]:
    prepare_torchvision()
    import piq

    distorted, pristine = _to_tensor(views, device), _to_tensor(references, device)
    columns = [
        piq.vsi(distorted, pristine, reduction="none"),
        piq.fsim(distorted, pristine, reduction="none"),
        piq.haarpsi(distorted, pristine, reduction="none"),
        1 - piq.mdsi(distorted, pristine, reduction="none"),
    ]
    metrics: NDArray[np.float64] = torch.stack(columns, dim=1).double().cpu().numpy()
    return metrics


def _to_tensor(views: NDArray[np.uint8], device: Device) -> torch.Tensor:
    return torch.from_numpy(views).to(device).permute(0, 3, 1, 2).float() / 255


def render_shard(photo: FacePhoto, split: Use, output: Path, amounts: Amounts, device: Device = "cpu") -> Path:
    """Render all views of one photo and label them, with the metrics on a device; return the shard's path."""
    torch.set_num_threads(1)
    path = output / f"{photo.id}.npz"
    if path.exists():
        return path
    recipes = list(_recipes(photo.id, split, amounts))
    pixels = photo.read()
    pairs = [render(photo, pixels, recipe) for recipe in recipes]
    views = np.stack([pair[1].image for pair in pairs])
    metrics = np.full((len(views), len(METRICS)), np.nan)
    if split != "real":
        references = np.stack([pair[0].image for pair in pairs])
        metrics = full_reference_metrics(views, references, device)
    landmarks = np.stack([pair[1].landmarks_from_photo(photo.landmarks) for pair in pairs])
    severity = np.array([[dict(r.steps).get(name, 0.0) for name in TYPES] for r in recipes], dtype=np.float32)
    _save_atomically(
        path,
        views=views,
        landmarks=landmarks,
        metrics=metrics,
        severity=severity,
        source=np.array(photo.source),
        split=np.array(split),
        identity=np.array(photo.id),
    )
    return path


def _recipes(photo_id: str, split: Use, amounts: Amounts) -> Iterator[Recipe]:
    if split == "real":
        return real_recipes(photo_id, amounts.real_views)
    if split == "train":
        return training_recipes(photo_id, amounts.views)
    return benchmark_recipes(photo_id, amounts.stacks, amounts.held_aside_px)


def _save_atomically(path: Path, **arrays: NDArray[np.generic]) -> None:
    """Write an `.npz` so that it is there whole or not at all."""
    replace_file(path, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]


def uses(photos: Sequence[FacePhoto], without: Collection[str] = ()) -> list[tuple[FacePhoto, Use]]:
    """Return the photos that serve for something, and for what; leaving some out, by id, moves no other photo."""
    splits = split_by_source([photo.source for photo in photos if photo.pristine])
    serving = [(photo, _use(photo, splits)) for photo in photos if photo.id not in without]
    return [(photo, use) for photo, use in serving if use]


def _use(photo: FacePhoto, splits: dict[str, Split]) -> Use | None:
    """Return what a photo serves for: one of a held-aside source that is not pristine for nothing.

    It may show the same people.
    """
    if photo.pristine:
        return splits[photo.source]
    if splits.get(photo.source, "train") != "train":
        return None
    return "train" if photo.fair else "real"
