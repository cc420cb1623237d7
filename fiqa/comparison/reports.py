"""A comparison as text: a table for people, JSON for programs, CSV for spreadsheets, Markdown and LaTeX for papers."""

import json
from collections.abc import Callable, Sequence

from fiqa.comparison.comparison import Comparison
from fiqa.comparison.statistics import MethodFigures, PairFigures
from fiqa.reports import one_line
from fiqa.tables import NONE, aligned, interval, markdown_table, number

METHOD_HEADS = ("method", "mean", "95 % interval", "median", "photos", "no score")
PAIR_HEADS = ("b − a", "difference", "95 % interval", "b wins", "p (Holm)", "detectable")


def to_json(comparison: Comparison) -> str:
    """Return methods, pairs, photos and stamp as one object; see `Comparison.to_dict`."""
    return json.dumps(comparison.to_dict(), indent=1, ensure_ascii=False) + "\n"


def to_csv(comparison: Comparison) -> str:
    """Return one line for every photo and method: name, source, method, score, error, degradation."""
    text: str = comparison.to_frame().to_csv(index=False, float_format="%.6f")
    return text


def to_table(comparison: Comparison) -> str:
    """Return methods and pairs as aligned columns, then notices, errors and what it was computed with."""
    methods = aligned([METHOD_HEADS, *(method_cells(each) for each in comparison.methods)])
    pairs = aligned([PAIR_HEADS, *(pair_cells(each) for each in comparison.pairs)])
    return "\n".join([*methods, "", *pairs, "", *footnotes(comparison)]) + "\n"


def to_markdown(comparison: Comparison) -> str:
    """Return two tables in GitHub's Markdown, and the stamp below them."""
    tables = [
        markdown_table(METHOD_HEADS, [method_cells(each) for each in comparison.methods]),
        markdown_table(PAIR_HEADS, [pair_cells(each) for each in comparison.pairs]),
    ]
    return "\n".join([*tables, *(f"{line}  " for line in footnotes(comparison))]) + "\n"


def to_latex(comparison: Comparison) -> str:
    """Return two tables for LaTeX with booktabs; the best mean is bold, the stamp a comment."""
    best = max((each.mean for each in comparison.methods if each.mean is not None), default=None)
    methods = [
        [_bold(cell) if column == 1 and each.mean == best else cell for column, cell in enumerate(_latex_cells(row))]
        for each, row in ((each, method_cells(each)) for each in comparison.methods)
    ]
    pairs = [_latex_cells(pair_cells(each)) for each in comparison.pairs]
    comments = [f"% {one_line(line)}" for line in footnotes(comparison)]
    return "\n".join([*_latex_table(METHOD_HEADS, methods), *_latex_table(PAIR_HEADS, pairs), *comments]) + "\n"


def method_cells(figures: MethodFigures) -> list[str]:
    """Return the cells of one method under `METHOD_HEADS`."""
    unscored = f"{figures.unscored} ({figures.unscored_share:.0%})" if figures.unscored else "0"
    return [
        one_line(figures.name), number(figures.mean), interval(figures.interval), number(figures.median),
        str(figures.photos), unscored,
    ]  # fmt: skip


def pair_cells(figures: PairFigures) -> list[str]:
    """Return the cells of one pair under `PAIR_HEADS`."""
    return [
        f"{one_line(figures.b)} − {one_line(figures.a)}", number(figures.difference, sign="+"),
        interval(figures.interval, sign="+"), NONE if figures.win_rate is None else f"{figures.win_rate:.0%}",
        p_value(figures.p), number(figures.detectable),
    ]  # fmt: skip


def p_value(p: float | None) -> str:
    """Return a p value as papers print it."""
    return NONE if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def footnotes(comparison: Comparison) -> list[str]:
    """Return what has to be said beside the figures: notices, photos without a score, how it was computed."""
    stamp = comparison.stamp
    unscored = [
        f"{each.unscored} of {each.photos} photos of {one_line(each.name)} have no score; "
        "each counts as lost against a method that has one."
        for each in comparison.methods
        if each.unscored
    ]
    weights = f" ({stamp.sha256[:12]})" if stamp.sha256 else ""
    computed = (
        f"Checkpoint {stamp.checkpoint}{weights}, fiqa {stamp.version}, finder {stamp.finder}, "
        f"torch {stamp.libraries.get('torch', 'unknown')}, {stamp.device}, {stamp.date}."
    )
    meaning = (
        "Intervals: bootstrap over sources. p: Wilcoxon signed rank, corrected for the number of pairs after Holm. "
        "Detectable: the difference that photos like these show in 80 % of cases."
    )
    return [*comparison.notices, *unscored, meaning, computed]


def _latex_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    body = [f"{' & '.join(row)} \\\\" for row in rows]
    head = f"{' & '.join(_latex_cells(heads))} \\\\"
    columns = "l" + "r" * (len(heads) - 1)
    return [f"\\begin{{tabular}}{{{columns}}}", "\\toprule", head, "\\midrule", *body, "\\bottomrule", "\\end{tabular}"]


_LATEX = {"%": "\\%", "_": "\\_", "&": "\\&", "#": "\\#", "$": "\\$", "{": "\\{", "}": "\\}", "−": "$-$", "–": "--"} | {
    "\\": "\\textbackslash{}", "<": "$<$", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
}  # fmt: skip


def _latex_cells(cells: Sequence[str]) -> list[str]:
    return ["".join(_LATEX.get(char, char) for char in cell) for cell in cells]


def _bold(cell: str) -> str:
    return f"\\textbf{{{cell}}}"


FORMATS: dict[str, Callable[[Comparison], str]] = {
    "table": to_table,
    "json": to_json,
    "csv": to_csv,
    "md": to_markdown,
    "tex": to_latex,
}
"""By what `--format` and the suffix of `--output` call them."""
