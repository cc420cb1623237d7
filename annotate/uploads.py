"""Where stimuli come from: a folder, a zip, a CSV of paths, or a data set of the Hugging Face Hub.

A folder or zip may hold a `stimuli.csv` at its top, which then says what is in the study:

    path       the picture, relative to the CSV
    source     the photo or person it was made from (optional)
    kind       rated, gold, trap or training (optional, else rated)
    expected   the right grade of a gold, trap or training item (optional for training)
    feedback   what a participant in training is told about it (optional)

Without it every picture is rated; other files are passed over. A zip is never unpacked to disk: its entries are read
one at a time, within limits, and its names are names and no paths.
"""

import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from annotate.csv_files import CsvFile
from annotate.errors import StimulusError
from annotate.ratings import ItemKind
from annotate.stimuli import MAX_IMAGE_BYTES, Candidate, check_room

MANIFEST = "stimuli.csv"
MAX_STIMULI = 60_000
"""CGFIQA, the largest set of rated faces, has 39,312."""
MAX_UNPACKING = 200
"""Bytes that a byte of a zip may become: pictures are compressed already."""
SMALL_ZIP_BYTES = 2**24
"""Unpacking to less than this harms nobody, however small the zip."""

IMAGE_SUFFIXES = frozenset({".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
ARCHIVE_SUFFIXES = frozenset({".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zip"})
_ENCRYPTED = 0x1
_DESCRIPTIONS = ("source", "kind", "expected", "feedback")
_KINDS = {kind.name.lower(): kind for kind in ItemKind if kind is not ItemKind.REPEAT}


@contextmanager
def open_upload(path: Path, data_dir: Path) -> Iterator[list[Candidate]]:
    """List the pictures of a folder, a zip or a CSV; they can be read while the context is open.

    Raises StimulusError saying what is wrong with it, also when `data_dir` has no room for what a zip holds.
    """
    if path.is_dir():
        yield _from_folder(path)
    elif not path.is_file():
        raise StimulusError(f"{path} does not exist; name a folder, a zip or a CSV of paths.")
    elif path.suffix.lower() == ".csv":
        yield _from_manifest(_read_manifest(path), partial(_in_folder, path.parent))
    else:
        with _open_zip(path) as archive:
            check_room(sum(entry.file_size for entry in archive.infolist()), data_dir)
            yield _from_zip(archive)


@contextmanager
def open_files(files: Sequence[Path], data_dir: Path) -> Iterator[list[Candidate]]:
    """List the pictures of files that were handed in together: one zip, or pictures with or without one CSV.

    The CSV is as a `stimuli.csv`, whatever its name; folders in its paths do not matter, as browsers send none.
    Raises StimulusError as `open_upload` does.
    """
    archives = [file for file in files if file.suffix.lower() in ARCHIVE_SUFFIXES]
    manifests = [file for file in files if file.suffix.lower() == ".csv"]
    if archives and len(files) > 1:
        raise StimulusError("A zip comes alone; put the CSV into it as stimuli.csv, or choose the pictures themselves.")
    if len(manifests) > 1:
        raise StimulusError(f"There are {len(manifests)} CSV files; choose one that describes all pictures.")
    if archives:
        with open_upload(archives[0], data_dir) as candidates:
            yield candidates
        return
    pictures = [file for file in files if file not in manifests]
    _check_count(len(pictures), "The upload")
    if not manifests:
        yield [Candidate(file.name, partial(_read_file, file, file.name)) for file in pictures]
        return
    by_name = {file.name: file for file in pictures}
    yield _from_manifest(_read_manifest(manifests[0]), partial(_among, by_name))


def _among(files: Mapping[str, Path], name: str) -> Callable[[], bytes] | None:
    file = files.get(PurePosixPath(name.replace("\\", "/")).name)
    return partial(_read_file, file, name) if file else None


def from_hub(name: str, *, split: str = "train", column: str = "image") -> Iterator[Candidate]:
    """Yield the pictures of a data set of the Hugging Face Hub, or of a local one that `datasets` can load.

    Where it has columns of the names above, they are used as those of a `stimuli.csv`.
    """
    try:
        import datasets
    except ImportError:
        raise StimulusError("Reading from the Hub needs the package datasets: pip install datasets.") from None
    try:
        loaded = datasets.load_dataset(name, split=split)
        rows = loaded.cast_column(column, datasets.Image(decode=False))  # the bytes as they were uploaded
    except Exception as error:  # noqa: BLE001  it fails in as many ways as it has loaders
        raise StimulusError(f"The data set {name} (split {split}, column {column}) cannot be loaded: {error}") from None
    return from_rows(rows, column=column)


def from_rows(rows: Iterable[Mapping[str, Any]], *, column: str = "image") -> Iterator[Candidate]:
    """Yield a candidate for each row whose `column` is {"bytes": …, "path": …}, as `datasets` has them undecoded."""
    seen: set[str] = set()
    for number, row in enumerate(rows):
        image = row[column]
        name = Path(image.get("path") or f"{number:06}").name
        name = f"{number:06}-{name}" if name in seen else name  # folders are lost in data sets that hold the bytes
        seen.add(name)
        described = {key: str(row[key]) for key in _DESCRIPTIONS if row.get(key) is not None}
        try:
            yield _described(name, partial(_of_row, dict(image), name), described)
        except ValueError as problem:
            raise StimulusError(f"Row {number} of the data set {problem}.") from None


def _of_row(image: Mapping[str, Any], name: str) -> bytes:
    data = image.get("bytes")
    return bytes(data) if data is not None else _read_file(Path(image["path"]), name)


def _from_folder(folder: Path) -> list[Candidate]:
    manifest = folder / MANIFEST
    if manifest.is_file():
        return _from_manifest(_read_manifest(manifest), partial(_in_folder, folder))
    files = (file for file in folder.rglob("*") if file.suffix.lower() in IMAGE_SUFFIXES)
    names = sorted(file.relative_to(folder).as_posix() for file in files)
    shown = [name for name in names if not _is_hidden(name)]
    _check_count(len(shown), str(folder))
    return [Candidate(name, partial(_read_file, folder / name, name)) for name in shown]


def _in_folder(folder: Path, name: str) -> Callable[[], bytes] | None:
    file = folder / name
    try:
        return partial(_read_file, file, name) if file.is_file() else None
    except OSError:  # a name that no file can have
        return None


def _read_file(path: Path, name: str) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise StimulusError(f"{name} is no file.")
        with path.open("rb") as file:
            return file.read(MAX_IMAGE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise StimulusError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


@contextmanager
def _open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise StimulusError(f"{path.name} is neither a folder nor a zip or CSV that can be read.") from None
    with archive:
        yield archive


def _from_zip(archive: zipfile.ZipFile) -> list[Candidate]:
    entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
    _check_entries(entries, archive)
    by_name = {entry.filename: entry for entry in entries}
    if MANIFEST in by_name:
        manifest = CsvFile(_read_entry(archive, by_name[MANIFEST]), MANIFEST, required=["path"], error=StimulusError)
        return _from_manifest(
            manifest, lambda name: partial(_read_entry, archive, by_name[name]) if name in by_name else None
        )
    shown = [name for name in by_name if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES and not _is_hidden(name)]
    return [Candidate(name, partial(_read_entry, archive, by_name[name])) for name in sorted(shown)]


def _check_entries(entries: list[zipfile.ZipInfo], archive: zipfile.ZipFile) -> None:
    """Refuse a zip that is up to something, before any of it is read."""
    _check_count(len(entries), "The zip")
    for entry in entries:
        _check_entry(entry)
    if len({entry.filename for entry in entries}) < len(entries):
        raise StimulusError("The zip has several entries of one name; pack it anew.")
    unpacked = sum(entry.file_size for entry in entries)
    packed = Path(str(archive.filename)).stat().st_size
    if unpacked > max(SMALL_ZIP_BYTES, MAX_UNPACKING * packed):
        raise StimulusError(f"The zip would unpack to {unpacked >> 20} MiB, too much for pictures; pack it anew.")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    shown = entry.filename[:80]
    if not name.parts or ".." in name.parts or name.is_absolute() or ":" in name.parts[0]:
        raise StimulusError(f"The zip has an entry that leads out of it ({shown!r}); pack it anew.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise StimulusError(f"The zip has a link ({shown!r}); pack the pictures themselves.")
    if entry.flag_bits & _ENCRYPTED:
        raise StimulusError("The zip is encrypted; pack it without a password.")
    if name.suffix.lower() in ARCHIVE_SUFFIXES:
        raise StimulusError(f"The zip holds another archive ({shown!r}); pack the pictures themselves.")


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.file_size > MAX_IMAGE_BYTES:
        raise StimulusError(f"{entry.filename} is larger than {MAX_IMAGE_BYTES >> 20} MiB.")
    try:
        with archive.open(entry) as file:
            return file.read(MAX_IMAGE_BYTES + 1)
    except Exception as error:  # noqa: BLE001  damaged archives fail in every way
        raise StimulusError(f"{entry.filename} cannot be unpacked ({error}).") from None


def _read_manifest(path: Path) -> CsvFile:
    return CsvFile.read(path, required=["path"], error=StimulusError)


def _from_manifest(manifest: CsvFile, find: Callable[[str], Callable[[], bytes] | None]) -> list[Candidate]:
    """List what a CSV of paths names; `find` returns how to read a path, or None when there is nothing."""
    candidates: list[Candidate] = []
    lines: dict[str, int] = {}
    for line, row in manifest.rows():
        name = row["path"]
        if name in lines:
            raise manifest.problem(line, f"names {name} once more; it is in line {lines[name]} already")
        lines[name] = line
        read = find(name) if name else None
        if read is None:
            raise manifest.problem(line, f"names {name or 'no file'}, which does not exist beside it")
        try:
            candidates.append(_described(name, read, row))
        except ValueError as problem:
            raise manifest.problem(line, str(problem)) from None
    _check_count(len(candidates), manifest.name)
    return candidates


def _described(name: str, read: Callable[[], bytes], row: Mapping[str, str]) -> Candidate:
    """Return a candidate as its row describes it; raise ValueError, to go on after "line 3", when that makes no sense.

    Whether an expected grade is on the scale is not known here: the study's protocol says.
    """
    kind = _KINDS.get(row.get("kind", "").lower() or "rated")
    if kind is None:
        raise ValueError(f"has the kind {row['kind']!r}; expected {', '.join(_KINDS)}")
    expected = _number(row.get("expected", ""))
    if expected is None and kind in (ItemKind.GOLD, ItemKind.TRAP):
        raise ValueError(f"lacks the expected grade of a {kind.name.lower()} item")
    if expected is not None and kind is ItemKind.RATED:
        raise ValueError("expects a grade of a rated item; give it another kind or no expected grade")
    return Candidate(name, read, row.get("source") or None, kind, expected, row.get("feedback", ""))


def _number(text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"has the expected grade {text!r}, which is no number") from None


def _check_count(count: int, name: str) -> None:
    if count > MAX_STIMULI:
        raise StimulusError(f"{name} holds {count} files, more than the {MAX_STIMULI} a study may have; split it.")


def _is_hidden(name: str) -> bool:
    """Whether systems made it for themselves: previews, leftovers, the __MACOSX of zips."""
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)
