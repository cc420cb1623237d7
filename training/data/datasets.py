"""Face photos with a MOS each: what the quality network is trained and evaluated on.

Three layouts are read, told apart by what is in the folder:

* the authors' (GFIQA-20k, CGFIQA-40k): `<root>/{train,val,test}/{img,landmark,label.json}`, where label.json holds
  the parallel lists Image and MOS, and any others, which become groups;
* what `annotate export` writes: the same, a dataset.json with the scale of the ratings, and a mos.csv, from which the
  groups stimulus (the picture's name in the study) and source are taken, how certain each MOS is, and the MOS itself
  where another scale of the study than its first is asked for;
* a plain folder with one CSV, or the CSV itself: columns image (a path relative to the CSV) and mos; optional
  landmarks (a .npy file with (68, 2) pixels), split (train, val or test), ci95 (half the interval of the MOS) and
  source (who or what a photo is of; no source is put in two splits); all other columns become groups. It is read as
  Excel writes it, too: in cp1252 or UTF-16, after a line `sep=;`, with decimal commas between semicolons, with
  backslashes between folders.

The range of the MOS belongs to the data set: it comes from dataset.json or from whoever calls, and is 0..1 otherwise.
It is never taken from the labels, because a split's own extremes say nothing about the scale people rated on.

Everything that can be checked without decoding a picture is checked at once, one line a problem.
"""

import csv
import hashlib
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple, get_args

from fiqa.errors import SettingError
from fiqa.evaluation.official_protocol import read_label_file
from fiqa.photos.images import PHOTO_SUFFIXES
from fiqa.photos.sources import as_on_disk
from training.data.photos import Split, split_by_source
from training.data.same_pictures import find_same_pictures
from training.errors import DataError

Range = tuple[float, float]
SPLITS: tuple[Split, ...] = get_args(Split)
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t])"?[ \t]*\r?\n', re.IGNORECASE)
_SAFE_CELL = re.compile(r"^'(?='*[=+\-@\t\r])")
USUAL_SCALES: tuple[Range, ...] = ((1.0, 5.0), (0.0, 10.0), (0.0, 100.0), (-3.0, 3.0))
NORMAL_95 = 1.96
"""Standard errors in half an interval of 95 %."""
FIRST_SCALE = "overall"
"""What an export calls the scale of label.json, where pictures were graded on several."""
LISTED = 20
"""Problems that are printed before the rest is only counted."""


@dataclass(frozen=True)
class LabelledPhoto:
    """A photo and its MOS, in the data set's own range.

    `landmarks` is the .npy file that came with it, if one did; `groups` are the values of all other columns.
    `standard_error` is that of the MOS, NaN where it is not known.
    """

    path: Path
    mos: float
    landmarks: Path | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    standard_error: float = math.nan


@dataclass(frozen=True)
class Dataset:
    """Labelled photos in up to three splits, and the `mos_range` (low, high) of the scale they were rated on.

    `aligned` says that every picture is an upright face already, cut as the authors cut theirs. `notices` tells what
    was left out.
    """

    root: Path
    name: str
    mos_range: Range
    splits: Mapping[Split, tuple[LabelledPhoto, ...]]
    aligned: bool = False
    notices: tuple[str, ...] = ()

    def photos(self, split: Split, *, least: int = 2) -> tuple[LabelledPhoto, ...]:
        """Return the photos of a split; raise DataError when there are fewer than `least`."""
        found = self.splits.get(split, ())
        if len(found) < least:
            raise DataError(
                f"{self.root} has {len(found)} photos to {_PURPOSE[split]}, at least {least} are needed: "
                f"label more, or say in which split each belongs."
            )
        return found

    def share(self, mos: float) -> float:
        """Return where a MOS lies in the range, 0 at its low end and 1 at its high end."""
        low, high = self.mos_range
        return (mos - low) / (high - low)

    def error_share(self, photo: LabelledPhoto) -> float:
        """Return the standard error of a photo's MOS as a share of the range, NaN where it is not known."""
        low, high = self.mos_range
        return photo.standard_error / (high - low)

    def check_labels_differ(self) -> None:
        """Raise DataError where all MOS are equal, so that no network can learn from them what is better."""
        photos = [photo for split in self.splits.values() for photo in split]
        if len({photo.mos for photo in photos}) == 1:
            raise DataError(
                f"All {len(photos)} photos of {self.name} have the MOS {photos[0].mos:g}, so there is nothing to "
                "learn: have photos of better and worse quality rated, or more people rate them."
            )

    def describe(self) -> dict[str, Any]:
        """Return what identifies the data, JSON-ready: equal for equal names, labels and splits."""
        labels = sorted((split, photo.path.name, photo.mos) for split, each in self.splits.items() for photo in each)
        counts = {str(split): len(self.splits.get(split, ())) for split in SPLITS}
        digest = hashlib.sha256(json.dumps(labels).encode()).hexdigest()[:16]
        return {"name": self.name, "mos_range": list(self.mos_range), **counts, "labels_sha256": digest}


