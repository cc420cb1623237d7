"""Render degraded views of reference photos and label them by full-reference metrics of the face.

No human labels can be bundled, so `lite` learns a pseudo-MOS: three full-reference metrics that agree
with people (MS-GMSD with chromaticity, HaarPSI, MDSI) compare every degraded view with its reference; each is mapped
to its rank among the degraded training views, and the ranks are averaged. A pseudo-MOS of 0.7 says that
the face looks less damaged than 70 % of the degraded faces made here, nothing about human opinion.

The metrics look at the face alone: outside the outline of the landmarks and the forehead, the view is
replaced by its reference before it is compared. So a view whose surroundings alone are damaged has the label
of a clean one, and a view whose face alone is damaged that of one damaged all over.

The metrics cost about 0.03 s a view (VSI and FSIM, with which the ranks agree at 0.97, five times that), so they
are computed once: one `.npz` shard a photo, written atomically, and shards that exist are kept. A shard holds V
views:

    views      (V, 208, 208, 3) uint8
    landmarks  (V, 68, 2) float32, pixels of the view
    metrics    (V, 3) float64, as `METRICS`, each turned so that higher is better; NaN in split "real"
    severity   (V, T) float32, per degradation type as in `DEGRADATIONS`, 0 where it was not applied
    reference  (V,) int64, which view of the shard shows the same without damage; itself for clean views
    source, split, identity   strings, one each

References are pristine photos. Clean views are saved once more as JPEG, WebP or AVIF of high quality, with the
label of their originals: nobody sees a difference. Other photos cannot be references, so their views are not
labelled: they make the split "real", one untouched view and single degradations on top of what the photo went
through already. The degradation encoder learns from them; the scores do not.
"""

import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.restoration import denoise_tv_chambolle

from fiqa.degradation.synthetic import DEGRADATIONS, LEVELS, degrade
from fiqa.models.torchvision_shim import prepare_torchvision
from fiqa.photos.alignment import Square, View, cut_view
from training.data.composites import blended, face_mask
from training.data.photos import FacePhoto, Split, split_by_person
from training.storage import replace_file

METRICS = ("ms_gmsd", "haarpsi", "mdsi")
TYPES = tuple(DEGRADATIONS)
VIEW_PX = 208
MARGIN = 1.38
"""Side of the view over the longer side of the landmarks' box; `lite` is given the same."""
NATIVE_PX = (208, 353)
"""Degradations are applied at a side drawn from this range, then the view is made, as it is for users' photos."""
SMALL_PX = (104, 207)
"""The same for the small faces among the training views, whose damage is enlarged with them."""
SMALL_SHARE = 0.2
HELD_ASIDE_PX = (208, 260, 312)
"""The same for held-aside photos: one of these for all views of a photo."""
DAMAGED_PER_FRAMING = 5
"""Degraded training views that share a framing, and with it a clean view and one saved once more."""
FACE_PX = 184
"""Side of the part of a view that the metrics are given: the face with its forehead."""
RECODINGS = {"JPEG": (85, 99), "WEBP": (85, 99), "AVIF": (80, 96)}
"""Formats and qualities of clean views that are saved once more."""

RETOUCHED_SHARE = 0.25
"""Share of training views whose reference is retouched: smooth skin must not pass for a blurred photo."""
RETOUCH = (0.01, 0.05)
"""Weights of total variation denoising that look like the smoothing of portrait cameras and editors."""

COMPARED_AT_ONCE = {"cpu": 4, "cuda": 64}
"""Views that the metrics are given at a time: on a CPU ten at a time cost half as much again."""

Step = tuple[str, float]
Use = Split | Literal["real"]
RENDERED_FIRST: tuple[Use, ...] = ("val", "train", "real", "test")
"""A training can begin before the test photos are rendered."""
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
    recoding: tuple[str, int] | None = None
    """Format and quality in which a clean view is saved once more."""

    @property
    def clean(self) -> "Recipe":
        """The recipe of the view that shows the same without damage, as large as can be."""
        return replace(self, steps=(), seed=0, native_px=max(self.native_px, VIEW_PX), recoding=None)


@dataclass(frozen=True)
class Amounts:
    """How many views to render: of a training photo, of one that is no reference, and stacks of a held-aside one.

    A held-aside photo gets every type at every one of `levels` too, applied at one of the sides `held_aside_px`.
    """

    views: int = 160
    real_views: int = 25
    stacks: int = 40
    levels: int = LEVELS
    held_aside_px: tuple[int, ...] = HELD_ASIDE_PX


