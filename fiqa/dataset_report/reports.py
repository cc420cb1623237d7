"""A report of scores as text: a table for people, JSON for programs."""

import json

from fiqa.dataset_report.statistics import Difference
from fiqa.dataset_report.summary import DatasetReport, SliceFigures
from fiqa.reports import one_line
from fiqa.tables import NONE, aligned, interval, number

SET_HEADS = ("set", "photos", "no score", "mean", "95 % interval")
SLICE_HEADS = ("photos", "no score", "mean", "95 % interval", "in the lowest tenth")
DRIFT_HEADS = ("second − first", "difference", "95 % interval")


def to_json(report: DatasetReport) -> str:
    """Return everything but the single scores as one object."""
    return json.dumps(report.to_dict(), indent=1, ensure_ascii=False) + "\n"


def to_table(report: DatasetReport) -> str:
    """Return sets, quantiles, slices and drift as aligned columns, then the photos at both ends."""
    parts = [aligned([set_heads(report), *set_rows(report)]), aligned([quantile_heads(report), *quantile_rows(report)])]
    parts += [aligned([slice_heads(name), *slice_rows(groups)]) for name, groups in report.slices.items()]
    if report.drift is not None:
        parts.append(aligned([DRIFT_HEADS, *drift_rows(report)]))
    for title, photos in (("worst", report.worst), ("best", report.best)):
        parts.append([f"{title}:", *(f"  {each.score:.3f}  {one_line(each.path)}" for each in photos)])
    return "\n\n".join("\n".join(part) for part in [*parts, footnotes(report)]) + "\n"


def set_heads(_report: DatasetReport) -> tuple[str, ...]:
    """Return the heads of the table of sets."""
    return SET_HEADS


def set_rows(report: DatasetReport) -> list[list[str]]:
    """Return the cells of every set."""
    return [
        [one_line(each.name), str(each.photos), str(each.unscored), number(each.mean), interval(each.interval)]
        for each in report.sets
    ]


def quantile_heads(report: DatasetReport) -> list[str]:
    """Return the heads of the table of quantiles."""
    return ["quantile", *(name for each in report.sets for name in (one_line(each.name), "95 % interval"))]


def quantile_rows(report: DatasetReport) -> list[list[str]]:
    """Return the cells of every quantile, those of the sets side by side."""
    shares = report.sets[0].quantiles
    return [
        [share, *(cell for each in report.sets for cell in _with_interval(*each.quantiles[share]))] for share in shares
    ]


def _with_interval(value: float, ends: tuple[float, float] | None) -> tuple[str, str]:
    return number(value), interval(ends)


def slice_heads(column: str) -> tuple[str, ...]:
    """Return the heads of the table of one column."""
    return (one_line(column), *SLICE_HEADS)


def slice_rows(groups: list[SliceFigures]) -> list[list[str]]:
    """Return the cells of every group."""
    return [
        [
            one_line(each.group), str(each.photos), str(each.unscored), number(each.mean), interval(each.interval),
            NONE if each.lowest is None else f"{each.lowest:.0%}",
        ]
        for each in groups
    ]  # fmt: skip


def drift_rows(report: DatasetReport) -> list[list[str]]:
    """Return the cells of every difference between the sets, those of shared photos last."""
    if report.drift is None:
        return []
    paired = [] if report.drift.paired is None else [report.drift.paired]
    return [_difference_cells(each) for each in [*report.drift.differences, *paired]]


def _difference_cells(each: Difference) -> list[str]:
    return [each.figure, number(each.difference, sign="+"), interval(each.interval, sign="+")]


def footnotes(report: DatasetReport) -> list[str]:
    """Return what has to be said beside the figures."""
    lines = [*report.notices]
    if (found := report.drift) is not None:
        p = "< 0.001" if found.p < 0.001 else f"= {found.p:.3f}"
        lines.append(f"Kolmogorov-Smirnov distance of the two sets {found.distance:.3f} (p {p}).")
        if found.paired is not None:
            lines.append(f"{found.shared} photos have a score in both sets; the last difference is of these.")
    return [*lines, "Slices and photos are of the first set. The lowest tenth is that of all its scores."]
