"""Maps of what a network saw where: from one grid per crop to the photo's own pixels.

A network looks at crops of a view of the face, and says something about each cell of a grid on every
crop. A `FaceMap` holds these grids as they came and puts them back, into the view and into the photo:
exactly where the crops were cut, turned back with the view, one value per cell without smoothing (the
network knows no finer), combined where crops overlap.

Where the view reached beyond the photo, it showed the mirrored border; what the network said about a
mirror image counts for the pixel that is mirrored. So contributions always sum to the score.

Nothing here imports torch: the page and the command line describe maps before any network is loaded.

Shapes: K crops, G cells a side of a crop, V pixels a side of the view, H x W pixels of the photo.
Positions are (x, y) with the centre of the first pixel at (0.5, 0.5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from einops import rearrange, reduce, repeat
from numpy.typing import NDArray

from fiqa.errors import SettingError
from fiqa.photos.crops import Offset

Grid = NDArray[np.float64]
ROWS_AT_ONCE = 256
"""Rows of a photo whose positions are computed together, which bounds memory for large photos."""
FINEST = 8
"""Positions along a photo pixel, at most, at which a view of a small face is read."""


@dataclass(frozen=True)
class MapKind:
    """One kind of map.

    `unit` names what its colour bar counts. Where crops overlap, values are averaged, or, if the kind
    `adds` up, summed: then all values together make `total`, and the colour bar counts what a hundredth of
    the seen area would add if it were all like this place. `signed` kinds have values of either sign.
    `by_block` kinds exist once per block of the network. `shows` and `shows_not` end the sentences of
    its caption that begin so.
    """

    name: str
    title: str
    unit: str
    shows: str
    shows_not: str
    total: str = ""
    signed: bool = False
    by_block: bool = False

    @property
    def is_additive(self) -> bool:
        """Whether the values of all pixels sum to something."""
        return bool(self.total)


KINDS: dict[str, MapKind] = {
    kind.name: kind
    for kind in (
        MapKind(
            "contribution",
            "Contribution to the score",
            "score per 1 % of the area",
            "what each region adds to the score: its quality times its confidence. All together make the score.",
            "why a region adds little: it may look bad, or the network may pay it no heed. The maps of quality and "
            "confidence tell these apart.",
            total="score",
        ),
        MapKind(
            "quality",
            "Regional quality",
            "quality",
            "how good the network finds each region, on the scale of the score.",
            "what people would say of a region alone: the network learnt from scores of whole crops, and each value "
            "draws on the surroundings too.",
        ),
        MapKind(
            "confidence",
            "Regional confidence",
            "confidence",
            "the weight that the network gives to its own judgement of each region.",
            "a probability of being right: the weight is learnt, and nothing ties it to errors.",
        ),
        MapKind(
            "occlusion",
            "Occlusion",
            "score lost",
            "how much the score falls when a place is blurred away: positive where detail carries the score.",
            "harm that is there already: what was blurred before has nothing to lose, and a blurred patch is itself a "
            "kind of damage.",
            signed=True,
        ),
        MapKind(
            "integrated_gradients",
            "Integrated gradients",
            "score gained per 1 % of the area",
            "which places raise or lower the score on the way from a blurred face to this one (Sundararajan et al., "
            "2017, by captum). All places together make what the score gains on that way.",
            "an answer free of that start: from a dark or a noisy face, the shares would differ.",
            total="score less the score of the blurred face",
            signed=True,
        ),
        MapKind(
            "attention",
            "Attention of the ViT",
            "times an even share",
            "how much attention each patch receives from all patches in one block, averaged over heads.",
            "what that does to the score: attention is not attribution, it tells where information flows.",
            by_block=True,
        ),
        MapKind(
            "rollout",
            "Attention rollout",
            "times an even share",
            "attention followed through all blocks, each with its residual (Abnar and Zuidema, 2020).",
            "what values and MLPs do on the way, or what any of it does to the score: attention is not attribution.",
        ),
        MapKind(
            "cross_attention",
            "Cross-attention of the decoder",
            "times an even share",
            "how much each image token is read by the queries that the degradation encoder makes.",
            "what is made of it: attention is not attribution, it tells what is read.",
            by_block=True,
        ),
    )
}
"""All kinds by name, in the order in which they are offered."""


def find_kind(name: str) -> MapKind:
    """Return the kind called `name`; raise SettingError naming the known ones."""
    if name not in KINDS:
        raise SettingError(f"There is no map {name!r}: choose one of {', '.join(KINDS)}.")
    return KINDS[name]


class MapKey(NamedTuple):
    """Name of a kind, and the block for kinds that exist once per block, counted from 1."""

    kind: str
    block: int | None = None


@dataclass(frozen=True)
class OfferedMaps:
    """Which maps can be had of a checkpoint.

    `missing` says why some kinds cannot, as a sentence; `blocks` of how many blocks the others can, where a kind exists
    once per block.
    """

    checkpoint: str
    missing: Mapping[str, str]
    blocks: Mapping[str, int]

    def find(self, kind: str, block: int | None = None) -> MapKey:
        """Return the key of a map: of the last block for kinds that exist once per block, unless `block` says which.

        Raises SettingError when there is no such map.
        """
        key = self.nearest(kind, block)
        if block is not None and key.block not in (None, block):
            count = self.blocks[kind]
            raise SettingError(f"There is no block {block}: {self.checkpoint} has blocks 1 to {count} for {kind}.")
        return key

    def nearest(self, kind: str, block: int | None = None) -> MapKey:
        """Return the same, of the nearest block that there is."""
        by_block = find_kind(kind).by_block
        if kind in self.missing:
            raise SettingError(self.missing[kind])
        if not by_block:
            return MapKey(kind)
        count = self.blocks[kind]
        return MapKey(kind, min(max(1, block or count), count))


@dataclass(frozen=True)
class Placement:
    """Where the crops of one face lie.

    `offsets` are those of its crops in the view of `view_px` pixels; `to_photo` is the view's (2, 3) affine
    matrix; `photo_size` is (width, height) of the photo.
    """

    offsets: tuple[Offset, ...]
    crop_px: int
    view_px: int
    to_photo: NDArray[np.float64]
    photo_size: tuple[int, int]

    def shown(self) -> NDArray[np.float64]:
        """Return (V, V): how many crops show each pixel of the view."""
        return self.spread(np.ones((len(self.offsets), 1, 1)))

    def spread(self, grids: Grid) -> NDArray[np.float64]:
        """Return (V, V): grids (K, G, G) enlarged to their crops and summed in the view."""
        cell_px = self.crop_px // grids.shape[-1]
        total = np.zeros((self.view_px, self.view_px))
        for (top, left), grid in zip(self.offsets, grids, strict=True):
            crop = repeat(grid, "r c -> (r i) (c j)", i=cell_px, j=cell_px)
            total[top : top + self.crop_px, left : left + self.crop_px] += crop
        return total


class PhotoMap(NamedTuple):
    """A map in pixels of the photo: `values` (H, W) float32, NaN where no crop reached.

    `coverage` (H, W) float32 is the share of the face's crops that show a pixel; more than 1 where the mirrored
    border shows it once more.
    """

    values: NDArray[np.float32]
    coverage: NDArray[np.float32]


@dataclass(frozen=True)
class FaceMap:
    """One map of one face: a grid (K, G, G) per crop, and where the crops lie.

    Grids of a kind that adds up hold each cell's part: all cells of all crops sum to the total.
    """

    key: MapKey
    grids: Grid
    placement: Placement

    @property
    def kind(self) -> MapKind:
        """What the map shows."""
        return KINDS[self.key.kind]

    @property
    def title(self) -> str:
        """Title of the kind, and the block."""
        return self.kind.title if self.key.block is None else f"{self.kind.title}, block {self.key.block}"

    def in_view(self) -> NDArray[np.float64]:
        """Return the map in the view (V, V), in the unit of its colour bar, NaN where no crop lies."""
        values, shown = self._layers()
        return np.divide(values, shown, out=np.full_like(values, np.nan), where=shown > 0)

    def at(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> PhotoMap:
        """Return the map at the crossings of photo positions x (w,) and y (h,), in the unit of its colour bar."""
        values, shown, crops = _gather((*self._layers(), self.placement.shown()), self.placement, x, y)
        return _as_photo_map(values, shown, crops / len(self.grids))

    def in_photo(self) -> PhotoMap:
        """Return the map in pixels of the photo.

        Values of a kind that adds up are parts per pixel here: they sum to the total, for contributions the score.
        """
        width, height = self.placement.photo_size
        fine = self._positions_per_pixel()
        x, y = ((np.arange(side * fine) + 0.5) / fine for side in (width, height))
        layers = _gather((*self._layers(), self.placement.shown()), self.placement, x, y)
        if fine > 1:
            layers = reduce(layers, "l (h i) (w j) -> l h w", "mean", i=fine, j=fine)
        values, shown, crops = layers
        placed = _as_photo_map(values, shown, crops / len(self.grids))
        if not self.kind.is_additive:
            return placed
        # Cells and pixels do not share their borders, so the sum is off by a little; the total is known exactly.
        parts = np.where(shown > 0, values, 0.0).astype(np.float64)
        parts = _summing_to(float(self.grids.sum()), parts)
        return PhotoMap(np.where(shown > 0, parts, np.nan).astype(np.float32), placed.coverage)

    def _layers(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (V, V) twice: values in the unit of the colour bar, summed over crops, and what to divide them by."""
        shown = self.placement.shown()
        values = self.placement.spread(self.grids)
        if not self.kind.is_additive:
            return values, shown
        reached = shown > 0
        cell_area = (self.placement.crop_px // self.grids.shape[-1]) ** 2
        return values / cell_area * reached.sum() / 100, reached.astype(np.float64)

    def _positions_per_pixel(self) -> int:
        """Return at how many positions along a photo pixel the view has to be read, for small faces more than one."""
        photo_px = float(np.sqrt(abs(np.linalg.det(self.placement.to_photo[:, :2]))))
        return int(np.clip(np.ceil(1 / photo_px), 1, FINEST))


def _summing_to(total: float, parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return parts that sum to the total, what is missing being shared out in proportion to their size."""
    size = np.abs(parts)
    return parts + size * ((total - parts.sum()) / size.sum()) if size.any() else parts


def _as_photo_map(
    values: NDArray[np.floating], shown: NDArray[np.floating], coverage: NDArray[np.floating]
) -> PhotoMap:
    averages = np.divide(values, shown, out=np.full(values.shape, np.nan, np.float32), where=shown > 0)
    return PhotoMap(averages.astype(np.float32), coverage.astype(np.float32))


def _gather(
    layers: Sequence[NDArray[np.float64]], placement: Placement, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Read layers (L, V, V) of the view at photo positions x (w,) and y (h,): (L, h, w), zero where it does not reach.

    A position is read wherever the view shows it: itself, and its mirror images beyond the photo's border.
    """
    side = placement.view_px
    cells = np.concatenate([rearrange(list(layers), "l r c -> l (r c)"), np.zeros((len(layers), 1))], axis=1)
    cells = cells.astype(np.float32)  # the last one stands for everything outside the view
    inverse = np.linalg.inv(placement.to_photo[:, :2])
    start = placement.to_photo[:, 2]
    gathered = np.zeros((len(layers), len(y), len(x)), np.float32)
    for seen_x in _appearances(x, *_reach(placement, axis=0), placement.photo_size[0]):
        for seen_y in _appearances(y, *_reach(placement, axis=1), placement.photo_size[1]):
            for first in range(0, len(y), ROWS_AT_ONCE):
                rows = slice(first, first + ROWS_AT_ONCE)
                dx, dy = seen_x[None] - start[0], seen_y[rows, None] - start[1]
                column = np.floor(inverse[0, 0] * dx + inverse[0, 1] * dy)
                row = np.floor(inverse[1, 0] * dx + inverse[1, 1] * dy)
                inside = (column >= 0) & (column < side) & (row >= 0) & (row < side)
                index = np.where(inside, row * side + column, side * side).astype(np.intp)
                gathered[:, rows] += cells[:, index]
    return gathered


def _reach(placement: Placement, *, axis: int) -> tuple[float, float]:
    """Return the least and the greatest photo coordinate along an axis that the view shows."""
    corners = placement.view_px * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    along = corners @ placement.to_photo[axis, :2] + placement.to_photo[axis, 2]
    return float(along.min()), float(along.max())


def _appearances(positions: NDArray[np.float64], low: float, high: float, size: int) -> list[NDArray[np.float64]]:
    """Return where positions appear when the photo is continued by its mirror images, from low to high."""
    copies = range(int(np.floor(low / size)), int(np.ceil(high / size)))
    return [size * (copy + 1) - positions if copy % 2 else size * copy + positions for copy in copies]
