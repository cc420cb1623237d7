"""Whatever the archive's layout, the folder that training reads is the same."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.data.arrangement import arrange, count_labels, split_of
from training.data.datasets import read_dataset
from training.errors import DataError

NAMES = [f"face{index}.png" for index in range(60)]


def write_pictures(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True)
    for index, name in enumerate(names):
        Image.fromarray(np.full((8, 8, 3), index, np.uint8)).save(folder / name)


def authors_layout(folder: Path) -> None:
    """Write a data set as the authors of DSL-FIQA hand it out."""
    for split, names in {"train": NAMES[:40], "val": NAMES[40:50], "test": NAMES[50:]}.items():
        write_pictures(folder / split / "img", names)
        (folder / split / "landmark").mkdir()
        for name in names:
            np.save(folder / split / "landmark" / f"{Path(name).stem}.npy", np.zeros((68, 2), np.float32))
        labels = {"Image": names, "MOS": [NAMES.index(name) / 60 for name in names]}
        (folder / split / "label.json").write_text(json.dumps(labels))


def table_layout(folder: Path, heads: str = "img_name,mos", split: str = "") -> None:
    """Write a data set as the archive of GFIQA-20k holds it: pictures in one folder, and a table."""
    write_pictures(folder / "GFIQA-20k" / "image", NAMES)
    rows = [f"{name},{index / 60}{split and ',' + split}" for index, name in enumerate(NAMES)]
    (folder / "GFIQA-20k" / "mos_val_rating.csv").write_text("\n".join([heads, *rows]) + "\n")


def test_the_authors_layout_is_moved_as_it_is_however_deep(tmp_path: Path) -> None:
    authors_layout(tmp_path / "out" / "CGFIQA" / "data")
    arranged = arrange(tmp_path / "out", tmp_path / "CGFIQA")
    assert (arranged.counts, arranged.is_official) == ({"train": 40, "val": 10, "test": 10}, True)
    dataset = read_dataset(tmp_path / "CGFIQA")
    assert dataset.aligned
    assert [photo.path.name for photo in dataset.photos("test")] == NAMES[50:]
    assert dataset.photos("val")[0].landmarks


@pytest.mark.parametrize("heads", ["img_name,mos", "Image,MOS", "picture,mos_zscore"])
def test_pictures_with_a_table_are_divided_by_name_where_no_split_is_given(tmp_path: Path, heads: str) -> None:
    table_layout(tmp_path / "out", heads)
    arranged = arrange(tmp_path / "out", tmp_path / "GFIQA")
    assert not arranged.is_official
    assert sum(arranged.counts.values()) == 60
    assert 35 <= arranged.counts["train"] <= 49
    dataset = read_dataset(tmp_path / "GFIQA")
    for split in ("train", "val", "test"):
        for photo in dataset.photos(split):
            assert split_of(photo.path.name) == split
            assert photo.mos == pytest.approx(NAMES.index(photo.path.name) / 60)


def test_a_table_without_heads_is_read_from_its_first_line(tmp_path: Path) -> None:
    table_layout(tmp_path / "out", heads="face0.png,0.0")
    path = tmp_path / "out" / "GFIQA-20k" / "mos_val_rating.csv"
    path.write_text("\n".join(path.read_text().splitlines()[1:]))
    assert sum(arrange(tmp_path / "out", tmp_path / "GFIQA").counts.values()) == 60


def test_the_split_of_the_table_is_taken_for_the_official_one(tmp_path: Path) -> None:
    table_layout(tmp_path / "out", "name,mos,split", "test")
    arranged = arrange(tmp_path / "out", tmp_path / "GFIQA")
    assert (arranged.counts["test"], arranged.is_official) == (60, True)


def test_an_arranging_that_was_stopped_goes_on(tmp_path: Path) -> None:
    table_layout(tmp_path / "out")
    moved = tmp_path / "GFIQA" / split_of(NAMES[0]) / "img" / NAMES[0]
    moved.parent.mkdir(parents=True)
    (tmp_path / "out" / "GFIQA-20k" / "image" / NAMES[0]).rename(moved)
    assert sum(arrange(tmp_path / "out", tmp_path / "GFIQA").counts.values()) == 60
    assert sum(count_labels(tmp_path / "GFIQA").values()) == 60


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "mos_val_rating.csv").unlink(), "nor one table of pictures and their MOS"),
        (lambda folder: (folder / "image" / NAMES[3]).unlink(), f"1 pictures that are not there, such as {NAMES[3]}"),
        (lambda folder: (folder / "more.csv").write_text("name,mos\na.png,1\n"), r"tables of scores: 2"),
    ],
)
def test_what_cannot_be_arranged_is_said_in_one_line(tmp_path: Path, change: object, message: str) -> None:
    table_layout(tmp_path / "out")
    change(tmp_path / "out" / "GFIQA-20k")  # type: ignore[operator]
    with pytest.raises(DataError, match=message) as error:
        arrange(tmp_path / "out", tmp_path / "GFIQA")
    assert "\n" not in str(error.value)


def test_a_table_of_something_else_is_passed_over(tmp_path: Path) -> None:
    table_layout(tmp_path / "out")
    (tmp_path / "out" / "raters.csv").write_text("rater,country\n1,DE\n")
    assert sum(arrange(tmp_path / "out", tmp_path / "GFIQA").counts.values()) == 60
