"""A comparison as text: a table for people, JSON for programs, CSV for spreadsheets, Markdown and LaTeX for papers."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from fiqa.comparison.comparison import Comparison
from fiqa.comparison.measures import measure_cell, measure_title
from fiqa.comparison.statistics import MethodFigures, PairFigures
from fiqa.reports import one_line, shortened
from fiqa.tables import NONE, aligned, interval, markdown_table, number

_METHOD_HEADS = ("method", "mean", "95 % interval", "median", "photos", "no score")
_PAIR_HEADS = ("b − a", "difference", "95 % interval", "b wins", "p (Holm)", "detectable")
LONGEST_NAME = 40
"""Letters of a method's name in the table for a terminal."""
BOLD = (
    "Bold: the best mean, and every mean that is not shown to be lower, since the interval of their difference holds 0 "
    "or p is 0.05 or more."
)


def to_json(comparison: Comparison) -> str:
    """Return methods, pairs, photos and stamp as one object; see `Comparison.to_dict`."""
    return json.dumps(comparison.to_dict(), indent=1, ensure_ascii=False) + "\n"


def to_csv(comparison: Comparison) -> str:
    """Return one line for every photo and method; see `Comparison.to_frame`."""
    text: str = comparison.to_frame().to_csv(index=False, float_format="%.6f")
    return text


def to_table(comparison: Comparison) -> str:
    """Return methods and pairs as aligned columns, then notices, errors and what it was computed with.

    Long names are shortened, so that columns stay on the screen.
    """
    comparison = with_short_names(comparison, LONGEST_NAME)
    methods = aligned([method_heads(comparison), *method_rows(comparison)])
    pairs = aligned([pair_heads(), *(pair_cells(each) for each in comparison.pairs)])
    conclusions = [conclusion(pair) for pair in comparison.pairs]
    return "\n".join([*methods, "", *pairs, "", *conclusions, "", *footnotes(comparison)]) + "\n"


def to_markdown(comparison: Comparison) -> str:
    """Return two tables in GitHub's Markdown with the best means bold, and the stamp below them."""
    tables = [
        markdown_table(method_heads(comparison), _marked(comparison, method_rows(comparison), "**{}**".format)),
        markdown_table(pair_heads(), [pair_cells(each) for each in comparison.pairs]),
    ]
    return "\n".join([*tables, *(f"{line}  " for line in (BOLD, *footnotes(comparison)))]) + "\n"


def to_latex(comparison: Comparison) -> str:
    """Return two tables for LaTeX with booktabs; the best means are bold, the stamp a comment."""
    methods = _marked(comparison, map(_latex_cells, method_rows(comparison)), "\\textbf{{{}}}".format)
    pairs = [_latex_cells(pair_cells(each)) for each in comparison.pairs]
    comments = [f"% {one_line(line)}" for line in (BOLD, *footnotes(comparison))]
    return (
        "\n".join([*_latex_table(method_heads(comparison), methods), *_latex_table(pair_heads(), pairs), *comments])
        + "\n"
    )


def best_methods(comparison: Comparison) -> set[str]:
    """Return the method with the best mean, and every other with a mean that is not shown to score lower than it."""
    means = {each.name: each.mean for each in comparison.methods if each.mean is not None}
    best = max(means, key=lambda name: means[name], default=None)
    beaten = {name for pair in comparison.pairs if pair.better == best for name in (pair.a, pair.b)} - {best}
    return means.keys() - beaten


def _marked(comparison: Comparison, rows: Iterable[list[str]], bold: Callable[[str], str]) -> list[list[str]]:
    """Return the rows of all methods with the means of the best ones in bold."""
    best = best_methods(comparison)
    return [
        [name, bold(mean), *cells] if method.name in best else [name, mean, *cells]
        for method, (name, mean, *cells) in zip(comparison.methods, rows, strict=True)
    ]


def with_short_names(comparison: Comparison, length: int) -> Comparison:
    """Return a comparison whose methods are called by a length at most; those that would be alike get a number."""
    short = dict[str, str]()
    for method in comparison.methods:
        name = shortened(method.name, length)
        alike = sum(each == name for each in (shortened(other, length) for other in short))
        short[method.name] = f"{name} ({alike + 1})" if alike else name
    return replace(
        comparison,
        methods=tuple(replace(each, name=short[each.name]) for each in comparison.methods),
        pairs=tuple(replace(each, a=short[each.a], b=short[each.b]) for each in comparison.pairs),
    )


def conclusion(pair: PairFigures) -> str:
    """Say in a sentence what is known of a pair: which is better and by how much, or that nothing was shown."""
    a, b = one_line(pair.a), one_line(pair.b)
    if pair.difference is None or pair.interval is None or pair.p is None:
        return f"{b} and {a}: too few photos to tell a difference."
    better, worse = (b, a) if pair.difference > 0 else (a, b)
    size = f"{abs(pair.difference):.3f} on average"
    said = f"95 % interval of {b} − {a}: {interval(pair.interval, sign='+')}; p {_with_sign(p_value(pair.p))}"
    if pair.better is not None:
        return f"{better} scores higher than {worse}, by {size} ({said})."
    if pair.interval[0] > 0 or pair.interval[1] < 0:
        return f"{better} scores higher than {worse} here, by {size}; it takes more photos to be certain ({said})."
    return (
        f"No difference between {b} and {a} is shown ({said}). Photos like these show a difference of "
        f"{number(pair.detectable)} or more in 80 % of cases."
    )


def _with_sign(p: str) -> str:
    return p if p.startswith("<") else f"= {p}"


def method_heads(comparison: Comparison) -> tuple[str, ...]:
    """Return the heads of the table of methods, those of measures last."""
    return (*_METHOD_HEADS, *map(measure_title, comparison.measures))


def pair_heads() -> tuple[str, ...]:
    """Return the heads of the table of pairs."""
    return _PAIR_HEADS


def method_rows(comparison: Comparison) -> list[list[str]]:
    """Return the cells of every method under `method_heads`."""
    return [
        [
            *_method_cells(each),
            *(
                measure_cell(name, each.measures[name]) if name in each.measures else NONE
                for name in comparison.measures
            ),
        ]
        for each in comparison.methods
    ]


def _method_cells(figures: MethodFigures) -> list[str]:
    unscored = f"{figures.unscored} ({figures.unscored_share:.0%})" if figures.unscored else "0"
    return [
        one_line(figures.name), number(figures.mean), interval(figures.interval), number(figures.median),
        str(figures.photos), unscored,
    ]  # fmt: skip


def pair_cells(figures: PairFigures) -> list[str]:
    """Return the cells of one pair under `pair_heads`."""
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
    "↑": "$\\uparrow$", "↓": "$\\downarrow$",
    "\\": "\\textbackslash{}", "<": "$<$", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
}  # fmt: skip


def _latex_cells(cells: Sequence[str]) -> list[str]:
    return ["".join(_LATEX.get(char, char) for char in cell) for cell in cells]


FORMATS: dict[str, Callable[[Comparison], str]] = {
    "table": to_table,
    "json": to_json,
    "csv": to_csv,
    "md": to_markdown,
    "tex": to_latex,
}
"""By what `--format` and the suffix of `--output` call them."""
