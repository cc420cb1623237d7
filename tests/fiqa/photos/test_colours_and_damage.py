"""Colours of other profiles, turned photos, and files with little damage."""

import os
import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from fiqa.errors import PhotoError
from fiqa.photos.images import (
    PHOTO_SUFFIXES,
    begins_like_a_photo,
    decode_photo,
)
from tests.fiqa.photos.encoded import Pixels, difference, encode


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
