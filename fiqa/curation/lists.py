"""Photos as a list for the next program: text, CSV or JSON Lines, captions with their pictures.

A caption is a text file beside a picture, of the same name but for the suffix: `a.jpg`, `a.txt`.
"""

import csv
import json
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path

from fiqa.curation.rules import SortedPhoto
from fiqa.errors import SettingError

CAPTION_SUFFIX = ".txt"
MAX_CAPTION_BYTES = 2**20
COLUMNS = ("path", "verdict", "score", "caption")


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


def to_text(photos: Sequence[SortedPhoto], folder: Path) -> str:
    """Return a path a line; raises SettingError for a name that holds a line end."""
    paths = [str(folder / photo.name) for photo in photos]
    if broken := next((path for path in paths if len(path.splitlines()) > 1), None):
        raise SettingError(f"The name {broken!r} holds a line end: write the list as .csv or .jsonl.")
    return "".join(f"{path}\n" for path in paths)


def to_csv(photos: Sequence[SortedPhoto], folder: Path) -> str:
    """Return a line a photo under `COLUMNS`."""
    buffer = StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_entry(photo, folder) for photo in photos)
    return buffer.getvalue()


def to_json_lines(photos: Sequence[SortedPhoto], folder: Path) -> str:
    """Return an object a line, under `COLUMNS`."""
    return "".join(json.dumps(_entry(photo, folder)) + "\n" for photo in photos)


def _entry(photo: SortedPhoto, folder: Path) -> dict[str, str | float | None]:
    score = photo.facts.score
    path = folder / photo.name
    rounded = None if score is None else round(score, 6)
    return {"path": str(path), "verdict": photo.verdict, "score": rounded, "caption": read_caption(path)}


FORMATS: dict[str, Callable[[Sequence[SortedPhoto], Path], str]] = {
    ".txt": to_text,
    ".csv": to_csv,
    ".jsonl": to_json_lines,
}
"""By the suffix of the list."""


def write_list(photos: Sequence[SortedPhoto], folder: Path, suffix: str) -> str:
    """Return the list that a suffix stands for; raises SettingError for any other."""
    if suffix.lower() not in FORMATS:
        raise SettingError(f"A list ends in one of {', '.join(FORMATS)}, not in {suffix or 'nothing'!r}.")
    return FORMATS[suffix.lower()](photos, folder)
