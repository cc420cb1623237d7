"""Face image quality as a module: batches of pictures in, one score for each out, with gradients where wanted.

Scores are those of `predictor.score`, within 0.001. Faces are found without gradients and on the processor; everything
between the pixels and the score can be differentiated.

Shapes: N pictures, H and W their sides in pixels, V side of a view.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fiqa.checkpoints import find_checkpoint
from fiqa.errors import NoFaceError, PhotoError, SettingError
from fiqa.faces.face_choice import FaceChoice
from fiqa.faces.finders import load_face_finder
from fiqa.faces.found_faces import find_faces
from fiqa.loading import load_network
from fiqa.metric.resampling import cut_view
from fiqa.metric.views import ViewQuality
from fiqa.photos.alignment import View, central_square, face_square
from fiqa.photos.images import MIN_SIDE_PX

Pictures = Tensor | Sequence[Tensor]
WITHOUT_A_FACE = ("raise", "nan")
LARGEST_FACE = 2
"""Longer side of a face that may be said to be in a picture, in longer sides of it: it may be cut by the border."""


class FaceQuality(nn.Module):
    """Scores pictures of faces; higher is better.

        quality = FaceQuality("lite")
        scores = quality(images)                       # (N,), no gradients
        loss = FaceQuality("lite", as_loss=True)(images)  # a scalar in 0..1 to minimise

    It has no parameters that train, and stays in evaluation mode. `views` holds the part that is tensors alone, for
    `torch.compile` and `torch.export`; finding faces is Python.
    """

    lower_better = False

    def __init__(
        self,
        checkpoint: str | Path = "lite",
        *,
        as_loss: bool = False,
        aligned: str | None = None,
        face: FaceChoice = "main",
        no_face: str = "raise",
        eight_bit: bool = True,
        finder: str = "auto",
    ) -> None:
        """Load a checkpoint.

        Args:
            checkpoint: Name, folder, or owner/repository on the Hugging Face Hub.
            as_loss: Return one number to minimise, with gradients to the pixels: the mean of how far each score is
                below the best one, in shares of the scale (0 best, 1 worst).
            aligned: "ffhq" or "gfiqa" where every picture is a square crop in that layout, so that no face is searched.
            face: Which face a picture's score is of: "main", "largest", "central" or a number from 1.
            no_face: What becomes of a picture without a face: "raise" a NoFaceError, or a score of "nan", which is no
                part of the loss.
            eight_bit: Round pictures and views to 8 bits, as the predictor does; gradients pass it by. Without it the
                score is smooth, and up to 0.01 off the predictor's where a face is turned upright.
            finder: "auto" (the one that the checkpoint was made with), "bundled" or "face-alignment".

        Raises:
            CheckpointError: There is no such checkpoint, or its files are damaged or do not fit.
            SettingError: An option has no usable value.
        """
        super().__init__()
        if no_face not in WITHOUT_A_FACE:
            raise SettingError(f"no_face is {no_face!r}: choose one of {', '.join(WITHOUT_A_FACE)}.")
        self.as_loss, self.aligned, self.face, self.no_face, self.eight_bit = as_loss, aligned, face, no_face, eight_bit
        spec = find_checkpoint(checkpoint)
        self.finder = load_face_finder(finder, made_with=spec.made_with)
        self.views = ViewQuality(load_network(spec), spec)

    @property
    def score_range(self) -> tuple[float, float]:
        """The worst and the best score."""
        return self.views.spec.score_range

    def train(self, mode: bool = True) -> "FaceQuality":
        """Stay in evaluation mode."""
        return super().train(mode=False)

    def forward(
        self,
        images: Pictures,
        *,
        boxes: Tensor | Sequence[Sequence[float]] | None = None,
        landmarks: Tensor | NDArray[np.floating[Any]] | None = None,
    ) -> Tensor:
        """Score pictures.

        Args:
            images: (N, 3, H, W) in 0..1, or a list of (3, H, W) of any sizes, RGB.
            boxes: (N, 4), (x0, y0, x1, y1) pixels, around the landmarks of the face of each: brows to chin, ear to ear.
            landmarks: (N, 68, 2), (x, y) pixels in iBUG order. With neither, the faces are found.

        Returns:
            (N,) on the checkpoint's scale, `score_range`; with `as_loss`, one number.

        Raises:
            PhotoError: The pictures are of another shape, or too small; a box or landmarks are none, or not in their
                picture.
            NoFaceError: There is no face in one, and `no_face` is "raise".
        """
        pictures = _checked(images)
        for name, given in (("boxes", boxes), ("landmarks", landmarks)):
            if given is not None and len(given) != len(pictures):
                raise PhotoError(f"There are {len(pictures)} pictures and {len(given)} {name}: give one for each.")
        with torch.set_grad_enabled(self.as_loss and torch.is_grad_enabled()):
            scores = self._scores(pictures, [*self._all_landmarks(pictures, boxes, landmarks)])
            return self.loss(scores) if self.as_loss else scores

    def loss(self, scores: Tensor) -> Tensor:
        """Return how far scores (N,) are below the best, in shares of the scale; a score of NaN does not count."""
        low, high = self.score_range
        counted = scores[scores.isfinite()]
        return (high - counted).sum() / ((high - low) * max(1, len(counted)))

    def _all_landmarks(
        self, pictures: Sequence[Tensor], boxes: Any, landmarks: Any
    ) -> Iterable["NDArray[np.float32] | str | None"]:
        """Yield the landmarks (68, 2) of each picture's face, None to score it whole, "absent" where there is none."""
        if landmarks is not None:
            for index, (each, picture) in enumerate(zip(landmarks, pictures, strict=True)):
                yield _checked_landmarks(each, picture, index)
            return
        for index, picture in enumerate(pictures):
            pixels = np.ascontiguousarray((255 * picture.detach().clamp(0, 1)).round().byte().cpu().permute(1, 2, 0))
            if boxes is not None:
                face = self.finder.place(pixels, _checked_box(boxes[index], pixels.shape, index))
                yield None if face is None else face.landmarks
                continue
            try:
                found = find_faces(self.finder, pixels, self.face, aligned=self.aligned)
            except NoFaceError:
                if self.no_face == "raise":
                    raise NoFaceError(
                        f"No face was found in picture {index} of {len(pictures)}, counted from 0: "
                        f"give boxes or landmarks, or set no_face to 'nan'."
                    ) from None
                yield "absent"
            else:
                yield None if found.face is None else found.face.landmarks

    def _scores(self, pictures: Sequence[Tensor], landmarks: Sequence["NDArray[np.float32] | str | None"]) -> Tensor:
        present = [index for index, each in enumerate(landmarks) if not isinstance(each, str)]
        scores = self.views.mean.new_full((len(pictures),), float("nan"))
        if not present:
            return scores
        cut = [self._view(pictures[index], cast("NDArray[np.float32] | None", landmarks[index])) for index in present]
        views, seen = (torch.stack(each) for each in zip(*cut, strict=True))
        return scores.index_put(
            (torch.tensor(present, device=scores.device),), self.views(views, seen).mean(1).to(scores)
        )

    def _view(self, picture: Tensor, landmarks: "NDArray[np.float32] | None") -> tuple[Tensor, Tensor]:
        """Return the view (3, V, V) of a face and its landmarks (68, 2) in it, NaN for the whole picture."""
        side, margin = self.views.view_px, self.views.spec.preprocessing.margin
        square = central_square(*picture.shape[1:]) if landmarks is None else face_square(landmarks, margin=margin)
        placed = View(np.empty(0, np.uint8), square.to_photo(side))
        known = np.full((68, 2), np.nan, np.float32) if landmarks is None else placed.landmarks_from_photo(landmarks)
        view = cut_view(picture.to(self.views.mean), square, side_px=side, eight_bit=self.eight_bit)
        return view, torch.from_numpy(known).to(self.views.mean)


