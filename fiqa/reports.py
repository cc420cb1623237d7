"""Scores of many photos as text: a table for people, CSV for spreadsheets, JSON for programs.

CSV and JSON are the same from the command line, the app and its API.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fiqa.errors import FiqaError
from fiqa.results import QualityResult

if TYPE_CHECKING:
    import pandas as pd

CSV_COLUMNS = ("path", "score", "interval_low", "interval_high", "face", "faces", "notices", "error")
_UNSCORED: dict[str, Any] = {"score": None, "interval": None, "face": None, "faces": [], "notices": []}

_INDENT = " " * 34


@dataclass(frozen=True)
class ScoredPhoto:
    """One photo that was to be scored: what came of it, a result or the reason why there is none."""

    path: str
    outcome: QualityResult | FiqaError

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data; `score` is None where `error` is set."""
        if isinstance(self.outcome, FiqaError):
            return {"path": self.path, **_UNSCORED, "error": str(self.outcome)}
        return {
            "path": self.path,
            **{name: value for name, value in self.outcome.to_dict().items() if name != "source"},
        }


def each_face(photos: Iterable[ScoredPhoto]) -> list[ScoredPhoto]:
    """Return one entry a face; notices, which are on the photo, stay with its first."""
    return [entry for photo in photos for entry in _faces_of(photo)]


def _faces_of(photo: ScoredPhoto) -> Iterator[ScoredPhoto]:
    if isinstance(photo.outcome, FiqaError):
        yield photo
        return
    for number, face in enumerate(photo.outcome.faces, start=1):
        notices = photo.outcome.notices if number == 1 else ()
        scored = replace(photo.outcome, score=face.score, interval=face.interval, face=number, notices=notices)
        yield replace(photo, outcome=scored)


def to_json(photos: Sequence[ScoredPhoto]) -> str:
    """Return a list with one object a photo."""
    return json.dumps([photo.to_dict() for photo in photos], indent=1) + "\n"


def to_frame(
    results: Iterable[QualityResult | FiqaError | ScoredPhoto], paths: Iterable[str] | None = None
) -> "pd.DataFrame":
    """Return results as a pandas table, one row a photo under `CSV_COLUMNS`; `face` is the one scored of `faces`.

    Args:
        results: What `score`, `score_many` or the command line gave, errors too.
        paths: Names of the photos, as many as there are results. Unless given, each has the path that its result or
            error knows, and else its number from 0.

    Raises:
        ValueError: There are more or fewer paths than results.
    """
    import pandas as pd

    found = list(results)
    names = (_name_of(each, index) for index, each in enumerate(found)) if paths is None else paths
    photos = [
        each if isinstance(each, ScoredPhoto) else ScoredPhoto(name, each)
        for name, each in zip(names, found, strict=True)
    ]
    frame = pd.DataFrame([csv_cells(photo) for photo in photos], columns=list(CSV_COLUMNS))
    numbers = {"score": float, "interval_low": float, "interval_high": float, "face": "Int64", "faces": "Int64"}
    return frame.astype(numbers)


def _name_of(outcome: QualityResult | FiqaError | ScoredPhoto, index: int) -> str:
    known = outcome.path if isinstance(outcome, ScoredPhoto) else outcome.source
    return str(index) if known is None else known


def csv_cells(photo: ScoredPhoto) -> tuple[Any, ...]:
    """Return the cells of one photo under `CSV_COLUMNS`, None where there is nothing."""
    row = photo.to_dict()
    low, high = row["interval"] or (None, None)
    face = (row["face"], len(row["faces"]))
    return (row["path"], row["score"], low, high, *face, " ".join(row["notices"]), row["error"])


def to_csv(photos: Sequence[ScoredPhoto]) -> str:
    """Return one line a photo under `CSV_COLUMNS`."""
    return str(to_frame(photos).to_csv(index=False, lineterminator="\n"))


def to_table(photos: Sequence[ScoredPhoto]) -> str:
    """Return aligned columns; notices, or why there is no score, stand indented below their photo."""
    lines = [f"{'score':>6}  {'95 % interval':>14}  {'face':>8}  photo"]
    for photo in photos:
        lines += _table_lines(photo)
    return "\n".join(lines) + "\n"


def _table_lines(photo: ScoredPhoto) -> list[str]:
    if isinstance(photo.outcome, FiqaError):
        row = f"{'–':>6}  {'–':>14}  {'–':>8}  {one_line(photo.path)}"
        return [row, f"{_INDENT}{one_line(str(photo.outcome))}"]
    low, high = photo.outcome.interval
    interval = f"{low:.3f}–{high:.3f}"
    found = sum(face.landmarks is not None for face in photo.outcome.faces)
    face = f"{photo.outcome.face} of {found}" if found else "none"
    first = f"{photo.outcome.score:6.3f}  {interval:>14}  {face:>8}  {one_line(photo.path)}"
    return [first, *(f"{_INDENT}{notice}" for notice in photo.outcome.notices)]


def one_line(text: str) -> str:
    """Return text that is safe on a terminal: file names may hold line ends and control sequences."""
    return "".join(char if char.isprintable() else "?" for char in text)


def shortened(text: str, length: int) -> str:
    """Return text of a length at most, its middle left out: names of files differ at their ends."""
    if len(text) <= length:
        return text
    end = length // 2
    return f"{text[: length - end - 1]}…{text[-end:]}"


def escaped(text: str) -> str:
    r"""Return text as one line that tells what it was: a line end as \n, a byte that is no UTF-8 as \udcff."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


FORMATS: dict[str, Callable[[Sequence[ScoredPhoto]], str]] = {"table": to_table, "json": to_json, "csv": to_csv}
