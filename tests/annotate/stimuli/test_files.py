"""Pictures are kept as they were handed in, once each, and all of them or none."""

import hashlib
import os
import shutil
import zlib
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from annotate.design.items import ItemKind
from annotate.errors import StimulusError
from annotate.stimuli import files
from annotate.stimuli.files import Candidate, check_image, check_room, stimulus_path, take_in


def picture(level: int = 0, image_format: str = "PNG", size: tuple[int, int] = (48, 32), **options: Any) -> bytes:
    """Return a file of one colour."""
    buffer = BytesIO()
    Image.new("RGB", size, (level, 99, 99)).save(buffer, image_format, **options)
    return buffer.getvalue()


def offer(**files: bytes) -> list[Candidate]:
    """Return candidates of the given names and bytes."""
    return [Candidate(name, partial(bytes, data)) for name, data in files.items()]


def stored(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def turned_jpeg() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return picture(image_format="JPEG", exif=exif)


def animation() -> bytes:
    buffer = BytesIO()
    frames = [Image.new("L", (32, 32), level) for level in (0, 255)]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def bomb() -> bytes:
    """Return a small PNG that declares 100,000 × 100,000 pixels."""
    data = bytearray(picture())
    data[16:24] = (100_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP"])
def test_bytes_are_kept_as_they_were_under_their_hash(tmp_path: Path, image_format: str) -> None:
    data = picture(image_format=image_format)
    intake = take_in(offer(a=data), tmp_path)
    (stimulus,) = intake.stimuli
    assert stimulus.sha256 == hashlib.sha256(data).hexdigest()
    assert (stimulus.format, stimulus.width_px, stimulus.height_px) == (image_format, 48, 32)
    assert stimulus_path(tmp_path, stimulus.sha256, stimulus.format).read_bytes() == data
    assert len(stored(tmp_path)) == 1


def test_size_is_the_one_a_browser_shows() -> None:
    found = check_image(turned_jpeg(), "turned.jpg")
    assert (found.width_px, found.height_px) == (32, 48)


def test_duplicates_are_named_and_kept_once(tmp_path: Path) -> None:
    intake = take_in(offer(a=picture(1), b=picture(2), c=picture(1), d=picture(1)), tmp_path)
    assert [stimulus.name for stimulus in intake.stimuli] == ["a", "b"]
    assert intake.duplicates == (("c", "a"), ("d", "a"))
    assert len(stored(tmp_path)) == 2


def test_description_stays_with_its_picture(tmp_path: Path) -> None:
    gold = Candidate("a", partial(bytes, picture()), "anna", ItemKind.GOLD, 2.0, "Blurred.")
    (stimulus,) = take_in([gold], tmp_path).stimuli
    assert (stimulus.source, stimulus.kind, stimulus.expected, stimulus.feedback) == (
        "anna", ItemKind.GOLD, 2.0, "Blurred.",
    )  # fmt: skip


def test_one_picture_cannot_be_two_kinds_of_item(tmp_path: Path) -> None:
    gold = Candidate("gold", partial(bytes, picture()), kind=ItemKind.GOLD, expected=2.0)
    with pytest.raises(StimulusError, match="gold is the same picture as a"):
        take_in([*offer(a=picture()), gold], tmp_path)


def test_two_studies_share_a_picture(tmp_path: Path) -> None:
    take_in(offer(a=picture()), tmp_path)
    before = stored(tmp_path)
    assert take_in(offer(other=picture()), tmp_path).stimuli[0].name == "other"
    assert stored(tmp_path) == before


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (lambda: b"", "is empty"),
        (lambda: b"hello", "is no picture"),
        (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is no picture"),
        (lambda: picture(size=(320, 320), image_format="BMP")[:-9000], "truncated or damaged"),
        (lambda: picture(size=(8, 40)), "8×40 pixels; each side needs at least 16"),
        (lambda: picture(image_format="TIFF"), "TIFF, which browsers do not show"),
        (animation, "is animated"),
        (bomb, "more than 50 megapixels"),
    ],
)
def test_what_is_no_picture_is_refused_and_nothing_is_kept(
    tmp_path: Path, data: Callable[[], bytes], reason: str
) -> None:
    with pytest.raises(StimulusError, match=f"^bad .*{reason}"):
        take_in(offer(good=picture(), bad=data(), better=picture(7)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_several_bad_pictures_are_one_error_that_names_some(tmp_path: Path) -> None:
    with pytest.raises(StimulusError, match=r"^5 pictures cannot be used\. a is .* c is no picture.* and 2 more\.$"):
        take_in(offer(**dict.fromkeys("abcde", b"x")), tmp_path)


def test_file_larger_than_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_IMAGE_BYTES", 2**20)
    with pytest.raises(StimulusError, match="larger than 1 MiB"):
        check_image(bytes(2**20 + 1), "big.png")


@pytest.mark.parametrize(("name", "said"), [("a\nb", r"U\+000A"), ("a\u2028b", r"U\+2028"), ("a\udc80b", r"U\+DC80")])
def test_control_characters_of_a_name_are_refused_by_their_number(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(StimulusError, match=f"no usable name; it has the control character {said}"):
        take_in(offer(**{name: picture()}), tmp_path)


def test_names_may_join_letters_and_are_unique(tmp_path: Path) -> None:
    assert take_in(offer(**{"علی\u200cرضا.png": picture()}), tmp_path).stimuli[0].name == "علی\u200cرضا.png"
    with pytest.raises(StimulusError, match="a is there twice"):
        take_in(offer(a=picture()) + offer(a=picture(2)), tmp_path)


def test_nothing_offered_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StimulusError, match="no pictures"):
        take_in([], tmp_path)


def test_full_disk_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_bytes(_path: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    with pytest.raises(StimulusError, match=r"cannot be stored in .*: No space left on device"):
        take_in(offer(a=picture()), tmp_path)
    assert stored(tmp_path) == []


def test_an_intake_that_ends_while_another_begins_disturbs_it_not(tmp_path: Path) -> None:
    (tmp_path / f"{files._STAGING}ended").symlink_to(tmp_path / "gone")  # listed, but no longer there to look at
    assert len(take_in(offer(face=picture()), tmp_path).stimuli) == 1


def test_leftovers_of_a_killed_intake_are_removed_when_they_are_old(tmp_path: Path) -> None:
    for name in (".intake-old", ".intake-new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_bytes(b"x")
    os.utime(tmp_path / ".intake-old", (0, 0))
    take_in(offer(a=picture()), tmp_path)
    assert [path.name for path in tmp_path.glob(".intake*")] == [".intake-new"]


def test_room_is_checked_before_anything_is_written(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    check_room(0, tmp_path / "not" / "there")
    with pytest.raises(StimulusError, match="MiB left"):
        check_room(free * 2, tmp_path / "not" / "there")
