"""What one visitor can do to another, and what is left of a visit."""

import json
import socket
import time
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fiqa_app.serving.upload_folder import UploadFolder
from tests.security.conftest import Attacker, file_data, tray

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

MARKUP = "<img src=x onerror=alert(1)>"
ELSEWHERE = "Somewhere on the Isle of Wight"


def photo_with_place(shade: int = 102) -> bytes:
    """Return a photo of one grey that says where it was taken, and by whom."""
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = ELSEWHERE  # description, artist
    exif.get_ifd(0x8825).update({1: "N", 2: (50.0, 40.0, 30.0), 3: "W", 4: (1.0, 16.0, 30.0)})
    file = BytesIO()
    Image.new("RGB", (100, 80), (shade, shade, shade)).save(file, "JPEG", exif=exif, comment=ELSEWHERE.encode())
    return file.getvalue()


def visit(attacker: Attacker, session: str, *names: str, shade: int = 102) -> list[dict[str, Any]]:
    """Add photos of these names to the Score tab and look at their scores; returns all messages."""
    photos = [file_data(attacker.upload(name, photo_with_place(shade), "image/jpeg"), name) for name in names]
    items = [{**item, "caption": name} for item, name in zip(tray(*photos), names, strict=True)]
    taken = attacker.outcome(attacker.event("take_photos"), [items, None, "first"], session=session)
    shown = attacker.outcome(attacker.event("show_scores"), [None, "first", "main"], session=session)
    return [taken, shown]


@pytest.mark.parametrize("names", [("face.jpg",), ("face.jpg", "other.jpg")], ids=["one photo", "a batch"])
def test_nothing_shown_or_downloaded_tells_where_a_photo_was_taken(names: tuple[str, ...], attacker: Attacker) -> None:
    said = json.dumps(visit(attacker, f"place{len(names)}", *names))
    assert "0.4" in said  # the score is there
    assert ELSEWHERE not in said
    assert "Exif" not in said
    assert "RXhpZ" not in said  # the same in the base64 of a data URI
    photo = file_data(attacker.upload("face.jpg", photo_with_place(), "image/jpeg"))
    assert ELSEWHERE not in str(
        attacker.outcome(attacker.event("score"), [photo, "first", "main", None], session="program")
    )


def test_the_name_of_a_photo_is_text_wherever_it_is_shown(attacker: Attacker) -> None:
    said = [each["output"]["data"] for each in visit(attacker, "markup", f"{MARKUP}.jpg", "other.jpg")]
    assert MARKUP not in json.dumps(said)
    assert escape(MARKUP) in json.dumps(said)


@pytest.mark.parametrize(
    "session", ["../../../etc/passwd", "a" * 100_000, "__proto__", "\u0000\u202e", "<script>", "'; DROP TABLE"]
)
def test_a_forged_session_holds_nothing_of_anybody(session: str, attacker: Attacker) -> None:
    visit(attacker, "victim", "victims-face.jpg")
    before = sorted(attacker.served.uploads.parent.iterdir())
    answer = attacker.join(attacker.event("show_scores"), [None, "first", "main"], session=session)
    if answer.status_code == 200 and len(session) < 1000:
        said = json.dumps(attacker.listen(session))
        assert "victims-face" not in said
    assert sorted(attacker.served.uploads.parent.iterdir()) == before
    attacker.assert_well()


def test_photos_cannot_be_slipped_into_the_page_s_memory(attacker: Attacker) -> None:
    slipped = {"items": [[str(attacker.hidden), "face.jpg"]], "superseded": False}
    shown = attacker.outcome(attacker.event("show_scores"), [slipped, "first", "main"], session="slip")
    assert "Your score appears here" in json.dumps(shown)


def test_a_photo_is_gone_from_the_disk_after_the_promised_time(attacker: Attacker) -> None:
    visit(attacker, "leaving", "face.jpg")
    _break_off_an_upload(attacker)
    kept = [path for path in attacker.served.uploads.rglob("*") if path.is_file()]
    assert any(path.name == "face.jpg" for path in kept)
    UploadFolder(attacker.served.uploads, kept_minutes=15).sweep(older_than_s=-1)  # as if the minutes had passed
    assert [path for path in attacker.served.uploads.rglob("*") if path.is_file()] == []
    labelled = attacker.hidden.parent  # what people rate stays, and is no visitor's
    elsewhere = [path for path in attacker.served.uploads.parent.rglob("*") if path.is_file()]
    assert [path for path in elsewhere if labelled not in path.parents] == []


def _break_off_an_upload(attacker: Attacker) -> None:
    """Send half an upload and hang up; Gradio leaves what came."""
    folder: Path = attacker.served.uploads
    before = len(list(folder.iterdir()))
    head = (
        b"POST /gradio_api/upload HTTP/1.1\r\nHost: app\r\nContent-Length: 100000\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        b'--b\r\nContent-Disposition: form-data; name="files"; filename="face.jpg"\r\n\r\n'
    )
    with socket.create_connection(("127.0.0.1", attacker.http.base_url.port or 80)) as connection:
        connection.sendall(head + b"x" * 1000)
        deadline = time.monotonic() + 30
        while len(list(folder.iterdir())) == before and time.monotonic() < deadline:
            time.sleep(0.05)
    assert len(list(folder.iterdir())) > before
