"""Writes results where a path leads: to a file, through a link, into a pipe or a device.

A regular file is there whole or not at all: new content is written beside it and renamed. A link stays a link, and what
it leads to is written. Anything else (`/dev/stdout`, a named pipe, `>(…)`) is opened and written to as it is.
"""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from fiqa.errors import SettingError

_TABLE_SUFFIXES = ("", "txt")
_DEVICES = (Path("/dev"), Path("/dev/fd"))
_PROCESSES = Path("/proc")
"""What lies there stands for something already open, even where it looks like a regular file; `/dev/shm` is a disk."""


def chosen_format(asked: str | None, output: Path | None, formats: Collection[str]) -> str:
    """Return which of `formats` to write: the one asked for, else that of the output's suffix, else a table.

    Raises SettingError for a suffix that none of them has, unless one was asked for.
    """
    suffix = output.suffix.removeprefix(".").lower() if output else ""
    if asked or suffix in formats:
        return asked or suffix
    if suffix not in _TABLE_SUFFIXES:
        *others, last = sorted(f".{name}" for name in {*formats, "txt"} - {"table"})
        raise SettingError(
            f"{output} would not hold what its suffix says: end it in {', '.join(others)} or {last}, or say --format."
        )
    return "table"


def check_writable(path: Path, inputs: Iterable[str | Path] = ()) -> None:
    """Refuse a place that cannot be written, or that holds an input, before the work is done; raises SettingError.

    Whether a folder takes a file is found out by making one there: rights alone say too much of the superuser.
    """
    target = _follow(path)
    if any(_is_same(path, each) for each in inputs):
        raise SettingError(f"{path} is one of the photos and would be overwritten: name another file.")
    opened, exists = _is_opened(path), target.exists()
    if not opened and (target.is_dir() or not target.parent.is_dir()):
        raise SettingError(f"{path} cannot be written: name a file in a folder that exists.")
    if (opened or exists) and not os.access(path, os.W_OK):
        raise SettingError(f"{path} cannot be written: permission denied.")
    if not opened and (not exists or os.access(target.parent, os.W_OK)):  # else it is written into as it is
        _try_folder(path, target.parent)


def write_file(path: Path, data: bytes) -> None:
    """Write data where `path` leads; raises SettingError when that fails, and leaves a regular file as it was."""
    try:
        target = _follow(path)
        if _is_opened(path) or not os.access(target.parent, os.W_OK):
            _write_into(path, data)
        else:
            _replace(target, data)
    except OSError as error:
        raise SettingError(f"{path} cannot be written: {error.strerror or error}.") from error


def _try_folder(path: Path, folder: Path) -> None:
    """Make a file that has no name in the folder of `path`, and forget it; raises SettingError where that fails."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise SettingError(f"{path} cannot be written: {error.strerror or error}.") from error


def make_folder(path: Path) -> None:
    """Make a folder, and those it lies in; raises SettingError when that fails."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(f"The folder {path} cannot be made: {error.strerror}.") from error


def _follow(path: Path) -> Path:
    """Return what a link leads to, in the end, be it there or not."""
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise SettingError(f"{path} cannot be written: its links lead in a circle.") from error


def _is_opened(path: Path) -> bool:
    """Whether a path, or what a link leads to, is written to as it is, and never replaced."""
    return _is_special(path) or any(_stands_for_open(each) for each in _links(path))


def _links(path: Path) -> Iterator[Path]:
    """Yield a path and what it leads to, link by link."""
    yield path
    while path.is_symlink() and not _stands_for_open(path):
        path = path.parent / path.readlink()
        yield path


def _stands_for_open(path: Path) -> bool:
    folder = path.parent.resolve()
    return folder in _DEVICES or _PROCESSES in folder.parents


def _is_special(path: Path) -> bool:
    with suppress(OSError):
        mode = path.stat().st_mode
        return not (S_ISREG(mode) or S_ISDIR(mode))
    return False


def _write_into(path: Path, data: bytes) -> None:
    """Write to what a path opens. Behind `/dev/stdout` may be a file that a shell adds to, so nothing is cut off."""
    cut = 0 if _is_opened(path) else os.O_TRUNC
    with open(os.open(path, os.O_WRONLY | os.O_APPEND | cut), "wb") as file:  # noqa: PTH123  a descriptor, not a path
        file.write(data)


def _replace(target: Path, data: bytes) -> None:
    part = target.with_name(f".{os.getpid()}.part")
    try:
        part.write_bytes(data)
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _is_same(path: Path, other: str | Path) -> bool:
    try:
        return path.samefile(other)
    except (OSError, ValueError):
        return False
