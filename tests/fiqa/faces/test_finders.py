"""Faces are found where they are, and nowhere else."""

import copy
import pickle
import subprocess
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from threading import Lock
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from fiqa.degradation.synthetic import DEGRADATIONS
from fiqa.errors import CheckpointError, SettingError
from fiqa.faces import finders as module
from fiqa.faces.boxes import overlaps
from fiqa.faces.face_choice import ALIGNED_LAYOUTS
from fiqa.faces.finders import (
    FACE_ALIGNMENT_WEIGHTS,
    BundledFaceFinder,
    Face,
    FaceAlignmentFinder,
    by_prominence,
    choose_face,
    load_face_finder,
)
from fiqa.models.landmark_network import MIRRORED

Photo = NDArray[np.uint8]
ASTRONAUT_BOX = np.array([179.0, 85.0, 273.0, 176.0])
"""Brows to chin and ear to ear, by eye."""


@pytest.fixture(scope="module")
def finder() -> BundledFaceFinder:
    return BundledFaceFinder()


@pytest.fixture(scope="module")
def astronaut(finder: BundledFaceFinder) -> Face:
    (face,) = finder.find(data.astronaut())
    return face


def error(found: Face, wanted: NDArray[np.floating[Any]]) -> float:
    """Mean distance of the landmarks as a share of the outer-eye-corner distance."""
    apart = np.linalg.norm(wanted[36] - wanted[45])
    return float(np.linalg.norm(found.landmarks - wanted, axis=1).mean() / apart)


def test_the_astronaut_has_one_face(astronaut: Face) -> None:
    assert overlaps(np.array(astronaut.box_xyxy), ASTRONAUT_BOX[None])[0] > 0.6
    assert 0.5 <= astronaut.confidence <= 1.0
    assert astronaut.landmarks.shape == (68, 2)
    assert astronaut.landmarks.dtype == np.float32


def test_the_box_is_that_of_the_landmarks(astronaut: Face) -> None:
    low, high = astronaut.landmarks.min(axis=0), astronaut.landmarks.max(axis=0)
    np.testing.assert_allclose(astronaut.box_xyxy, [*low, *high], atol=1e-3)


@pytest.mark.parametrize("name", DEGRADATIONS)
@pytest.mark.slow
def test_a_degraded_face_keeps_its_landmarks(finder: BundledFaceFinder, astronaut: Face, name: str) -> None:
    (face,) = finder.find(DEGRADATIONS[name](data.astronaut(), 0.6, seed=1))
    assert error(face, astronaut.landmarks) < 0.1


@pytest.mark.parametrize("tilt_deg", [-20, -10, 10, 20])
def test_a_tilted_face_has_tilted_landmarks(finder: BundledFaceFinder, astronaut: Face, tilt_deg: int) -> None:
    tilted = np.asarray(Image.fromarray(data.astronaut()).rotate(-tilt_deg, Image.Resampling.BICUBIC))
    angle = np.radians(tilt_deg)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    largest = finder.find(tilted)[0]
    assert error(largest, (astronaut.landmarks - 256) @ rotation.T + 256) < 0.08


def test_a_mirrored_face_has_mirrored_landmarks(finder: BundledFaceFinder, astronaut: Face) -> None:
    (face,) = finder.find(np.ascontiguousarray(data.astronaut()[:, ::-1]))
    wanted = astronaut.landmarks[list(MIRRORED)] * [-1, 1] + [512, 0]
    assert error(face, wanted) < 0.05


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_photo_upside_down_or_on_its_side_is_understood(
    finder: BundledFaceFinder, astronaut: Face, quarters: int
) -> None:
    (face,) = finder.find(np.ascontiguousarray(np.rot90(data.astronaut(), quarters)))
    x, y = astronaut.landmarks.T
    wanted = {1: (y, 512 - x), 2: (512 - x, 512 - y), 3: (512 - y, x)}[quarters]
    assert error(face, np.stack(wanted, axis=1)) < 0.05


