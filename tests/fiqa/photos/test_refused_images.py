"""What is no photo, or a harmful one, is refused in one sentence."""

import os
import re
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fiqa.errors import PhotoError
from fiqa.photos import images
from fiqa.photos.images import (
    MAX_FILE_BYTES,
    MAX_PIXELS,
    MIN_SIDE_PX,
    decode_photo,
)
from tests.fiqa.photos.encoded import Pixels, encode, png_header

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "SVG"),
        (b"<?xml version='1.0'?>\n<!-- drawn -->\n<svg/>", "SVG"),
        (b"\n<!DOCTYPE html><html><body>404</body></html>", "HTML"),
        (b"\xef\xbb\xbf<html>", "HTML"),
        ("kein Foto, nur schöner Text\n".encode() * 40, "text"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "PDF"),
        (b"PK\x03\x04" + bytes(99), "ZIP"),
        (b"\0\0\0\x18ftypisom" + bytes(99), "video"),
        (bytes(range(1, 256)), "unknown"),
        (b"\xff\xd8\xff", "damaged"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (png_header(1, 1), "too small"),
        (png_header(8, 8), f"at least {MIN_SIDE_PX}"),
        (png_header(64, 0), "damaged"),
        (png_header(16, 16 * 21), "narrow"),
        (png_header(64, 64), "truncated"),
        (png_header(9_000, 9_000), "megapixels"),
        (png_header(20_000, 20_000), "megapixels"),
        (png_header(2**31 - 1, 2**31 - 1), "megapixels"),
    ],
)
def test_refusal_is_one_sentence_that_names_the_reason(data: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    for source in (data, path):
        with pytest.raises(PhotoError, match=reason) as caught:
            decode_photo(source)
        message = str(caught.value)
        assert message.endswith(".")
        assert "\n" not in message
        assert "0x" not in message
    assert message.startswith("photo.jpg ")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "AVIF"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_truncated_files_are_refused(photo: Pixels, kind: str, kept: float) -> None:
    data = encode(photo, kind)
    with pytest.raises(PhotoError, match=r"truncated|damaged"):
        decode_photo(data[: int(kept * len(data))])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF"])
def test_damaged_files_are_decoded_or_refused_and_never_crash(photo: Pixels, kind: str) -> None:
    data = encode(photo[:64, :64], kind)
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(data)
        for place in rng.integers(len(data), size=4):
            damaged[place] = rng.integers(256)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of damaged metadata
            try:
                assert decode_photo(bytes(damaged)).pixels.ndim == 3
            except PhotoError as error:
                assert "\n" not in str(error)  # noqa: PT017  either answer will do


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((3, 64, 64), np.uint8), "shape"),
        (np.zeros((64, 64, 2), np.uint8), "shape"),
        (np.zeros(64, np.uint8), "shape"),
        (np.zeros((0, 64, 3), np.uint8), "shape"),
        (np.zeros((64, 64, 3), np.int64), "int64"),
        (np.zeros((64, 64, 3), bool), "bool"),
        (np.zeros((64, 64, 3), complex), "complex"),
        (np.full((64, 64, 3), 255.0), "outside 0..1"),
        (np.full((64, 64, 3), -0.1), "outside 0..1"),
        (np.full((64, 64, 3), np.nan), "outside 0..1"),
        (np.zeros((8, 8, 3), np.uint8), "too small"),
    ],
)
def test_arrays_that_could_be_misread_are_refused(array: NDArray[Any], reason: str) -> None:
    with pytest.raises(PhotoError, match=reason):
        decode_photo(array)


def test_other_objects_are_refused() -> None:
    with pytest.raises(PhotoError, match="not list"):
        decode_photo([1, 2, 3])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["missing.jpg", ".", "a\0b.jpg", "x" * 5000, "https://example.org/photo.jpg"])
def test_paths_that_are_no_readable_file_are_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PhotoError, match=r"does not exist|no file|cannot be read"):
        decode_photo(name)


def test_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    pipe = tmp_path / "photo.jpg"
    os.mkfifo(pipe)
    with pytest.raises(PhotoError, match="no file"):
        decode_photo(pipe)


def test_file_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(PhotoError, match="64 MiB"):
        decode_photo(path)


