"""What phones write is read where the packages are, and names them where they are not."""

import sys
from importlib.util import find_spec
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from fiqa.errors import PhotoError
from fiqa.photos.images import decode_photo
from fiqa.photos.phone_formats import jxl_size, open_phone_photo, phone_format

PHOTO = np.ascontiguousarray(astronaut()[:240, 96:352])
HEIC, JXL = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", b"\xff\x0a\x00\x00"
needs_heif = pytest.mark.skipif(find_spec("pillow_heif") is None, reason="the extra phone is not installed")
needs_jxl = pytest.mark.skipif(find_spec("pillow_jxl") is None, reason="the extra phone is not installed")


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "module", "package"),
    [(HEIC, "pillow_heif", "pillow-heif"), (JXL, "pillow_jxl", "pillow-jxl-plugin")],
)
def test_without_its_package_a_photo_is_refused_with_the_way_to_get_it(
    data: bytes, module: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(PhotoError, match=rf'{package}: run `pip install "fiqa\[phone\]"`'):
        decode_photo(data)


@needs_heif
def test_damaged_heic_is_called_so() -> None:
    with pytest.raises(PhotoError, match="a damaged HEIC photo"):
        decode_photo(HEIC + bytes(500))


@needs_jxl
def test_damaged_jpeg_xl_is_called_so_without_the_words_of_its_decoder() -> None:
    import pillow_jxl  # noqa: F401  registers itself

    photo = encode(Image.fromarray(PHOTO), "JXL")
    with pytest.raises(PhotoError, match=r"^The file is a damaged JPEG XL photo: copy it again"):
        decode_photo(photo[: len(photo) // 2])


@needs_heif
def test_heic_is_read() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    decoded = decode_photo(encode(Image.fromarray(PHOTO), "HEIF", quality=95))
    assert decoded.pixels.shape == PHOTO.shape
    assert np.abs(decoded.pixels.astype(int) - PHOTO).mean() < 3


@needs_jxl
@pytest.mark.parametrize("options", [{"lossless": True}, {"lossless": True, "use_container": True}, {"quality": 95}])
def test_jpeg_xl_is_read(options: dict[str, object]) -> None:
    import pillow_jxl  # noqa: F401  registers itself

    decoded = decode_photo(encode(Image.fromarray(PHOTO), "JXL", **options))
    assert np.abs(decoded.pixels.astype(int) - PHOTO).mean() < (0.01 if options.get("lossless") else 3)


@needs_jxl
@pytest.mark.parametrize("size", [(256, 240), (64, 64), (640, 480), (1920, 1080), (1000, 37), (9000, 300)])
@pytest.mark.slow
def test_the_size_of_a_jpeg_xl_is_known_before_it_is_decoded(size: tuple[int, int]) -> None:
    import pillow_jxl  # noqa: F401  registers itself

    data = encode(Image.new("RGB", size), "JXL", lossless=True)
    assert jxl_size(data) == size
    with pytest.raises(PhotoError, match="megapixels"):
        open_phone_photo(data, "photo.jxl", max_pixels=size[0] * size[1] - 1)


@pytest.mark.parametrize(
    "data", [HEIC, HEIC + b"\x00" * 400, JXL, b"\xff\x0a", b"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a"]
)
def test_a_damaged_one_is_refused_in_one_sentence(data: bytes) -> None:
    assert phone_format(data)
    with pytest.raises(PhotoError) as caught:
        decode_photo(data)
    assert "\n" not in str(caught.value)


def test_other_files_are_none() -> None:
    assert phone_format(b"\x00\x00\x00\x18ftypisom") is None
    assert phone_format(b"") is None
