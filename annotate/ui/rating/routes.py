"""The Rate tab, where participants rate, and the routes that its page (the scripts of this folder) talks to.

They are plain requests and no events of Gradio: the page must know of each answer whether it arrived, send it again
under the same key after a lost connection or a restart, and fetch pictures byte for byte as they were handed in.

    POST /rating/{action}                 JSON of `Message`; answers {"step": …} after the commit, or {"kind", "error"}
    GET  /rating/picture/{number}/{role}  the file of a picture of an item that is the participant's to rate now

    /rating/preview/{code}/…              the same on a test run (see `annotate.ui.previews`)

Whoever calls brings the token of their personal link each time, in the message or, for a picture, as Bearer.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING

import gradio as gr
from anyio import CapacityLimiter, to_thread
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from annotate.design.languages import LANGUAGES, TEXTS
from annotate.errors import AccessError, AnnotateError, AssignmentGoneError, DatabaseError, ProtocolError
from annotate.stimuli.files import stimulus_path
from annotate.ui.labelling import Labelling

if TYPE_CHECKING:
    from annotate.database.engine import Database

KEPT = (
    "Your answers are kept under a code, with the time you took and the size of your screen, until you delete them: "
    "“Delete everything about me” is on every page of a study."
)

SCRIPTS = (
    "vision.js", "storage.js", "server.js", "messages.js", "page.js", "consent.js", "screen.js", "ending.js",
    "viewing.js", "scales.js", "answering.js", "room.js", "begin.js",
)  # fmt: skip
"""What the page runs, one after the other."""
NOT_NOW = "This study cannot be shown at the moment. What you rated is saved; try again later."
PERSONAL = {"Cache-Control": "private, no-store"}
WHOLE_BYTES = 4 * 2**20
"""Of a picture that is read at once, in the thread that looked for it: its parts would each wait for one."""
THREADS = 64
"""Raters whose requests wait for the database at the same time; others wait for their turn."""


def rating_script() -> str:
    """Return what draws the rating page in `element`, which holds an empty one of class "rate"."""
    scripts = [files("annotate.ui.rating").joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS]
    wording = {code: dict(texts.wording) for code, texts in TEXTS.items()}
    constants = f"const WORDING = {json.dumps(wording)};\nconst LANGUAGES = {json.dumps(dict(LANGUAGES))};"
    return "\n".join([constants, *scripts])


def build_rate_tab() -> None:
    """Lay out the tab inside the current Blocks; everything in it is drawn by the scripts."""
    gr.HTML('<div class="rate"></div>', js_on_load=rating_script(), apply_default_css=False, elem_id="rate")


class RatingRoutes:
    """Answers the page.

    Wrong links are not counted: at 128 bits and more nobody guesses them, and one person's old link must not shut
    out everybody else in a laboratory behind the same address.
    """

    def __init__(self, labelling: Labelling) -> None:
        self.labelling = labelling
        self._threads = CapacityLimiter(THREADS)  # of our own: a slow database must not hold up the rest of the page

    def routes(self) -> list[Route]:
        """Return what the server serves beside Gradio."""
        return [
            Route(f"/rating/{preview}{what}", serve, methods=[method])
            for preview in ("", "preview/{code}/")
            for what, serve, method in (
                ("picture/{assignment_id:int}/{role}", self._serve_picture, "GET"),
                ("{action}", self._serve_action, "POST"),
            )
        ]

    async def _serve_action(self, request: Request) -> Response:
        code, action = request.path_params.get("code"), request.path_params["action"]
        return await self._answer(partial(self._act, code, action, await request.body()))

    async def _serve_picture(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        code = request.path_params.get("code")
        number, role = request.path_params["assignment_id"], request.path_params["role"]
        return await self._answer(partial(self._picture, code, token, number, role))

    async def _answer(self, work: Callable[[], Response]) -> Response:
        """Run the work in a thread; whatever was wrong becomes one sentence and a status."""
        try:
            return await to_thread.run_sync(work, limiter=self._threads)
        except ProtocolError:  # the owner is told why; for a participant the study is there again after an update
            return _refusal(DatabaseError.__name__, NOT_NOW, 503)
        except AnnotateError as error:
            return _refusal(type(error).__name__, str(error), _status(error))

    def _database(self, code: str | None) -> "Database":
        """Return the database of a test run, or without a code the one that keeps what is rated."""
        return self.labelling.database if code is None else self.labelling.previews.database(code)

    def _act(self, code: str | None, name: str, body: bytes) -> Response:
        """Answer only when the transaction is on disk."""
        # Late, here and below: the page is laid out without the database's library.
        from annotate.rating.messages import ACTIONS, Message

        act = ACTIONS.get(name)
        if act is None:
            return _refusal("RequestError", "There is no such action.", 404)
        try:
            message = Message.model_validate_json(body)
        except ValidationError:
            return _refusal("RequestError", "This is no message of the rating page.", 400)
        database = self._database(code)
        content = database.transact(lambda db: act(db, message, datetime.now(UTC)))
        if name == "withdraw":
            database.erase_deleted()
        return JSONResponse(content, headers=PERSONAL)

    def _picture(self, code: str | None, token: str, assignment_id: int, role: str) -> Response:
        from annotate.rating import sitting

        if not 0 < assignment_id < 2**31:
            raise AssignmentGoneError("There is no such picture.")
        with self._database(code).read() as db:
            picture = sitting.find_picture(db, token, assignment_id, role)
        path = stimulus_path(self.labelling.settings.data_dir, picture.sha256, picture.format)
        kind = f"image/{picture.format.lower()}"
        try:
            if path.stat().st_size > WHOLE_BYTES:
                return FileResponse(path, media_type=kind, headers=PERSONAL)
            return Response(path.read_bytes(), media_type=kind, headers=PERSONAL)
        except FileNotFoundError:
            raise DatabaseError("The file of this picture is missing; restore the folder of stimuli.") from None


def _status(error: AnnotateError) -> int:
    if isinstance(error, DatabaseError):
        return 503
    return 403 if isinstance(error, AccessError) else 409


def _refusal(kind: str, message: str, status: int) -> Response:
    return JSONResponse({"kind": kind, "error": message}, status, headers=PERSONAL)