@pytest.mark.slow
def test_text_hidden_in_a_png_does_not_unpack_to_gigabytes(photo: Pixels) -> None:
    data = encode(photo, "PNG")
    packed = b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9)
    chunk = struct.pack(">I", len(packed)) + b"zTXt" + packed + struct.pack(">I", zlib.crc32(b"zTXt" + packed))
    try:
        assert np.array_equal(decode_photo(data[:33] + chunk + data[33:]).pixels, photo)
    except PhotoError as error:
        assert "damaged" in str(error)  # noqa: PT017  either answer will do


def test_raw_file_of_a_camera_is_not_judged_by_its_preview(photo: Pixels) -> None:
    preview = encode(photo, "TIFF", tiffinfo={254: 1})
    with pytest.raises(PhotoError, match="preview"):
        decode_photo(preview)


def test_decoders_that_are_not_allowed_never_see_the_file(photo: Pixels) -> None:
    for kind in ("PCX", "TGA", "ICO", "JPEG2000", "EPS"):
        with pytest.raises(PhotoError, match="use a photo in one of the formats"):
            decode_photo(encode(photo, kind))


def test_given_image_is_left_as_it_was(photo: Pixels) -> None:
    image = Image.fromarray(photo)
    image.getexif()[0x0112] = 6
    decode_photo(image)
    assert image.size == (256, 256)
    assert image.getexif()[0x0112] == 6
    assert np.array_equal(np.asarray(image), photo)


MEASURE = r"""
import os, re, sys
from pathlib import Path
from fiqa.errors import PhotoError
from fiqa.photos.images import decode_photo
for path in sys.argv[1:]:
    if os.fork():
        assert os.wait()[1] == 0
        continue
    try:
        decoded = decode_photo(path)
        said = " ".join([str(decoded.pixels.shape), *decoded.notices])
    except PhotoError as error:
        said = str(error)
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
    print(peak, said, flush=True)
    os._exit(0)
"""
"""Decodes each in a process of its own, a fork of one that has decoded nothing; prints its peak memory in bytes, and
what was said. The peak is read from /proc because the one of getrusage() starts with that of the parent."""

HUGE: list[tuple[tuple[int, int], str, str, dict[str, Any], str]] = [
    ((7071, 7071), "RGBA", "PNG", {"compress_level": 1}, r"\(7071, 7071, 3\)"),
    ((7071, 7071), "CMYK", "TIFF", {"compression": "tiff_lzw"}, r"\(7071, 7071, 3\).*CMYK"),
    ((7071, 7071), "I;16", "PNG", {"compress_level": 1}, r"\(7071, 7071, 3\)"),
    ((10_900, 10_900), "RGB", "JPEG", {}, r"\(5450, 5450, 3\).*10900×10900 pixels were reduced to 5450×5450"),
    ((10_900, 10_900), "L", "JPEG", {"progressive": True}, r"\(5450, 5450, 3\).*reduced"),
    ((20_000, 20_000), "L", "JPEG", {}, "megapixels"),
    ((20_000, 20_000), "1", "PNG", {}, "megapixels"),
    ((7071, 7071), "RGB", "WEBP", {"method": 0, "quality": 0}, r"\(7071, 7071, 3\)"),
    ((7071, 7071), "RGB", "AVIF", {"speed": 10, "quality": 0}, r"\(7071, 7071, 3\)"),
    ((20_000, 20_000), "1", "TIFF", {"compression": "group4"}, "megapixels"),
]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, str]]:
    """The peak memory in bytes of decoding each of HUGE, and what was said."""
    folder = tmp_path_factory.mktemp("huge")
    paths = [folder / str(number) for number in range(len(HUGE))]
    for path, (size, mode, kind, options, _) in zip(paths, HUGE, strict=True):
        path.write_bytes(encode(Image.new(mode, size), kind, **options))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", MEASURE, *map(str, paths)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    lines = (line.partition(" ") for line in done.stdout.splitlines())
    return [(int(peak), said) for peak, _, said in lines]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(HUGE)), ids=[f"{case[2]}-{case[1]}" for case in HUGE])
def test_huge_photos_stay_far_below_two_gigabytes(measured: list[tuple[int, str]], number: int) -> None:
    peak, said = measured[number]
    assert re.search(HUGE[number][-1], said)
    assert peak < 1.2e9


def test_limits_are_what_the_messages_say() -> None:
    assert MAX_PIXELS % 10**6 == 0
    assert images.MAX_JPEG_PIXELS <= 4 * MAX_PIXELS, "halving both sides must be enough"
