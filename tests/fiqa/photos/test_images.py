"""Odd photos are decoded as people see them, bad ones refused in one sentence, and neither costs much memory."""

import os
import re
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms
from skimage.data import astronaut

from fiqa.errors import PhotoError
from fiqa.photos import images
from fiqa.photos.images import (
    MAX_FILE_BYTES,
    MAX_PIXELS,
    MIN_SIDE_PX,
    PHOTO_SUFFIXES,
    begins_like_a_photo,
    decode_photo,
)

Pixels = NDArray[np.uint8]
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def photo() -> Pixels:
    return np.ascontiguousarray(astronaut()[:256, 96:352])


def encode(picture: Image.Image | Pixels, kind: str, **options: Any) -> bytes:
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def difference(first: Pixels, second: Pixels) -> float:
    """Mean absolute difference in 8-bit levels."""
    return float(np.abs(first.astype(int) - second).mean())


def png_header(width: int, height: int) -> bytes:
    """A PNG that declares a size and holds nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    parts = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("JPEG", {"quality": 95}, 2.5),
        ("JPEG", {"quality": 95, "progressive": True}, 2.5),
        ("AVIF", {"quality": 95}, 2.5),
    ],
)
def test_every_format_gives_back_the_photo(photo: Pixels, kind: str, options: dict[str, Any], tolerance: float) -> None:
    decoded = decode_photo(encode(photo, kind, **options))
    assert decoded.pixels.dtype == np.uint8
    assert decoded.pixels.flags.writeable
    assert decoded.notices == ()
    assert difference(decoded.pixels, photo) <= tolerance


def test_path_string_bytes_image_and_array_give_the_same(photo: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encode(photo, "PNG"))
    for source in (path, str(path), path.read_bytes(), Image.open(path), photo):
        assert np.array_equal(decode_photo(source).pixels, photo)


@pytest.mark.parametrize(
    ("convert", "tolerance"),
    [
        (lambda rgb: rgb.astype(np.uint16) * 257, 0),
        (lambda rgb: rgb / 255, 0),
        (lambda rgb: (rgb / 255).astype(np.float32), 0),
        (lambda rgb: (rgb / 255).astype(np.float16), 0.1),
        (lambda rgb: np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)]), 0),
        (lambda rgb: rgb[::-1, ::-1][::-1, ::-1], 0),
    ],
)
def test_arrays_of_every_kind_mean_the_same(
    photo: Pixels, convert: Callable[[Pixels], NDArray[Any]], tolerance: float
) -> None:
    assert difference(decode_photo(convert(photo)).pixels, photo) <= tolerance


@pytest.mark.parametrize("shape", [(256, 256), (256, 256, 1)])
def test_grey_arrays_become_three_equal_channels(photo: Pixels, shape: tuple[int, ...]) -> None:
    pixels = decode_photo(photo[:, :, 0].reshape(shape)).pixels
    assert all(np.array_equal(pixels[:, :, channel], photo[:, :, 0]) for channel in range(3))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(photo: Pixels, orientation: int) -> None:
    photo = photo[:200]  # not square, so that a quarter turn shows
    stored = {
        1: photo,
        2: photo[:, ::-1],
        3: photo[::-1, ::-1],
        4: photo[::-1],
        5: photo.transpose(1, 0, 2),
        6: np.rot90(photo),
        7: np.rot90(photo, 2).transpose(1, 0, 2),
        8: np.rot90(photo, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(np.ascontiguousarray(stored), "PNG", exif=exif)
    assert np.array_equal(decode_photo(data).pixels, photo)


def test_unreadable_exif_is_ignored(photo: Pixels) -> None:
    data = encode(photo, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\xff" * 40)
    assert decode_photo(data).pixels.shape == photo.shape


def test_sixteen_bit_grey_is_scaled_and_not_clipped(photo: Pixels) -> None:
    grey = photo[:, :, 1]
    for kind in ("PNG", "TIFF"):
        decoded = decode_photo(encode(Image.fromarray(grey.astype(np.uint16) * 257), kind))
        assert np.array_equal(decoded.pixels[:, :, 0], grey)


def test_float_tiff_is_scaled_from_0_to_1(photo: Pixels) -> None:
    grey = photo[:, :, 1]
    decoded = decode_photo(encode(Image.fromarray((grey / 255).astype(np.float32)), "TIFF"))
    assert np.array_equal(decoded.pixels[:, :, 0], grey)


def test_palette_and_bilevel_pictures_are_expanded(photo: Pixels) -> None:
    palette = Image.fromarray(photo).quantize(64)
    assert np.array_equal(decode_photo(encode(palette, "PNG")).pixels, np.asarray(palette.convert("RGB")))
    assert set(np.unique(decode_photo(encode(Image.fromarray(photo).convert("1"), "PNG")).pixels)) == {0, 255}


def test_cmyk_is_converted_with_a_notice(photo: Pixels) -> None:
    decoded = decode_photo(encode(Image.fromarray(photo).convert("CMYK"), "JPEG", quality=95))
    assert difference(decoded.pixels, photo) < 4
    assert "CMYK" in decoded.notices[0]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_are_laid_over_white_with_a_notice(photo: Pixels, mode: str) -> None:
    image = Image.fromarray(photo).convert("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    decoded = decode_photo(encode(image.convert(mode), "PNG", **({"transparency": bytes(256)} if mode == "P" else {})))
    assert decoded.pixels.min() == 255
    assert "white" in decoded.notices[0]


def test_opaque_alpha_changes_nothing(photo: Pixels) -> None:
    decoded = decode_photo(encode(Image.fromarray(photo).convert("RGBA"), "PNG"))
    assert np.array_equal(decoded.pixels, photo)
    assert decoded.notices == ()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_picture_of_several_counts_with_a_notice(photo: Pixels, kind: str) -> None:
    grey = Image.fromarray(photo[:, :, 0])
    decoded = decode_photo(encode(grey, kind, save_all=True, append_images=[Image.new("L", grey.size)]))
    assert difference(decoded.pixels[:, :, 0], photo[:, :, 0]) < 3
    assert "first" in decoded.notices[0]


def test_photo_with_a_depth_map_behind_it_is_an_ordinary_photo(photo: Pixels) -> None:
    image = Image.fromarray(photo)
    decoded = decode_photo(encode(image, "MPO", save_all=True, append_images=[image.resize((64, 64))], quality=95))
    assert decoded.pixels.shape == photo.shape
    assert decoded.notices == ()


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
import re, sys
from pathlib import Path
from fiqa.errors import PhotoError
from fiqa.photos.images import decode_photo
try:
    decoded = decode_photo(sys.argv[1])
    print(decoded.pixels.shape, *decoded.notices)
except PhotoError as error:
    print(error)
print(int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024)
"""


