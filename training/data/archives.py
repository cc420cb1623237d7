"""Unpacks ZIP and tar archives from elsewhere, into one folder and nowhere else.

Refused are members whose path leads out of the folder (absolute, with `..`, with a drive), and anything that is no
plain file or folder: links and devices could do the same by a detour. Nothing is written before every name was read.
A file takes its place when it is whole, so an unpacking that was stopped goes on where it was.
"""

import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any, Protocol

from tqdm import tqdm

from training.errors import DataError, StorageError

SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz")
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, NotImplementedError, OSError)
"""What the libraries raise for an archive that is cut short, damaged or encrypted."""


@dataclass(frozen=True)
class Member:
    """A file in an archive: its path with slashes, its size in bytes, and the library's own record of it."""

    path: str
    size: int
    record: Any


class Archive(Protocol):
    """A ZIP or tar archive that is open."""

    def members(self) -> Iterator[Member]:
        """Yield its files; raise DataError for what is neither a plain file nor a folder."""
        ...

    def open(self, member: Member) -> IO[bytes]:
        """Open one of its files."""
        ...


def is_archive(path: Path) -> bool:
    """Whether a file is named as an archive that can be unpacked."""
    return path.name.lower().endswith(SUFFIXES)


def unpack(archive: Path, folder: Path) -> int:
    """Unpack an archive into a folder; return how many files it holds.

    Raises DataError when the archive is damaged or a member would lie outside the folder, StorageError when the disk is
    too full.
    """
    with _opened(archive) as opened:
        members = list(_read_members(opened, archive))
        for member in members:
            check_path(member.path, archive)
        missing = [member for member in members if not _is_there(folder / member.path, member.size)]
        require_space(folder, sum(member.size for member in missing))
        for member in tqdm(missing, desc=f"unpacking {archive.name}", unit="file", leave=False, disable=None):
            _write(opened, member, folder / member.path, archive)
    return len(members)


def check_path(name: str, archive: Path) -> None:
    """Raise DataError when the path of a member would lead out of the folder it is unpacked into."""
    windows, path = PureWindowsPath(name), PurePosixPath(name)
    if path.is_absolute() or windows.drive or windows.root or ".." in (*path.parts, *windows.parts):
        raise DataError(f"{archive.name} holds {name!r}, which would lie outside the folder: nothing was unpacked.")


def require_space(folder: Path, needed: int) -> None:
    """Raise StorageError when the disk that a folder lies on, or will lie on, has fewer free bytes than needed."""
    there = next(each for each in (folder, *folder.resolve().parents) if each.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise StorageError(
            f"{folder} needs {gigabytes(needed)} and its disk has {gigabytes(free)} free: free some, or name another "
            "folder with --output."
        )


def gigabytes(count: int) -> str:
    """Return a number of bytes in GB."""
    return f"{count / 1e9:.1f} GB"


class _Zip:
    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file

    def members(self) -> Iterator[Member]:
        """Yield its files."""
        for record in self._file.infolist():
            if (record.external_attr >> 16) & 0o170000 == 0o120000:
                raise DataError(f"it holds the link {record.filename!r}")
            if not record.is_dir():
                yield Member(record.filename, record.file_size, record)

    def open(self, member: Member) -> IO[bytes]:
        """Open one of its files."""
        return self._file.open(member.record)


class _Tar:
    def __init__(self, file: tarfile.TarFile) -> None:
        self._file = file

    def members(self) -> Iterator[Member]:
        """Yield its files."""
        for record in self._file:
            if not record.isfile() and not record.isdir():
                raise DataError(f"it holds {record.name!r}, a link or a device")
            if record.isfile():
                yield Member(record.name, record.size, record)

    def open(self, member: Member) -> IO[bytes]:
        """Open one of its files."""
        opened = self._file.extractfile(member.record)
        if opened is None:
            raise DataError(f"{member.path!r} cannot be read")
        return opened


@contextmanager
def _opened(archive: Path) -> Iterator[Archive]:
    try:
        if archive.name.lower().endswith(".zip"):
            with zipfile.ZipFile(archive) as file:
                yield _Zip(file)
        else:
            with tarfile.open(archive) as file:
                yield _Tar(file)
    except DAMAGED as error:
        raise DataError(f"{archive} cannot be unpacked ({error}): delete it and fetch it again.") from error


def _read_members(opened: Archive, archive: Path) -> Iterator[Member]:
    try:
        yield from opened.members()
    except DataError as error:
        raise DataError(f"{archive.name} was not unpacked: {error}.") from error


def _is_there(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _write(opened: Archive, member: Member, target: Path, archive: Path) -> None:
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened.open(member) as source, part.open("wb") as file:
            shutil.copyfileobj(source, file, 2**20)
    except FileExistsError as error:
        raise DataError(f"{archive.name} holds {member.path!r} as a file and as a folder.") from error
    if part.stat().st_size != member.size:
        raise DataError(f"{archive.name} holds {member.path!r} with another size than it says: fetch it again.")
    part.replace(target)
