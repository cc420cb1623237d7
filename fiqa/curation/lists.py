"""Photos as a list for the next program: text, CSV or JSON Lines, captions with their pictures.

A caption is a text file beside a picture, of the same name but for the suffix: `a.jpg`, `a.txt`.
"""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from io import StringIO
from pathlib import Path

from fiqa.curation.rules import SortedPhoto
from fiqa.errors import SettingError

CAPTION_SUFFIX = ".txt"
MAX_CAPTION_BYTES = 2**20


@dataclass(frozen=True)
class ListEntry:
    """One photo of a list; `score` and `caption` are None where there is none."""

    path: str
    verdict: str
    score: float | None
    caption: str | None = None


COLUMNS = tuple(field.name for field in fields(ListEntry))


def caption_of(photo: Path) -> Path | None:
    """Return the caption of a photo, None where it has none."""
    caption = photo.with_suffix(CAPTION_SUFFIX)
    return caption if caption != photo and caption.is_file() else None


def read_caption(photo: Path) -> str | None:
    """Return the text of a photo's caption, None where it has none; raises SettingError for one that is no text."""
    caption = caption_of(photo)
    if caption is None:
        return None
    try:
        with caption.open("rb") as file:
            text = file.read(MAX_CAPTION_BYTES + 1).decode("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingError(f"The caption {caption} cannot be read: expected text in UTF-8.") from None
    if len(text) > MAX_CAPTION_BYTES:
        raise SettingError(f"The caption {caption} is larger than {MAX_CAPTION_BYTES >> 20} MiB.")
    return text


def to_text(entries: Sequence[ListEntry]) -> str:
    """Return a path a line; raises SettingError for a name that holds a line end."""
    if broken := next((entry.path for entry in entries if len(entry.path.splitlines()) > 1), None):
        raise SettingError(f"The name {broken!r} holds a line end: write the list as .csv or .jsonl.")
    return "".join(f"{entry.path}\n" for entry in entries)


def to_csv(entries: Sequence[ListEntry]) -> str:
    """Return a line a photo under `COLUMNS`."""
    buffer = StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(entry) for entry in entries)
    return buffer.getvalue()


def to_json_lines(entries: Sequence[ListEntry]) -> str:
    """Return an object a line, under `COLUMNS`."""
    return "".join(json.dumps(asdict(entry)) + "\n" for entry in entries)


FORMATS: dict[str, Callable[[Sequence[ListEntry]], str]] = {
    ".txt": to_text,
    ".csv": to_csv,
    ".jsonl": to_json_lines,
}
"""By the suffix of the list."""


def list_format(suffix: str) -> Callable[[Sequence[ListEntry]], str]:
    """Return what writes the list that a suffix stands for; raises SettingError for any other."""
    if suffix.lower() not in FORMATS:
        raise SettingError(f"A list ends in one of {', '.join(FORMATS)}, not in {suffix or 'nothing'!r}.")
    return FORMATS[suffix.lower()]


def list_photos(photos: Sequence[SortedPhoto], folder: Path) -> list[ListEntry]:
    """Return the entries of photos in a folder, with their captions; raises SettingError for one that is no text."""
    paths = [folder / photo.name for photo in photos]
    return [
        ListEntry(str(path), photo.verdict, photo.facts.score, read_caption(path))
        for photo, path in zip(photos, paths, strict=True)
    ]
