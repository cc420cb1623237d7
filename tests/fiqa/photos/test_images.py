"""Odd photos are decoded as people see them, bad ones refused in one sentence, and neither costs much memory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fiqa.photos.images import (
    decode_photo,
)
from tests.fiqa.photos.encoded import Pixels, difference, encode


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
