"""Reads scores as `fiqa score` writes them; other columns may stand beside them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiqa.bulk.sinks import import_parquet, read_json_lines
from fiqa.errors import SettingError
from fiqa.reports import CSV_COLUMNS
from fiqa.results import Interval

if TYPE_CHECKING:
    import pandas as pd

OURS = frozenset({*CSV_COLUMNS, "box_xyxy", "checkpoint"})
"""Columns that tell of the score and not of the photo."""


@dataclass(frozen=True)
class ScoreSet:
    """Scores of many photos: a row a photo, with `path` (text), `score` (NaN where there is none) and more columns."""

    name: str
    frame: "pd.DataFrame"

    @property
    def own_columns(self) -> list[str]:
        """The columns that somebody put beside the scores."""
        return [str(name) for name in self.frame.columns if name not in OURS]


def read_scores(path: Path) -> ScoreSet:
    """Read the scores in a file, or the parquet files in a folder; raises SettingError for anything else."""
    import pandas as pd

    if not path.exists():
        raise SettingError(f"{path} does not exist.")
    try:
        frame = _read(path)
        frame = frame.assign(path=frame["path"].astype(str), score=pd.to_numeric(frame["score"]).astype(float))
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError) as error:
        wanted = "a .parquet, .csv or .jsonl file with the columns path and score"
        raise SettingError(f"{path} holds no scores: name {wanted}, as fiqa score writes it.") from error
    if frame.empty:
        raise SettingError(f"{path} has no photos in it.")
    return ScoreSet(path.name, frame)


def score_range(sets: list[ScoreSet]) -> Interval:
    """Return the range to draw: 0 to 1 where all scores lie inside, else from the lowest to the highest."""
    scores = [each.frame["score"] for each in sets]
    low, high = min(float(each.min()) for each in scores), max(float(each.max()) for each in scores)
    return (low, high) if low < 0 or high > 1 else (0.0, 1.0)


def _read(path: Path) -> "pd.DataFrame":
    import pandas as pd

    suffix = path.suffix.lower()
    if suffix == ".csv":
        return pd.read_csv(path, dtype={"path": str})
    if suffix == ".jsonl":
        with path.open("rb") as lines:
            return pd.DataFrame([_cells(row) for row in read_json_lines(lines)])
    if suffix == ".json":
        return pd.DataFrame([_cells(row) for row in json.loads(path.read_bytes())])
    if suffix == ".parquet" or path.is_dir():
        import_parquet()
        return pd.read_parquet(path, engine="pyarrow")
    raise ValueError(suffix)


def _cells(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of JSON as plain columns; what is not ours stays as it is."""
    faces = row.get("faces") or []
    box = faces[row["face"] - 1]["box_xyxy"] if faces and row.get("face") else None
    nested = {"faces": len(faces), "box_xyxy": box, "notices": " ".join(row.get("notices") or [])}
    left_out = {"interval", "landmarks", "timings_ms", "score_range", "finder", "source"}
    return {**{name: value for name, value in row.items() if name not in left_out}, **nested}
