"""Files elsewhere, as fsspec reaches them: https, s3, gs, hf and whatever else it has a package for.

A photo is fetched by whoever scores it, so that many processes or machines fetch at a time.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from fiqa.errors import PhotoError, SettingError
from fiqa.photos.images import MAX_FILE_BYTES, PHOTO_SUFFIXES, StoredPhoto
from fiqa.photos.sources import is_passed_over

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

URL = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
TRIES = 3
FIRST_PAUSE_S = 0.5
"""Before a photo is asked for again after the network failed; twice as long before the next time."""
FINAL = (FileNotFoundError, PermissionError, NotImplementedError, ValueError)
"""What asking again does not change."""


@dataclass(frozen=True)
class RemotePhoto(StoredPhoto):
    """A photo at a URL."""

    url: str

    def __str__(self) -> str:
        """Return the URL."""
        return self.url

    def read(self) -> bytes:
        """Fetch the file, up to the size limit and one byte more; raises PhotoError."""
        files, path = filesystem(self.url)
        for left in reversed(range(TRIES)):
            try:
                with files.open(path, "rb") as file:
                    return cast("bytes", file.read(MAX_FILE_BYTES + 1))
            except Exception as error:  # every service has errors of its own
                if not left or isinstance(error, FINAL):
                    raise PhotoError(f"{self.url} cannot be fetched: {_reason(error)}.") from error
                time.sleep(FIRST_PAUSE_S * 2 ** (TRIES - 1 - left))
        raise AssertionError  # pragma: no cover  the last try returns or raises


def is_url(word: str) -> bool:
    """Whether a word is a URL; a path with the letter of a drive is none."""
    return URL.match(word) is not None


def filesystem(url: str) -> "tuple[AbstractFileSystem, str]":
    """Return where a URL leads and the path there; raise SettingError where the package for its kind is missing."""
    kind = url.partition(":")[0]
    try:
        from fsspec.core import url_to_fs

        files, path = url_to_fs(url)
    except ImportError as error:
        install = "`pip install 'fiqa[urls]'`" if kind in {"http", "https"} else f"the package it names ({error})"
        raise SettingError(f"{kind}:// needs a package that is not installed: install {install}.") from error
    except Exception as error:
        raise SettingError(f"{url} cannot be reached: {_reason(error)}.") from error
    return files, cast("str", path)


@contextmanager
def open_file(name: str) -> Iterator[BinaryIO]:
    """Open a local file or one at a URL to be read; raises OSError, or SettingError for a URL that leads nowhere."""
    if not is_url(name):
        with Path(name).open("rb") as file:
            yield file
        return
    files, path = filesystem(name)
    try:
        opened = files.open(path, "rb")
    except Exception as error:
        raise SettingError(f"{name} cannot be read: {_reason(error)}.") from error
    with opened:
        yield opened


def beside(name: str, other: str) -> str:
    """Return the URL that `other` means in a list at the URL `name`: itself where it is one, else one beside it."""
    if is_url(other):
        return other
    plain = other.replace("\\", "/").lstrip("/")
    return f"{name.rpartition('/')[0]}/{plain}"


def files_at(url: str) -> Iterator[str]:
    """Yield the URLs that a URL stands for: those a pattern matches, the photos of a folder to its bottom, or itself.

    Raises SettingError where nothing is there.
    """
    files, path = filesystem(url)
    try:
        if _is_pattern(url):
            yield from (_unstripped(files, url, each) for each in _matching(files, path, url))
        elif url.endswith("/") or (not PurePosixPath(path).suffix and files.isdir(path)):
            yield from (_unstripped(files, url, each) for each in _photos_below(files, path))
        else:
            yield url
    except SettingError:
        raise
    except Exception as error:
        raise SettingError(f"{url} cannot be listed: {_reason(error)}.") from error


def is_one_file(url: str) -> bool:
    """Whether a URL says by itself that it stands for one file: `files_at` yields it as it is, and asks nobody."""
    return not _is_pattern(url) and not url.endswith("/") and bool(PurePosixPath(url.partition("?")[0]).suffix)


def _is_pattern(url: str) -> bool:
    return "*" in url and not url.lower().startswith("http")


def _matching(files: "AbstractFileSystem", pattern: str, url: str) -> list[str]:
    if not (matches := sorted(files.glob(pattern))):
        raise SettingError(f"{url} matches nothing.")
    return matches


def _photos_below(files: "AbstractFileSystem", path: str) -> Iterator[str]:
    """Yield the photos of a folder and of those in it, one folder's names at a time."""
    for parent, folders, names in files.walk(path, on_error="raise"):
        folders[:] = sorted(name for name in folders if not is_passed_over(name))
        for name in sorted(names):
            if PurePosixPath(name).suffix.lower() in PHOTO_SUFFIXES and not is_passed_over(name):
                yield f"{parent.rstrip('/')}/{name}"


def _unstripped(files: "AbstractFileSystem", url: str, path: str) -> str:
    """Return the URL of a path, in the scheme of the URL it was found by."""
    found: Any = files.unstrip_protocol(path)
    return f"{url.partition(':')[0]}:{str(found).partition(':')[2]}"


def _reason(error: BaseException) -> str:
    """Return what an error says in one line, and what it is where it says nothing."""
    return (str(error).strip().splitlines() or [""])[0].rstrip(".") or type(error).__name__