@pytest.mark.parametrize("side_px", [128, 300, 700, 1600, 4500])
def test_the_size_of_the_photo_does_not_matter(finder: BundledFaceFinder, astronaut: Face, side_px: int) -> None:
    small = Image.fromarray(data.astronaut()[30:330, 70:370]).resize((side_px, side_px), Image.Resampling.LANCZOS)
    (face,) = finder.find(np.asarray(small))
    assert error(face, (astronaut.landmarks - [70, 30]) * side_px / 300) < 0.08


def test_a_face_that_fills_the_photo_is_found(finder: BundledFaceFinder, astronaut: Face) -> None:
    left, top, right, bottom = np.round(ASTRONAUT_BOX).astype(int)
    (face,) = finder.find(np.ascontiguousarray(data.astronaut()[top - 10 : bottom + 10, left - 10 : right + 10]))
    assert error(face, astronaut.landmarks - [left - 10, top - 10]) < 0.1


def test_several_faces_are_all_found_the_most_prominent_first(finder: BundledFaceFinder) -> None:
    canvas = Image.new("RGB", (1000, 700), (90, 110, 100))
    square = Image.fromarray(data.astronaut()[30:250, 110:330])
    corners = {(20, 20): 260, (330, 40): 200, (600, 300): 330, (60, 400): 220}
    for corner, side in corners.items():
        canvas.paste(square.resize((side, side), Image.Resampling.LANCZOS), corner)
    found = finder.find(np.asarray(canvas))
    assert len(found) == len(corners)
    prominence = [face.prominence((1000, 700)) for face in found]
    assert prominence == sorted(prominence, reverse=True)
    centres = [face.landmarks.mean(axis=0) for face in found]
    for (left, top), side in corners.items():
        assert any(left < x < left + side and top < y < top + side for x, y in centres)


def face_at(left: float, top: float, side_px: float, *, photo: tuple[int, int] = (900, 600)) -> Face:
    """Return a face whose landmarks fill a square, of which the box shows what lies in a photo of (width, height)."""
    square = np.stack([np.linspace(left, left + side_px, 68), np.linspace(top, top + side_px, 68)], axis=1)
    corners = np.clip([left, top, left + side_px, top + side_px], 0, [*photo, *photo]).tolist()
    return Face((corners[0], corners[1], corners[2], corners[3]), square.astype(np.float32), 1.0)


MIDDLE = face_at(350, 200, 200)


@pytest.mark.parametrize(
    ("other", "main"),
    [
        (face_at(-150, 180, 280), MIDDLE),  # a neighbour whose landmarks reach farther, most of them outside
        (face_at(700, 380, 200), MIDDLE),  # as large, in a corner
        (face_at(60, 60, 300), None),  # clearly larger and whole, off the middle
        (face_at(20, 20, 60), MIDDLE),
    ],
)
def test_the_main_face_is_the_one_that_is_seen_most_and_nearest_the_middle(other: Face, main: Face | None) -> None:
    photo = np.zeros((600, 900, 3), np.uint8)
    assert by_prominence([other, MIDDLE], photo)[0] is (main or other)
    assert by_prominence([MIDDLE, other], photo)[0] is (main or other)


def test_a_face_is_chosen_by_number_size_or_place() -> None:
    faces = [face_at(300, 180, 220), face_at(30, 30, 240), face_at(420, 280, 60)]
    chosen = [choose_face(faces, choice, (900, 600)) for choice in ("main", "largest", "central", 1, 2, 3)]
    assert chosen == [0, 1, 2, 0, 1, 2]
    assert choose_face([], "central", (900, 600)) == choose_face([], 1, (900, 600)) == 0