def _checked_box(box: Any, shape: tuple[int, ...], index: int) -> NDArray[np.float64]:
    """Return the box (4,) of a picture (H, W, 3); raise PhotoError for one that is none or lies elsewhere."""
    corners = np.asarray(_on_cpu(box), dtype=np.float64)
    if corners.shape != (4,) or not np.isfinite(corners).all() or (corners[2:] <= corners[:2]).any():
        raise PhotoError(f"Box {index} is {corners.tolist()}: expected x0, y0, x1, y1 in pixels, x0 < x1 and y0 < y1.")
    height, width = shape[:2]
    middle = (corners[:2] + corners[2:]) / 2
    if not ((middle >= 0) & (middle < (width, height))).all():
        raise PhotoError(f"Box {index} is {corners.tolist()}: its middle is outside of the {width} x {height} picture.")
    if (corners[2:] - corners[:2]).max() > LARGEST_FACE * max(width, height):
        raise PhotoError(f"Box {index} is {corners.tolist()}: no face is so large in a {width} x {height} picture.")
    return corners


def _checked_landmarks(given: Any, picture: Tensor, index: int) -> NDArray[np.float32]:
    """Return the landmarks (68, 2) of a face in a picture (3, H, W); raise PhotoError for those of none."""
    landmarks = np.asarray(_on_cpu(given), dtype=np.float32)
    height, width = picture.shape[1:]
    if landmarks.shape != (68, 2) or not np.isfinite(landmarks).all():
        raise PhotoError(
            f"Landmarks {index} are {landmarks.shape}: expected (68, 2), finite (x, y) in pixels in iBUG order."
        )
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    is_inside = (low < (width, height)).all() and (high > 0).all()
    if not (is_inside and 0 < (high - low).max() <= LARGEST_FACE * max(width, height)):
        raise PhotoError(
            f"Landmarks {index} lie from {low.round().tolist()} to {high.round().tolist()}: "
            f"that is no face in a {width} x {height} picture."
        )
    return landmarks


def _on_cpu(values: Any) -> Any:
    return values.detach().cpu() if isinstance(values, Tensor) else values


def _checked(images: Pictures) -> list[Tensor]:
    """Return pictures (3, H, W) one by one; raise PhotoError for other shapes, types and values."""
    if isinstance(images, Tensor) and images.ndim != 4:
        raise PhotoError(f"Pictures are (N, 3, H, W) or a list of (3, H, W), not a tensor of {tuple(images.shape)}.")
    pictures = [*images]
    for index, each in enumerate(pictures):
        if not (each.ndim == 3 and each.shape[0] == 3 and min(each.shape[1:]) >= MIN_SIDE_PX):
            raise PhotoError(
                f"Picture {index} is {tuple(each.shape)}: expected (3, H, W), RGB, "
                f"of at least {MIN_SIDE_PX} pixels a side."
            )
        if not each.is_floating_point():
            raise PhotoError(
                f"Picture {index} holds {each.dtype}: expected floats in 0..1, so divide by the white value."
            )
    return pictures
