"""Brings what an archive held into the layout that training and evaluation read.

    {train,val,test}/img/*       the pictures
    {train,val,test}/landmark/*  landmarks, where they came along
    {train,val,test}/label.json  {"Image": [names], "MOS": [numbers]}

Found as the authors of DSL-FIQA hand it out, however deep, it is moved as it is. Pictures with one table of scores, as
in archives of GFIQA-20k, are divided by the table's column `split` where it has one. Where nothing says which split is
the official one, pictures are divided 70 : 10 : 20 by a hash of their names, and `Arranged.is_official` is false:
figures on such a split cannot stand beside published ones.
"""

import csv
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import get_args

from fiqa.photos.images import PHOTO_SUFFIXES
from training.data.photos import Split
from training.errors import DataError
from training.storage import replace_text

SPLITS: tuple[Split, ...] = get_args(Split)
IMAGE_COLUMNS = ("image", "img_name", "image_name", "img", "name", "filename", "file")
MOS_COLUMNS = ("mos", "mean", "score", "rating")
SPLIT_COLUMNS = ("split", "official_split", "set")
SPLIT_WORDS = {"train": "train", "training": "train", "val": "val", "validation": "val", "valid": "val", "test": "test"}
SHARES: tuple[tuple[Split, float], ...] = (("train", 0.7), ("val", 0.8), ("test", 1.0))
"""Up to which share of the hashes a picture belongs to a split."""


@dataclass(frozen=True)
class Arranged:
    """How many pictures each split has, and whether the split is the one that the data set came with."""

    counts: Mapping[str, int]
    is_official: bool


@dataclass(frozen=True)
class Rated:
    """A picture, its MOS, and its split where the table says so."""

    path: Path
    mos: float
    split: Split | None


def arrange(unpacked: Path, target: Path) -> Arranged:
    """Move what was unpacked to `target`, in the layout above; raise DataError where it is neither of the two kinds.

    Stopped half-way, it goes on with what is left: files that were moved are found in their new place.
    """
    if root := _authors_root(unpacked):
        return _move_authors(root, target)
    rated = list(_read_table(unpacked, target))
    is_official = all(each.split for each in rated)
    members: dict[Split, list[Rated]] = {split: [] for split in SPLITS}
    for each in rated:
        members[each.split if is_official and each.split else split_of(each.path.name)].append(each)
    for split, photos in members.items():
        _move_split(photos, target / split)
    return Arranged({split: len(photos) for split, photos in members.items()}, is_official)


def split_of(name: str) -> Split:
    """Return the split of a picture by a hash of its name, for data without an official one."""
    share = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 2**32
    return next(split for split, most in SHARES if share < most)


def count_labels(folder: Path) -> dict[str, int]:
    """Return how many labels each split of an arranged folder has; nothing where it has none."""
    files = {split: folder / split / "label.json" for split in SPLITS}
    return {
        split: len(json.loads(file.read_text(encoding="utf-8"))["Image"])
        for split, file in files.items()
        if file.is_file()
    }


def _authors_root(folder: Path) -> Path | None:
    """Return the folder that holds train/label.json and test/label.json, the outermost one."""
    labels = sorted(folder.rglob("train/label.json"), key=lambda path: len(path.parts))
    roots = [path.parents[1] for path in labels]
    return next((root for root in roots if (root / "test" / "label.json").is_file()), None)


def _move_authors(root: Path, target: Path) -> Arranged:
    for split in SPLITS:
        if (root / split).is_dir():
            _merge(root / split, target / split)
    return Arranged(count_labels(target), is_official=True)


def _merge(source: Path, target: Path) -> None:
    """Move every file of a folder to the same place in another one, label.json last: it says that the rest is there."""
    files = sorted((path for path in source.rglob("*") if path.is_file()), key=lambda path: path.name == "label.json")
    for path in files:
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)


def _read_table(unpacked: Path, target: Path) -> Iterator[Rated]:
    """Yield the pictures that the one table of scores names; raise DataError where there is no such table."""
    tables = [path for path in sorted(unpacked.rglob("*.csv")) if _is_of_scores(path)]
    if len(tables) != 1:
        raise DataError(
            f"{unpacked} holds neither train/label.json with test/label.json nor one table of pictures and their MOS "
            f"(tables of scores: {len(tables)}): arrange it as docs/training.md says, or fetch it from elsewhere."
        )
    found = {path.name: path for folder in (unpacked, target) for path in folder.rglob("*") if _is_picture(path)}
    rows = [(PureWindowsPath(name).name, mos, split) for name, mos, split in _rows(tables[0])]
    if missing := [name for name, _, _ in rows if name not in found]:
        raise DataError(f"{tables[0].name} names {len(missing)} pictures that are not there, such as {missing[0]}.")
    yield from (Rated(found[name], mos, split) for name, mos, split in rows)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PHOTO_SUFFIXES and path.is_file()


def _is_of_scores(table: Path) -> bool:
    return next(_rows(table), None) is not None


def _rows(table: Path) -> Iterator[tuple[str, float, Split | None]]:
    """Yield name, MOS and split of each row; columns are known by their heads, else taken to be the first two."""
    with table.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        lines = list(csv.reader(file))
    heads = [head.strip().lower() for head in lines[0]] if lines else []
    image, mos, split = (_column(heads, names) for names in (IMAGE_COLUMNS, MOS_COLUMNS, SPLIT_COLUMNS))
    image, mos, start = (0, 1, 1 if not _number(lines, 1) else 0) if image is None or mos is None else (image, mos, 1)
    for line in lines[start:]:
        try:
            yield line[image].strip(), float(line[mos]), _split(line, split)
        except (IndexError, ValueError):
            return  # no table of scores


def _number(lines: list[list[str]], column: int) -> bool:
    """Whether the first line holds a number already, and so no heads."""
    try:
        float(lines[0][column])
    except (IndexError, ValueError):
        return False
    return True


def _column(heads: list[str], names: tuple[str, ...]) -> int | None:
    return next((heads.index(name) for name in names if name in heads), None)


def _split(line: list[str], column: int | None) -> Split | None:
    word = "" if column is None else SPLIT_WORDS.get(line[column].strip().lower(), "")
    return next((split for split in SPLITS if split == word), None)


def _move_split(photos: list[Rated], folder: Path) -> None:
    images = folder / "img"
    images.mkdir(parents=True, exist_ok=True)
    for photo in photos:
        if photo.path.parent != images:
            shutil.move(photo.path, images / photo.path.name)
    labels = {"Image": [photo.path.name for photo in photos], "MOS": [photo.mos for photo in photos]}
    replace_text(folder / "label.json", json.dumps(labels))
