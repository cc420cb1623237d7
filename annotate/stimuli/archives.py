"""Zips of pictures: read an entry at a time within limits, never unpacked to disk; their names are names and no paths.

A zip says of an entry whether its name is UTF-8. Where it does not, a second name in UTF-8 may stand beside it; or
else the name is in whatever encoding its maker used: UTF-8 on a Mac, GBK on a Chinese Windows, cp437 by the standard.
They are tried in that order, and what was guessed is told.
"""

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from annotate.errors import StimulusError
from annotate.names import normalized
from annotate.stimuli.files import MAX_IMAGE_BYTES

MAX_UNPACKING = 200
"""Bytes that a byte of a zip may become: pictures are compressed already."""
SMALL_ZIP_BYTES = 2**24
"""Unpacking to less than this harms nobody, however small the zip."""
ARCHIVE_SUFFIXES = frozenset({".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zip"})
_ENCRYPTED, _UTF_8 = 0x1, 0x800
_UNICODE_PATH = 0x7075
_DRIVE = re.compile(r"[A-Za-z]:")


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip; raise StimulusError when it cannot be read."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise StimulusError(f"{path.name} is neither a folder nor a zip or CSV that can be read.") from None
    with archive:
        yield archive


def list_entries(archive: zipfile.ZipFile) -> tuple[dict[str, zipfile.ZipInfo], tuple[str, ...]]:
    """Return the files by their names, in NFC and with "/" between folders, and what was guessed of the names.

    Raises StimulusError when the zip is up to something.
    """
    files: dict[str, zipfile.ZipInfo] = {}
    guessed: list[str] = []
    for entry in archive.infolist():
        name, certain = _name_of(entry)
        if name.endswith("/"):
            continue
        _check_entry(entry, name)
        if name in files:
            raise StimulusError("The zip has several entries of one name; pack it anew.")
        files[name] = entry
        guessed += [] if certain else [name]
    _check_size(archive)
    return files, (_told(guessed),) if guessed else ()


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bytes:
    """Return the content of an entry; raise StimulusError when it cannot be unpacked."""
    if entry.file_size > MAX_IMAGE_BYTES:
        raise StimulusError(f"{name} is larger than {MAX_IMAGE_BYTES >> 20} MiB.")
    try:
        with archive.open(entry) as file:
            return file.read(MAX_IMAGE_BYTES + 1)
    except Exception as error:  # noqa: BLE001  damaged archives fail in every way
        raise StimulusError(f"{name} cannot be unpacked ({error}).") from None


def _told(guessed: Sequence[str]) -> str:
    more = f" (and {len(guessed) - 1} more)" if len(guessed) > 1 else ""
    return (
        f"The zip does not say how its names are encoded: {guessed[0]}{more} was guessed. "
        "If that is wrong, pack it anew with names in UTF-8."
    )


def _name_of(entry: zipfile.ZipInfo) -> tuple[str, bool]:
    """Return the name of an entry, and whether its encoding is certain; UTF-8 that decodes is."""
    name, certain = entry.filename, True
    if not entry.flag_bits & _UTF_8:
        raw = entry.orig_filename.encode("cp437")
        name, certain = _decoded(raw) if (unicode := _unicode_path(entry.extra, raw)) is None else (unicode, True)
    return normalized(name.replace("\\", "/")), certain


def _decoded(raw: bytes) -> tuple[str, bool]:
    for encoding in ("utf-8", "gb2312"):  # the part of GBK that no name in cp437 looks like
        try:
            return raw.decode(encoding), encoding == "utf-8"
        except UnicodeDecodeError:
            continue
    return raw.decode("cp437"), False


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """Return the name in UTF-8 that Info-ZIP and others write beside one in another encoding."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and len(field) > 5 and field[1:5] == struct.pack("<L", zlib.crc32(raw)):
            return field[5:].decode("utf-8", "replace")
    return None


def _check_entry(entry: zipfile.ZipInfo, name: str) -> None:
    path = PurePosixPath(name)
    shown = name[:80]
    if not path.parts or ".." in path.parts or path.is_absolute() or _DRIVE.match(name):
        raise StimulusError(f"The zip has an entry that leads out of it ({shown!r}); pack it anew.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise StimulusError(f"The zip has a link ({shown!r}); pack the pictures themselves.")
    if entry.flag_bits & _ENCRYPTED:
        raise StimulusError("The zip is encrypted; pack it without a password.")
    if path.suffix.lower() in ARCHIVE_SUFFIXES:
        raise StimulusError(f"The zip holds another archive ({shown!r}); pack the pictures themselves.")


def _check_size(archive: zipfile.ZipFile) -> None:
    unpacked = sum(entry.file_size for entry in archive.infolist())
    packed = Path(str(archive.filename)).stat().st_size
    if unpacked > max(SMALL_ZIP_BYTES, MAX_UNPACKING * packed):
        raise StimulusError(f"The zip would unpack to {unpacked >> 20} MiB, too much for pictures; pack it anew.")
