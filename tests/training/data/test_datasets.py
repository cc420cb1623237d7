"""Labelled photos in every layout, and one line for whatever is wrong with them."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pytest
from PIL import Image

from training.data.datasets import Dataset, read_dataset
from training.errors import DataError


def write_pictures(folder: Path, names: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        Image.new("RGB", (20, 20), (number, 0, 0)).save(folder / name)


def authors_layout(root: Path, labels: Mapping[str, float], **lists: Sequence[Any]) -> Path:
    for split in ("train", "val", "test"):
        write_pictures(root / split / "img", list(labels))
        columns = {"Image": list(labels), "MOS": list(labels.values()), **lists}
        (root / split / "label.json").write_text(json.dumps(columns))
    return root


def csv_folder(root: Path, *rows: str, header: str = "image,mos") -> Path:
    root.mkdir(exist_ok=True)
    (root / "labels.csv").write_text("\n".join([header, *rows]) + "\n")
    return root


def names(dataset: Dataset, split: Any) -> list[str]:
    return [photo.path.name for photo in dataset.splits[split]]


def test_pictures_of_the_authors_layout_are_found_as_another_system_writes_them(tmp_path: Path) -> None:
    mac, elsewhere = (unicodedata.normalize(form, "ü.png") for form in ("NFD", "NFC"))
    root = authors_layout(tmp_path, {mac: 0.2, "b.png": 0.9})
    (root / "train" / "landmark").mkdir()
    np.save(root / "train" / "landmark" / f"{elsewhere[:-4]}.npy", np.zeros((68, 2)))
    for split in ("train", "val", "test"):
        (root / split / "label.json").write_text(json.dumps({"Image": [elsewhere, "img\\b.png"], "MOS": [0.2, 0.9]}))
    first, second = read_dataset(root).photos("train")
    assert (first.path.name, second.path.name) == (mac, "b.png")
    assert first.landmarks is not None


def test_the_authors_layout_is_read_with_landmarks_and_groups(tmp_path: Path) -> None:
    root = authors_layout(tmp_path, {"a.png": 0.2, "b.png": 0.9}, Degradation=["blur", None])
    (root / "train" / "landmark").mkdir()
    np.save(root / "train" / "landmark" / "a.npy", np.zeros((68, 2)))
    dataset = read_dataset(root)
    first, second = dataset.photos("train")
    assert (first.path, first.mos) == (root / "train" / "img" / "a.png", 0.2)
    assert (first.landmarks, second.landmarks) == (root / "train" / "landmark" / "a.npy", None)
    assert (first.groups, second.groups) == ({"degradation": "blur"}, {})
    assert dataset.mos_range == (0, 1)
    assert dataset.aligned


def test_an_export_brings_its_scale_which_labels_never_change(tmp_path: Path) -> None:
    root = authors_layout(tmp_path, {"a.png": 2.0, "b.png": 4.0}, SOS=[0.5, None], Source=["p1", "p2"])
    (root / "dataset.json").write_text('{"format": 1, "name": "faces-2026", "mos_range": [1, 5]}')
    dataset = read_dataset(root)
    assert (dataset.name, dataset.mos_range, dataset.aligned) == ("faces-2026", (1.0, 5.0), False)
    assert [dataset.share(photo.mos) for photo in dataset.photos("train")] == [0.25, 0.75]
    assert dataset.photos("test")[0].groups["source"] == "p1"
    with pytest.raises(DataError, match=r"dataset.json says that the MOS lies in 1..5, not 0..1"):
        read_dataset(root, mos_range=(0, 1))


def test_a_plain_folder_is_split_by_source_the_same_way_every_time(tmp_path: Path) -> None:
    pictures = [f"p{index}.png" for index in range(60)]
    write_pictures(tmp_path, pictures)
    rows = [f"{name},{index / 60},person{index // 2},x{index % 3}" for index, name in enumerate(pictures)]
    csv_folder(tmp_path, *rows, header="image,mos,source,Light")
    dataset = read_dataset(tmp_path)
    assert [len(dataset.splits[split]) for split in ("train", "val", "test")] == [46, 6, 8]
    sources = [{photo.groups["source"] for photo in dataset.splits[split]} for split in ("train", "val", "test")]
    assert not sources[0] & sources[1]
    assert not sources[2] & (sources[0] | sources[1])
    assert dataset.photos("val")[0].groups["light"].startswith("x")
    csv_folder(tmp_path, *reversed(rows), header="image,mos,source,Light")
    assert {*names(read_dataset(tmp_path), "val")} == {*names(dataset, "val")}


def test_a_csv_may_say_the_splits_and_the_landmarks(tmp_path: Path) -> None:
    write_pictures(tmp_path / "pictures", ["a.png", "b.png"])
    np.save(tmp_path / "a.npy", np.zeros((68, 2)))
    rows = ("pictures/a.png;3.5;a.npy;train", "pictures/b.png;4;;val")
    csv_folder(tmp_path, *rows, header="\ufeffImage;MOS;landmarks;split")
    dataset = read_dataset(tmp_path / "labels.csv", mos_range=(1, 5))
    assert (names(dataset, "train"), names(dataset, "val"), names(dataset, "test")) == (["a.png"], ["b.png"], [])
    assert dataset.splits["train"][0].landmarks == tmp_path / "a.npy"


def test_every_problem_has_a_line_of_its_own(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["a.png", "b.png", "c.png", "d.png"])
    rows = ("a.png,0.5", "b.png,3.5", "gone.png,0.5", "c.png,good", "../out.png,0.1", "a.png,0.4", "d.png,nan")
    with pytest.raises(DataError) as caught:
        read_dataset(csv_folder(tmp_path, *rows))
    lines = str(caught.value).splitlines()
    assert len(lines) == 6
    for part in (
        "MOS lie outside 0..1, such as 3.5 of b.png: say on which scale people rated, for example --mos-range 1 5",
        f"names gone.png, which is not in {tmp_path}",
        "MOS of c.png is 'good', no number",
        "../out.png leads out of the folder",
        "names a.png twice",
        "MOS of d.png is nan, no number",
    ):
        assert sum(part in line for line in lines) == 1


@pytest.mark.parametrize(("mos", "scale"), [((1, 4.9), "1 5"), ((0, 7), "0 10"), ((3, 88), "0 100"), ((-2, 3), "-3 3")])
def test_labels_on_another_scale_are_one_line_that_says_how_to_state_it(
    tmp_path: Path, mos: tuple[float, float], scale: str
) -> None:
    write_pictures(tmp_path, [f"{index}.png" for index in range(40)])
    rows = [f"{index}.png,{mos[0] + (mos[1] - mos[0]) * index / 39}" for index in range(40)]
    with pytest.raises(DataError, match=rf"of 40 MOS lie outside 0\.\.1, .* for example --mos-range {scale}\.$"):
        read_dataset(csv_folder(tmp_path, *rows))
    low, high = map(float, scale.split())
    assert read_dataset(tmp_path, mos_range=(low, high)).mos_range == (low, high)
    assert read_dataset(tmp_path, usual_range=(low, high)).mos_range == (low, high)


def test_labels_outside_the_range_that_was_stated_are_named(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["a.png", "b.png"])
    with pytest.raises(
        DataError, match=r"1 of 2 MOS lie outside 1\.\.5, such as 7 of b\.png: correct them, or the range"
    ):
        read_dataset(csv_folder(tmp_path, "a.png,2", "b.png,7"), mos_range=(1, 5))


EXCEL = "image;mos;source\nfaces\\Müller.png;0,25;Zoë\nfaces/b.png;0,5;Ünal\n"


@pytest.mark.parametrize(
    "data",
    [
        EXCEL.encode("cp1252"),
        EXCEL.encode("utf-16"),
        b"\xef\xbb\xbf" + EXCEL.encode("utf-8-sig"),
        ("sep=;\r\n" + EXCEL.replace("\n", "\r\n")).encode(),
        normalize("NFD", EXCEL.replace("Zoë", "Zoe\u0308")).encode(),
    ],
    ids=["cp1252", "UTF-16", "two byte order marks", "sep=", "a Mac's names"],
)
def test_a_csv_is_read_as_excel_writes_it(tmp_path: Path, data: bytes) -> None:
    write_pictures(tmp_path / "faces", ["Müller.png", "b.png"])
    (tmp_path / "labels.csv").write_bytes(data)
    photos = [photo for split in read_dataset(tmp_path).splits.values() for photo in split]
    assert {(photo.path.name, photo.mos) for photo in photos} == {("Müller.png", 0.25), ("b.png", 0.5)}
    assert {normalize("NFC", photo.groups["source"]) for photo in photos} == {"Zoë", "Ünal"}


def test_the_same_picture_with_two_mos_is_told(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["a.png", "b.png", "c.png"])
    for name in ("a.png", "c.png"):
        Image.new("RGB", (20, 20), "red").save(tmp_path / name)
    csv_folder(tmp_path, "a.png,0.2", "b.png,0.4", "c.png,0.9")
    (notice,) = read_dataset(tmp_path).notices
    assert notice.startswith("Of 1 picture there are copies under other names with another MOS, as a.png (0.2) and c.")
    csv_folder(tmp_path, "a.png,0.2", "b.png,0.4", "c.png,0.2")
    assert read_dataset(tmp_path).notices == ()


def test_equal_labels_are_nothing_to_learn_from(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["a.png", "b.png"])
    csv_folder(tmp_path, "a.png,0.5", "b.png,0.5")
    with pytest.raises(DataError, match=r"All 2 photos of .* have the MOS 0.5, so there is nothing to learn"):
        read_dataset(tmp_path).check_labels_differ()


def test_many_problems_are_counted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"… and 30 more\.") as caught:
        read_dataset(csv_folder(tmp_path, *(f"{index}.png,0.5" for index in range(50))))
    assert len(str(caught.value).splitlines()) == 21


def test_pictures_without_a_label_are_left_out_and_named(tmp_path: Path) -> None:
    root = authors_layout(tmp_path, {"a.png": 0.2, "b.png": 0.9})
    write_pictures(root / "train" / "img", ["new1.png", "new2.png"])
    dataset = read_dataset(root)
    assert len(dataset.photos("train")) == 2
    assert dataset.notices == ("2 pictures have no label in train/label.json and are left out: new1.png, new2.png.",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "exactly one CSV with columns image and mos"),
        ("name,score\na.png,0.5\n", "needs columns image and mos; it has name, score"),
        ("image,mos,split\na.png,0.5,dev\n", "in the split 'dev'; expected train, val or test"),
    ],
)
def test_a_folder_that_is_no_data_set_says_what_is_expected(tmp_path: Path, content: str | None, message: str) -> None:
    write_pictures(tmp_path, ["a.png"])
    if content:
        (tmp_path / "labels.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        read_dataset(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere does not exist"):
        read_dataset(tmp_path / "nowhere")


def test_a_malformed_label_file_or_scale_is_named(tmp_path: Path) -> None:
    root = authors_layout(tmp_path, {"a.png": 0.2, "b.png": 0.9})
    (root / "val" / "label.json").write_text('{"Image": ["a.png"], "MOS": []}')
    with pytest.raises(DataError, match=r"val/label.json must hold parallel lists Image and MOS: zip"):
        read_dataset(root)
    (root / "dataset.json").write_text('{"mos_range": [5, 1]}')
    with pytest.raises(DataError, match=r"5..1: its low end must be below its high end"):
        read_dataset(root)
    (root / "dataset.json").write_text("{}")
    with pytest.raises(DataError, match=r"dataset.json must say the scale of the MOS"):
        read_dataset(root)


def test_a_split_with_too_few_photos_says_what_to_do(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["a.png", "b.png"])
    dataset = read_dataset(csv_folder(tmp_path, "a.png,0.5", "b.png,0.6"))
    with pytest.raises(DataError, match=r"has 0 photos to validate on \(split val\), at least 2 are needed"):
        dataset.photos("val")


def test_a_description_changes_with_any_label_and_not_with_the_place(tmp_path: Path) -> None:
    labels = {"a.png": 0.2, "b.png": 0.9}
    here, there = (read_dataset(authors_layout(tmp_path / place / "faces", labels)) for place in ("here", "there"))
    other = read_dataset(authors_layout(tmp_path / "other" / "faces", {**labels, "b.png": 0.8}))
    assert here.describe() == there.describe() != other.describe()
    assert (here.describe()["train"], here.describe()["mos_range"]) == (2, [0.0, 1.0])


def test_pictures_of_an_exported_study_keep_their_names_and_sources(tmp_path: Path) -> None:
    authors_layout(tmp_path, {"a.png": 2.0, "b.png": 3.0})
    (tmp_path / "dataset.json").write_text('{"mos_range": [1, 5]}')
    rows = ["stimulus,image,source,mos", "in/a.jpg,train/img/a.png,Ada,2", "b.png,train/img/b.png,,3", "unused.png,,,"]
    (tmp_path / "mos.csv").write_text("\n".join(rows))
    first, second = read_dataset(tmp_path).photos("train")
    assert first.groups == {"stimulus": "in/a.jpg", "source": "Ada"}
    assert second.groups == {"stimulus": "b.png"}
    assert read_dataset(tmp_path).photos("val")[0].groups == {}


def test_the_error_of_a_mos_is_by_its_number_of_ratings_and_the_spread_of_all(tmp_path: Path) -> None:
    authors_layout(tmp_path, {"a.png": 2.0, "b.png": 3.0})
    (tmp_path / "dataset.json").write_text('{"mos_range": [1, 5]}')
    rows = ["stimulus,image,source,mos,sos,ratings", "a,train/img/a.png,,2,0,4", "b,train/img/b.png,,3,1,16"]
    (tmp_path / "mos.csv").write_text("\n".join(rows))
    pooled = (3 * 0 + 15 * 1) / 18
    errors = [photo.standard_error for photo in read_dataset(tmp_path).photos("train")]
    assert errors == pytest.approx([(pooled / 4) ** 0.5, (pooled / 16) ** 0.5])


def test_the_interval_of_a_csv_says_how_certain_a_mos_is(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["a.png", "b.png"])
    csv_folder(tmp_path, "a.png;2,5;0,98;train", "b.png;3;;train", header="image;mos;ci95;split")
    first, second = read_dataset(tmp_path, mos_range=(1, 5)).photos("train")
    assert first.standard_error == pytest.approx(0.5)
    assert np.isnan(second.standard_error)
