"""Parts of a face: how much of the picture each takes, and how much of the score.

Parts are drawn from the 68 landmarks (iBUG order) in the view, as outlines widened a little, because
landmarks run along the inner edge of brows and lips. Every pixel of the view belongs to one part.

Shapes: K crops, G cells a side, V pixels a side of the view.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from einops import reduce
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from fiqa.errors import SettingError
from fiqa.maps.face_maps import FaceMap, MapKey

Mask = NDArray[np.bool_]

OUTLINES: dict[str, tuple[range, ...]] = {
    "eyes": (range(36, 42), range(42, 48)),
    "brows": (range(17, 22), range(22, 27)),
    "nose": (range(27, 36),),
    "mouth": (range(48, 60),),
    "jaw": (range(17),),
}
"""Landmarks of each part, one range per outline. The jaw stands for the cheeks too: all of the face that is no other
part."""
REST = "rest"
"""What is in view besides the face: forehead, hair, neck and background."""
WIDENED_SHARE = 0.03
"""How far outlines are widened, in sides of the landmarks' box."""


@dataclass(frozen=True)
class RegionPart:
    """One part of the face: shares (0..1) of the seen area and of the network's confidence, and its contribution.

    Shares sum to one over all parts, contributions to the score. `quality` is the part's own, weighted by confidence;
    NaN where the network has no confidence at all.
    """

    name: str
    area: float
    confidence: float
    contribution: float

    @property
    def quality(self) -> float:
        """Return the quality of this part: its contribution for the confidence it has."""
        return self.contribution / self.confidence if self.confidence else float("nan")


def region_masks(landmarks: NDArray[np.floating], view_px: int) -> dict[str, Mask]:
    """Divide a view into parts, (V, V) each, given the 68 landmarks in its pixels; they cover it and do not overlap."""
    margin = WIDENED_SHARE * float(np.ptp(landmarks, axis=0).max())
    free = np.ones((view_px, view_px), dtype=bool)
    masks = {}
    for name, outlines in OUTLINES.items():
        drawn = _face(landmarks, view_px) if name == "jaw" else _drawn(landmarks, outlines, view_px, margin)
        masks[name] = drawn & free
        free &= ~drawn
    return {**masks, REST: free}


def region_parts(landmarks: NDArray[np.floating], maps: Mapping[MapKey, FaceMap]) -> list[RegionPart]:
    """Return what each part of the face has to do with the score; landmarks (68, 2) are in pixels of the view.

    `maps` holds confidence and contribution.
    """
    confidence, contribution = maps[MapKey("confidence")], maps[MapKey("contribution")]
    placement = contribution.placement
    of_crop = reduce(confidence.grids, "k r c -> k 1 1", "sum")
    cell_area = (placement.crop_px // contribution.grids.shape[-1]) ** 2
    weights = placement.spread(confidence.grids / of_crop / len(of_crop)) / cell_area  # (V, V), sums to one
    scores = placement.spread(contribution.grids) / cell_area  # (V, V), sums to the score
    seen = placement.shown() > 0
    return [
        RegionPart(name, float((mask & seen).sum() / seen.sum()), float(weights[mask].sum()), float(scores[mask].sum()))
        for name, mask in region_masks(landmarks, placement.view_px).items()
    ]


def altered(
    landmarks: NDArray[np.float32], *, right: float = 0.0, down: float = 0.0, without: Sequence[str] = ()
) -> NDArray[np.float32]:
    """Return landmarks moved by shares of their box's longer side, those of some parts dropped (NaN).

    Raises SettingError for an unknown part.
    """
    if unknown := set(without) - OUTLINES.keys():
        raise SettingError(f"There is no part {', '.join(sorted(unknown))}: choose of {', '.join(OUTLINES)}.")
    side = np.ptp(landmarks, axis=0).max()
    moved: NDArray[np.float32] = (landmarks + side * np.array([right, down])).astype(np.float32)
    for part in without:
        for outline in OUTLINES[part]:
            moved[list(outline)] = np.nan
    return moved


def _drawn(landmarks: NDArray[np.floating], outlines: Sequence[range], view_px: int, margin: float) -> Mask:
    """Draw outlines, closed and widened by `margin` pixels."""
    canvas = Image.new("1", (view_px, view_px))
    draw = ImageDraw.Draw(canvas)
    for outline in outlines:
        points = [(float(x), float(y)) for x, y in landmarks[list(outline)]]
        draw.polygon(points, fill=1)
        draw.line([*points, points[0]], fill=1, width=max(1, round(2 * margin)), joint="curve")
    return np.asarray(canvas)


def _face(landmarks: NDArray[np.floating], view_px: int) -> Mask:
    """Draw the face: jaw line and brows, the latter from right to left to close the outline."""
    canvas = Image.new("1", (view_px, view_px))
    outline = [(float(x), float(y)) for x, y in landmarks[[*range(17), *range(26, 16, -1)]]]
    ImageDraw.Draw(canvas).polygon(outline, fill=1)
    return np.asarray(canvas)
