"""Whether a map of a face can be read: smooth, steady, on the face, and right about what matters.

* neighbouring cells of a map should be alike: a chequerboard shows the network's grid and nothing of the face;
* the map should stay the same when the face lies two pixels aside on the network's grid;
* confidence should lie on the face;
* what the map ranks high should matter: the score falls fast when places are blurred away in its order (deletion) and
  rises fast when they are brought back into a blurred face (insertion; both Petsiuk et al., 2018, arXiv:1806.07421).
  Blurring is itself a damage that the score sees, so a map is to be compared with a random order, not with zero.

Shapes: V pixels a side of the view, C cells a side, T steps of a curve.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from einops import reduce
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from fiqa.faces.finders import Face
from fiqa.maps.explain import compute_maps
from fiqa.maps.face_maps import FaceMap, MapKey
from fiqa.models.landmark_encoding import face_outline
from fiqa.photo_scorer import FaceCrops
from fiqa.photos.alignment import Landmarks
from fiqa.predictor import QualityPredictor

Pixels = NDArray[np.uint8]
Values = NDArray[np.float64]

CELL_PX = 16
"""Side of a cell, in pixels of the view, by which maps are compared and places are blurred away."""
SHIFT_PX = 2
STEPS, BLUR_PX = 10, 12
"""Steps of deletion and insertion, and standard deviation of the blur of what is deleted, in pixels of the view."""


@dataclass(frozen=True)
class Curves:
    """Scores (T + 1,) while no, some, … all cells of a view are blurred away, and while they are brought back."""

    deletion: Values
    insertion: Values

    @property
    def deletion_area(self) -> float:
        """The mean score under deletion, by trapezoids: the lower, the more the first cells matter."""
        return _area(self.deletion)

    @property
    def insertion_area(self) -> float:
        """The mean score under insertion: the higher, the more the first cells matter."""
        return _area(self.insertion)


def neighbour_correlation(face_map: FaceMap) -> float:
    """Return how alike cells of a map and those right of and below them are, -1..1; NaN for a map without contrast."""
    cells = cell_means(face_map.in_view())
    ours = np.concatenate([cells[:, :-1].ravel(), cells[:-1].ravel()])
    theirs = np.concatenate([cells[:, 1:].ravel(), cells[1:].ravel()])
    return _correlation(ours, theirs)


def shift_correlation(
    predictor: QualityPredictor,
    photo: Pixels,
    landmarks: Landmarks,
    kind: str = "contribution",
    *,
    by_px: int = SHIFT_PX,
) -> float:
    """Return how alike the maps of a face are when the network is shown it a little farther right and down, -1..1.

    The view is cut `by_px` of its pixels aside, so that the face lies otherwise on the network's grid. Moving the photo
    would do nothing: its view moves with the face. Maps are compared pixel by pixel of the photo (H, W, 3).
    landmarks: (68, 2), pixels of the photo.
    """
    face = _crops_of(predictor, photo, landmarks)
    aside = landmarks + (face.view.to_photo[:, :2] @ np.full(2, by_px)).astype(np.float32)
    moved = _crops_of(predictor, photo, aside)
    moved = replace(moved, landmarks=moved.view.landmarks_from_photo(landmarks))
    before, after = (
        compute_maps(predictor, photo, each, kind)[MapKey(kind)].in_photo().values.astype(np.float64)
        for each in (face, moved)
    )
    seen = np.isfinite(before) & np.isfinite(after)
    return _correlation(before[seen], after[seen])


def share_outside(face_map: FaceMap, landmarks: Landmarks) -> float:
    """Return the share of a map, 0..1, that lies outside the face and its forehead; landmarks (68, 2) in the view.

    Every crop counts alike, as in the score. For maps without negative values.
    """
    placement = face_map.placement
    weights = placement.spread(face_map.grids / face_map.grids.sum(axis=(1, 2), keepdims=True))
    return float(weights[~on_face(landmarks, placement.view_px)].sum() / weights.sum())


def on_face(landmarks: Landmarks, view_px: int) -> NDArray[np.bool_]:
    """Return which pixels (V, V) of a view lie on the face with its forehead; landmarks (68, 2) in its pixels."""
    canvas = Image.new("1", (view_px, view_px))
    ImageDraw.Draw(canvas).polygon([(float(x), float(y)) for x, y in face_outline(landmarks)], fill=1)
    return np.asarray(canvas)


def curves(predictor: QualityPredictor, face: FaceCrops, order: Values, *, steps: int | None = None) -> Curves:
    """Return the scores of a face while its cells are blurred away, and brought back, the greatest of `order` first.

    order: (C, C) values, as `cell_means` gives them. steps: T, `STEPS` unless given.
    """
    steps = steps or STEPS
    view = face.view.image
    blurred = np.asarray(Image.fromarray(view).filter(ImageFilter.GaussianBlur(BLUR_PX)))
    masks = [first_cells(order, step / steps, len(view)) for step in range(steps + 1)]
    deleted = [np.where(mask[..., None], blurred, view) for mask in masks]
    inserted = [np.where(mask[..., None], view, blurred) for mask in masks]
    scores = _scores(predictor, face, [*deleted, *inserted])
    return Curves(scores[: steps + 1], scores[steps + 1 :])


def cell_means(values: Values) -> Values:
    """Return the mean (C, C) of a map in the view (V, V) over each cell; what no crop reached counts as 0."""
    side = len(values) // CELL_PX * CELL_PX
    whole = np.nan_to_num(values)[:side, :side]
    means: Values = reduce(whole, "(row y) (column x) -> row column", "mean", y=CELL_PX, x=CELL_PX)
    return means


def first_cells(order: Values, share: float, view_px: int) -> NDArray[np.bool_]:
    """Return where the cells with the greatest values (C, C) lie in the view (V, V), `share` of them all.

    Pixels beyond the last whole cell belong to the cells at the border, so that the share 1 is the whole view.
    """
    rank = np.argsort(np.argsort(-order, axis=None, kind="stable")).reshape(order.shape)
    chosen = (rank < round(share * order.size)).repeat(CELL_PX, axis=0).repeat(CELL_PX, axis=1)
    missing = view_px - len(chosen)
    return np.pad(chosen, ((0, missing), (0, missing)), mode="edge")


def measure_face(
    predictor: QualityPredictor, photo: Pixels, landmarks: Landmarks, *, seed: int = 0
) -> Mapping[str, float]:
    """Return everything above of one face of a photo (H, W, 3), whose landmarks (68, 2) in the photo are known."""
    face = _crops_of(predictor, photo, landmarks)
    made = compute_maps(predictor, photo, face, "contribution") | compute_maps(predictor, photo, face, "occlusion")
    contribution, confidence = made[MapKey("contribution")], made[MapKey("confidence")]
    known = face.view.landmarks_from_photo(landmarks)
    cells = len(face.view.image) // CELL_PX
    orders = {
        "contribution": cell_means(contribution.in_view()),
        "occlusion": cell_means(made[MapKey("occlusion")].in_view()),
        "a random order": np.random.default_rng(seed).random((cells, cells)),
    }
    drawn = {name: curves(predictor, face, order) for name, order in orders.items()}
    return {
        "correlation of neighbouring cells": neighbour_correlation(contribution),
        "correlation with the map of the view cut 2 px aside": shift_correlation(predictor, photo, landmarks),
        "share of confidence outside the face": share_outside(confidence, known),
        **{f"deletion by {name}": each.deletion_area for name, each in drawn.items()},
        **{f"insertion by {name}": each.insertion_area for name, each in drawn.items()},
    }


def _scores(predictor: QualityPredictor, face: FaceCrops, views: Sequence[Pixels]) -> Values:
    """Return the score of a face in each of several pictures (V, V, 3) of its view."""
    changed = [replace(face, view=replace(face.view, image=view)) for view in views]
    scores: Values = predictor.crop_scores(changed).mean(axis=1)
    return scores


def _crops_of(predictor: QualityPredictor, photo: Pixels, landmarks: Landmarks) -> FaceCrops:
    """Return the crops of a face whose landmarks (68, 2) in the photo (H, W, 3) are known."""
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    return predictor.face_crops(photo, Face((*low.tolist(), *high.tolist()), landmarks, 1.0))


def _area(scores: Values) -> float:
    return float(np.trapezoid(scores) / (len(scores) - 1))


def _correlation(a: Values, b: Values) -> float:
    if not np.ptp(a) or not np.ptp(b):
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
