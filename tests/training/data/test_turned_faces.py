"""Faces from the side are shown more often, and what may be an unmarked face is not taught as background."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from fiqa.faces.boxes import overlaps
from fiqa.faces.finders import FaceDetector
from training.data import turned_faces
from training.data.face_scenes import FaceStock
from training.data.face_shape import FaceShape, PosedFace
from training.data.group_photos import Emphasis, GroupPhoto
from training.data.photos import FacePhoto
from training.data.turned_faces import emphasised_stock, often_turned, turned_boxes

ASTRONAUT = np.array([[175.0, 80, 275, 190]])
NOWHERE = np.empty((0, 4))


class OnesTurned(FaceShape):
    """Takes a face for turned where its first point lies right of 100."""

    def __init__(self) -> None:
        """Need no points."""

    def fitted(self, points: np.ndarray) -> PosedFace:
        return PosedFace(np.zeros((68, 2), np.float32), 1.2 if points[0, 0] > 100 else 0.0)


def photo(tmp_path: Path, *, faces: np.ndarray = NOWHERE, points: np.ndarray | None = None) -> GroupPhoto:
    path = tmp_path / "astronaut.png"
    Image.fromarray(data.astronaut()).save(path)
    none = np.empty((0, 5, 2), np.float32)
    return GroupPhoto(path, "somebody", faces, NOWHERE, none if points is None else points.astype(np.float32))


def test_faces_from_the_side_are_told_from_those_from_the_front(tmp_path: Path) -> None:
    faces = np.array([[10.0, 10, 60, 60], [110, 10, 160, 60], [300, 10, 310, 20]])
    points = faces[:, None, :2] + np.arange(10).reshape(5, 2)
    assert [box.tolist() for box in turned_boxes(photo(tmp_path, faces=faces, points=points), OnesTurned())] == [
        [110, 10, 160, 60]
    ], "the third one is turned, too, but small"
    assert turned_boxes(photo(tmp_path, faces=faces), OnesTurned()) == [], "nothing is known of its points"


def test_photos_of_faces_from_the_side_are_drawn_more_often() -> None:
    photos = [
        FacePhoto("x", Path("x"), "somebody", pristine=True, landmarks=np.full((68, 2), place, np.float32))
        for place in (50.0, 150.0)
    ]
    ahead, aside = often_turned(photos, OnesTurned())
    assert aside > ahead


def test_photos_that_are_to_be_drawn_often_are(tmp_path: Path) -> None:
    path = photo(tmp_path).path
    landmarks = np.random.default_rng(0).uniform(150, 250, (2, 68, 2)).astype(np.float32)
    photos = [FacePhoto("x", path, "somebody", pristine=True, landmarks=each) for each in landmarks]
    stock, rng = FaceStock(photos, np.array([1.0, 4.0])), np.random.default_rng(0)
    drawn = [np.array_equal(stock.draw(rng).landmarks, landmarks[1]) for _ in range(200)]
    assert np.mean(drawn) == pytest.approx(0.8, abs=0.1)


def test_a_face_that_nobody_marked_is_unsure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[GroupPhoto] = []
    monkeypatch.setattr(turned_faces, "GroupStock", lambda photos, _: kept.extend(photos))
    for faces, shown in ((NOWHERE, True), (ASTRONAUT, False)):
        emphasised_stock([photo(tmp_path, faces=faces)], OnesTurned(), FaceDetector())
        marked = kept.pop()
        np.testing.assert_array_equal(marked.faces, faces)
        assert (overlaps(ASTRONAUT[0], marked.unsure).max(initial=0.0) > 0.3) == shown


def test_what_is_taken_for_a_face_is_emphasised_as_are_turned_faces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Emphasis] = []
    monkeypatch.setattr(turned_faces, "GroupStock", lambda _, emphases: told.extend(emphases))
    monkeypatch.setattr("training.data.group_faces.PROBABLY_A_FACE", 1.1)
    points = np.full((1, 5, 2), 200.0) + np.arange(10).reshape(5, 2)
    emphasised_stock([photo(tmp_path), photo(tmp_path, faces=ASTRONAUT, points=points)], OnesTurned(), FaceDetector())
    turned, mistaken = told
    assert [(index, box.tolist()) for index, box in turned.places] == [(1, ASTRONAUT[0].tolist())]
    taken = [max(overlaps(ASTRONAUT[0], box[None])[0] for n, box in mistaken.places if n == index) for index in (0, 1)]
    assert taken[0] > 0.3, "whom nobody marked and the landmark network is made to disbelieve"
    assert taken[1] < 0.1, "whom somebody marked"


def test_what_is_taken_for_a_face_once_a_photo_is_damaged_is_emphasised_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Emphasis] = []
    monkeypatch.setattr(turned_faces, "GroupStock", lambda _, emphases: told.extend(emphases))
    monkeypatch.setattr(turned_faces, "randomly_degraded", lambda *_, **__: data.astronaut())
    plain = photo(tmp_path)
    Image.new("RGB", (512, 512)).save(plain.path)
    emphasised_stock([plain], OnesTurned(), FaceDetector())
    assert max(overlaps(ASTRONAUT[0], box[None])[0] for _, box in told[1].places) > 0.3
