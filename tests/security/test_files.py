"""Files that nobody may get, and files that are not what they seem."""

import http.client
import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from struct import pack

import pytest
from PIL import Image

from tests.security.conftest import HIDDEN, Attacker, file_data, tray

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def raw_get(attacker: Attacker, path: str) -> tuple[int, bytes]:
    """Send a path as it is; libraries would tidy it up first."""
    connection = http.client.HTTPConnection("127.0.0.1", attacker.http.base_url.port or 80, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


ROUTES = (
    "/gradio_api/file=", "/file=", "/gradio_api/file/", "/assets/", "/static/", "/svelte/", "/gradio_api/proxy=file://",
    "/gradio_api/custom_component/1/server/component/", "/gradio_api/stream/a/b/",
)  # fmt: skip
CLIMBS = ("{}", "../../../../../../../..{}", "%2e%2e/%2e%2e/%2e%2e/%2e%2e{}", "..%2f..%2f..%2f..%2f..%2f..{}",
          "....//....//....//{}", "%00{}", "file://{}", "~/..{}", "//{}")  # fmt: skip


@pytest.mark.parametrize("route", ROUTES)
def test_no_path_leads_out_of_what_is_served(route: str, attacker: Attacker) -> None:
    for climb in CLIMBS:
        for target, content in ((str(attacker.hidden), HIDDEN.encode()), ("/etc/passwd", b"root:")):
            status, body = raw_get(attacker, route + climb.format(target))
            assert status >= 400, climb
            assert content not in body, climb
    attacker.assert_well()


def test_the_working_folder_is_not_served(attacker: Attacker) -> None:
    for path in ("app.py", "requirements.txt", "assets/checkpoints/lite/config.json"):
        for target in (path, str(Path.cwd() / path)):
            assert raw_get(attacker, f"/gradio_api/file={target}")[0] == 403


def test_the_data_folder_is_not_taken_for_an_upload(attacker: Attacker) -> None:
    take = attacker.event("take_photos")
    for stolen in (attacker.hidden, "/etc/passwd", Path.cwd() / "app.py", attacker.served.uploads / ".." / "data"):
        result = attacker.outcome(take, [tray(file_data(stolen)), None, "first"], session="thief")
        assert result["success"] is False
        assert HIDDEN not in str(result)


@pytest.mark.parametrize("name", ["../../evil.png", "..%2fevil.png", "/etc/evil.png", "a\\..\\evil.png"])
def test_an_upload_cannot_choose_where_it_goes(name: str, attacker: Attacker) -> None:
    path = Path(attacker.upload(name, b"evil"))
    assert path.resolve().is_relative_to(attacker.served.uploads)
    assert path.read_bytes() == b"evil"


@pytest.mark.parametrize(
    ("name", "kind"), [("evil.svg", "image/svg+xml"), ("evil.html", "text/html"), ("evil.png", "text/html")]
)
def test_what_was_uploaded_never_runs_in_a_browser(name: str, kind: str, attacker: Attacker) -> None:
    path = attacker.upload(name, b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", kind)
    answer = attacker.http.get(f"/gradio_api/file={path}")
    assert answer.headers["x-content-type-options"] == "nosniff"
    harmless = answer.headers["content-type"].startswith("image/png")
    assert harmless or answer.headers["content-disposition"].startswith("attachment")


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that declares a size and has next to no data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    header = pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def zip_bomb() -> bytes:
    """Return 20 MB of zeros, packed."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("face.png", bytes(20_000_000))
    return packed.getvalue()


def frames() -> bytes:
    """Return an animation of many pictures."""
    packed = BytesIO()
    pictures = [Image.new("P", (300, 300), color=number % 7) for number in range(20)]
    pictures[0].save(packed, "GIF", save_all=True, append_images=pictures[1:])
    return packed.getvalue()


BOMBS = {
    "pixels": (png_header(60_000, 60_000), "megapixels"),
    "more pixels than Pillow takes": (png_header(2_000_000_000, 2_000_000_000), ""),
    "one line": (png_header(1_000_000, 1), "too small"),
    "zip": (zip_bomb(), "ZIP"),
    "nested svg": (b"<svg xmlns='http://www.w3.org/2000/svg'>" + b"<g>" * 100_000, "SVG"),
    "a picture that is a script": (b"GIF89a/*\x00*/=1;alert(1)", ""),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_with_a_sentence(bomb: str, attacker: Attacker) -> None:
    content, reason = BOMBS[bomb]
    photo = file_data(attacker.upload("face.png", content))
    result = attacker.outcome(attacker.event("score"), [photo, "first", "main", None], session="bomber")
    assert result["success"] is False
    assert reason in result["output"]["error"]
    attacker.assert_well()


def test_of_an_animation_one_picture_is_decoded(attacker: Attacker) -> None:
    photo = file_data(attacker.upload("face.gif", frames()), "face.gif")
    result = attacker.outcome(attacker.event("score"), [photo, "first", "main", None], session="animator")
    assert result["success"] is False  # black, in which the fake predictor finds no face
    assert "no face" in result["output"]["error"]


def test_a_checkpoint_cannot_be_named_by_its_path(attacker: Attacker) -> None:
    photo = file_data(attacker.upload("face.png", b"x"))
    for checkpoint in (str(attacker.hidden.parent), "../data", "owner/repository", "http://127.0.0.1/x"):
        result = attacker.outcome(attacker.event("score"), [photo, checkpoint, "main", None], session="loader")
        assert result["success"] is False
        assert HIDDEN not in str(result)
