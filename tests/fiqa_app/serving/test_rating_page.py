"""The link of a study opens one small file, and every other address opens the app."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from fiqa_app.serving.rating_page import RatingPage


@pytest.fixture
def site() -> Iterator[TestClient]:
    def serve_app(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("the app")

    with TestClient(Starlette(routes=[RatingPage(), Route("/", serve_app)])) as client:
        yield client


@pytest.mark.parametrize("link", ["?study=a", "?participant=b", "?lang=de&preview=c", "?study="])
def test_a_link_of_a_study_opens_the_rating_page(site: TestClient, link: str) -> None:
    answer = site.get(f"/{link}")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert '<html class="rating-only"' in answer.text


@pytest.mark.parametrize("address", ["", "?STUDY_ID=1", "?studying=1", "?x=study=1", "?view=api"])
def test_every_other_address_opens_the_app(site: TestClient, address: str) -> None:
    assert site.get(f"/{address}").text == "the app"


def test_the_rating_page_is_one_file_and_shows_nothing_of_its_address(site: TestClient) -> None:
    page = site.get("/?study=%3Cscript%3Ealert(1)%3C/script%3E").text
    assert "alert(1)" not in page
    assert page.count("<script>") == page.count("</script>") == 2
    assert "<script src" not in page
    assert "stylesheet" not in page
    assert len(page) < 200_000


@pytest.mark.parametrize("encoding", ["br", "gzip", "identity"])
def test_the_rating_page_is_sent_compressed_to_whom_can_read_that(site: TestClient, encoding: str) -> None:
    page = site.get("/?study=a", headers={"accept-encoding": encoding})
    assert page.headers.get("content-encoding", "identity") == encoding
    assert page.text == site.get("/?participant=b", headers={"accept-encoding": "identity"}).text
    assert (int(page.headers["content-length"]) < 60_000) == (encoding != "identity")
    again = site.get("/?study=a", headers={"accept-encoding": encoding, "if-none-match": page.headers["etag"]})
    assert again.status_code == 304
