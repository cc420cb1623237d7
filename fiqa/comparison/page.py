"""A comparison as one HTML page that needs nothing else: figures, examples and all scores are inside it.

What a user gave (names of methods and photos) is escaped by Jinja; figures are our own SVG.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from fiqa.comparison.comparison import Comparison
from fiqa.comparison.examples import Example
from fiqa.comparison.figures import distributions, gain_against_input, slopes, win_matrix
from fiqa.comparison.reports import conclusion, footnotes, method_heads, method_rows, pair_cells, pair_heads, to_csv
from fiqa.comparison.statistics import PairFigures
from fiqa.photos.thumbnails import data_uri

if TYPE_CHECKING:
    from jinja2 import Environment

SHOWN_PX = 320
"""Side of an example on the page, at most."""


def to_html(comparison: Comparison, examples: Sequence[Example] = ()) -> str:
    """Return the page; `examples` are shown by pair, in the order given."""
    scores = scores_of(comparison)
    return render_page(
        _resource("page.html.j2"),
        comparison=comparison,
        conclusions=[conclusion(pair) for pair in comparison.pairs],
        method_heads=method_heads(comparison),
        methods=method_rows(comparison),
        pair_heads=pair_heads(),
        pairs=[pair_cells(each) for each in comparison.pairs],
        distributions=Markup(distributions(scores, comparison.score_range)),  # noqa: S704  our own SVG
        matrix=Markup(win_matrix(list(scores), comparison.pairs)),  # noqa: S704
        details=[_pair_details(pair, scores, examples) for pair in comparison.pairs],
        footnotes=footnotes(comparison),
        stamp=json.dumps(comparison.stamp.to_dict(), indent=1, ensure_ascii=False),
        csv=data_uri("text/csv", to_csv(comparison).encode()),
    )


def _pair_details(
    pair: PairFigures, scores: dict[str, NDArray[np.float64]], examples: Sequence[Example]
) -> dict[str, Any]:
    """Return the figures and examples of one pair, ready for the template."""
    before, after = scores[pair.a], scores[pair.b]
    shown = [each for each in examples if (each.a, each.b) == (pair.a, pair.b)]
    return {
        "pair": pair,
        "slopes": Markup(slopes(pair, before, after)),  # noqa: S704
        "gains": Markup(gain_against_input(pair, before, after)),  # noqa: S704
        "examples": [_shown(each) for each in shown],
    }


def _shown(example: Example) -> dict[str, Any]:
    """Return an example with its pictures as links that hold them."""
    return {"name": example.name, "difference": example.difference, "pictures": example_pictures(example)}


def example_pictures(example: Example) -> list[tuple[str, str, float | None]]:
    """Return title, data URI and score of both versions of an example, and of the map of where the score changed."""
    return [
        (example.a, _picture(example.before), example.scores[0]),
        (example.b, _picture(example.after), example.scores[1]),
        ("where it changed", _picture(_change_colours(example.change)), None),
    ]


def _change_colours(change: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Colour a change (S, S) as (S, S, 3): green where b contributes more, purple where less, white where alike."""
    import matplotlib as mpl

    most = float(np.nanmax(np.abs(change), initial=0.0)) or 1.0
    shares = np.nan_to_num(change / most, nan=0.0) / 2 + 0.5
    colours: NDArray[np.uint8] = mpl.colormaps["PRGn"](shares, bytes=True)[..., :3]
    return colours


def _picture(pixels: NDArray[np.uint8]) -> str:
    """Return pixels (S, S, 3) as a PNG data URI: a lossy copy would show damage that the scores know nothing of."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.thumbnail((SHOWN_PX, SHOWN_PX), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return data_uri("image/png", buffer.getvalue())


def scores_of(comparison: Comparison) -> dict[str, NDArray[np.float64]]:
    """Return the scores (N,) of every method, NaN where there is none."""
    return {
        method.name: np.array([photo.scores[method.name] for photo in comparison.photos], dtype=np.float64)
        for method in comparison.methods
    }


def _resource(name: str) -> str:
    return (files("fiqa.comparison") / name).read_text(encoding="utf-8")


def render_page(template: str, **values: Any) -> str:
    """Return a page whose template extends `page.base.html.j2`, with style and script; also of other reports."""
    style, script = Markup(_resource("page.css")), Markup(_resource("page.js"))  # noqa: S704  our own
    return _environment().from_string(template).render(style=style, script=script, **values)


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_resource),
    )
