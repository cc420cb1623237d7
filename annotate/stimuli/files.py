"""The pictures of a study: each decoded and checked once, then kept under the hash of its bytes.

The bytes are never changed: what participants see is what was handed in. They lie as
`<data folder>/stimuli/ab/ab12….png`, written beside and moved into place, so a file that is there is whole; two
studies with the same picture share it, and its name tells a participant nothing.

`take_in` checks everything before anything is kept: with one bad picture among thousands the folder stays as it was.
"""

import hashlib
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from annotate.design.items import ItemKind
from annotate.errors import StimulusError
from annotate.names import control_character

MAX_IMAGE_BYTES = 64 * 2**20
MAX_PIXELS = 50_000_000
MIN_SIDE_PX = 16
MAX_NAME = 255
NAMED_IN_AN_ERROR = 3
ABANDONED_S = 24 * 3600
_STAGING = ".intake-"

FORMATS = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp", "AVIF": ".avif", "GIF": ".gif", "BMP": ".bmp"}
"""What every browser shows, and the suffix each is kept under; TIFF is not among them."""
_READABLE = "PNG, JPEG, WebP, AVIF, GIF and BMP"
_ORIENTATION, _FIRST_TURNED = 0x0112, 5
"""EXIF orientations from 5 on are turned by a quarter: what is shown has width and height exchanged."""


@dataclass(frozen=True)
class Candidate:
    """A picture that is offered as a stimulus.

    `name` is what its owner calls it. `source` names the photo or person it was made from, where known: an export
    keeps pictures of one source in one split. `condition` names what was done to it: a method, a codec at a level,
    and `reference` the undamaged picture, as it is called here. `score` is a model's, on any scale.
    `expected` is the right grade of a gold, trap or training
    item, `feedback` what a participant in training is told about it.
    """

    name: str
    read: Callable[[], bytes]
    source: str | None = None
    kind: ItemKind = ItemKind.RATED
    expected: float | None = None
    feedback: str = ""
    condition: str | None = None
    reference: str | None = None
    score: float | None = None


@dataclass(frozen=True)
class StimulusFile:
    """A picture that passed; width and height are as a browser shows it, EXIF orientation applied."""

    name: str
    sha256: str
    format: str
    width_px: int
    height_px: int
    size_bytes: int
    source: str | None = None
    kind: ItemKind = ItemKind.RATED
    expected: float | None = None
    feedback: str = ""
    condition: str | None = None
    reference: str | None = None
    score: float | None = None


@dataclass(frozen=True)
class Intake:
    """What came of the offered pictures; `duplicates` pairs a name with that of the same picture kept before."""

    stimuli: tuple[StimulusFile, ...]
    duplicates: tuple[tuple[str, str], ...]


def stimulus_path(data_dir: Path, sha256: str, image_format: str) -> Path:
    """Return where a picture is kept."""
    return data_dir / "stimuli" / sha256[:2] / f"{sha256}{FORMATS[image_format]}"


