"""The photos of a visitor, which all tabs share, and how an upload is decoded.

`photos` is the state that all tabs share: whichever tab a photo was added in writes it, and every tab that shows
photos listens to its `change`. It holds paths in Gradio's upload cache, which is emptied within minutes, so a photo
may be gone when a tab comes back to it much later.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from fiqa.errors import PhotoError, SettingError
from fiqa.photos.images import DecodedPhoto, decode_photo

MOST_PHOTOS = 200
"""Photos of one batch on the page; the command line takes any number."""
SCORING = "scoring"
"""Concurrency group of everything that scores."""
SCORING_LIMIT = 16
"""Requests at a time. They take turns at the predictor photo by photo, so nobody waits for another's whole batch."""
UNSEEN: dict[str, Any] = {"show_progress": "hidden", "show_progress_on": [], "api_visibility": "private"}
"""For events that draw their own progress and are no endpoint.

Gradio looks through the whole page for each component that it may show progress on, at each step of every event, even
where it shows none: a click would take the browser several times as long.
"""


@dataclass(eq=False)
class LoadedPhotos:
    """What a visitor added: (path in the upload cache, name to show) of each photo.

    Compared by identity, so that adding the same photo again is a change too. `superseded` is set when
    others take their place: work on these can end.
    """

    items: tuple[tuple[str, str], ...] = ()
    superseded: bool = False


def decode_upload(source: str | bytes) -> DecodedPhoto:
    """Decode one upload when its turn has come; raises PhotoError."""
    return _decoder().submit(decode_photo, source).result()


@cache
def _decoder() -> ThreadPoolExecutor:
    """Return the thread that decodes: the largest photo takes more than a gigabyte for a moment, so they take turns.

    They come as they were sent; a lock would let the late go first.
    """
    return ThreadPoolExecutor(1, "decoder")


def given(photo: bytes | None) -> bytes:
    """Return the photo that a program sent; raise PhotoError when there is none."""
    if photo is None:
        raise PhotoError("No photo was given; send one image file.")
    return photo


def check_count(count: int) -> None:
    """Refuse more photos than the page takes."""
    if count > MOST_PHOTOS:
        raise SettingError(
            f"These are {count} photos and the page takes {MOST_PHOTOS} at once; score more with `fiqa score FOLDER`."
        )
