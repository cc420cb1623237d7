"""Where the photos of methods come from: a folder or a zip for each, or a CSV that lists the photos of several.

A CSV has a row for every file:

    path       the photo, relative to the CSV, with / or a backslash between folders
    method     whose version it is; `reference` for the undamaged photos
    name       what the versions of one photo have in common (optional, else the path below the method's own folder)
    source     who or what is on it (optional): intervals are then over sources
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING

from fiqa.comparison.matching import MatchedPhotos, match_photos, method_names, name_photos, photo_name
from fiqa.errors import SettingError
from fiqa.photos.archives import PhotoFile, is_zip, list_zipped_photos
from fiqa.photos.sources import as_on_disk, find_photos

if TYPE_CHECKING:
    import pandas as pd

REFERENCE_METHOD = "reference"
"""The method whose rows in a CSV are the undamaged photos."""
MAX_TABLE_BYTES = 64 * 2**20
_DELIMITERS = ",;\t"

Photos = Mapping[str, PhotoFile]
"""The photos of one method by the name they are matched by."""


@dataclass(frozen=True)
class MethodTable:
    """What a CSV lists: the photos of every method and of the reference, and who or what a photo shows."""

    methods: Mapping[str, Photos]
    references: Photos = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)


def name_inputs(paths: Sequence[Path]) -> dict[str, str]:
    """Return where each method's photos lie, by the method's name; the methods of a CSV all lie in it.

    Raises SettingError when one is named twice, or a CSV cannot be read.
    """
    tables, others = [path for path in paths if is_table(path)], [path for path in paths if not is_table(path)]
    named = dict(zip(method_names(others), (str(path.resolve()) for path in others), strict=True)) if others else {}
    for path in tables:
        for method in open_table(path).methods:
            if method in named:
                raise SettingError(f"{method} is named twice: a comparison needs different methods.")
            named[method] = str(path.resolve())
    return named


def match_inputs(
    inputs: Mapping[str, str], *, reference: str | None = None, sources: Mapping[str, str] | None = None
) -> MatchedPhotos:
    """Match the photos of methods by name; `inputs` is where each method's photos lie, as `name_inputs` returns it.

    Raises SettingError as `match_photos` does, and when one cannot be read or holds no photo.
    """
    remarks: list[str] = []
    tables = {origin: open_table(Path(origin)) for origin in dict.fromkeys(inputs.values()) if is_table(origin)}
    named = {
        method: _listed(tables[origin], method, origin) if origin in tables else open_photos(origin, method, remarks)
        for method, origin in inputs.items()
    }
    _refuse_same_photos(inputs)
    references = {name: photo for table in tables.values() for name, photo in table.references.items()}
    if reference is not None:
        references = dict(open_photos(reference, "the reference", remarks))
    said = {name: source for table in tables.values() for name, source in table.sources.items()}
    matched = match_photos(named, references=references, sources={**said, **(sources or {})})
    return replace(matched, remarks=tuple(remarks))


def _refuse_same_photos(inputs: Mapping[str, str]) -> None:
    """Refuse two methods whose photos lie in one place, unless that is a CSV; raises SettingError."""
    taken: dict[Path, str] = {}
    for method, origin in inputs.items():
        place = Path(origin).resolve()
        if place in taken and not is_table(origin):
            raise SettingError(f"{taken[place]} and {method} are both the photos of {origin}: name different ones.")
        taken[place] = method


def open_photos(origin: str, method: str, remarks: list[str]) -> Photos:
    """Return the photos of a folder or a zip by name; `remarks` takes what was passed over in a folder.

    Raises SettingError when it is neither, or holds none.
    """
    if is_zip(origin) and Path(origin).is_file():
        named = name_photos(list_zipped_photos(origin).items(), method)
    elif Path(origin).is_dir():
        found = find_photos([origin])
        named = name_photos(((PurePath(path).relative_to(origin), path) for path in found.paths), method)
        remarks += [f"{method}: {said}." for said in (*found.troubles, found.remark()) if said]
    else:
        raise SettingError(f"{origin} is no folder, zip or CSV: name where a method's photos are.")
    if not named:
        raise SettingError(f"{origin} is a {'zip' if is_zip(origin) else 'folder'} without photos.")
    return named


def is_table(path: str | Path) -> bool:
    """Whether a path is called a CSV."""
    return Path(path).suffix.lower() == ".csv"


def open_table(path: Path) -> MethodTable:
    """Read a CSV whose paths are relative to it; raises SettingError naming the file and the line."""
    try:
        if path.stat().st_size > MAX_TABLE_BYTES:
            raise SettingError(f"{path} is larger than {MAX_TABLE_BYTES >> 20} MiB: split it.")
        data = path.read_bytes()
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror}.") from None
    folder = path.resolve().parent
    return read_table(data, path.name, lambda listed: str(folder / as_on_disk(folder, listed)))


def read_table(data: bytes, name: str, find: Callable[[str], PhotoFile | None]) -> MethodTable:
    """Read a CSV of methods, called `name`; `find` returns the photo that a path in it stands for, None for none.

    Raises SettingError naming the line that cannot be used.
    """
    rows = list(_read_rows(data, name, find))
    by_method: dict[str, list[_Row]] = {}
    for row in rows:
        by_method.setdefault(row.method, []).append(row)
    shared = {method: _shared_folder([row.place for row in listed]) for method, listed in by_method.items()}
    photos = {
        method: name_photos(((row.called(shared[method]), row.photo) for row in listed), method)
        for method, listed in by_method.items()
    }
    sources = {photo_name(row.called(shared[row.method])): row.source for row in rows if row.source}
    methods = {method: found for method, found in photos.items() if method != REFERENCE_METHOD}
    return MethodTable(methods, photos.get(REFERENCE_METHOD, {}), sources)


@dataclass(frozen=True)
class _Row:
    """One line of a CSV; `name` and `source` may be empty."""

    place: PurePosixPath
    method: str
    name: str
    source: str
    photo: PhotoFile

    def called(self, shared: PurePosixPath) -> PurePosixPath:
        """Return the path that names the photo: what the table calls it, else where it lies below a folder."""
        return PurePosixPath(f"{self.name}.png") if self.name else self.place.relative_to(shared)


def _read_rows(data: bytes, name: str, find: Callable[[str], PhotoFile | None]) -> Iterator[_Row]:
    for line, cells in enumerate(_read_frame(data, name).to_dict("records"), start=2):
        listed, method, called, source = (cells.get(key, "").strip() for key in ("path", "method", "name", "source"))
        if not (listed and method):
            raise SettingError(f"{name}, line {line}, has no path or no method: give both.")
        if method.casefold() == REFERENCE_METHOD:
            method = REFERENCE_METHOD
        photo = find(listed)
        if photo is None:
            raise SettingError(f"{name}, line {line}, names {listed}, which is not among the photos.")
        yield _Row(PurePosixPath(listed.replace("\\", "/")), method, called, source, photo)


def _read_frame(data: bytes, name: str) -> "pd.DataFrame":
    """Return a CSV as text cells under columns in lower case; raises SettingError."""
    import pandas as pd

    try:
        head = data.decode("utf-8-sig").lstrip().split("\n", 1)[0]
        delimiter = max(_DELIMITERS, key=head.count)
        frame = pd.read_csv(BytesIO(data), sep=delimiter, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except ValueError as error:  # pandas' own errors are of that kind, and those of wrong encodings
        raise SettingError(f"{name} cannot be read as a CSV in UTF-8 ({str(error).splitlines()[0]}).") from None
    frame.columns = [str(column).strip().lower() for column in frame.columns]
    if missing := [column for column in ("path", "method") if column not in frame.columns]:
        raise SettingError(
            f"{name} lacks the column{'s' * (len(missing) > 1)} {' and '.join(missing)}: it needs path and method."
        )
    return frame.fillna("")


def _shared_folder(places: Sequence[PurePosixPath]) -> PurePosixPath:
    """Return the deepest folder that all files are in."""
    parents = [place.parent.parts for place in places]
    shared = [
        parts[0] for parts in itertools.takewhile(lambda parts: len(set(parts)) == 1, zip(*parents, strict=False))
    ]
    return PurePosixPath(*shared)


def _listed(table: MethodTable, method: str, origin: str) -> Photos:
    if method not in table.methods:
        raise SettingError(f"{origin} lists no photo of {method}: it was changed.")
    return table.methods[method]
