"""Studies, browsers and raters of the rating page."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.conftest import QUIET
from tests.browser.rating_page import OpenStudy, RatingPage, open_study
from tests.served import Served, serve

names = map("study {}".format, count())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("rating"), FIQA_RATE_LIMIT="1000") as served:
        yield served


@pytest.fixture
def study(served: Served, request: pytest.FixtureRequest) -> OpenStudy:
    """Open a study; parametrise indirectly with its options."""
    return open_study(served.labelling, next(names), **getattr(request, "param", {}))


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Gives browsers of their own, and looks at the end for what went wrong in them."""
    contexts, errors = [], []

    def come(**options: Any) -> BrowserContext:
        context = browser.new_context(**{**QUIET, "locale": "en-GB", **options})
        context.on("weberror", lambda error: errors.append(str(error.error)))
        contexts.append(context)
        return context

    yield come
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """The browser of most raters: every study is new, so nothing that it keeps is of another test's."""
    context = browser.new_context(**QUIET, locale="en-GB")
    yield context
    context.close()


@pytest.fixture
def rater(context: BrowserContext) -> Iterator[RatingPage]:
    errors: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield RatingPage(page)
    for each in context.pages:
        each.close()
    assert not errors


def newcomer(served: Served, study: OpenStudy) -> str:
    return f"{served.address}?study={study.join_code}"
