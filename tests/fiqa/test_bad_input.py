"""Whatever is given as a photo, the network scores it or refuses it in one sentence: no traceback, no gigabytes.

tests/fiqa/photos/test_images.py checks the decoder alone; here every case goes the whole way, through the command line.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut

from tests.fiqa.photos.encoded import encode, png_header

ROOT = Path(__file__).parents[2]
Pixels = NDArray[np.uint8]
pytestmark = pytest.mark.slow


def portrait() -> Pixels:
    return np.ascontiguousarray(astronaut()[:320, 64:384])


def animated() -> bytes:
    image = Image.fromarray(portrait())
    return encode(image, "WEBP", save_all=True, append_images=[image.rotate(90)], lossless=True)


def rotated_by_exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encode(np.ascontiguousarray(np.rot90(portrait())), "JPEG", exif=exif, quality=95)


def jpeg_that_says(width: int, height: int) -> bytes:
    """A JPEG of this size according to its header; who refuses it reads no further."""
    small = (8).to_bytes(2) + (16).to_bytes(2)
    data = encode(Image.new("L", (16, 8)), "JPEG")
    assert data.count(small) == 1
    return data.replace(small, height.to_bytes(2) + width.to_bytes(2))


def crowd(faces: int, *, across: int = 10, side_px: int = 240) -> Pixels:
    face = Image.fromarray(astronaut()[20:220, 120:320]).resize((side_px, side_px))
    picture = Image.new("RGB", (across * side_px, -(-faces // across) * side_px))
    for number in range(faces):
        picture.paste(face, (number % across * side_px, number // across * side_px))
    return np.asarray(picture)


@dataclass(frozen=True)
class Case:
    """`data` makes the file; `error` is part of the refusal and None for a score; `notice` goes with a score."""

    name: str
    data: Callable[[], bytes]
    error: str | None = None
    notice: str | None = None


SCORED = [
    Case("plain.png", lambda: encode(portrait(), "PNG")),
    Case("grey.png", lambda: encode(portrait()[:, :, 1], "PNG")),
    Case("sixteen_bit.png", lambda: encode(Image.fromarray(portrait()[:, :, 1].astype(np.uint16) * 257), "PNG")),
    Case("cmyk.jpg", lambda: encode(Image.fromarray(portrait()).convert("CMYK"), "JPEG"), notice="CMYK"),
    Case("palette.gif", lambda: encode(Image.fromarray(portrait()).quantize(256), "GIF")),
    Case("alpha.png", lambda: encode(Image.fromarray(portrait()).convert("RGBA"), "PNG")),
    Case("animated.webp", animated, notice="first"),
    Case("rotated.jpg", rotated_by_exif),
    Case("png_called.jpg", lambda: encode(portrait(), "PNG")),
    Case("crowd.jpg", lambda: encode(crowd(100), "JPEG", quality=95), notice="faces were found"),
    Case("huge.jpg", lambda: encode(Image.fromarray(portrait()).resize((7_200, 7_200)), "JPEG"), notice="reduced"),
]
REFUSED = [
    Case("truncated.jpg", lambda: encode(portrait(), "JPEG")[:5000], error="truncated"),
    Case("zero_bytes.jpg", bytes, error="empty"),
    Case("text.jpg", lambda: b"no photo\n" * 99, error="text"),
    Case("svg.jpg", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", error="SVG"),
    Case("html.jpg", lambda: b"<!doctype html><title>404</title>", error="HTML"),
    Case("1x1.png", lambda: encode(np.zeros((1, 1, 3), np.uint8), "PNG"), error="too small"),
    Case("8x8.png", lambda: encode(np.zeros((8, 8, 3), np.uint8), "PNG"), error="too small"),
    Case("20000x20000.jpg", lambda: jpeg_that_says(20_000, 20_000), error="megapixels"),
    Case("bomb.png", lambda: png_header(60_000, 60_000), error="megapixels"),
    Case("one_colour.png", lambda: encode(np.full((256, 256, 3), 128, np.uint8), "PNG"), error="face"),
]
EITHER = [
    Case("upside_down.png", lambda: encode(np.ascontiguousarray(portrait()[::-1, ::-1]), "PNG")),
    Case("noise.png", lambda: encode(np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8), "PNG")),
    Case("16x16.png", lambda: encode(Image.fromarray(portrait()).resize((16, 16)), "PNG")),
    Case("ribbon.png", lambda: encode(Image.fromarray(portrait()).resize((3200, 160)), "PNG")),
]

RUN = """
import re, sys
from pathlib import Path
from fiqa.__main__ import main
status = main(sys.argv[1:])
peak_kib = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
print(status, peak_kib * 1024, file=sys.stderr)
"""


@dataclass(frozen=True)
class Run:
    """What the command line gave for the whole table at once."""

    rows: dict[str, dict[str, Any]]
    errors: list[str]
    status: int
    peak_bytes: int


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("bad_input")
    for case in SCORED + REFUSED + EITHER:
        (folder / case.name).write_bytes(case.data())
    words = ["score", str(folder), "--device", "cpu", "--format", "json", "--checkpoint", "lite"]
    done = subprocess.run([sys.executable, "-c", RUN, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *errors, last = done.stderr.strip().splitlines()
    status, peak = map(int, last.split())
    rows = {Path(row["path"]).name: row for row in json.loads(done.stdout)}
    return Run(rows, errors, status, peak)


@pytest.mark.parametrize("case", SCORED, ids=lambda case: case.name)
def test_odd_photo_is_scored(run: Run, case: Case) -> None:
    row = run.rows[case.name]
    assert row["error"] is None
    low, high = row["interval"]
    assert 0 <= low <= row["score"] <= high <= 1
    if case.notice:
        assert case.notice in " ".join(row["notices"])


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_bad_photo_is_refused_in_one_sentence(run: Run, case: Case) -> None:
    row = run.rows[case.name]
    assert row["score"] is None
    assert case.error in row["error"]
    assert row["error"].endswith(".")
    assert "\n" not in row["error"]


@pytest.mark.parametrize("case", EITHER, ids=lambda case: case.name)
def test_doubtful_photo_is_scored_or_refused(run: Run, case: Case) -> None:
    row = run.rows[case.name]
    assert (row["score"] is None) != (row["error"] is None)


def test_each_refusal_costs_one_line_and_all_files_are_answered(run: Run) -> None:
    refused = [row for row in run.rows.values() if row["error"]]
    assert len(run.errors) == len(refused)
    assert len(run.rows) == len(SCORED + REFUSED + EITHER)
    assert run.status == 1
    assert not any("Traceback" in line for line in run.errors)


def test_memory_stays_below_two_gigabytes(run: Run) -> None:
    assert run.peak_bytes < 2e9


@pytest.mark.parametrize("name", ["sixteen_bit.png", "grey.png"])
def test_depth_and_colour_of_the_file_hardly_change_the_score(run: Run, name: str) -> None:
    assert abs(run.rows[name]["score"] - run.rows["plain.png"]["score"]) < 0.15


@pytest.mark.parametrize("name", ["alpha.png", "png_called.jpg"])
def test_same_pixels_have_the_same_score(run: Run, name: str) -> None:
    assert run.rows[name]["score"] == run.rows["plain.png"]["score"]


def test_rotated_photo_is_judged_upright(run: Run) -> None:
    rotated, plain = run.rows["rotated.jpg"]["faces"][0], run.rows["plain.png"]["faces"][0]
    assert np.allclose(rotated["box_xyxy"], plain["box_xyxy"], atol=12)


def test_faces_of_a_crowd_are_listed(run: Run) -> None:
    assert 80 <= len(run.rows["crowd.jpg"]["faces"]) <= 104
