"""A curation as table, JSON, CSV and Parquet."""

import json
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

from fiqa.curation.curation import Curation
from fiqa.curation.photo_facts import PhotoFacts
from fiqa.curation.rules import SortedPhoto
from fiqa.errors import SettingError
from fiqa.reports import one_line

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: dict[str, str] = {
    "name": "object", "verdict": "object", "reason": "object", "group": "object", "duplicate_of": "object",
    "score": "float64", "interval_low": "float64", "interval_high": "float64", "face": "Int64", "faces": "Int64",
    "face_px": "float64", "yaw_deg": "float64", "pitch_deg": "float64", "roll_deg": "float64",
    "width_px": "Int64", "height_px": "Int64", "degradation": "object", "probability": "float64",
    "notices": "object", "error": "object", "path": "object",
}  # fmt: skip
"""Columns of the tables, with the types that pandas gives them."""
WIDEST_NAME = 48
"""Letters of the column of names on a terminal; longer names are written whole, and push nothing else aside."""


def to_frame(curation: Curation) -> "pd.DataFrame":
    """Return one row a photo under `COLUMNS`; size and pose are those of the face that has the score."""
    import pandas as pd

    rows = [_cells(curation, photo) for photo in curation.photos]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def _cells(curation: Curation, photo: SortedPhoto) -> tuple[Any, ...]:
    facts, face = photo.facts, photo.facts.face
    low, high = facts.interval or (None, None)
    pose = None if face is None else face.pose
    angles = (None, None, None) if pose is None else (pose.yaw, pose.pitch, pose.roll)
    return (
        photo.name, photo.verdict, photo.reason, photo.group, photo.duplicate_of,
        facts.score, low, high, face and facts.main + 1, face and len(facts.faces),
        face and face.size_px, *angles, *(facts.size_px or (None, None)), facts.degradation, facts.probability,
        " ".join(facts.notices), facts.error, str(curation.folder / photo.name),
    )  # fmt: skip


def to_json(curation: Curation) -> str:
    """Return counts, threshold, photos and stamp as one object; see `Curation.to_dict`."""
    return json.dumps(curation.to_dict(), indent=1) + "\n"


def to_csv(curation: Curation) -> str:
    """Return one line a photo under `COLUMNS`."""
    return str(to_frame(curation).to_csv(index=False, lineterminator="\n", float_format="%.6g"))


def to_parquet(curation: Curation) -> bytes:
    """Return the same columns as an Apache Parquet file; raises SettingError without the extra `parquet`."""
    buffer = BytesIO()
    try:
        frame = to_frame(curation)
        texts = {name: "string" for name, kind in COLUMNS.items() if kind == "object"}
        frame.astype(texts).to_parquet(buffer, engine="pyarrow", index=False)
    except ImportError:
        raise SettingError(
            "Parquet files need the package pyarrow, which is not installed: pip install 'fiqa[parquet]'."
        ) from None
    return buffer.getvalue()


def to_table(curation: Curation) -> str:
    """Return aligned columns, then how many photos have each verdict and where the threshold comes from."""
    width = min(WIDEST_NAME, max((len(one_line(photo.name)) for photo in curation.photos), default=0))
    lines = [f"{'verdict':8}  {'score':>6}  {'95 % interval':>14}  {'face, px':>8}  {'photo':{width}}  why"]
    lines += [line for photo in curation.photos for line in _lines(photo, width)]
    return "\n".join([*lines, "", *footnotes(curation)]) + "\n"


def footnotes(curation: Curation) -> list[str]:
    """Return what has to be said beside the verdicts: counts, threshold, and what to know about the folder."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in curation.counts.items() if count)
    found = curation.threshold
    lines = [f"{len(curation.photos)} photos: {counts}."]
    if found is not None:
        lines.append(f"Threshold {found.value:.3f}: {found.origin}.")
    if found is not None and found.agreement is not None:
        told = found.agreement
        lines.append(
            f"It agrees with {told.right} of {told.examples} examples; found without each of them in turn, with "
            f"{told.left_out} of {told.examples}."
        )
    return [*lines, *(one_line(notice) for notice in curation.notices)]


def _lines(photo: SortedPhoto, width: int) -> Iterator[str]:
    """Yield the line of a photo; the reason has a line of its own below a name that is longer than its column."""
    name, why = one_line(photo.name), one_line(photo.reason or "")
    figures = _figures(photo.facts)
    if len(name) <= width:
        yield f"{photo.verdict:8}  {figures}  {name:{width}}  {why}".rstrip()
        return
    yield f"{photo.verdict:8}  {figures}  {name}"
    if why:
        yield f"{'':{8 + 2 + len(figures) + 2}}{why}"


def _figures(facts: PhotoFacts) -> str:
    if facts.score is None or facts.interval is None or facts.face is None:
        return f"{'–':>6}  {'–':>14}  {'–':>8}"
    interval = f"{facts.interval[0]:.3f}–{facts.interval[1]:.3f}"
    return f"{facts.score:6.3f}  {interval:>14}  {facts.face.size_px:8.0f}"


def of_verdicts(curation: Curation, verdicts: Iterable[str]) -> list[SortedPhoto]:
    """Return the photos with one of the verdicts, in the order of the folder."""
    wanted = set(verdicts)
    return [photo for photo in curation.photos if photo.verdict in wanted]


FORMATS: dict[str, Callable[[Curation], str]] = {"table": to_table, "json": to_json, "csv": to_csv}
"""By what `--format` and the suffix of `--output` call them."""
