"""Files and folders that are there whole or not at all, whatever stops the writing.

New content is written beside its place, forced to the disk and renamed. A process killed half-way, a full
disk or a power cut leaves the old content, and at worst a `.part` that the next writing replaces.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, BinaryIO

from safetensors import SafetensorError

from training.errors import RunError, StorageError


def replace_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a file that then takes the place of `path`; raise StorageError when it cannot."""
    path = path.resolve()  # links are written through
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except (OSError, RuntimeError, SafetensorError) as error:  # torch turns an OSError into a RuntimeError
        _remove(part)
        raise StorageError(_message(path, error)) from error


def replace_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8 whole or not at all."""
    replace_file(path, lambda file: file.write(text.encode()))


def replace_folder(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a folder that then takes the place of `path`; raise StorageError when it cannot.

    Not every system can exchange two folders in one step. A kill between the two renames leaves the former
    folder aside, where `recover_folder` finds it.
    """
    path = path.resolve()  # links are written through
    new, former = path.with_name(f".{path.name}.part"), _former(path)
    try:
        for leftover in (new, former):
            shutil.rmtree(leftover, ignore_errors=True)
        new.mkdir(parents=True)
        write(new)
        if path.exists():
            path.replace(former)
        new.replace(path)
        shutil.rmtree(former, ignore_errors=True)
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(new, ignore_errors=True)
        raise StorageError(_message(path, error)) from error


def recover_folder(path: Path) -> None:
    """Put the former folder back where a kill interrupted an exchange between its two renames."""
    path = path.resolve()
    if not path.exists() and _former(path).exists():
        _former(path).replace(path)


def lock_folder(folder: Path) -> IO[str]:
    """Keep other processes out of a folder until the returned file is closed or this process ends, however it does.

    Raises RunError when another process is in there. Where the system has no such locks, nobody is kept out.
    """
    lock = (folder / ".lock").open("w", encoding="utf-8")
    if os.name == "posix":
        import fcntl

        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise RunError(
                f"Another process is training in {folder}: wait for it, or choose another --output."
            ) from error
    return lock


def _former(path: Path) -> Path:
    return path.with_name(f".{path.name}.former")


def _remove(part: Path) -> None:
    try:
        part.unlink(missing_ok=True)
    except OSError:
        return  # the first error is the one to report


def _message(path: Path, error: BaseException) -> str:
    return f"{path} cannot be written ({_reason(error)}); free some space or choose another folder, then run again."


def _reason(error: BaseException) -> str:
    """Return the operating system's words for what went wrong, which torch hides behind its own."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__context__
    return (str(error).splitlines() or [type(error).__name__])[0]
