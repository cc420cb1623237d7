"""The page that the link of a study opens: the rating page alone, in one file.

Who rates comes for the pictures, often with a phone. The app's page has all tabs: a hundred files, which take seconds
before the first word is shown.
"""

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from annotate.ui.rating.routes import rating_script
from fiqa.bundled import bundled
from fiqa_app.serving.page import HEAD, TITLE
from fiqa_app.serving.shared_answers import ASK_AGAIN, SharedAnswer, accepted_encoding

LINKS = {"study", "participant", "preview"}
"""What the address of the app names when it is the link of a study, of a participant, or of a test run."""
PAGE = """<!doctype html>
<html class="rating-only" lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{head}
<style>{style}</style>
</head>
<body>
<script>{{
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.body.classList.toggle("dark", dark.matches);
dark.addEventListener("change", follow);
follow();
}}</script>
<main id="rate"><div class="rate"></div></main>
<script>((element) => {{
{script}
}})(document.querySelector("#rate"));</script>
</body>
</html>
"""


class RatingPage(Route):
    """Answers what asks for the app's own address with the link of a study; everything else is left to the app."""

    def __init__(self) -> None:
        style = bundled("style.css").read_text(encoding="utf-8")
        script = rating_script().replace("</", "<\\/")  # in texts of the scripts: it would end them
        self._page = PAGE.format(title=TITLE, head=HEAD, style=style, script=script).encode()
        self._answers: dict[str | None, SharedAnswer] = {}
        super().__init__("/", self._serve, methods=["GET"])

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        return super().matches(scope) if LINKS & query.keys() else (Match.NONE, {})

    async def _serve(self, request: Request) -> Response:
        encoding = accepted_encoding(request.headers)
        if encoding not in self._answers:
            html = "text/html; charset=utf-8"
            self._answers[encoding] = SharedAnswer.of(self._page, html, encoding, caching=ASK_AGAIN)
        return self._answers[encoding].response(request.headers)
