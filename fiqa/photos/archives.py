"""Photos in a zip: read one at a time within limits, never unpacked to disk, so that no entry's name is ever a path.

A zip is refused that is encrypted, that holds links, other zips or names that lead out of it, or that would unpack to
much more than pictures do. Names that are not said to be UTF-8 are read as UTF-8 where they can be, else as cp437, the
encoding of the standard.
"""

import stat
import unicodedata
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fiqa.errors import PhotoError, SettingError
from fiqa.photos.images import MAX_FILE_BYTES, PHOTO_SUFFIXES
from fiqa.photos.sources import is_passed_over

MAX_ENTRIES = 100_000
MAX_UNPACKING = 200
"""Bytes that a byte of a zip may become: photos are compressed already."""
SMALL_ZIP_BYTES = 2**24
"""Unpacking to less than this harms nobody, however small the zip."""
ARCHIVE_SUFFIXES = frozenset({".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zip"})
_ENCRYPTED, _UTF_8 = 0x1, 0x800


@dataclass(frozen=True)
class ZippedPhoto:
    """A photo in a zip, read when its turn has come; the zip stays open as long as one of its photos is known."""

    archive: zipfile.ZipFile
    entry: zipfile.ZipInfo

    def __str__(self) -> str:
        """Return the zip's path, and the name within it."""
        return f"{self.archive.filename}/{self.entry.filename}"

    def read(self) -> bytes:
        """Return the bytes of the photo; raises PhotoError when it cannot be unpacked or is too large."""
        name = PurePosixPath(self.entry.filename).name
        if self.entry.file_size > MAX_FILE_BYTES:
            raise PhotoError(f"{name} is larger than {MAX_FILE_BYTES >> 20} MiB; save it smaller.")
        try:
            with self.archive.open(self.entry) as file:
                return file.read(MAX_FILE_BYTES + 1)
        except Exception as error:  # noqa: BLE001  damaged archives fail in every way
            raise PhotoError(f"{name} cannot be unpacked ({error}).") from None


PhotoFile = str | ZippedPhoto
"""Where a photo lies: a path, or a place in a zip."""


def photo_source(photo: PhotoFile) -> str | bytes:
    """Return what `decode_photo` takes: the path, or the bytes out of the zip; raises PhotoError."""
    return photo if isinstance(photo, str) else photo.read()


def list_zipped_photos(path: str | Path, *, name: str | None = None) -> dict[PurePosixPath, ZippedPhoto]:
    """Return the photos of a zip by their path within it, in composed Unicode; other files are passed over.

    Raises SettingError when it is no zip that can be read, or is up to something; `name` is what its owner calls it.
    """
    called = name or Path(path).name
    archive = _open(path, called)
    if len(archive.infolist()) > MAX_ENTRIES:
        raise SettingError(f"{called} has {len(archive.infolist())} entries, {MAX_ENTRIES} at most are read: split it.")
    photos: dict[PurePosixPath, ZippedPhoto] = {}
    for entry in archive.infolist():
        place = PurePosixPath(_name_of(entry))
        if entry.is_dir() or not place.parts:
            continue
        _check_entry(entry, place, called)
        if any(map(is_passed_over, place.parts)) or place.suffix.lower() not in PHOTO_SUFFIXES:
            continue
        if place in photos:
            raise SettingError(f"{called} has several entries called {str(place)[:80]}: pack it anew.")
        photos[place] = ZippedPhoto(archive, entry)
    _check_size(archive, Path(path), called)
    return _without_common_folder(photos)


def is_zip(path: str | Path) -> bool:
    """Whether a file is called a zip."""
    return Path(path).suffix.lower() == ".zip"


def _open(path: str | Path, called: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise SettingError(f"{called} is no zip that can be read: pack the photos anew.") from None


def _name_of(entry: zipfile.ZipInfo) -> str:
    name = entry.filename
    if not entry.flag_bits & _UTF_8:
        raw = entry.orig_filename.encode("cp437", "replace")
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            name = entry.filename
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def _check_entry(entry: zipfile.ZipInfo, place: PurePosixPath, called: str) -> None:
    shown = str(place)[:80]
    if ".." in place.parts or place.is_absolute() or ":" in place.parts[0]:
        raise SettingError(f"{called} has an entry that leads out of it ({shown!r}): pack it anew.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise SettingError(f"{called} has a link ({shown!r}): pack the photos themselves.")
    if entry.flag_bits & _ENCRYPTED:
        raise SettingError(f"{called} is encrypted: pack it without a password.")
    if place.suffix.lower() in ARCHIVE_SUFFIXES:
        raise SettingError(f"{called} holds another archive ({shown!r}): pack the photos themselves.")


def _check_size(archive: zipfile.ZipFile, path: Path, called: str) -> None:
    unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > max(SMALL_ZIP_BYTES, MAX_UNPACKING * path.stat().st_size):
        raise SettingError(f"{called} would unpack to {unpacked >> 20} MiB, too much for photos: pack it anew.")


def _without_common_folder(photos: dict[PurePosixPath, ZippedPhoto]) -> dict[PurePosixPath, ZippedPhoto]:
    """Take away the single folder that a Mac or Windows packs around what was chosen."""
    tops = {place.parts[0] for place in photos}
    if len(tops) != 1 or any(len(place.parts) == 1 for place in photos):
        return photos
    return {PurePosixPath(*place.parts[1:]): photo for place, photo in photos.items()}