def training_recipes(photo_id: str, count: int) -> Iterator[Recipe]:
    """Yield the recipes of `count` degraded views and of clean ones: one and one saved once more for each framing.

    The first twelve views show every type alone and strong enough to be told; of all, three in five show one type.
    """
    rng = np.random.default_rng(zlib.crc32(photo_id.encode()))
    for index in range(count):
        if index % DAMAGED_PER_FRAMING == 0:
            framing = _random_framing(rng)
            yield framing.clean
            yield replace(framing.clean, recoding=_random_recoding(rng))
        steps = _single(index, rng) if index < len(TYPES) or index % 5 < 2 else _stack(rng)
        yield replace(framing, steps=steps, seed=int(rng.integers(1, 2**31)))


def _random_framing(rng: np.random.Generator) -> Recipe:
    """Return a recipe without damage: how large the face is, where it lies and whether it is retouched."""
    sides = SMALL_PX if rng.random() < SMALL_SHARE else NATIVE_PX
    return Recipe(
        steps=(),
        native_px=int(rng.integers(sides[0], sides[1] + 1)),
        seed=0,
        zoom=float(rng.uniform(0.92, 1.08)),
        shift=(float(rng.uniform(-0.03, 0.03)), float(rng.uniform(-0.03, 0.03))),
        angle_deg=float(rng.uniform(-12, 12)),
        retouch=float(rng.uniform(*RETOUCH)) if rng.random() < RETOUCHED_SHARE else 0.0,
    )


def _random_recoding(rng: np.random.Generator) -> tuple[str, int]:
    name = str(rng.choice(list(RECODINGS)))
    return name, int(rng.integers(*RECODINGS[name]))


def _single(index: int, rng: np.random.Generator) -> tuple[Step, ...]:
    least = 0.2 if index < len(TYPES) else 0.04
    return ((TYPES[index % len(TYPES)], float(rng.uniform(least, 1.0))),)


def _stack(rng: np.random.Generator) -> tuple[Step, ...]:
    names = rng.choice(TYPES, size=int(rng.integers(2, 4)), replace=False)
    return tuple((str(name), float(rng.uniform(0.04, 1.0))) for name in names)


def benchmark_recipes(
    photo_id: str, stacks: int, sides_px: Sequence[int] = HELD_ASIDE_PX, *, levels: int = LEVELS
) -> Iterator[Recipe]:
    """Yield the clean view, every type at so many levels of severity, and `stacks` random stacks, without jitter."""
    rng = np.random.default_rng(zlib.crc32(photo_id.encode()))
    native_px, seed = int(rng.choice(sides_px)), int(rng.integers(2**31))
    yield Recipe((), max(native_px, VIEW_PX), 0)
    for name in TYPES:
        for level in range(1, levels + 1):
            yield Recipe(((name, level / levels),), native_px, seed)
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


def frame(photo: FacePhoto, pixels: NDArray[np.uint8], framing: Recipe) -> View:
    """Cut what a recipe shows, without damage, at the size that the damage is done at or `VIEW_PX` if that is more."""
    low, high = photo.landmarks.min(axis=0), photo.landmarks.max(axis=0)
    extent = float((high - low).max()) * MARGIN * framing.zoom
    centre = (low + high) / 2 + np.asarray(framing.shift) * extent
    angle = np.radians(framing.angle_deg)
    whole = cut_view(pixels, Square(centre, extent, angle), side_px=max(framing.native_px, VIEW_PX))
    return replace(whole, image=retouched(whole.image, framing.retouch)) if framing.retouch else whole


def render(whole: View, recipe: Recipe) -> View:
    """Return the view of one recipe, `VIEW_PX` wide, given what `frame` cut for it."""
    image = whole.image
    if recipe.steps:
        image = degrade(_resized(image, recipe.native_px), recipe.steps, seed=recipe.seed)
    if recipe.recoding:
        image = recoded(image, *recipe.recoding)
    return _as_view(whole, image)


def recoded(image: NDArray[np.uint8], format: str, quality: int) -> NDArray[np.uint8]:
    """Return an image (H, W, 3) as it comes back from a file of a lossy format."""
    file = BytesIO()
    Image.fromarray(image).save(file, format, quality=quality)
    with Image.open(file) as decoded:
        return np.asarray(decoded.convert("RGB"))


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


def face_metrics(
    views: NDArray[np.uint8], references: NDArray[np.uint8], landmarks: NDArray[np.float32], device: Device = "cpu"
) -> NDArray[np.float64]:
    """Compare the faces of views (V, S, S, 3) uint8 with their references; return (V, 3), higher is better.

    landmarks: (V, 68, 2) pixels of the views.
    """
    pairs = [_faces(*each) for each in zip(views, references, landmarks, strict=True)]
    return full_reference_metrics(np.stack([p[0] for p in pairs]), np.stack([p[1] for p in pairs]), device)


