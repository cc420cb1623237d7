"""What a visitor handed in, as photos of methods: pictures, zips, or a CSV of path and method with the pictures.

Only files that were handed in are ever read: the paths in a CSV are names to find them by, and no places on this
machine. Browsers send no folders, so a path may name a file by its last part.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import normalize

from fiqa.comparison.inputs import MethodTable, Photos, is_table, read_table
from fiqa.comparison.matching import MatchedPhotos, match_photos, name_photos
from fiqa.errors import SettingError
from fiqa.photos.archives import PhotoFile, is_zip, list_zipped_photos
from fiqa.photos.images import PHOTO_SUFFIXES, begins_like_a_photo
from fiqa.photos.sources import is_passed_over

MIN_METHODS, MOST_METHODS = 2, 6
MOST_PHOTOS = 200
"""Photos of one method on the page; the command line takes any number."""
MOST_NAME = 60
"""Letters of a method's name."""


@dataclass(frozen=True)
class UploadedFile:
    """A file that was handed in: where it lies, and the name that its owner knows it by."""

    path: str
    name: str


@dataclass(frozen=True)
class UploadedMethods:
    """What was handed in, matched; `origins` says in words where each method's photos came from."""

    matched: MatchedPhotos
    origins: Mapping[str, str]
    reference: str | None
    notices: tuple[str, ...] = ()


def uploaded_files(files: Any) -> list[UploadedFile]:
    """Return files as events with `preprocess=False` get them; Gradio has checked their paths before."""
    given = files if isinstance(files, list) else [files] if files else []
    return [
        UploadedFile(str(file["path"]), PurePosixPath(str(file.get("orig_name") or Path(file["path"]).name)).name)
        for file in given
    ]


def match_uploads(
    methods: Sequence[tuple[str, Sequence[UploadedFile]]],
    *,
    listed: Sequence[UploadedFile] = (),
    reference: Sequence[UploadedFile] = (),
) -> UploadedMethods:
    """Match what was handed in.

    Args:
        methods: name and files of each method; an empty name is taken from its zip.
        listed: a CSV of path and method, and the pictures or zips that it names.
        reference: the undamaged photos.

    Raises:
        SettingError: something cannot be used; see `match_photos` for what else.
    """
    table = _read_list(listed) if listed else MethodTable({})
    named: dict[str, Photos] = {}
    origins: dict[str, str] = {}
    for number, (name, files) in enumerate(methods):
        if files:
            method = _method_name(name, files, number)
            _take_method(named, method, name_photos(_places(files), method))
            origins[method] = _origin(files)
    for method, photos in table.methods.items():
        _take_method(named, _checked_name(method), photos)
        origins[method] = listed_in(listed)
    _check_counts(named)
    if len(named) < MIN_METHODS:
        raise SettingError("A comparison needs at least two methods: add the photos of another one.")
    references = dict(table.references) | name_photos(_places(reference), "The reference")
    matched = match_photos(named, references=references, sources=table.sources)
    everything = [*listed, *reference, *(file for _, files in methods for file in files)]
    said = "the list" if table.references else None
    return UploadedMethods(matched, origins, _origin(reference) if reference else said, _passed_over(everything))


def listed_in(files: Iterable[UploadedFile]) -> str:
    """Return the name of the CSV among files."""
    return next(file.name for file in files if is_table(file.name))


def _take_method(named: dict[str, Photos], method: str, photos: Photos) -> None:
    if method in named:
        raise SettingError(f"Two methods are called {method}: give each a name of its own.")
    if not photos:
        raise SettingError(f"{method} has no photos: add pictures or a zip of them.")
    named[method] = photos


def _method_name(name: str, files: Sequence[UploadedFile], number: int) -> str:
    zips = [file.name for file in files if is_zip(file.name)]
    return _checked_name(name.strip() or (PurePosixPath(zips[0]).stem if len(zips) == 1 else chr(ord("A") + number)))


def _checked_name(name: str) -> str:
    if len(name) > MOST_NAME or not name.isprintable():
        raise SettingError(f"{name[:20]!r}… is no usable name of a method: use up to {MOST_NAME} letters.")
    return name


def _check_counts(named: Mapping[str, Photos]) -> None:
    if len(named) > MOST_METHODS:
        raise SettingError(
            f"These are {len(named)} methods and the page takes {MOST_METHODS}; compare more with `fiqa compare`."
        )
    for method, photos in named.items():
        if len(photos) > MOST_PHOTOS:
            raise SettingError(
                f"{method} has {len(photos)} photos and the page takes {MOST_PHOTOS} of each method; compare more "
                "with `fiqa compare`."
            )


def _places(files: Sequence[UploadedFile]) -> Iterator[tuple[PurePosixPath, PhotoFile]]:
    """Yield every photo among files and in zips, by its place; other files are passed over."""
    for file in files:
        if is_zip(file.name):
            yield from list_zipped_photos(file.path, name=file.name).items()
        elif _is_photo(file):
            yield PurePosixPath(normalize("NFC", file.name)), file.path


def _is_photo(file: UploadedFile) -> bool:
    if is_passed_over(file.name):
        return False
    return PurePosixPath(file.name).suffix.lower() in PHOTO_SUFFIXES or begins_like_a_photo(Path(file.path))


def _read_list(files: Sequence[UploadedFile]) -> MethodTable:
    """Read the one CSV among files; raises SettingError when there is none, or several."""
    tables = [file for file in files if is_table(file.name)]
    if len(tables) != 1:
        what = "no CSV" if not tables else f"{len(tables)} CSV files"
        raise SettingError(f"There is {what} among the files of the list: add one, and the photos that it names.")
    places = list(_places(files))
    known = {place.as_posix(): photo for place, photo in places}
    by_name = {place.name: photo for place, photo in places}
    if len(by_name) < len(places):  # the last part alone would be ambiguous
        by_name = {}

    def find(path: str) -> PhotoFile | None:
        """Return the photo that a path in the list stands for."""
        place = PurePosixPath(normalize("NFC", path.replace("\\", "/")))
        below = (PurePosixPath(*place.parts[start:]).as_posix() for start in range(len(place.parts)))
        return next((known[each] for each in below if each in known), by_name.get(place.name))

    return read_table(Path(tables[0].path).read_bytes(), tables[0].name, find)


def _origin(files: Sequence[UploadedFile]) -> str:
    zips = [file.name for file in files if is_zip(file.name)]
    return ", ".join(zips) if zips else f"{len(files)} uploaded photos"


def _passed_over(files: Sequence[UploadedFile]) -> tuple[str, ...]:
    others = [file.name for file in files if not (_is_photo(file) or is_zip(file.name) or is_table(file.name))]
    others = [name for name in others if not is_passed_over(name)]
    if not others:
        return ()
    files_are = "1 file is" if len(others) == 1 else f"{len(others)} files are"
    return (f"{files_are} passed over, being no photos: {others[0]}{', …' if len(others) > 1 else ''}.",)
