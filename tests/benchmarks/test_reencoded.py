"""A copy is measured against its original, person by person."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from benchmarks.reencoded import FORMATS, Change, interval_of_mean, photos_of, report, save_again


@pytest.mark.parametrize("name", FORMATS)
def test_a_copy_differs_from_its_original_by_little(name: str) -> None:
    photo = np.ascontiguousarray(astronaut()[:128, 128:256])
    copy = save_again(photo, name)
    assert copy.shape == photo.shape
    assert 0 < np.abs(copy.astype(int) - photo).mean() < 6


def test_people_are_the_astronaut_and_those_of_the_folder(tmp_path: Path) -> None:
    for number in range(4):
        Image.new("RGB", (20, 20)).save(tmp_path / f"{number}.png")
    (tmp_path / "0.png").write_bytes(b"damaged")
    assert len(list(photos_of(None, 1))) == 1
    assert len(list(photos_of(tmp_path, 1))) == 4
    assert len(list(photos_of(tmp_path, 2))) == 2


def test_the_table_says_how_much_higher_copies_score() -> None:
    changes = [Change(0.12, 0.02), Change(-0.02, -0.03), Change(0.005, 0.0), Change(0.015, 0.0)]
    row = report({"JPEG 90": changes}).splitlines()[1].split()
    assert row[:4] == ["JPEG", "90", "4", "+0.0300"]
    assert row[-3:] == ["+0.1200", "50.0%", "-0.0025"]


def test_the_interval_of_a_mean_holds_it_and_is_a_point_for_one_person() -> None:
    low, high = interval_of_mean(np.array([0.1, 0.2, 0.4]))
    assert 0.1 <= low < 0.7 / 3 < high < 0.401
    assert interval_of_mean(np.array([0.3])) == pytest.approx((0.3, 0.3))
