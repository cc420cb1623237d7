"""Group photos are read with the faces that are certain, and squares cut from them keep their boxes."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from training.data.face_scenes import Scene
from training.data.group_photos import HELD_ASIDE, Emphasis, GroupStock, read_group_photos, tilted
from training.errors import DataError

FACE = {"box_xywh": [175.0, 60.0, 100.0, 120.0], "score": 0.9}
UNSURE = {"box_xywh": [20.0, 400.0, 60.0, 60.0], "score": 0.4}


def write_folder(folder: Path, *sources: str) -> Path:
    Image.fromarray(data.astronaut()).save(folder / "photo.png")
    entries = [{"file": "photo.png", "source_repo": source, "faces": [FACE, UNSURE]} for source in sources]
    (folder / "scenes.json").write_text(json.dumps(entries), encoding="utf-8")
    return folder


def test_a_box_loses_its_forehead_and_one_of_a_low_score_is_unsure(tmp_path: Path) -> None:
    (photo,) = read_group_photos(write_folder(tmp_path, "somebody"))
    np.testing.assert_allclose(photo.faces, [[175, 90, 275, 180]])
    np.testing.assert_allclose(photo.unsure, [[20, 415, 80, 460]])
    assert photo.read().shape == (512, 512, 3)


def test_sources_held_aside_are_not_trained_on(tmp_path: Path) -> None:
    photos = read_group_photos(write_folder(tmp_path, "somebody", *HELD_ASIDE))
    assert [photo.split for photo in photos] == ["train", *HELD_ASIDE.values()]


@pytest.mark.parametrize("text", ["{", "[{}]", '[{"file": "a", "source_repo": "b", "faces": [{"score": 1}]}]'])
def test_a_malformed_index_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "scenes.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="malformed"):
        read_group_photos(tmp_path)


def test_a_folder_without_an_index_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it has no scenes"):
        read_group_photos(tmp_path)


def test_a_square_shows_the_face_in_its_box(tmp_path: Path) -> None:
    stock = GroupStock(read_group_photos(write_folder(tmp_path, "somebody")))
    scenes = [stock.render(np.random.default_rng(seed), side_px=128) for seed in range(40)]
    assert {scene.picture.shape for scene in scenes} == {(128, 128, 3)}
    shown = [box for scene in scenes for box in scene.boxes]
    assert len(shown) > 20
    ratios = [(box[2] - box[0]) / (box[3] - box[1]) for box in shown]
    np.testing.assert_allclose(ratios, 100 / 90, rtol=0.2)  # some are tilted


def test_an_emphasised_place_is_shown_in_its_share_of_the_squares(tmp_path: Path) -> None:
    photos = read_group_photos(write_folder(tmp_path, "somebody"))
    corner = Emphasis(0.5, [(0, np.array([0.0, 0.0, 40.0, 40.0]))])

    def with_the_face(*emphases: Emphasis) -> float:
        stock = GroupStock(photos, emphases)
        return float(np.mean([len(stock.render(np.random.default_rng(n), side_px=128).boxes) for n in range(60)]))

    assert with_the_face(corner) < 0.8 * with_the_face()
    assert with_the_face(Emphasis(0.5, [])) == with_the_face()


def test_a_tilted_scene_keeps_its_boxes_on_what_they_show() -> None:
    picture = np.zeros((100, 100, 3), dtype=np.uint8)
    picture[20:40, 60:70] = 255
    turned = tilted(Scene(picture, np.array([[60.0, 20, 70, 40]])), 90.0)
    np.testing.assert_allclose(turned.boxes, [[60, 60, 80, 70]], atol=1e-9)
    assert turned.picture[61:69, 61:79].min() == 255
    assert turned.unsure.shape == (0, 4)
    upright = tilted(Scene(picture, np.array([[60.0, 20, 70, 40]])), 0.0)
    np.testing.assert_allclose(upright.boxes, [[60, 20, 70, 40]])
