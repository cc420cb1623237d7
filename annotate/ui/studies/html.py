"""What the panels of the Studies tab are drawn with: text that cannot be markup, tables, meters, small pictures.

A table's buttons carry what they ask for as `data-…`; `PRESS` hands it to the event of the `gr.HTML` they are in.
"""

import warnings
from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

from annotate.design.states import State

PRESS = files("annotate.ui.studies").joinpath("press.js").read_text(encoding="utf-8")
THUMBNAIL_PX = 192
ROWS_OF_A_PAGE = 50
WORKING = '<div class="working"'
"""How what `working` returns begins, and nothing else."""
_STATES = {
    State.DRAFT: "Draft",
    State.OPEN: "Open",
    State.PAUSED: "Paused",
    State.CLOSED: "Closed",
}


def text(value: object) -> str:
    """Return `value` escaped for HTML and for the template language of `gr.HTML`."""
    return escape(str(value)).translate({ord("{"): "&#123;", ord("}"): "&#125;", ord("$"): "&#36;"})


def badge(state: State, *, demo: bool = False) -> str:
    """Name a study's state, and that it is the demo."""
    return f'<span class="badge {state}">{_STATES[state]}</span>' + '<span class="badge">Demo</span>' * demo


def note(sentence: str, kind: str = "") -> str:
    """Return one paragraph of text; `kind` is "warning", "good" or nothing."""
    return f'<p class="note {kind}">{text(sentence)}</p>'


def empty(headline: str, sentence: str) -> str:
    """Say that there is nothing yet, and what to do."""
    return f'<div class="nothing"><p class="headline">{text(headline)}</p><p>{text(sentence)}</p></div>'


def working(what: str, share: float | None = None) -> str:
    """Say what is being done, and how far it is, 0..1; None where that is not known."""
    bar = "<i></i>" if share is None else f'<i class="known" style="width:{100 * share:.1f}%"></i>'
    return f'{WORKING} role="status"><p>{text(what)}</p><div class="progress">{bar}</div></div>'


def meter(share: float) -> str:
    """Draw a share, 0..1, as a short bar for a table cell."""
    return f'<span class="meter"><i style="width:{100 * min(1.0, max(0.0, share)):.1f}%"></i></span>'


def table(heads: Sequence[str], rows: Iterable[str], *, caption: str = "", kind: str = "") -> str:
    """Return a table; `heads` are HTML, `rows` the cells of each row as `cells` makes them."""
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<div class="table-scroll" tabindex="0"><table class="{kind}"><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def cells(*values: str) -> str:
    """Return HTML values as the cells of a row."""
    return "".join(f"<td>{value}</td>" for value in values)


def press(what: str, label: str, *, kind: str = "link", **data: object) -> str:
    """Return a button that asks for `what`; its label and data are plain text."""
    given = "".join(f' data-{name}="{text(value)}"' for name, value in data.items())
    return f'<button type="button" class="{kind}" data-do="{what}"{given}>{text(label)}</button>'


def sort_head(label: str, column: str, chosen: str, *, descending: bool) -> str:
    """Return a column's head that asks to sort by it."""
    arrow = "" if column != chosen else " ↓" if descending else " ↑"
    return press("sort", label + arrow, kind="sort is-chosen" if arrow else "sort", column=column)


def pager(first: int, count: int, total: int, *, step: int = ROWS_OF_A_PAGE) -> str:
    """Return which rows of how many are shown, with buttons to go on and back; `first` counts from 0."""
    if total <= count:
        return ""
    back = press("page", "Back", kind="small", first=max(0, first - step)) if first else ""
    on = press("page", "Next", kind="small", first=first + step) if first + count < total else ""
    return f'<div class="pager">{back}<span>{first + 1:,}–{first + count:,} of {total:,}</span>{on}</div>'


def whole_number(value: object, *, least: int = 0, most: int = 10**9) -> int:
    """Read a number that the page sent, held to its bounds; nonsense is the least."""
    digits = str(value)
    return min(most, max(least, int(digits))) if digits.isascii() and digits.isdecimal() else least


def when(time: datetime | None) -> str:
    """Return a time in UTC to the minute, machine-readable for the page to show in its own zone."""
    if time is None:
        return "–"
    utc = time.astimezone(UTC)
    return f'<time datetime="{utc.isoformat(timespec="seconds")}">{utc:%Y-%m-%d %H:%M} UTC</time>'


def as_csv_link(name: str, content: str) -> str:
    """Return a link that saves a CSV under a name."""
    data = b64encode(content.encode()).decode("ascii")
    return f'<a class="download" download="{text(name)}" href="data:text/csv;base64,{data}">as CSV</a>'


def thumbnail(path: Path, side_px: int = THUMBNAIL_PX) -> str:
    """Return a small copy of a picture as an `img`: to recognise it by, not to judge it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged metadata; the picture itself was checked when it came in
            with Image.open(path) as opened:
                opened.draft("RGB", (side_px, side_px))
                image = ImageOps.exif_transpose(opened).convert("RGB")
                image.thumbnail((side_px, side_px))
    except (OSError, ValueError, Image.DecompressionBombError):
        return '<span class="no-picture" role="img" aria-label="The file is missing">?</span>'
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=88)
    data = b64encode(buffer.getvalue()).decode("ascii")
    return f'<img src="data:image/jpeg;base64,{data}" alt="" width="{image.width}" height="{image.height}">'
