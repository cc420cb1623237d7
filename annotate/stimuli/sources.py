"""Where stimuli come from: a folder, a zip, a CSV of paths, or a data set of the Hugging Face Hub.

A folder or zip may hold a `stimuli.csv`, in any letter case, which then says what is in the study:

    path       the picture, relative to the CSV, with / or a backslash between folders
    source     the photo or person it was made from (optional)
    condition  what was done to it: a method, a codec at a level (optional)
    reference  the undamaged picture, as `path`; it needs no row of its own (optional)
    kind       rated, gold, trap, training or reference (optional, else rated)
    expected   the right grade of a gold, trap or training item (optional for training)
    feedback   what a participant in training is told about it (optional)
    score      a model's, on any scale (optional)

It has to lie where all pictures are beside or below it: at the top, or in the single folder that a Mac packs. Without
it every picture is rated. Hidden and system files are passed over; so are other files, which is told. A zip is never
unpacked to disk (annotate/stimuli/archives.py).
"""

import math
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import Any

from annotate.csv_files import CsvFile
from annotate.design.items import ItemKind
from annotate.errors import StimulusError
from annotate.names import find_by_name, is_hidden, normalized
from annotate.stimuli.archives import ARCHIVE_SUFFIXES, list_entries, open_zip, read_entry
from annotate.stimuli.files import MAX_IMAGE_BYTES, Candidate, check_room
from annotate.wording import counted

MANIFEST = "stimuli.csv"
MAX_STIMULI = 60_000
"""CGFIQA, the largest set of rated faces, has 39,312."""
NAMED_SUFFIXES, NAMED_TABLES = 6, 3
TABLE_SUFFIXES = frozenset({".csv", ".ods", ".tsv", ".xls", ".xlsx"})
"""What may be meant as a `stimuli.csv`."""

IMAGE_SUFFIXES = frozenset({
    ".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp",
})  # fmt: skip
_DESCRIPTIONS = ("source", "condition", "reference", "kind", "expected", "feedback", "score")
_NUMBERS = ("expected", "score")
_KINDS = {kind.name.lower(): kind for kind in ItemKind if kind is not ItemKind.REPEAT}

Read = Callable[[], bytes]
Find = Callable[[str], tuple[str, Read] | None]
"""From a path in a table to the file's name and how to read it."""


@dataclass(frozen=True)
class UploadedFile:
    """A file that was handed in: where it lies, and the name that its owner knows it by."""

    path: Path
    name: str


@dataclass(frozen=True)
class Upload:
    """The pictures that were handed in, and sentences about what of it was passed over or guessed."""

    candidates: list[Candidate]
    notices: tuple[str, ...] = ()


@contextmanager
def open_upload(path: Path, data_dir: Path) -> Iterator[Upload]:
    """List the pictures of a folder, a zip or a CSV; they can be read while the context is open.

    Raises StimulusError saying what is wrong with it, also when `data_dir` has no room for what a zip holds.
    """
    if path.is_dir():
        yield _from_folder(path)
    elif not path.is_file():
        what = "is no file" if path.exists() else "does not exist"
        raise StimulusError(f"{path} {what}; name a folder, a zip or a CSV of paths.")
    elif path.suffix.lower() == ".csv":
        yield Upload(_from_manifest(_read_manifest(path, path.name), _beside(path.parent)))
    else:
        with open_zip(path) as archive:
            _check_count(len(archive.infolist()), "The zip")
            check_room(sum(entry.file_size for entry in archive.infolist()), data_dir)
            entries, guessed = list_entries(archive)
            files = {name: partial(read_entry, archive, entry, name) for name, entry in entries.items()}
            offered = _offer(files)
            yield Upload(offered.candidates, (*guessed, *offered.notices))