_PURPOSE = {"train": "train on (split train)", "val": "validate on (split val)", "test": "test on (split test)"}


def read_dataset(
    data: Path, *, mos_range: Range | None = None, usual_range: Range = (0.0, 1.0), scale: str = FIRST_SCALE
) -> Dataset:
    """Read labelled photos.

    Args:
        data: A folder in the authors' layout or with one CSV, or a CSV.
        mos_range: (low, high) of the scale, for data that does not say so itself.
        usual_range: The scale where neither says so.
        scale: Which scale of a study the MOS is taken of; photos without one are left out.

    Returns:
        The photos of each split with their MOS in 0..1.

    Raises:
        DataError: Something cannot be read, with one line for every problem.
    """
    data = data.expanduser()
    if not data.exists():
        raise DataError(f"{data} does not exist: name a folder with train/label.json, or one with a CSV.")
    root = data if data.is_dir() else data.parent
    info = _read_info(root)
    agreed = _agreed_range(root, info, mos_range)
    further = "" if scale == FIRST_SCALE else scale
    reader = _Reader(root, agreed or usual_range, is_stated=agreed is not None, further=further)
    if data.is_dir() and any((root / split / "label.json").is_file() for split in SPLITS):
        splits = {split: reader.authors_split(split) for split in SPLITS}
        aligned = not info
    else:
        splits, aligned = reader.csv_splits(data if data.is_file() else _only_csv(root)), False
    reader.raise_problems()
    reader.notice_same_pictures(photo for photos in splits.values() for photo in photos)
    name = " ".join(filter(None, (str(info.get("name") or root.resolve().name), further)))
    return Dataset(root, name, reader.mos_range, splits, aligned, tuple(reader.notices))


def _read_info(root: Path) -> dict[str, Any]:
    """Return what dataset.json says, nothing when there is none."""
    path = root / "dataset.json"
    if not path.is_file():
        return {}
    try:
        info: dict[str, Any] = dict(json.loads(path.read_text(encoding="utf-8")))
        if info.get("label") == "jod":
            raise DataError(
                f"{root} is of a study of pairs, which have no MOS: train on it with python -m training.train_on_study."
            )
        low, high = map(float, info["mos_range"])
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise DataError(f'{path} must say the scale of the MOS, as in {{"mos_range": [1, 5]}}: {error!r}.') from error
    return {**info, "mos_range": (low, high)}


class _Exported(NamedTuple):
    """What mos.csv of an export says of a picture: its name and source, its MOS, and the standard error of that."""

    groups: Mapping[str, str]
    standard_error: float
    mos: float = math.nan


