"""Scores in rows: the faces of one photo, the photos of a batch, and both as files to download."""

import csv
import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from fiqa.results import Interval, QualityResult
from fiqa.ui.figures import ACR_WORDS, grade_of, small_scale, text

CSV_COLUMNS = ("path", "score", "interval_low", "interval_high", "faces", "notices", "error")


@dataclass(frozen=True)
class ScoredPhoto:
    """One photo of a batch: its result, or the one-sentence reason why there is none."""

    name: str
    result: QualityResult | None = None
    error: str | None = None
    thumbnail: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data: the result's with `path`; `score` is None where `error` is set."""
        if self.result is not None:
            return {"path": self.name, **self.result.to_dict()}
        return {"path": self.name, "score": None, "interval": None, "faces": [], "notices": [], "error": self.error}


def face_table(result: QualityResult) -> str:
    """List the faces of one photo, largest first; nothing when there is only one."""
    if len(result.faces) < 2:
        return ""
    rows = "".join(
        f"<tr><td>{number}</td>{_score_cells(face.score, face.interval, result.score_range)}"
        f'<td class="number">{face.box_xyxy[2] - face.box_xyxy[0]:.0f}</td></tr>'
        for number, face in enumerate(result.faces, start=1)
    )
    return _table(("Face", "Score", "Word", "95 % interval", "Width, px"), rows, caption="Faces, largest first")


def batch_table(photos: Sequence[ScoredPhoto]) -> str:
    """List the photos of a batch; a click on a column's head sorts by it."""
    rows = "".join(_batch_row(number, photo) for number, photo in enumerate(photos, start=1))
    return _table(("No.", "Photo", "Score", "Word", "95 % interval", "Faces"), rows, caption="Photos", sortable=True)


def downloads(photos: Sequence[ScoredPhoto]) -> str:
    """Return links that save the scores as CSV and JSON, without a file being kept on the server."""
    return (
        '<p class="downloads">Save the scores '
        f"{_download('fiqa-scores.csv', 'text/csv', to_csv(photos), 'CSV')}"
        f"{_download('fiqa-scores.json', 'application/json', to_json(photos), 'JSON')}</p>"
    )


def to_csv(photos: Sequence[ScoredPhoto]) -> str:
    """Return one line per photo under `CSV_COLUMNS`."""
    buffer = StringIO()
    writer = csv.writer(buffer)
    writer.writerow(CSV_COLUMNS)
    for photo in photos:
        row = photo.to_dict()
        low, high = row["interval"] or ("", "")
        writer.writerow([row["path"], row["score"], low, high, len(row["faces"]), " ".join(row["notices"]), row["error"]])
    return buffer.getvalue()


def to_json(photos: Sequence[ScoredPhoto]) -> str:
    """Return the list that the command line and the API give, as JSON."""
    return json.dumps([photo.to_dict() for photo in photos], indent=1)


def _batch_row(number: int, photo: ScoredPhoto) -> str:
    picture = f'<img src="{photo.thumbnail}" alt="" width="48" height="48">' if photo.thumbnail else "<span></span>"
    notice = f"<small>{text(' '.join(photo.result.notices))}</small>" if photo.result and photo.result.notices else ""
    head = f'<td class="number">{number}</td><td data-sort="{text(photo.name)}" class="photo-name">{picture}'
    if photo.result is None:
        return f'<tr class="refused">{head}<span>{text(photo.name)}<small>{text(photo.error)}</small></span></td>' + (
            '<td data-sort="-1">–</td><td data-sort="0">Not scored</td><td>–</td><td>–</td></tr>'
        )
    cells = _score_cells(photo.result.score, photo.result.interval, photo.result.score_range)
    faces = sum(face.landmarks is not None for face in photo.result.faces)
    return f'<tr>{head}<span>{text(photo.name)}{notice}</span></td>{cells}<td class="number">{faces}</td></tr>'


def _score_cells(score: float, interval: Interval, score_range: Interval) -> str:
    grade = grade_of(score, score_range)
    return (
        f'<td data-sort="{score:.6f}" class="score-cell">{small_scale(score, score_range)}<b>{score:.2f}</b></td>'
        f'<td data-sort="{grade}">{ACR_WORDS[grade - 1]}</td>'
        f'<td data-sort="{interval[1] - interval[0]:.6f}">{interval[0]:.2f}–{interval[1]:.2f}</td>'
    )


def _table(heads: Sequence[str], rows: str, *, caption: str, sortable: bool = False) -> str:
    cells = "".join(
        f'<th scope="col"><button type="button">{head}</button></th>' if sortable else f'<th scope="col">{head}</th>'
        for head in heads
    )
    return (
        f'<div class="table-scroll" tabindex="0"><table{" class=sortable" if sortable else ""}><caption>{caption}</caption>'
        f"<thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _download(name: str, media_type: str, content: str, label: str) -> str:
    data = b64encode(content.encode("utf-8")).decode("ascii")
    return f'<a class="save" download="{name}" href="data:{media_type};base64,{data}">{label}</a>'