def _faces(
    view: NDArray[np.uint8], reference: NDArray[np.uint8], landmarks: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the square around the face of a view that has the reference's surroundings, and of the reference."""
    mask = face_mask(landmarks, view.shape[0])
    rows, columns = (np.flatnonzero(mask.max(axis=axis) > 0) for axis in (1, 0))
    top, left = (int(np.clip((at[0] + at[-1] + 1 - FACE_PX) // 2, 0, len(mask) - FACE_PX)) for at in (rows, columns))
    square = (slice(top, top + FACE_PX), slice(left, left + FACE_PX))
    return blended(reference, view, mask)[square], reference[square]


def full_reference_metrics(
    views: NDArray[np.uint8], references: NDArray[np.uint8], device: Device = "cpu"
) -> NDArray[np.float64]:
    """Compare (V, H, W, 3) uint8 views with their references; return (V, 3), higher is better."""
    step = COMPARED_AT_ONCE[device]
    chunks = [slice(start, start + step) for start in range(0, len(views), step)]
    return np.concatenate([_compare(views[chunk], references[chunk], device) for chunk in chunks])


def load_metrics() -> Any:
    """Return the library of the metrics, which takes seconds to import: before processes are forked, once for all."""
    prepare_torchvision()
    import piq

    return piq


def _compare(views: NDArray[np.uint8], references: NDArray[np.uint8], device: Device) -> NDArray[np.float64]:
    piq = load_metrics()
    distorted, pristine = _to_tensor(views, device), _to_tensor(references, device)
    columns = [
        1 - piq.multi_scale_gmsd(distorted, pristine, chromatic=True, reduction="none"),
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
    framed = {framing: frame(photo, pixels, framing) for framing in dict.fromkeys(each.clean for each in recipes)}
    rendered = [render(framed[recipe.clean], recipe) for recipe in recipes]
    views = np.stack([view.image for view in rendered])
    landmarks = np.stack([view.landmarks_from_photo(photo.landmarks) for view in rendered])
    reference = np.array([recipes.index(recipe.clean) if split != "real" else -1 for recipe in recipes])
    metrics = np.full((len(views), len(METRICS)), np.nan)
    if split != "real":
        damaged = [bool(recipe.steps) for recipe in recipes]
        metrics[:] = 1.0  # of a view and itself, and of a clean view saved once more, which must score the same
        metrics[damaged] = face_metrics(views[damaged], views[reference[damaged]], landmarks[damaged], device)
    severity = np.array([[dict(r.steps).get(name, 0.0) for name in TYPES] for r in recipes], dtype=np.float32)
    _save_atomically(
        path,
        views=views,
        landmarks=landmarks,
        metrics=metrics,
        severity=severity,
        reference=reference,
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
    return benchmark_recipes(photo_id, amounts.stacks, amounts.held_aside_px, levels=amounts.levels)


def _save_atomically(path: Path, **arrays: NDArray[np.generic]) -> None:
    """Write an `.npz` so that it is there whole or not at all."""
    replace_file(path, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]


def uses(photos: Sequence[FacePhoto], without: Collection[str] = ()) -> list[tuple[FacePhoto, Use]]:
    """Return the photos that serve for something, and for what; leaving some out, by id, moves no other photo."""
    splits = split_by_person([photo for photo in photos if photo.pristine])
    serving = [(photo, _use(photo, splits)) for photo in photos if photo.id not in without]
    wanted = [(photo, use) for photo, use in serving if use]
    return sorted(wanted, key=lambda each: RENDERED_FIRST.index(each[1]))


def _use(photo: FacePhoto, splits: dict[str, Split]) -> Use | None:
    """Return what a photo serves for: one of a held-aside person or source that is not pristine for nothing."""
    if photo.pristine:
        return splits[photo.person]
    return "real" if splits.get(photo.person, "train") == "train" else None


def one_a_person(serving: Sequence[tuple[FacePhoto, Use]]) -> list[tuple[FacePhoto, Use]]:
    """Leave out what would make test photos fewer people than they are, or people who may have been seen.

    Of every tested person the first photo stays. Who is in photos of a source that does not tell people apart may be
    in photos of another one, so these are not tested on.
    """
    tested: set[str] = set()
    kept = []
    for photo, use in serving:
        if use == "test" and (not photo.is_of_known_person or photo.person in tested):
            continue
        kept.append((photo, use))
        tested.add(photo.person)
    return kept