def _read_exported(root: Path, further: str) -> dict[str, _Exported]:
    """Return what an export of a study says of every picture, by its file; nothing for other data.

    The figures are those of a `further` scale where one is named, else of the first.
    """
    if not (root / "dataset.json").is_file() or not (root / "mos.csv").is_file():
        if further:
            raise DataError(f"{root} is no export of a study, which alone has a scale {further}: leave --scale away.")
        return {}
    with (root / "mos.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows, columns = list(reader), reader.fieldnames or ()
    suffix = f"_{further}" if further else ""
    if further and f"ratings{suffix}" not in columns:
        known = [name.removeprefix("ratings_") for name in columns if name.startswith("ratings_")]
        raise DataError(f"{root} has no scale {further!r}; it has {', '.join((FIRST_SCALE, *known))}.")
    named = [row for row in rows if row.get("image")]
    # An export has an apostrophe before what a spreadsheet would take for a formula.
    groups = [{name: _SAFE_CELL.sub("", row.get(name) or "") for name in ("stimulus", "source")} for row in named]
    errors = _standard_errors(named, suffix)
    said = map(_Exported, groups, errors, [_number(row.get(f"mos{suffix}")) for row in named])
    return dict(zip((row["image"] for row in named), said, strict=True))


def _standard_errors(rows: Sequence[Mapping[str, str]], suffix: str) -> list[float]:
    """Return the standard error of each MOS, by its number of ratings and the spread of the ratings of all pictures.

    The spread of a picture's own few ratings is mostly luck: two that happen to be equal are not certain.
    """
    counts = [_number(row.get(f"ratings{suffix}")) for row in rows]
    spreads = [_number(row.get(f"sos{suffix}")) for row in rows]
    known = [(count - 1, spread**2) for count, spread in zip(counts, spreads, strict=True) if count > 1 and spread >= 0]
    freedom = sum(degrees for degrees, _ in known)
    variance = sum(degrees * square for degrees, square in known) / freedom if freedom else math.nan
    return [math.sqrt(variance / count) if count > 0 else math.nan for count in counts]


def _number(cell: str | None) -> float:
    """Return the number in a cell, NaN where there is none."""
    try:
        return float(cell or math.nan)
    except ValueError:
        return math.nan


def _agreed_range(root: Path, info: Mapping[str, Any], asked: Range | None) -> Range | None:
    said: Range | None = info.get("mos_range")
    if asked and said and asked != said:
        raise DataError(f"{root / 'dataset.json'} says that the MOS lies in {_words(said)}, not {_words(asked)}.")
    stated = asked or said
    if stated and not -float("inf") < stated[0] < stated[1] < float("inf"):
        raise DataError(f"The range of the MOS is {_words(stated)}: its low end must be below its high end.")
    return stated


def _only_csv(root: Path) -> Path:
    found = sorted(root.glob("*.csv"))
    if len(found) != 1:
        some = ", ".join(path.name for path in found[:3]) or "none"
        raise DataError(
            f"{root} needs train/label.json, or exactly one CSV with columns image and mos (found: {some})."
        )
    return found[0]


class _Reader:
    """Reads one data set, collecting problems so that all are seen at once."""

    def __init__(self, root: Path, mos_range: Range, *, is_stated: bool, further: str = "") -> None:
        self.root, self.mos_range, self._is_stated, self._further = root, mos_range, is_stated, further
        self.notices: list[str] = []
        self._problems: list[str] = []
        self._exported = _read_exported(root, further)

    def raise_problems(self) -> None:
        """Raise DataError if there were any."""
        if self._problems:
            more = len(self._problems) - LISTED
            lines = [*self._problems[:LISTED], *([f"… and {more} more."] if more > 0 else [])]
            raise DataError("\n".join(lines))

    def notice_same_pictures(self, photos: Iterable[LabelledPhoto]) -> None:
        """Tell of pictures that have different MOS under different names, of which a network can learn neither."""
        mos = {photo.path: photo.mos for photo in photos}
        groups = [same for same in find_same_pictures(mos) if len({mos[path] for path in same}) > 1]
        if groups:
            first = " and ".join(f"{path.name} ({mos[path]:g})" for path in groups[0][:2])
            self.notices.append(
                f"Of {len(groups)} picture{'s' * (len(groups) > 1)} there are copies under other names with another "
                f"MOS, as {first}: keep one label of each, or their mean."
            )

    def authors_split(self, split: Split) -> tuple[LabelledPhoto, ...]:
        """Read one split of the authors' layout; none when it is not there."""
        folder = self.root / split
        if not (folder / "label.json").is_file():
            return ()
        try:
            columns = read_label_file(folder / "label.json")
        except SettingError as error:
            self._problems.append(str(error))
            return ()
        # A label file is data from elsewhere: a name must not lead out of the folder.
        images = folder / "img"
        paths = [images / as_on_disk(images, PureWindowsPath(name).name) for name in columns.pop("Image")]
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        photos = []
        for path, row in zip(paths, rows, strict=True):
            npy = folder / "landmark" / as_on_disk(folder / "landmark", f"{path.stem}.npy")
            known = npy if npy.is_file() else None
            exported = self._exported.get(f"{split}/img/{path.name}", _Exported({}, math.nan))
            of_first = row.pop("MOS")
            mos = exported.mos if self._further else of_first
            if self._further and math.isnan(mos):  # nobody graded it on that scale
                continue
            photos.append(LabelledPhoto(path, mos, known, _groups({**row, **exported.groups}), exported.standard_error))
        return self._checked(photos, f"{split}/label.json")

    def csv_splits(self, path: Path) -> dict[Split, tuple[LabelledPhoto, ...]]:
        """Read a CSV and divide its photos into splits."""
        photos = self._checked([photo for photo in self._csv_photos(path) if photo], path.name)
        named = [photo.groups.get("split", "") for photo in photos]
        if any(named):
            self._problems += [
                f"{path.name}: {photo.path.name} is in the split {split!r}; expected train, val or test."
                for photo, split in zip(photos, named, strict=True)
                if split not in SPLITS
            ]
            return {name: tuple(p for p, s in zip(photos, named, strict=True) if s == name) for name in SPLITS}
        sources = [photo.groups.get("source") or str(photo.path.relative_to(self.root)) for photo in photos]
        assigned = split_by_source(sources)
        return {name: tuple(p for p, s in zip(photos, sources, strict=True) if assigned[s] == name) for name in SPLITS}

    def _csv_photos(self, path: Path) -> Iterator[LabelledPhoto | None]:
        try:
            text, delimiter = _undo_excel(path.read_bytes())
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read as text: {error}.") from error
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        columns = {str(name).strip().lower() for name in rows.fieldnames or ()}
        if not {"image", "mos"} <= columns:
            raise DataError(f"{path} needs columns image and mos; it has {', '.join(sorted(columns)) or 'none'}.")
        for row in rows:
            cells = {str(key).strip().lower(): (value or "").strip() for key, value in row.items() if key is not None}
            if delimiter == ";":
                cells |= {name: cells[name].replace(",", ".") for name in ("mos", "ci95") if name in cells}
            yield self._csv_photo(path, cells)

    def _csv_photo(self, path: Path, row: dict[str, str]) -> LabelledPhoto | None:
        mos = row.pop("mos")
        image, landmarks = (as_on_disk(self.root, row.pop(column, "")) for column in ("image", "landmarks"))
        for name in (image, landmarks):
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                self._problems.append(f"{path.name}: {name} leads out of the folder; name files inside it.")
                return None
        if landmarks and not (self.root / landmarks).is_file():
            self._problems.append(f"{path.name} names {landmarks}, which is not there.")
        try:
            value = float(mos)
        except ValueError:
            self._problems.append(f"{path.name}: the MOS of {image or 'a row without image'} is {mos!r}, no number.")
            return None
        known = self.root / landmarks if landmarks else None
        error = _number(row.get("ci95")) / NORMAL_95
        return LabelledPhoto(self.root / image, value, known, _groups(row), error)

    def _checked(self, photos: list[LabelledPhoto], labels: str) -> tuple[LabelledPhoto, ...]:
        """Note labels without picture, pictures without label, labels given twice and MOS outside the range."""
        folders = {folder: _names(folder) for folder in {photo.path.parent for photo in photos}}
        low, high = self.mos_range
        seen: set[Path] = set()
        for photo in photos:
            if photo.path.name not in folders[photo.path.parent]:
                self._problems.append(f"{labels} names {photo.path.name}, which is not in {photo.path.parent}.")
            if photo.path in seen:
                self._problems.append(f"{labels} names {photo.path.name} twice.")
            if not math.isfinite(photo.mos):
                self._problems.append(f"{labels}: the MOS of {photo.path.name} is {photo.mos:g}, no number.")
            seen.add(photo.path)
        if outside := [photo for photo in photos if photo.mos < low or photo.mos > high]:
            self._problems.append(self._misfit(outside, len(photos), labels))
        self._notice_unlabelled(folders, seen, labels)
        return tuple(photos)

    def _misfit(self, outside: Sequence[LabelledPhoto], count: int, labels: str) -> str:
        """Say which MOS do not fit the range, and how to state another one."""
        some = ", ".join(f"{photo.mos:g} of {photo.path.name}" for photo in outside[:3])
        problem = f"{labels}: {len(outside)} of {count} MOS lie outside {_words(self.mos_range)}, such as {some}"
        if self._is_stated:
            return f"{problem}: correct them, or the range that was stated."
        low, high = _likely_scale([photo.mos for photo in outside])
        return f"{problem}: say on which scale people rated, for example --mos-range {low:g} {high:g}."

    def _notice_unlabelled(self, folders: Mapping[Path, set[str]], labelled: set[Path], labels: str) -> None:
        pictures = [f / n for f, names in folders.items() for n in names if Path(n).suffix.lower() in PHOTO_SUFFIXES]
        if extra := sorted(path.name for path in pictures if path not in labelled):
            some = ", ".join(extra[:3]) + (", …" if len(extra) > 3 else "")
            self.notices.append(f"{len(extra)} pictures have no label in {labels} and are left out: {some}.")


def _undo_excel(data: bytes) -> tuple[str, str]:
    """Return text and delimiter of a CSV; raise ValueError for what is no text."""
    for encoding in ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8", "cp1252"):
        with suppress(UnicodeDecodeError):
            text = data.decode(encoding).lstrip("\ufeff")
            break
    else:
        raise ValueError("it is neither UTF-8 nor cp1252")
    if said := _SEPARATOR_LINE.match(text):
        return text[said.end() :], said[1]
    return text, max(",;\t", key=text.partition("\n")[0].count)


def _likely_scale(values: Sequence[float]) -> Range:
    """Return the usual scale that holds the values, else one that just does."""
    least, most = min(values), max(values)
    usual = [(low, high) for low, high in USUAL_SCALES if low <= least and most <= high]
    return usual[0] if usual else (float(math.floor(least)), float(math.ceil(most)))


def _groups(row: Mapping[str, Any]) -> dict[str, str]:
    return {str(key).lower(): str(value) for key, value in row.items() if value not in (None, "")}


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def _words(mos_range: Range) -> str:
    return f"{mos_range[0]:g}..{mos_range[1]:g}"