def decode_measured(data: bytes, path: Path) -> tuple[str, int]:
    """Decode in a fresh process; return what it said and its peak memory in bytes.

    The peak is read from /proc because the one of getrusage() starts with that of the parent.
    """
    path.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", MEASURE, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    said, peak = done.stdout.strip().rsplit("\n", 1)
    assert done.stderr == ""
    return said, int(peak)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "mode", "kind", "options", "said"),
    [
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
    ],
)
def test_huge_photos_stay_far_below_two_gigabytes(
    tmp_path: Path, *, size: tuple[int, int], mode: str, kind: str, options: dict[str, Any], said: str
) -> None:
    said_now, peak = decode_measured(encode(Image.new(mode, size), kind, **options), tmp_path / "huge")
    assert re.search(said, said_now)
    assert peak < 1.2e9


def test_limits_are_what_the_messages_say() -> None:
    assert MAX_PIXELS % 10**6 == 0
    assert images.MAX_JPEG_PIXELS <= 4 * MAX_PIXELS, "halving both sides must be enough"


def profile_of(primaries: str) -> bytes:
    """Return an ICC profile: that of sRGB with its primaries changed to those of a wider space."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    if primaries == "wide":  # red, green and blue of ProPhoto RGB, relative to D50
        columns = {b"rXYZ": (0.7977, 0.2880, 0.0), b"gXYZ": (0.1352, 0.7119, 0.0), b"bXYZ": (0.0313, 0.0001, 0.8249)}
        for number in range(int.from_bytes(profile[128:132])):
            name, start = profile[132 + 12 * number :][:4], int.from_bytes(profile[136 + 12 * number :][:4])
            if bytes(name) in columns:
                values = [round(value * 65536) for value in columns[bytes(name)]]
                profile[start + 8 : start + 20] = struct.pack(">iii", *values)
    return bytes(profile)


def in_wide_colours(photo: Pixels) -> Image.Image:
    """Return a photo with its values as the wide profile has them, which is embedded."""
    wide, srgb = (ImageCms.ImageCmsProfile(BytesIO(profile_of(kind))) for kind in ("wide", "srgb"))
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    converted = ImageCms.profileToProfile(Image.fromarray(photo), srgb, wide, intent)
    assert converted is not None
    return converted


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_colours_of_another_profile_are_those_of_srgb(photo: Pixels, kind: str) -> None:
    of_kind: dict[str, dict[str, Any]] = {"JPEG": {"quality": 98, "subsampling": 0}, "WEBP": {"lossless": True}}
    options = of_kind.get(kind, {})
    wide = in_wide_colours(photo)
    decoded = decode_photo(encode(wide, kind, icc_profile=profile_of("wide"), **options))
    assert difference(np.asarray(wide), photo) > 3
    assert difference(decoded.pixels, photo) < (2.5 if kind == "JPEG" else 0.5)
    assert any("converted to sRGB" in notice for notice in decoded.notices)


def test_transparency_survives_the_conversion_of_colours(photo: Pixels) -> None:
    wide = in_wide_colours(photo)
    wide.putalpha(Image.fromarray(np.where(np.arange(256) < 128, 255, 0).astype(np.uint8)[None].repeat(256, axis=0)))
    decoded = decode_photo(encode(wide, "PNG", icc_profile=profile_of("wide")))
    assert difference(decoded.pixels[:, :128], photo[:, :128]) < 2.5
    assert (decoded.pixels[:, 128:] == 255).all()


@pytest.mark.parametrize("profile", [profile_of("srgb"), b"no profile", profile_of("srgb")[:200]])
def test_a_profile_that_is_srgb_or_damaged_changes_nothing(photo: Pixels, profile: bytes) -> None:
    decoded = decode_photo(encode(photo, "PNG", icc_profile=profile))
    assert np.array_equal(decoded.pixels, photo)
    assert decoded.notices == ()


def test_a_profile_for_other_channels_is_ignored(photo: Pixels) -> None:
    decoded = decode_photo(encode(Image.fromarray(photo[..., 0]), "PNG", icc_profile=profile_of("wide")))
    assert np.array_equal(decoded.pixels[..., 1], photo[..., 0])


def with_orientation_in_xmp(photo: Pixels, kind: str) -> bytes:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    exif = Image.Exif()
    exif[ExifTags.Base.XResolution] = 72.0  # a JPEG's EXIF is read as soon as it is opened
    return encode(photo, kind, xmp=xmp, exif=exif, quality=98)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_orientation_in_xmp_alone_is_ignored_as_browsers_do(photo: Pixels, kind: str) -> None:
    assert decode_photo(with_orientation_in_xmp(photo[:200], kind)).pixels.shape == (200, 256, 3)


@pytest.mark.parametrize("lost", [2, 3, 12])
def test_a_jpeg_without_its_last_bytes_is_read_with_a_notice(photo: Pixels, lost: int) -> None:
    data = encode(photo, "JPEG", quality=95)
    decoded = decode_photo(data[:-lost])
    assert difference(decoded.pixels[:-17], decode_photo(data).pixels[:-17]) == 0
    assert any("lacks its end" in notice for notice in decoded.notices)


@pytest.mark.parametrize(("share", "options"), [(0.9, {}), (0.5, {}), (0.97, {"progressive": True})])
def test_a_jpeg_that_lacks_part_of_the_picture_is_refused(photo: Pixels, share: float, options: dict[str, Any]) -> None:
    data = encode(photo, "JPEG", quality=95, **options)
    with pytest.raises(PhotoError, match="truncated"):
        decode_photo(data[: int(share * len(data))])


def with_wrong_checksum(png: bytes, kind: bytes) -> bytes:
    start = png.index(kind) - 4
    end = start + 12 + int.from_bytes(png[start : start + 4])
    return png[: end - 4] + b"\x00\x00\x00\x00" + png[end:]


def test_a_png_with_damage_beside_its_pixels_is_read_with_a_notice(photo: Pixels) -> None:
    data = with_wrong_checksum(encode(photo, "PNG", dpi=(72, 72)), b"pHYs")
    decoded = decode_photo(data)
    assert np.array_equal(decoded.pixels, photo)
    assert decoded.notices == ("Damaged parts of the file were ignored: pHYs.",)


def test_a_png_with_a_damaged_extra_that_its_decoder_stumbles_over_is_read_with_a_notice(photo: Pixels) -> None:
    data = encode(photo, "PNG")
    decoded = decode_photo(data[:33] + struct.pack(">I", 3) + b"pHYs" + bytes(7) + data[33:])
    assert np.array_equal(decoded.pixels, photo)
    assert decoded.notices == ("Damaged parts of the file were ignored: pHYs.",)


def test_a_png_with_damage_in_its_header_is_refused(photo: Pixels) -> None:
    with pytest.raises(PhotoError, match="damaged"):
        decode_photo(with_wrong_checksum(encode(photo, "PNG"), b"IHDR"))


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_few_bits_in_a_file_of_sixteen_get_a_notice(photo: Pixels, bits: int) -> None:
    grey = (photo[..., 0].astype(np.uint16) << 8) >> (16 - bits)
    assert any("scale them up" in notice for notice in decode_photo(encode(Image.fromarray(grey), "PNG")).notices)
    assert any("scale them up" in notice for notice in decode_photo(np.dstack([grey] * 3)).notices)


@pytest.mark.parametrize("suffix", [".pgm", ".ppm"])
def test_the_portable_formats_are_read(photo: Pixels, suffix: str, tmp_path: Path) -> None:
    picture = photo[..., 0] if suffix == ".pgm" else photo
    Image.fromarray(picture).save(tmp_path / f"photo{suffix}")
    assert np.array_equal(decode_photo(tmp_path / f"photo{suffix}").pixels[..., 0], photo[..., 0])
    assert suffix in PHOTO_SUFFIXES


@pytest.mark.parametrize(
    ("kind", "data"),
    [("JPEG", b""), ("PNG", b""), ("WEBP", b""), ("AVIF", b""), ("GIF", b""), (None, b"\xff\x0a1"), (None, b"BM123")],
)
def test_a_photo_is_known_by_its_beginning(photo: Pixels, kind: str | None, data: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(encode(Image.fromarray(photo), kind) if kind else data)
    assert begins_like_a_photo(tmp_path / "file") == (data != b"BM123")


def test_no_beginning_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert not begins_like_a_photo(tmp_path / "pipe")
    assert not begins_like_a_photo(tmp_path / "nothing")
