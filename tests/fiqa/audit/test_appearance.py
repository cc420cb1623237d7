"""Skin tone, pose and size of faces that are drawn so that the answer is known."""

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from skimage.color import lab2rgb

from fiqa.audit import MEASURED
from fiqa.audit.appearance import (
    CHEEKS,
    MEASURES,
    ORDER,
    cheek_pixels,
    face_size,
    pose,
    skin_tone,
    typology_angle_deg,
)
from fiqa.degradation.synthetic import to_linear, to_srgb
from fiqa.faces.finders import load_face_finder
from fiqa.faces.pose import MEAN_HEAD, POINTS
from tests.training.face_shape import face_landmarks

LANDMARKS: NDArray[np.float32] = face_landmarks(centre=(150, 150), width_px=160)


def painted(lightness: float, a: float, b: float) -> NDArray[np.uint8]:
    """Return a photo of one colour of CIE L*a*b*."""
    colour = 255 * lab2rgb(np.full((1, 1, 3), (lightness, a, b), dtype=float))
    return np.broadcast_to(np.rint(colour), (300, 300, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("lightness", "b", "angle", "name"),
    [  # arctan((L* - 50) / b*), worked out by hand
        (74, 14, 59.7, "very light"),
        (68, 17, 46.6, "light"),
        (61, 18, 31.4, "intermediate"),
        (56, 18, 18.4, "tan"),
        (48, 17, -6.7, "brown"),
        (32, 10, -60.9, "dark"),
    ],
)
def test_a_painted_skin_has_the_angle_and_the_class_of_its_colour(
    lightness: float, b: float, angle: float, name: str
) -> None:
    photo = painted(lightness, 12, b)
    assert typology_angle_deg(photo, LANDMARKS) == pytest.approx(angle, abs=1.5)  # colours are rounded to 8 bits
    assert skin_tone(photo, LANDMARKS) == name


def test_half_a_stop_of_light_moves_the_angle_by_about_the_width_of_a_class() -> None:
    for lightness in (45, 55, 65):
        photo = painted(lightness, 12, 17)
        brighter = to_srgb(to_linear(photo) * np.float32(2**0.5))
        before, after = (typology_angle_deg(each, LANDMARKS) for each in (photo, brighter))
        assert before is not None
        assert after is not None
        assert 10 < after - before < 25


@pytest.mark.parametrize("colour", [(50, 0, 0), (60, 5, -20)])
def test_a_grey_or_blue_photo_has_no_skin_tone(colour: tuple[float, float, float]) -> None:
    assert skin_tone(painted(*colour), LANDMARKS) is None


def test_only_the_cheeks_are_looked_at() -> None:
    photo = painted(61, 12, 18).copy()
    seen = np.zeros((300, 300), dtype=bool)
    for points in CHEEKS:
        x, y = LANDMARKS[list(points)].mean(axis=0).round().astype(int)
        seen[y - 12 : y + 13, x - 12 : x + 13] = True
    photo[~seen] = 0
    assert skin_tone(photo, LANDMARKS) == "intermediate"
    assert 2 * 9 * 9 <= len(cheek_pixels(photo, LANDMARKS)) <= 2 * 25 * 25


def test_a_face_whose_cheeks_lie_outside_the_photo_has_no_skin_tone() -> None:
    assert skin_tone(painted(61, 12, 18), LANDMARKS + 1000) is None


def test_the_astronaut_has_the_same_groups_as_her_mirror_image() -> None:
    photo = np.asarray(skimage.data.astronaut())
    finder = load_face_finder("bundled")
    for pixels in (photo, np.ascontiguousarray(photo[:, ::-1])):
        landmarks = finder.find(pixels)[0].landmarks
        assert face_size(pixels, landmarks) == "80 to 160 px"
        assert skin_tone(pixels, landmarks) in {"very light", "light", "intermediate"}
        assert pose(pixels, landmarks) in {"from the front", "turned a little"}


@pytest.mark.parametrize(
    ("yaw", "name"), [(0, "from the front"), (-10, "from the front"), (25, "turned a little"), (-50, "turned")]
)
def test_a_head_that_is_turned_is_told_from_one_that_is_not(yaw: float, name: str) -> None:
    turned = np.radians(yaw)
    camera = np.array([[np.cos(turned), 0, np.sin(turned)], [0, 1, 0]])
    landmarks = LANDMARKS.copy()
    landmarks[list(POINTS)] = (MEAN_HEAD @ camera.T).astype(np.float32)
    assert pose(painted(60, 0, 0), landmarks) == name


@pytest.mark.parametrize(("width", "name"), [(40, "0 to 80 px"), (79.9, "0 to 80 px"), (320, "320 px and more")])
def test_sizes_are_ranges_of_pixels(width: float, name: str) -> None:
    square = np.array([[0, 0], [width, width]], np.float32)
    assert face_size(painted(60, 0, 0), square) == name


@pytest.mark.parametrize("width", [10, 79, 80, 159, 160, 319, 320, 2000])
def test_every_size_has_its_place_in_the_order_of_the_groups(width: float) -> None:
    assert face_size(painted(60, 0, 0), np.array([[0, 0], [width, 1]], np.float32)) in ORDER


def test_what_is_measured_is_what_is_offered() -> None:
    assert tuple(MEASURES) == MEASURED
