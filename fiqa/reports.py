"""Scores of many photos as text: a table for people, CSV for spreadsheets, JSON for programs.

CSV and JSON are the same from the command line, the app and its API.
"""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from fiqa.errors import FiqaError
from fiqa.results import QualityResult

CSV_COLUMNS = ("path", "score", "interval_low", "interval_high", "faces", "notices", "error")
_UNSCORED: dict[str, Any] = {"score": None, "interval": None, "faces": [], "notices": []}


@dataclass(frozen=True)
class ScoredPhoto:
    """One photo that was to be scored: what came of it, a result or the reason why there is none."""

    path: str
    outcome: QualityResult | FiqaError

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data; `score` is None where `error` is set."""
        if isinstance(self.outcome, FiqaError):
            return {"path": self.path, **_UNSCORED, "error": str(self.outcome)}
        return {"path": self.path, **self.outcome.to_dict()}


def to_json(photos: Sequence[ScoredPhoto]) -> str:
    """Return a list with one object a photo."""
    return json.dumps([photo.to_dict() for photo in photos], indent=1) + "\n"


def to_csv(photos: Sequence[ScoredPhoto]) -> str:
    """Return one line a photo under `CSV_COLUMNS`; `faces` is their number."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for row in (photo.to_dict() for photo in photos):
        low, high = row["interval"] or (None, None)
        writer.writerow(
            [row["path"], row["score"], low, high, len(row["faces"]), " ".join(row["notices"]), row["error"]]
        )
    return buffer.getvalue()


def to_table(photos: Sequence[ScoredPhoto]) -> str:
    """Return aligned columns; notices stand indented below their photo."""
    lines = [f"{'score':>6}  {'95 % interval':>14}  {'faces':>5}  photo"]
    for photo in photos:
        lines += _table_lines(photo)
    return "\n".join(lines) + "\n"


def _table_lines(photo: ScoredPhoto) -> list[str]:
    if isinstance(photo.outcome, FiqaError):
        return [f"{'–':>6}  {'–':>14}  {'–':>5}  {one_line(photo.path)}"]
    low, high = photo.outcome.interval
    interval = f"{low:.3f}–{high:.3f}"
    faces = sum(face.landmarks is not None for face in photo.outcome.faces)
    first = f"{photo.outcome.score:6.3f}  {interval:>14}  {faces:5}  {one_line(photo.path)}"
    return [first, *(f"{'':31}{notice}" for notice in photo.outcome.notices)]


def one_line(text: str) -> str:
    """Return text that is safe on a terminal: file names may hold line ends and control sequences."""
    return "".join(char if char.isprintable() else "?" for char in text)


FORMATS: dict[str, Callable[[Sequence[ScoredPhoto]], str]] = {"table": to_table, "json": to_json, "csv": to_csv}
