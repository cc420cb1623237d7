"""What the Compare tab shows: who is better and how sure that is, all figures, and examples of a pair."""

from collections.abc import Sequence

from fiqa.comparison.comparison import Comparison
from fiqa.comparison.examples import Example
from fiqa.comparison.figures import distributions, gain_against_input, slopes, win_matrix
from fiqa.comparison.page import example_pictures, scores_of
from fiqa.comparison.reports import (
    FORMATS,
    conclusion,
    footnotes,
    method_heads,
    method_rows,
    pair_cells,
    pair_heads,
)
from fiqa.comparison.statistics import PairFigures
from fiqa.photos.thumbnails import data_uri
from fiqa.ui.figures import text
from fiqa.ui.progress import panel

DOWNLOADS = {
    "csv": ("CSV", "text/csv"),
    "json": ("JSON", "application/json"),
    "md": ("Markdown", "text/markdown"),
    "tex": ("LaTeX", "application/x-tex"),
}
"""Reports that are in the page as links; the HTML report is made when it is asked for."""


def empty_panel() -> str:
    """Say what the tab is for, before anything was handed in."""
    return panel(
        "empty",
        '<p class="headline">Is method B better than A, and how sure is that?</p>'
        "<p>Add the photos of two methods or more, named alike: versions of one photo are scored at the same face and "
        "compared photo by photo. Or try the example: a damaged portrait and two filters that repair it.</p>",
    )


def error_panel(message: str) -> str:
    """Say in one sentence what was wrong and what to do."""
    return panel("error", f'<p class="headline">No comparison.</p><p role="alert">{text(message)}</p>')


def summary_panel(comparison: Comparison, notices: Sequence[str] = ()) -> str:
    """Show what came out of all methods and pairs: conclusions, tables, notices, distribution, downloads."""
    names = [method.name for method in comparison.methods]
    said = "".join(f"<li>{text(conclusion(pair))}</li>" for pair in comparison.pairs)
    unshown = {*comparison.notices, *notices}
    told = "".join(f'<p class="notice">{text(notice)}</p>' for notice in (*comparison.notices, *notices))
    scores = scores_of(comparison)
    matrix = (
        f'<figure class="matrix" tabindex="0">{_drawing(win_matrix(names, comparison.pairs))}</figure>'
        if len(names) > 2
        else ""
    )
    notes = "".join(f"<li>{text(note)}</li>" for note in footnotes(comparison) if note not in unshown)
    return panel(
        "comparison",
        f'<p class="headline">{_counted(len(comparison.photos), "photo")} in {len(names)} versions</p>'
        f'<ul class="conclusions">{said}</ul>{told}'
        f"{_table('Methods', method_heads(comparison), method_rows(comparison))}"
        f"{_table('Pairs, photo by photo', pair_heads(), [pair_cells(each) for each in comparison.pairs])}"
        f'<figure class="distribution">{_drawing(distributions(scores, comparison.score_range))}</figure>'
        f"{matrix}{_degradations(comparison)}"
        f"{_downloads(comparison)}{_all_scores(comparison)}"
        f'<ul class="meaning">{notes}</ul>',
    )


def pair_panel(comparison: Comparison, pair: PairFigures, examples: Sequence[Example] | None, busy: str = "") -> str:
    """Show one pair: its figures, then its worst regressions and largest gains; None while these are being made."""
    scores = scores_of(comparison)
    before, after = scores[pair.a], scores[pair.b]
    return panel(
        "pair",
        f'<p class="headline">{text(pair.b)} against {text(pair.a)}</p>'
        f'<div class="drawings"><figure>{_drawing(slopes(pair, before, after))}</figure>'
        f"<figure>{_drawing(gain_against_input(pair, before, after))}</figure></div>"
        f"{busy if examples is None else _examples(examples)}",
    )


