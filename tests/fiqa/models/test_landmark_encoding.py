"""The drawn face that bounds the confidence of tokens."""

import numpy as np
import torch
from PIL import Image, ImageDraw

from fiqa.models import LITE
from fiqa.models.landmark_encoding import OutlineEncoding, crop_coordinates, face_outline, mirrored_coordinates
from tests.training.face_shape import face_landmarks

ENCODING = OutlineEncoding(LITE)
SIDE = LITE.crop_px


def weights(centre: tuple[float, float], width_px: float = 70) -> torch.Tensor:
    landmarks = crop_coordinates(face_landmarks(centre, width_px), 0, 0, SIDE)
    found: torch.Tensor = ENCODING(torch.from_numpy(landmarks)[None])
    return found.view(LITE.grid, LITE.grid)


def test_the_outline_holds_the_landmarks_and_a_forehead_above_them() -> None:
    landmarks = face_landmarks((64, 64), 70)
    outline = face_outline(landmarks)
    assert outline.shape == (27, 2)
    assert outline[:, 1].min() < landmarks[:, 1].min() - 10
    assert outline[:, 0].min() >= landmarks[:, 0].min()


def test_weights_are_those_of_a_drawn_polygon_softened_and_falling_to_the_border() -> None:
    landmarks = face_landmarks((60, 68), 80)
    canvas = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(canvas).polygon([(float(x), float(y)) for x, y in face_outline(landmarks)], fill=1)
    drawn = np.asarray(canvas)[8::16, 8::16].astype(bool)
    found = (weights((60, 68), 80) / ENCODING.taper.view(LITE.grid, LITE.grid)).numpy()
    assert (found[drawn] > 0.45).all()
    assert (found[~drawn] < 0.55).all()
    assert found.max() > 0.95
    assert found.min() < 0.01


def test_a_mirrored_face_has_mirrored_weights() -> None:
    coordinates = crop_coordinates(face_landmarks((50, 70), 80), 0, 0, SIDE)
    pair = torch.from_numpy(np.stack([coordinates, mirrored_coordinates(coordinates)]))
    first, second = ENCODING(pair).view(2, LITE.grid, LITE.grid)
    torch.testing.assert_close(first, second.flip(1), atol=1e-4, rtol=0)


def test_a_few_pixels_of_error_change_the_weights_by_little_and_a_moved_face_by_much() -> None:
    here, near, far = weights((64, 64)), weights((66, 64)), weights((100, 64))
    assert (here - near).abs().max() < 0.2
    assert (here - far).abs().max() > 0.6


def test_without_landmarks_only_the_border_counts_less() -> None:
    unknown = ENCODING(torch.full((1, 68, 2), torch.nan))
    torch.testing.assert_close(unknown[0], ENCODING.taper)