@pytest.mark.parametrize(
    ("faces", "choice", "message"),
    [
        ([MIDDLE], 2, "There is no face 2: one face was found"),
        ([MIDDLE, MIDDLE], 0, "There is no face 0: 2 faces were found"),
        ([MIDDLE], "smallest", "main, largest, central"),
        ([], 2, "There is no face 2: no face was found"),
    ],
)
def test_a_face_that_is_not_there_is_refused(faces: list[Face], choice: int | str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        choose_face(faces, choice, (900, 600))


def ffhq_crop(photo: Photo, landmarks: NDArray[np.floating[Any]], side_px: int = 512) -> Photo:
    """Cut a face as FFHQ's script does, without its padding: for faces well inside their photo."""
    eyes = [landmarks[part].mean(axis=0) for part in (slice(36, 42), slice(42, 48))]
    mouth = (landmarks[48] + landmarks[54]) / 2
    middle, apart = (eyes[0] + eyes[1]) / 2, eyes[1] - eyes[0]
    down = mouth - middle
    across = apart - down[::-1] * [-1, 1]
    across *= max(2 * np.hypot(*apart), 1.8 * np.hypot(*down)) / np.hypot(*across)
    centre, along = middle + 0.1 * down, across[::-1] * [-1, 1]
    corners = (centre - across - along, centre - across + along, centre + across + along, centre + across - along)
    quad = tuple(float(value) for value in np.concatenate(corners))
    cut = Image.fromarray(photo).transform((side_px, side_px), Image.Transform.QUAD, quad, Image.Resampling.BICUBIC)
    return np.asarray(cut)


def test_the_face_of_an_aligned_crop_is_placed_where_it_is_found(finder: BundledFaceFinder, astronaut: Face) -> None:
    crop = ffhq_crop(data.astronaut(), astronaut.landmarks)
    placed = finder.place(crop, 512 * np.array(ALIGNED_LAYOUTS["ffhq"]))
    assert placed is not None
    (found,) = finder.find(crop)
    assert error(placed, found.landmarks) < 0.03
    assert placed.confidence > 0.9


def test_nothing_like_a_face_is_not_placed(finder: BundledFaceFinder) -> None:
    flat = np.full((256, 256, 3), 128, np.uint8)
    placed = finder.place(flat, 256 * np.array(ALIGNED_LAYOUTS["ffhq"]))
    assert placed is None or placed.confidence < 0.3


@pytest.mark.slow
def test_a_crowd_is_counted(finder: BundledFaceFinder) -> None:
    tile = np.asarray(Image.fromarray(data.astronaut()[30:250, 110:330]).resize((80, 80), Image.Resampling.LANCZOS))
    assert len(finder.find(np.tile(tile, (6, 10, 1)))) >= 57


def faceless_photos() -> Iterator[tuple[str, Photo]]:
    """Yield the name and pixels of photos without a face."""
    for name in ("coffee", "chelsea", "rocket", "text", "page", "brick", "grass", "gravel", "moon"):
        photo = getattr(data, name)()
        yield name, photo if photo.ndim == 3 else np.repeat(photo[..., None], 3, axis=-1)
    yield "noise", np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    yield "plain", np.full((480, 640, 3), 127, dtype=np.uint8)
    yield "black", np.zeros((300, 200, 3), dtype=np.uint8)


@pytest.mark.parametrize(("name", "photo"), faceless_photos())
@pytest.mark.slow
def test_no_face_is_found_where_there_is_none(finder: BundledFaceFinder, name: str, photo: Photo) -> None:
    assert finder.find(photo) == [], name


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (8, 8), (16, 12)])
def test_tiny_photos_have_no_face(finder: BundledFaceFinder, shape: tuple[int, int]) -> None:
    assert finder.find(np.full((*shape, 3), 120, dtype=np.uint8)) == []


def test_the_same_photo_gives_the_same_faces_whatever_came_before(finder: BundledFaceFinder) -> None:
    first = finder.find(data.astronaut())
    finder.find(data.coffee())
    again = finder.find(data.astronaut())
    np.testing.assert_array_equal(first[0].landmarks, again[0].landmarks)
    assert first[0].confidence == again[0].confidence


