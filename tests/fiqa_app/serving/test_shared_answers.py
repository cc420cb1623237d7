import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from fiqa_app.serving import shared_answers
from fiqa_app.serving.shared_answers import FILE, SharedAnswers

BROTLI, GZIP = {"accept-encoding": "gzip, br"}, {"accept-encoding": "gzip"}


class Site(TestClient):
    """A page that contains its own address, a script and what is missing; `asked` notes what reaches the app."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        routes = [Route("/", self.page), Route("/assets/{name}", self.file), Route("/score", self.file)]
        super().__init__(Starlette(routes=routes, middleware=[Middleware(SharedAnswers)]))

    def page(self, request: Request) -> Response:
        self.asked.append("page")
        return HTMLResponse(f"<base href='{request.headers.get('x-forwarded-host', request.base_url)}'>" + 999 * "a")

    def file(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        if "missing" in request.url.path:
            return PlainTextResponse("never so", status_code=404)
        return PlainTextResponse("" if request.method == "HEAD" else 999 * "b")


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.mark.parametrize(("accepted", "encoding"), [(BROTLI, "br"), (GZIP, "gzip")])
@pytest.mark.parametrize("path", ["/", "/assets/index-Ab3_x.js"])
def test_what_is_the_same_for_everybody_is_made_once_and_sent_compressed(
    site: Site, path: str, accepted: dict[str, str], encoding: str
) -> None:
    first, second = (site.get(path, headers=accepted) for _ in range(2))
    assert len(site.asked) == 1
    assert first.content == second.content
    assert first.text.endswith(999 * ("a" if path == "/" else "b"))
    assert first.headers["content-encoding"] == encoding
    assert first.headers["vary"] == "Accept-Encoding"
    assert int(first.headers["content-length"]) < 200
    assert first.headers["content-type"].startswith("text/")


def test_browsers_keep_files_for_ever_and_ask_whether_the_page_is_still_the_same(site: Site) -> None:
    assert "immutable" in site.get("/assets/index.css", headers=BROTLI).headers["cache-control"]
    page = site.get("/", headers=BROTLI)
    assert page.headers["cache-control"] == "no-cache"
    again = site.get("/", headers={**BROTLI, "if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", page.headers["etag"])
    weakened = f'"other", W/{page.headers["etag"]}'  # as proxies that compress for themselves hand it on
    assert site.get("/", headers={**BROTLI, "if-none-match": weakened}).status_code == 304
    assert site.get("/", headers={**BROTLI, "if-none-match": '"other"'}).status_code == 200


@pytest.mark.parametrize("name", shared_answers.ADDRESS)
def test_nobody_gets_the_page_of_another_address(site: Site, name: str) -> None:
    ours = site.get("/", headers=BROTLI).text
    site.get("/", headers={**BROTLI, name: "elsewhere.org"})
    assert site.asked == ["page", "page"]
    assert site.get("/", headers=BROTLI).text == ours


def test_pages_of_ever_new_addresses_fill_no_memory(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_answers, "MOST_PAGES", 2)
    for _ in range(2):
        for number in range(4):
            site.get("/", headers={**BROTLI, "x-forwarded-host": f"{number}.org"})
    assert len(site.asked) == 8


@pytest.mark.parametrize(
    "path", ["/?deep_link=a", "/score", "/assets/missing.js", "/assets/index.js?a", "/assets/a..js"]
)
def test_all_else_is_asked_for_anew(site: Site, path: str) -> None:
    answers = [site.get(path, headers=BROTLI) for _ in range(2)]
    assert len(site.asked) == 2
    assert answers[0].text == answers[1].text
    assert "etag" not in answers[0].headers


def test_who_takes_nothing_compressed_or_a_part_of_a_file_is_answered_by_the_app(site: Site) -> None:
    site.get("/", headers={"accept-encoding": "identity, gzip;q=0, br;q=0.0"})
    site.get("/assets/index.js", headers={**BROTLI, "range": "bytes=0-1"})
    assert len(site.asked) == 2
    assert site.post("/", headers=BROTLI).status_code == 405


def test_who_asks_for_the_headers_alone_leaves_no_empty_file_to_others(site: Site) -> None:
    assert site.head("/assets/index.js", headers=BROTLI).content == b""
    assert site.get("/assets/index.js", headers=BROTLI).text == 999 * "b"


def test_every_script_and_style_of_gradio_is_known_by_its_path() -> None:
    gradio = find_spec("gradio")
    assert gradio
    assert gradio.origin
    folder = Path(gradio.origin).parent / "templates" / "frontend" / "assets"
    names = [file.name for file in folder.iterdir() if file.name.endswith((".js", ".css"))]
    assert len(names) > 500
    assert [name for name in names if not FILE.fullmatch(f"/assets/{name}")] == []
    assert all(re.search(r"-[\w-]{8,}\.(js|css)$", name) for name in names)  # a part that follows from the content