@contextmanager
def open_files(files: Sequence[UploadedFile], data_dir: Path) -> Iterator[Upload]:
    """List the pictures of files that were handed in together: one zip, or pictures with or without one CSV.

    The CSV is as a `stimuli.csv`, whatever its name; folders in its paths do not matter, as browsers send none.
    Raises StimulusError as `open_upload` does.
    """
    archives = [file for file in files if file.path.suffix.lower() in ARCHIVE_SUFFIXES]
    manifests = [file for file in files if file.path.suffix.lower() == ".csv"]
    if archives and len(files) > 1:
        raise StimulusError("A zip comes alone; put the CSV into it as stimuli.csv, or choose the pictures themselves.")
    if len(manifests) > 1:
        raise StimulusError(f"There are {len(manifests)} CSV files; choose one that describes all pictures.")
    if archives:
        with open_upload(archives[0].path, data_dir) as upload:
            yield upload
        return
    pictures = [file for file in files if file not in manifests]
    _check_count(len(pictures), "The upload")
    readers = [(normalized(file.name), partial(_read_file, file.path, file.name)) for file in pictures]
    if not manifests:
        yield Upload([Candidate(name, read) for name, read in readers if not is_hidden(name)])
        return
    table = _read_manifest(manifests[0].path, manifests[0].name)
    yield Upload(_from_manifest(table, partial(_find_among, dict(readers))))


def _find_among(files: Mapping[str, Read], name: str) -> tuple[str, Read] | None:
    """Return a picture under the name that the table gives it, whatever folder that says."""
    path = PurePosixPath(normalized(name).replace("\\", "/"))
    read = files.get(normalized(name)) or files.get(path.name)
    return (path.as_posix(), read) if read else None


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
        name = normalized(Path(image.get("path") or f"{number:06}").name)
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


def _from_folder(folder: Path) -> Upload:
    files: dict[str, Read] = {}
    for name, path in _walk(folder):
        if name in files:
            raise StimulusError(f"{name} is there twice, its letters written in two ways; rename one of the files.")
        files[name] = partial(_read_file, folder / path, name)
    return _offer(files, _beside(folder))


