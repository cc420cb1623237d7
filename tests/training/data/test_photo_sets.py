"""Sets of versions: one face a set, every degradation once, the same batch for the same number."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fiqa.checkpoints import Preprocessing
from fiqa.degradation.synthetic import DEGRADATIONS
from tests.training.face_shape import face_landmarks
from training.data.datasets import read_dataset
from training.data.labelled_views import LabelledViews, LandmarkStore
from training.data.photo_sets import PhotoSets

VERSIONS = 1 + len(DEGRADATIONS)


def sets(folder: Path, photos: int = 12) -> PhotoSets:
    """Return the sets of photos that are each of one grey, the brighter the better."""
    np.save(folder / "face.npy", face_landmarks((24, 24), 30))
    rows = ["image,mos,landmarks,split"]
    for index in range(photos):
        Image.fromarray(np.full((48, 48, 3), 40 + 10 * index, np.uint8)).save(folder / f"{index}.png")
        rows.append(f"{index}.png,{index / photos},face.npy,train")
    (folder / "labels.csv").write_text("\n".join(rows))
    views = LabelledViews(
        read_dataset(folder), "train", Preprocessing(view_px=48, margin=1.4, crops=1), whole=True,
        store=LandmarkStore(folder, folder),
    )  # fmt: skip
    return PhotoSets(views, 32, least_severity=0.2, seed=5)


def greys(crops: NDArray[np.uint8]) -> list[int]:
    """Return the grey of the version without damage of each set."""
    return [int(each[0].mean()) for each in crops.reshape(-1, VERSIONS, 32, 32, 3)]


def test_a_batch_has_two_faces_a_pair_and_every_degradation_of_each(tmp_path: Path) -> None:
    crops = sets(tmp_path).batch(0, 3).crops
    assert crops.shape == (2 * 3 * VERSIONS, 32, 32, 3)
    faces = greys(crops)
    assert all(first != second for first, second in zip(faces[::2], faces[1::2], strict=True))
    first = crops[:VERSIONS].astype(int)
    noisy = 1 + list(DEGRADATIONS).index("gaussian_noise")
    assert first[0].std() == 0
    assert first[noisy].std() > 1


def test_the_first_of_each_pair_is_of_the_better_rated_half(tmp_path: Path) -> None:
    made = sets(tmp_path)
    firsts = {grey for draw in range(12) for grey in greys(made.batch(draw, 2).crops)[::2]}
    assert min(firsts) >= 40 + 10 * 6
    seconds = {grey for draw in range(12) for grey in greys(made.batch(draw, 2).crops)[1::2]}
    assert min(seconds) < 40 + 10 * 6


def test_equal_numbers_give_equal_batches_and_others_do_not(tmp_path: Path) -> None:
    made = sets(tmp_path)
    assert np.array_equal(made.batch(4, 2).crops, made.batch(4, 2).crops)
    assert not np.array_equal(made.batch(4, 2).crops, made.batch(5, 2).crops)


def test_singles_are_named_by_what_was_done(tmp_path: Path) -> None:
    crops, types = sets(tmp_path).singles(3, 0)
    assert len(crops) == len(types) == 3 * VERSIONS
    assert types[:VERSIONS].tolist() == list(range(VERSIONS))
    assert crops[0].std() == 0


def test_a_photo_that_cannot_be_read_is_replaced_and_named(tmp_path: Path) -> None:
    made = sets(tmp_path, photos=4)
    (tmp_path / "3.png").write_bytes(b"no picture")
    found = [problem for draw in range(8) for problem in made.batch(draw, 1).unreadable]
    assert found
    assert all("3.png" in problem for problem in found)
