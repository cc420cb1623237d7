"""The result of a study of pairs: where each picture stands."""

from typing import TYPE_CHECKING, Any

from annotate.errors import StudyError
from annotate.ui.studies.html import cells, empty, note, table, text

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

SIGNIFICANT = 0.01
HEADS = ("Picture", "JOD", "± CI95", "Comparisons", "Group")
EXPLAINED = (
    "JOD are just-objectionable differences: of two pictures that are 1 apart, three in four people prefer the better "
    "one. The mean of a group is 0; pictures of different groups cannot be compared."
)


def scale_panel(db: "Session", study_id: int) -> str:
    """Return the scale of a study as HTML, the best picture of each group first."""
    from annotate.analysis import load_comparisons
    from annotate.statistics.paired_scale import fit_paired_scale

    try:
        scale = fit_paired_scale(load_comparisons(db, study_id))
    except StudyError:
        return empty("No votes yet", "Once people compare pictures, their scale is shown here.")
    rows = sorted(scale.rows(), key=lambda row: (row["group"], -row["jod"]))
    said = note(EXPLAINED)
    if scale.misfit < SIGNIFICANT:
        said += note("The answers do not fit one scale well: people may look at different things.", "warning")
    return said + table(HEADS, map(_row, rows), caption="Scale of the pictures, the best first", kind="scale")


def _row(row: dict[str, Any]) -> str:
    figures = (f"{row['jod']:+.2f}", f"{row['ci95']:.2f}", f"{row['comparisons']:,}", str(row["group"]))
    return cells(text(row["stimulus"]), *figures)