def _walk(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield name and path of every file that is not hidden, in linked folders too, each folder once."""
    seen: set[str] = set()
    for at, folders, files in os.walk(folder, followlinks=True):
        if (real := os.path.realpath(at)) in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        inside = Path(at).relative_to(folder)
        for path in ((inside / name).as_posix() for name in sorted(files) if not is_hidden(name)):
            yield normalized(path), path


def _beside(folder: Path) -> Find:
    """Return what finds a file by its path relative to a folder, which may lead out of it: the owner wrote it."""
    names = cache(lambda: dict(_walk(folder)))  # only walked for names that are written in another way than here

    def find(name: str) -> tuple[str, Read] | None:
        """Return the file of a name as it is, else of one that is spelled as on another system."""
        for spelled in (name, name.replace("\\", "/")):
            with suppress(OSError, ValueError):  # a name that no file can have
                if (folder / spelled).is_file():
                    return normalized(spelled), partial(_read_file, folder / spelled, spelled)
        found = find_by_name(names(), name)
        return (found[0], partial(_read_file, folder / found[1], found[0])) if found else None

    return find


def _offer(files: Mapping[str, Read], find_elsewhere: Find | None = None) -> Upload:
    """List the pictures among files by their names, as a table among them says where there is one.

    `find_elsewhere` finds what the table names and is not among the files.
    """
    shown = sorted(name for name in files if not is_hidden(name))
    pictures = [name for name in shown if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES]
    table, others = _find_table(shown, pictures)
    why = f"{table} is the table" if table else "not all pictures are beside or below it"
    notices = [f"{name} is passed over: {why}." for name in others]
    if table is None:
        _check_count(len(pictures), "It")
        rest = sorted({*shown}.difference(pictures, others))
        return Upload([Candidate(name, files[name]) for name in pictures], (*notices, *_unread(rest)))
    at = table.removesuffix(PurePosixPath(table).name)
    beside = {name.removeprefix(at): read for name, read in files.items() if name.startswith(at)}

    def find(name: str) -> tuple[str, Read] | None:
        """Return the file that the table names."""
        return find_by_name(beside, name) or (find_elsewhere(name) if find_elsewhere else None)

    manifest = CsvFile(files[table](), table, required=["path"], numbers=_NUMBERS, error=StimulusError)
    return Upload(_from_manifest(manifest, find), tuple(notices))


def _find_table(shown: Iterable[str], pictures: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the table that all pictures are beside or below, the topmost of them, and the tables passed over."""
    tables = [name for name in shown if PurePosixPath(name).name.lower() == MANIFEST]
    tables.sort(key=lambda name: (name.count("/"), PurePosixPath(name).name != MANIFEST, name))
    folders = {name: name.removesuffix(PurePosixPath(name).name) for name in tables}
    used = next((name for name in tables if all(each.startswith(folders[name]) for each in pictures)), None)
    return used, [name for name in tables if name != used]


def _unread(names: Sequence[str]) -> list[str]:
    """Say which tables have another name, and how many other files are no pictures by their suffix."""
    tables = [name for name in names if PurePosixPath(name).suffix.lower() in TABLE_SUFFIXES]
    told = [f"The table {name} is passed over: to be used, it has to be called {MANIFEST}." for name in tables]
    return [*told[:NAMED_TABLES], *_count_unread(sorted({*names}.difference(tables[:NAMED_TABLES])))]


def _count_unread(names: Sequence[str]) -> list[str]:
    counts = Counter(PurePosixPath(name).suffix.lower() or "without suffix" for name in names)
    if not counts:
        return []
    kinds = ", ".join(f"{count} {suffix}" for suffix, count in counts.most_common(NAMED_SUFFIXES))
    more = ", …" if len(counts) > NAMED_SUFFIXES else ""
    files = counted(len(names), "file is", "files are")
    return [f"{files} passed over, being no pictures that browsers show: {kinds}{more}."]


def _read_file(path: Path, name: str) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise StimulusError(f"{name} is no file.")
        with path.open("rb") as file:
            return file.read(MAX_IMAGE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise StimulusError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def _read_manifest(path: Path, name: str) -> CsvFile:
    return CsvFile.read(path, name=name, required=["path"], numbers=_NUMBERS, error=StimulusError)


def _from_manifest(manifest: CsvFile, find: Find) -> list[Candidate]:
    """List what a CSV of paths names; `find` returns a file's name and how to read it, or None when there is none."""
    candidates: list[Candidate] = []
    references: dict[str, Read] = {}
    lines: dict[str, int] = {}
    for line, row in manifest.rows():
        found = find(row["path"]) if row["path"] else None
        if found is None:
            raise manifest.problem(line, f"names {row['path'] or 'no file'}, which does not exist beside it")
        name, read = found
        if name in lines:
            raise manifest.problem(line, f"names {name} once more; it is in line {lines[name]} already")
        lines[name] = line
        described = dict(row)
        if row.get("reference"):
            if (reference := find(row["reference"])) is None:
                raise manifest.problem(line, f"names the reference {row['reference']}, which does not exist beside it")
            described["reference"], references[reference[0]] = reference
        try:
            candidates.append(_described(name, read, described))
        except ValueError as problem:
            raise manifest.problem(line, str(problem)) from None
    only_shown = [(name, read) for name, read in references.items() if name not in lines]
    candidates += [Candidate(name, read, kind=ItemKind.REFERENCE) for name, read in only_shown]
    _check_count(len(candidates), manifest.name)
    return candidates


def _described(name: str, read: Callable[[], bytes], row: Mapping[str, str]) -> Candidate:
    """Return a candidate as its row describes it; raise ValueError, to go on after "line 3", when that makes no sense.

    Whether an expected grade is on the scale is not known here: the study's protocol says.
    """
    kind = _KINDS.get(row.get("kind", "").lower() or "rated")
    if kind is None:
        raise ValueError(f"has the kind {row['kind']!r}; expected {', '.join(_KINDS)}")
    expected = _number(row.get("expected", ""), "expected grade")
    score = _number(row.get("score", ""), "score")
    if expected is None and kind in (ItemKind.GOLD, ItemKind.TRAP):
        raise ValueError(f"lacks the expected grade of a {kind.name.lower()} item")
    if expected is not None and kind is ItemKind.RATED:
        raise ValueError("expects a grade of a rated item; give it another kind or no expected grade")
    feedback, condition = row.get("feedback", ""), row.get("condition") or None
    source, reference = row.get("source") or None, row.get("reference") or None
    return Candidate(name, read, source, kind, expected, feedback, condition, reference, score)


def _number(text: str, what: str) -> float | None:
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise ValueError(f"has the {what} {text!r}, which is no number")
    return number


def _check_count(count: int, name: str) -> None:
    if count > MAX_STIMULI:
        raise StimulusError(f"{name} holds {count} files, more than the {MAX_STIMULI} a study may have; split it.")
