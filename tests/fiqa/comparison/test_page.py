import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fiqa import QualityPredictor
from fiqa.comparison.comparison import Comparison, compare
from fiqa.comparison.examples import choose_examples, show_example
from fiqa.comparison.inputs import match_inputs
from fiqa.comparison.page import to_html
from fiqa.comparison.scoring import decode_versions

pytestmark = pytest.mark.slow

Folders = dict[str, Path]


@pytest.fixture(scope="module")
def comparison(predictor: QualityPredictor, folders: Folders) -> Comparison:
    return compare(folders, predictor=predictor)


def test_the_page_needs_nothing_from_elsewhere(
    predictor: QualityPredictor, folders: Folders, comparison: Comparison
) -> None:
    matched = match_inputs({name: str(path) for name, path in folders.items()})
    pair = comparison.pairs[0]
    examples = [show_example(predictor, pair, photo.name, decode_versions(photo)) for photo in matched.photos]

    page = to_html(comparison, examples)

    links = re.findall(r"""(?:src|href)=["']([^"']*)""", page)
    assert links
    assert all(link.startswith(("data:", "#")) for link in links)
    assert page.count("<img ") == 3 * len(examples)


def test_names_that_users_gave_are_escaped(comparison: Comparison) -> None:
    method = replace(comparison.methods[0], name="<script>alert(1)</script>")
    renamed = replace(comparison, methods=(method,), pairs=(), notices=("<b>",))
    photos = tuple(replace(photo, scores={method.name: 0.5}) for photo in comparison.photos)

    page = to_html(replace(renamed, photos=photos))

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_every_element_is_closed(comparison: Comparison) -> None:
    open_tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            open_tags.extend([] if tag in {"meta", "img", "path", "use", "rect"} else [tag])

        def handle_startendtag(self, tag: str, attrs: object) -> None:
            """An element that closes itself, as those of SVG do."""

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Reader().feed(to_html(comparison))
    assert open_tags == []


def test_examples_run_from_the_worst_regression_to_the_largest_gain(comparison: Comparison) -> None:
    chosen = choose_examples(comparison.pairs[0], comparison.photos)

    changes = [(photo.scores["noisy"] or 0) - (photo.scores["clean"] or 0) for photo in chosen]
    assert changes == sorted(changes)
    assert len(chosen) == 2


def test_an_example_shows_where_the_score_fell(
    predictor: QualityPredictor, folders: Folders, comparison: Comparison
) -> None:
    (photo, _) = match_inputs({name: str(folders[name]) for name in ("clean", "noisy")}).photos

    example = show_example(predictor, comparison.pairs[0], photo.name, decode_versions(photo))

    assert example.difference == pytest.approx(
        (comparison.photos[0].scores["noisy"] or 0) - (comparison.photos[0].scores["clean"] or 0), abs=1e-5
    )
    assert example.change.shape == example.before.shape[:2]
    assert example.change.mean() < 0