def looking_for_examples(done: int, count: int) -> str:
    """Say how far the search for examples is."""
    share = 100 * done / max(1, count)
    return (
        '<p class="quiet" role="status">Mapping where the score changed in the worst regressions and largest gains…</p>'
        f'<div class="progress"><i class="known" style="width:{share:.1f}%"></i></div>'
    )


def _examples(examples: Sequence[Example]) -> str:
    """Show examples one at a time; page.js of the report moves between them."""
    if not examples:
        return '<p class="quiet">No photo scores differently in the two.</p>'
    figures = "".join(_example(each, number, len(examples)) for number, each in enumerate(examples, start=1))
    return (
        '<h3>Worst regressions and largest gains</h3><p class="quiet">From worst to best. Move with the arrow keys. '
        "The third picture shows where the score changed: green where the second version adds to it, purple where it "
        "takes from it.</p>"
        '<div class="examples" role="group" aria-roledescription="carousel" aria-label="Photos from worst to best" '
        f'tabindex="0">{figures}<div class="moves"><button type="button" class="save" value="-1">Previous</button>'
        '<button type="button" class="save" value="1">Next</button></div></div>'
    )


def _example(example: Example, number: int, count: int) -> str:
    pictures = "".join(
        f'<div><img src="{uri}" alt="{text(example.name)}, {text(title)}"><span>{text(title)}'
        f"{'' if score is None else f' <b>{score:.3f}</b>'}</span></div>"
        for title, uri, score in example_pictures(example)
    )
    return (
        f'<figure{"" if number == 1 else " hidden"}><div class="pictures">{pictures}</div><figcaption>{number} of '
        f"{count}: {text(example.name)}, <b>{example.difference:+.3f}</b></figcaption></figure>"
    )


def _degradations(comparison: Comparison) -> str:
    """Say what is wrong with the photos of each method, where that was looked at."""
    rows = [
        [method, ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in counts.items())]
        for method, counts in comparison.degradations.items()
    ]
    return _table("Likeliest degradation", ("method", "photos"), rows, kind="kinds") if rows else ""


def _all_scores(comparison: Comparison) -> str:
    names = [method.name for method in comparison.methods]
    rows = [[photo.name, *(_score(photo.scores[name]) for name in names)] for photo in comparison.photos]
    return f"<details><summary>All scores</summary>{_table('Scores by photo', ('photo', *names), rows)}</details>"


def _score(score: float | None) -> str:
    return "–" if score is None else f"{score:.3f}"


def _downloads(comparison: Comparison) -> str:
    """Return links that hold reports, and a button for the one with pictures; nothing is kept on the server."""
    links = "".join(
        f'<a class="save" download="comparison.{suffix}" href="{_link(FORMATS[suffix](comparison), media_type)}">'
        f"{title}</a>"
        for suffix, (title, media_type) in DOWNLOADS.items()
    )
    return (
        '<p class="downloads">Save the report <button type="button" class="save" value="html">HTML, with figures'
        f"</button>{links}</p>"
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _drawing(svg: str) -> str:
    """Return SVG for `gr.HTML`, to whose template language braces mean something: names may hold them."""
    return svg.translate({ord("{"): "&#123;", ord("}"): "&#125;", ord("$"): "&#36;"})


def _link(content: str, media_type: str) -> str:
    return data_uri(media_type, content.encode("utf-8"))


def report_link(page: str) -> str:
    """Return a link that holds the HTML report; its hash makes each one new, so that the page notices."""
    return f'<a download="comparison.html" href="{_link(page, "text/html")}" data-made="{hash(page)}">report</a>'


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], *, kind: str = "numbers") -> str:
    head = "".join(f'<th scope="col">{text(cell)}</th>' for cell in heads)
    body = "".join(
        f'<tr><th scope="row">{text(row[0])}</th>{"".join(f"<td>{text(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return (
        f'<div class="table-scroll" tabindex="0"><table class="{kind}"><caption>{text(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