def take_in(candidates: Iterable[Candidate], data_dir: Path) -> Intake:
    """Check pictures and keep them, all or none.

    Raises StimulusError naming the first of those that cannot be used and how many there are, or when there is no
    room for them.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        _sweep(data_dir)
        with tempfile.TemporaryDirectory(prefix=_STAGING, dir=data_dir) as staging:
            intake = _stage(candidates, Path(staging), data_dir)
            _keep(intake, Path(staging), data_dir)
    except OSError as error:
        raise StimulusError(f"The pictures cannot be stored in {data_dir}: {error.strerror or error}.") from None
    return intake


def _sweep(data_dir: Path) -> None:
    """Remove what intakes that were killed left behind; none takes as long as it must be old."""
    for folder in data_dir.glob(f"{_STAGING}*"):
        with suppress(FileNotFoundError):  # of an intake that has ended meanwhile
            if time.time() - folder.stat().st_mtime > ABANDONED_S:
                shutil.rmtree(folder, ignore_errors=True)


def check_image(data: bytes, name: str) -> StimulusFile:
    """Decode a picture completely and return what there is to know about it; raise StimulusError."""
    if not 0 < len(data) <= MAX_IMAGE_BYTES:
        raise StimulusError(f"{name} is {'empty' if not data else f'larger than {MAX_IMAGE_BYTES >> 20} MiB'}.")
    image = _open(data, name)
    _check_header(image, name)
    width, height = _shown_size(image)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.load()
    except Exception as error:  # noqa: BLE001  decoders fail in every way on damaged data
        raise StimulusError(f"{name} is truncated or damaged ({error}).") from None
    return StimulusFile(name, hashlib.sha256(data).hexdigest(), _format(image), width, height, len(data))


def _open(data: bytes, name: str) -> Image.Image:
    try:
        # Pillow warns of large pictures from 89 megapixels on; our own, lower limit follows at once.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Image.open(BytesIO(data), formats=[*FORMATS, "TIFF"])
    except Image.DecompressionBombError:
        raise _too_large(name) from None
    except UnidentifiedImageError:
        raise StimulusError(f"{name} is no picture; use {_READABLE}.") from None
    except Exception as error:  # noqa: BLE001  decoders fail in every way on damaged headers
        raise StimulusError(f"{name} is damaged ({error}).") from None


def _check_header(image: Image.Image, name: str) -> None:
    """Refuse what the header gives away, before pixels are decoded."""
    if image.format == "TIFF":
        raise StimulusError(f"{name} is a TIFF, which browsers do not show; save it as PNG.")
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(name)
    if min(image.size) < MIN_SIDE_PX:
        raise StimulusError(f"{name} is {image.width}×{image.height} pixels; each side needs at least {MIN_SIDE_PX}.")
    if image.format != "MPO" and getattr(image, "is_animated", False):  # an MPO's second picture is never shown
        raise StimulusError(f"{name} is animated; rate still pictures.")


def _too_large(name: str) -> StimulusError:
    return StimulusError(f"{name} has more than {MAX_PIXELS // 10**6} megapixels; save it smaller.")


def _shown_size(image: Image.Image) -> tuple[int, int]:
    """Return width and height as a browser shows the picture; damaged EXIF data turns nothing."""
    try:
        turned = image.getexif().get(_ORIENTATION, 1) >= _FIRST_TURNED
    except Exception:  # noqa: BLE001  the data may be damaged in any way
        turned = False
    return (image.height, image.width) if turned else image.size


def _format(image: Image.Image) -> str:
    return "JPEG" if image.format == "MPO" else str(image.format)


def _stage(candidates: Iterable[Candidate], staging: Path, data_dir: Path) -> Intake:
    """Check every picture and write the new ones to the staging folder."""
    kept: dict[str, StimulusFile] = {}
    duplicates: list[tuple[str, str]] = []
    problems: list[str] = []
    names: set[str] = set()
    for candidate in candidates:
        try:
            _check_name(candidate.name, names)
            stimulus, data = _checked(candidate)
            if stimulus.sha256 in kept:
                duplicates.append(_duplicate(stimulus, kept[stimulus.sha256]))
                continue
        except StimulusError as error:
            problems.append(str(error))
            continue
        kept[stimulus.sha256] = stimulus
        if not problems and not stimulus_path(data_dir, stimulus.sha256, stimulus.format).exists():
            (staging / stimulus.sha256).write_bytes(data)
    if problems:
        raise _summary(problems)
    if not kept:
        raise StimulusError(f"There are no pictures in it; use {_READABLE}.")
    return Intake(tuple(kept.values()), tuple(duplicates))


def _check_name(name: str, seen: set[str]) -> None:
    if not name.strip() or len(name) > MAX_NAME:
        raise StimulusError(f"{name[:60]!r} is no usable name; it needs 1 to {MAX_NAME} characters.")
    if control := control_character(name):
        raise StimulusError(f"{name[:60]!r} is no usable name; it has the control character {control}.")
    if name in seen:
        raise StimulusError(f"{name} is there twice; every stimulus needs a name of its own.")
    seen.add(name)


def _checked(candidate: Candidate) -> tuple[StimulusFile, bytes]:
    data = candidate.read()
    stimulus = check_image(data, candidate.name)
    described = replace(
        stimulus,
        source=candidate.source,
        kind=candidate.kind,
        expected=candidate.expected,
        feedback=candidate.feedback,
        condition=candidate.condition,
        reference=candidate.reference,
        score=candidate.score,
    )
    return described, data


def _duplicate(stimulus: StimulusFile, kept: StimulusFile) -> tuple[str, str]:
    """Name the two; the same picture cannot be two kinds of item, nor have two right answers."""
    if (stimulus.kind, stimulus.expected) != (kept.kind, kept.expected):
        raise StimulusError(
            f"{stimulus.name} is the same picture as {kept.name}, but another kind of item or right answer."
        )
    return stimulus.name, kept.name


def _summary(problems: list[str]) -> StimulusError:
    """Return one error that names the first few problems."""
    if len(problems) == 1:
        return StimulusError(problems[0])
    more = len(problems) - NAMED_IN_AN_ERROR
    named = " ".join(problems[:NAMED_IN_AN_ERROR])
    return StimulusError(f"{len(problems)} pictures cannot be used. {named}" + (f" … and {more} more." * (more > 0)))


def _keep(intake: Intake, staging: Path, data_dir: Path) -> None:
    """Move the new pictures into place, on disk before anything is recorded about them."""
    os.sync()
    for stimulus in intake.stimuli:
        new = staging / stimulus.sha256
        if new.exists():
            path = stimulus_path(data_dir, stimulus.sha256, stimulus.format)
            path.parent.mkdir(parents=True, exist_ok=True)
            new.replace(path)
    os.sync()


def check_room(needed_bytes: int, data_dir: Path) -> None:
    """Raise StimulusError when the disk has no room for so much."""
    existing = next(folder for folder in [data_dir, *data_dir.parents] if folder.exists())
    free = shutil.disk_usage(existing).free
    if needed_bytes > free:
        raise StimulusError(
            f"The pictures need {needed_bytes >> 20} MiB, but the disk of {data_dir} has {free >> 20} MiB left."
        )