def test_importing_the_module_does_not_import_torch() -> None:
    code = "import sys, fiqa.faces.finders; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class FakeAligner:
    """What face_alignment.FaceAlignment answers: one face that fills the middle half of the photo."""

    def __init__(self, kind: int, **options: object) -> None:
        assert kind == 1
        assert options["device"] == "cpu"

    def get_landmarks_from_image(self, photo: Photo, *, return_bboxes: bool) -> tuple[Any, None, Any]:
        """Return landmarks, scores and boxes, or nothing three times for a black photo."""
        assert return_bboxes
        assert max(photo.shape[:2]) <= 1024
        if not photo.any():
            return None, None, None
        height, width = photo.shape[:2]
        points = np.linspace((width / 4, height / 4), (3 * width / 4, 3 * height / 4), 68)
        return [points], None, [np.array([0, 0, 9, 9, 0.9])]


@pytest.fixture
def fake_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """Install a fake face_alignment, and an empty torch hub cache."""
    package: Any = ModuleType("face_alignment")
    package.__spec__ = ModuleSpec("face_alignment", None)
    package.LandmarksType = SimpleNamespace(TWO_D=1)
    package.FaceAlignment = FakeAligner
    monkeypatch.setitem(sys.modules, "face_alignment", package)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    fetched: list[str] = []
    monkeypatch.setattr(module, "fetch_missing", lambda files, _: fetched.extend(files))
    return SimpleNamespace(package=package, fetched=fetched)


def test_auto_is_the_finder_that_the_checkpoint_was_made_with(fake_package: SimpleNamespace) -> None:
    assert load_face_finder("auto").name == "bundled"
    assert fake_package.fetched == []
    assert load_face_finder("auto", made_with="face-alignment").name == "face-alignment"
    assert fake_package.fetched == list(FACE_ALIGNMENT_WEIGHTS)
    assert load_face_finder("bundled", made_with="face-alignment").name == "bundled"


def test_auto_is_bundled_and_says_so_where_weights_cannot_be_fetched(
    fake_package: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unreachable(*_: object) -> None:
        raise CheckpointError("They cannot be fetched.")

    monkeypatch.setattr(module, "fetch_missing", unreachable)
    assert load_face_finder("auto", made_with="face-alignment").name == "bundled"
    assert caplog.messages == ["Faces are found with the bundled finder. They cannot be fetched."]
    with pytest.raises(CheckpointError, match="cannot be fetched"):
        load_face_finder("face-alignment", made_with="face-alignment")


def test_auto_is_bundled_where_face_alignment_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "face_alignment", None)
    assert load_face_finder("auto", made_with="face-alignment").name == "bundled"
    assert "pip install face-alignment" in caplog.text


def test_face_alignment_answers_in_pixels_of_the_photo(fake_package: SimpleNamespace) -> None:
    finder = load_face_finder("face-alignment")
    photo = np.full((1000, 4096, 3), 200, dtype=np.uint8)
    (face,) = finder.find(photo)
    np.testing.assert_allclose(face.box_xyxy, (1024, 250, 3072, 750), atol=0.5)
    assert face.confidence == pytest.approx(0.9)
    assert finder.find(np.zeros((50, 50, 3), dtype=np.uint8)) == []


def test_face_alignment_can_be_handed_to_a_worker_which_loads_it_again(
    fake_package: SimpleNamespace,
) -> None:
    finder = FaceAlignmentFinder()
    finder._aligner.lock = Lock()
    assert isinstance(copy.deepcopy(finder), FaceAlignmentFinder)


def test_face_alignment_that_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "face_alignment", None)
    with pytest.raises(SettingError, match="pip install face-alignment"):
        FaceAlignmentFinder()


@pytest.mark.parametrize("problem", [OSError("no network"), EOFError("ran out"), pickle.UnpicklingError("truncated")])
def test_face_alignment_that_cannot_load_its_weights_says_what_to_do(
    fake_package: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    def failing(*arguments: object, **options: object) -> None:
        raise problem

    monkeypatch.setattr(fake_package.package, "FaceAlignment", failing)
    with pytest.raises(CheckpointError, match=rf"{problem}.*choose the finder 'bundled'"):
        load_face_finder("face-alignment")


def test_an_unknown_finder_is_refused_with_the_choices() -> None:
    with pytest.raises(SettingError, match=r"'dlib'.*auto, bundled, face-alignment"):
        load_face_finder("dlib")
