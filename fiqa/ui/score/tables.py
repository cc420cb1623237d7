"""Scores in rows: the faces of one photo, the photos of a batch, and both as files to download."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from fiqa.errors import FiqaError
from fiqa.reports import ScoredPhoto, to_csv, to_json
from fiqa.results import Interval, QualityResult
from fiqa.ui.figures import ACR_WORDS, grade_of, small_scale, text


@dataclass(frozen=True)
class BatchRow:
    """One photo of a batch; `thumbnail` is a data URI, empty where the photo could not be read."""

    scored: ScoredPhoto
    thumbnail: str = ""


def face_table(result: QualityResult) -> str:
    """List the faces of one photo, the most prominent first; nothing when there is only one."""
    if len(result.faces) < 2:
        return ""
    rows = "".join(
        f"<tr><td>{number}</td>{_score_cells(face.score, face.interval, result.score_range)}"
        f'<td class="number">{face.box_xyxy[2] - face.box_xyxy[0]:.0f}</td></tr>'
        for number, face in enumerate(result.faces, start=1)
    )
    return _table(
        ("Face", "Score", "Grade", "95 % interval", "Width, px"), rows, caption="Faces, the most prominent first"
    )


def batch_table(rows: Sequence[BatchRow]) -> str:
    """List the photos of a batch; a click on a column's head sorts by it."""
    lines = "".join(_batch_row(number, row) for number, row in enumerate(rows, start=1))
    return _table(("No.", "Photo", "Score", "Grade", "95 % interval", "Faces"), lines, caption="Photos", sortable=True)


def downloads(photos: Sequence[ScoredPhoto]) -> str:
    """Return links that save the scores as CSV and JSON, without a file being kept on the server."""
    return (
        '<p class="downloads">Save the scores '
        f"{_download('fiqa-scores.csv', 'text/csv', to_csv(photos), 'CSV')}"
        f"{_download('fiqa-scores.json', 'application/json', to_json(photos), 'JSON')}</p>"
    )


def _batch_row(number: int, row: BatchRow) -> str:
    name, outcome = text(row.scored.path), row.scored.outcome
    picture = f'<img src="{row.thumbnail}" alt="" width="48" height="48">' if row.thumbnail else "<span></span>"
    if isinstance(outcome, FiqaError):
        kind, remark, cells = "refused", text(outcome), _refused_cells()
    else:
        kind, remark, cells = "scored", text(" ".join(outcome.notices)), _scored_cells(outcome)
    return (
        f'<tr class="{kind}"><td class="number">{number}</td>'
        f'<td data-sort="{name}" class="photo-name"><div>{picture}<span>{name}<small>{remark}</small></span></div></td>'
        f"{cells}</tr>"
    )


def _scored_cells(result: QualityResult) -> str:
    faces = sum(face.landmarks is not None for face in result.faces)
    return f'{_score_cells(result.score, result.interval, result.score_range)}<td class="number">{faces}</td>'


def _refused_cells() -> str:
    """Fill the columns of a photo without a score; sorted below every score."""
    below = '<td data-sort="-Infinity">–</td>'
    return f'{below}<td data-sort="0">No score</td>{below}{below}'


def _score_cells(score: float, interval: Interval, score_range: Interval) -> str:
    grade = grade_of(score, score_range)
    return (
        f'<td data-sort="{score:.6f}" class="score-cell">{small_scale(score, score_range)}<b>{score:.2f}</b></td>'
        f'<td data-sort="{grade}">{ACR_WORDS[grade - 1]}</td>'
        f'<td data-sort="{interval[1] - interval[0]:.6f}">{interval[0]:.3f}–{interval[1]:.3f}</td>'
    )


def _table(heads: Sequence[str], rows: str, *, caption: str, sortable: bool = False) -> str:
    cells = "".join(
        f'<th scope="col"><button type="button">{head}</button></th>' if sortable else f'<th scope="col">{head}</th>'
        for head in heads
    )
    return (
        f'<div class="table-scroll" tabindex="0"><table{" class=sortable" if sortable else ""}>'
        f"<caption>{caption}</caption><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _download(name: str, media_type: str, content: str, label: str) -> str:
    data = b64encode(content.encode("utf-8")).decode("ascii")
    return f'<a class="save" download="{name}" href="data:{media_type};base64,{data}">{label}</a>'
