"""Where photos come from: the words of a command line, each a photo, a folder, a pattern or `-` for standard input.

A folder is searched to its bottom, then through the links in it. A link to a folder that was searched already, or to
one that holds the folder it lies in, leads in a circle or out of what was asked for: it is passed over and counted.
Taken is what has the suffix of a photo or begins like one; hidden files and those that systems keep for themselves are
passed over without a word, everything else is counted.
"""

import glob
import os
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import normalize

from fiqa.errors import SettingError
from fiqa.photos.images import MAX_FILE_BYTES, PHOTO_SUFFIXES, begins_like_a_photo

STANDARD_INPUT = "-"
SYSTEM_NAMES = frozenset({
    "@eadir", "#recycle", "$recycle.bin", "__macosx", "desktop.ini", "lost+found", "system volume information",
    "thumbs.db",
})  # fmt: skip
"""What network drives, Windows and macOS put into folders of photos, in lower case; as in annotate/names.py."""


@dataclass
class FoundPhotos:
    """What the words stand for: `paths` in their order, each once, and what there is to say about the search.

    `passed_over` counts files that are no photos by suffix, `circular` are links to folders that were or are being
    searched, `troubles` are sentences about words without a photo and
    about folders that could not be read.
    """

    paths: list[str] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    circular: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def remark(self) -> str | None:
        """Return one line that says what was passed over: files, the commonest suffixes first, and links."""
        return "; ".join(filter(None, (self._files_remark(), self._links_remark()))) or None

    def _files_remark(self) -> str | None:
        if not (total := self.passed_over.total()):
            return None
        commonest = sorted(self.passed_over.items(), key=lambda each: (-each[1], each[0]))[:5]
        kinds = [f"{count} {suffix or 'without suffix'}" for suffix, count in commonest]
        more = ["others"] if len(self.passed_over) > len(kinds) else []
        files = "file that is no photo was" if total == 1 else "files that are no photos were"
        return f"{total} {files} passed over: {', '.join([*kinds, *more])}"

    def _links_remark(self) -> str | None:
        if not self.circular:
            return None
        links = "link to a folder was" if len(self.circular) == 1 else "links to folders were"
        return (
            f"{len(self.circular)} {links} passed over, as folders above a link and those searched already are not "
            f"searched again: {self.circular[0]}"
        )


def find_photos(words: Iterable[str]) -> FoundPhotos:
    """Find the photos that words stand for; a path to nothing is kept, so that it gets an error of its own.

    Raises SettingError for a word that stands for nothing at all.
    """
    found = FoundPhotos()
    for word in words:
        if not word.strip():
            raise SettingError("An empty path was given: name a photo, a folder or a pattern.")
        found.paths += _stand_for(word, found)
    found.paths = list(dict.fromkeys(found.paths))
    return found


def read_photos(paths: Sequence[str]) -> Iterator[str | bytes]:
    """Yield each path as it is, and for `-` the bytes on standard input, when their turn has come."""
    for path in paths:
        yield read_standard_input() if path == STANDARD_INPUT else path


def read_standard_input() -> bytes:
    """Return what is on standard input, up to the size limit of photos; raises SettingError for a terminal."""
    if sys.stdin is None or sys.stdin.isatty():
        raise SettingError("There is nothing on standard input: pipe a photo into it, or name a file.")
    return sys.stdin.buffer.read(MAX_FILE_BYTES + 1)


def is_passed_over(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or a system's own."""
    return name.startswith(".") or name.casefold() in SYSTEM_NAMES


def as_on_disk(folder: Path, name: str) -> str:
    """Return the path of a file in a folder, which a table names, as it is written here.

    A table may come from Windows, with backslashes between folders, or have its marks in another Unicode form than the
    file's name. Where there is no such file in any spelling, the name is returned with slashes.
    """
    spellings = (name, *(normalize(form, name.replace("\\", "/")) for form in ("NFC", "NFD")))
    return next((each for each in spellings if (folder / each).is_file()), spellings[1])


def _stand_for(word: str, found: FoundPhotos) -> list[str]:
    path = Path(word)
    if path.is_dir():
        photos = _in_folder(path, found)
        if not photos:
            found.troubles.append(f"{word} is a folder without photos")
        return photos
    if word == STANDARD_INPUT or path.exists() or not glob.has_magic(word):
        return [word]
    matches = _matches(word)
    return [photo for match in matches for photo in _stand_for(match, found)] or ([] if matches else [word])


def _matches(pattern: str) -> list[str]:
    """Return what a pattern matches; the folders it begins with are taken literally where they exist."""
    parts = Path(pattern).parts
    literal = max(count for count in range(len(parts)) if count == 0 or Path(*parts[:count]).is_dir())
    beginning = [glob.escape(part) for part in parts[:literal]]
    matched = sorted(glob.glob(os.path.join(*beginning, *parts[literal:]), recursive=True))  # noqa: PTH118, PTH207  Path.glob takes no absolute pattern
    hidden = SYSTEM_NAMES.difference(part.lower() for part in parts)  # glob itself passes over names with a dot
    return [match for match in matched if hidden.isdisjoint(part.lower() for part in Path(match).parts[literal:])]


def walk_photos(folder: Path, found: FoundPhotos) -> Iterator[str]:
    """Yield the photos of a folder and of those in it, one folder after the other; `found` notes what is not taken."""
    for file in _files(folder, found):
        if file.suffix.lower() in PHOTO_SUFFIXES or begins_like_a_photo(file):
            yield str(file)
        else:
            found.passed_over[file.suffix.lower()] += 1


def _in_folder(folder: Path, found: FoundPhotos) -> list[str]:
    return [str(photo) for photo in sorted(map(Path, walk_photos(folder, found)))]


def _files(folder: Path, found: FoundPhotos) -> Iterator[Path]:
    """Yield the files of a folder, then of those that links in it lead to, each folder once; `found` notes the rest."""

    def complain(error: OSError) -> None:
        found.troubles.append(f"{error.filename} cannot be read: {error.strerror}")

    seen: set[tuple[int, int]] = set()
    starts = deque([folder])
    while starts:
        start = starts.popleft()
        if start != folder and (_identity(start) in seen or _holds_itself(start)):
            found.circular.append(str(start))
            continue
        for parent, folders, names in os.walk(start, onerror=complain):
            folders[:] = sorted(name for name in folders if not is_passed_over(name))
            if (identity := _identity(Path(parent))) in seen:
                folders.clear()
                continue
            seen.add(identity)
            starts += [link for name in folders if (link := Path(parent, name)).is_symlink()]  # os.walk follows none
            yield from (Path(parent, name) for name in sorted(names) if not is_passed_over(name))


def _identity(folder: Path) -> tuple[int, int]:
    """Return what tells a folder from all others, under whatever name."""
    status = folder.stat()
    return status.st_dev, status.st_ino


def _holds_itself(link: Path) -> bool:
    """Whether a link leads to a folder that it lies in."""
    return link.parent.resolve().is_relative_to(link.resolve())
