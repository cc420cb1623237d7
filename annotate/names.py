"""Names as different systems write them: those of pictures, people and studies.

A Mac writes "ü" as "u" and a combining mark (NFD), everybody else as one character (NFC): the names look the same and
are not equal. They are kept and compared in NFC. Windows has a backslash between folders, everybody else "/", which is
what is kept. Systems also leave files of their own beside people's: previews, recycle bins, the __MACOSX of zips.
"""

import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TypeVar

Value = TypeVar("Value")

_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories: control characters, halves of characters, line and paragraph separators."""
SYSTEM_NAMES = frozenset({
    "@eadir", "#recycle", "$recycle.bin", "__macosx", "desktop.ini", "lost+found", "system volume information",
    "thumbs.db",
})  # fmt: skip
"""What network drives, Windows and macOS put into folders of pictures, in lower case; as in fiqa/photos/sources.py,
which no module of this package may import: a test compares the two."""


def normalized(name: str) -> str:
    """Return the name in NFC."""
    return unicodedata.normalize("NFC", name)


def find_by_name(known: Mapping[str, Value], name: str) -> tuple[str, Value] | None:
    """Return the key, in NFC, and value of a name; its backslashes are separators where there is no such name."""
    for spelled in (normalized(name), PurePosixPath(normalized(name).replace("\\", "/")).as_posix()):
        if spelled in known:
            return spelled, known[spelled]
    return None


def control_character(name: str) -> str | None:
    """Return the first control character of a name as "U+0007", None where it has none.

    Marks that join or separate letters, as in Persian names and in emoji, are none.
    """
    return next((f"U+{ord(char):04X}" for char in name if unicodedata.category(char) in _CONTROLS), None)


def is_hidden(name: str) -> bool:
    """Whether a file, by its path, is hidden or a system's own: in a folder of previews, or a leftover."""
    parts = PurePosixPath(name).parts
    return any(part.startswith(".") or part.casefold() in SYSTEM_NAMES for part in parts)
