"""An audit as text: a table for people, JSON for programs, CSV for spreadsheets, Markdown for pages."""

import json
from collections.abc import Callable, Iterator

from fiqa.audit.statistics import Gap, GroupMean
from fiqa.audit.summary import Audit, ColumnFigures
from fiqa.reports import one_line
from fiqa.tables import NONE, aligned, interval, markdown_table, number

GAP_HEADS = ("largest gap", "between", "gap", "95 % interval", "for all pairs", "certain")


def to_json(audit: Audit) -> str:
    """Return everything as one object; see `Audit.to_dict`."""
    return json.dumps(audit.to_dict(), indent=1, ensure_ascii=False) + "\n"


def to_csv(audit: Audit) -> str:
    """Return one line for every column, group and figure."""
    return str(audit.to_frame().to_csv(index=False, float_format="%.6f", lineterminator="\n"))


def to_table(audit: Audit) -> str:
    """Return groups and gaps of every column as aligned columns, then what has to be said beside them."""
    lines: list[str] = [heading(audit), ""]
    for column in audit.columns:
        lines += [*aligned([heads(column), *group_rows(column)]), ""]
        if gaps := gap_rows(column):
            lines += [*aligned([GAP_HEADS, *gaps]), ""]
    return "\n".join([*lines, *footnotes(audit)]) + "\n"


def to_markdown(audit: Audit) -> str:
    """Return groups and gaps of every column as tables in GitHub's Markdown."""
    return "\n".join([heading(audit), "", *tables(audit), *(f"- {line}" for line in footnotes(audit))]) + "\n"


def tables(audit: Audit) -> Iterator[str]:
    """Yield two tables in Markdown for every column: its groups, and its largest gaps."""
    for column in audit.columns:
        yield markdown_table(heads(column), group_rows(column))
        if gaps := gap_rows(column):
            yield markdown_table(GAP_HEADS, gaps)


def heading(audit: Audit) -> str:
    """Return one line that says what was measured."""
    scored = audit.photos - audit.unscored
    return f"{audit.checkpoint} on {scored} photos of {audit.people} people, by group; in brackets 95 % intervals."


def heads(column: ColumnFigures) -> list[str]:
    """Return the heads of a column's groups: its name, counts and figures."""
    missed = ["no score"] if column.unscored else []
    return [one_line(column.column), "people", "photos", *missed, *column.means]


def group_rows(column: ColumnFigures) -> list[list[str]]:
    """Return the cells of every group under `heads`."""
    rows = []
    for index, group in enumerate(column.groups):
        means = [each[index] for each in column.means.values()]
        missed = [str(column.unscored.get(group, 0))] if column.unscored else []
        counts = [str(means[0].people), str(means[0].photos), *missed]
        rows.append([one_line(group), *counts, *(_mean(each) for each in means)])
    return rows


def gap_rows(column: ColumnFigures) -> list[list[str]]:
    """Return the cells of the largest gap in every figure under `GAP_HEADS`; none where groups cannot be compared."""
    return [_gap(figure, gap) for figure, gap in column.gaps.items() if gap is not None]


def footnotes(audit: Audit) -> list[str]:
    """Return what has to be said beside the figures."""
    weights = f" ({audit.sha256[:12]})" if audit.sha256 else ""
    low, high = audit.score_range
    meaning = (
        "A fall is the score as it is less the score with the damage, done to the face's view. Intervals resample "
        "people. The last interval of a gap allows for its being the largest of all pairs; it is certain where that "
        "interval leaves out 0, which by chance happens to one figure in twenty."
    )
    return [
        *map(one_line, audit.notices),
        meaning,
        f"Checkpoint {audit.checkpoint}{weights}, scores {low:g} to {high:g}.",
    ]


def _mean(mean: GroupMean) -> str:
    if mean.mean is None or mean.interval is None:
        return number(mean.mean)
    return f"{number(mean.mean)} ({interval(mean.interval)})"


def _gap(figure: str, gap: Gap) -> list[str]:
    between = f"{one_line(gap.higher)} − {one_line(gap.lower)}"
    corrected = interval(gap.corrected) if gap.pairs > 1 else NONE
    return [
        figure,
        between,
        number(gap.difference),
        interval(gap.interval),
        corrected,
        "yes" if gap.is_certain else "no",
    ]


FORMATS: dict[str, Callable[[Audit], str]] = {"table": to_table, "json": to_json, "csv": to_csv, "md": to_markdown}
"""By what `--format` and the suffix of `--output` call them."""
