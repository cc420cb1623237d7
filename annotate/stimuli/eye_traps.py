"""Draws trap items that need eyes: a picture of the study beside its worst version, and the right grade for each side.

A card that only says the grade is answered by any program that reads; here the words say which grade is right if the
left picture is the better one, and which if the right one is. The sharp picture is left or right by chance, and so are
the two grades. The worst version is what is left of the picture at a sixteenth of its size, which nobody mistakes.

Only pictures with enough detail are used, sharpest first and one of each source: a picture without detail is no
better than its worst version.
"""

import random
from collections.abc import Callable, Iterable
from functools import partial
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from annotate.design.items import ItemKind
from annotate.design.languages import LANGUAGES, texts_in
from annotate.design.scales import Scale
from annotate.errors import StimulusError
from annotate.stimuli.files import Candidate
from annotate.stimuli.traps import can_draw, card_font

SHRUNK = 16
"""By so much a picture is made smaller, and larger again, to be its worst version."""
LEAST_DETAIL = 2.0
"""Mean step between neighbouring pixels, of 255 grey levels, as the card shows the picture."""
PICTURES_SHARE, MARGIN_PX = 0.55, 4
"""How much of the card's height the pictures get."""
_GREY = 215


class Original(NamedTuple):
    """A picture of the study that checks may be drawn of; `reference` is the name of the undamaged one."""

    read: Callable[[], bytes]
    source: str | None
    reference: str | None = None


def draw_eye_traps(scale: Scale, count: int, size: tuple[int, int], originals: Iterable[Original]) -> list[Candidate]:
    """Return `count` trap items of (width, height) pixels; raise StimulusError where no picture is sharp enough."""
    found = sharpest(originals, (size[0] // 2 - 2 * MARGIN_PX, round(size[1] * PICTURES_SHARE)))
    shown = [picture for _, picture in found]
    if not shown:
        raise StimulusError(
            "No picture of the study is sharp enough to be told from its worst version; add sharp pictures first, or "
            "draw cards that say the grade."
        )
    return [_candidate(scale, number, size, shown[number % len(shown)]) for number in range(count)]


def _candidate(scale: Scale, number: int, size: tuple[int, int], picture: Image.Image) -> Candidate:
    chance = random.Random(number)  # noqa: S311  the same cards whenever they are drawn
    better_left = chance.random() < 0.5
    grades = [scale.word_grades[0], scale.word_grades[-1]]
    chance.shuffle(grades)
    return Candidate(
        f"look-{number + 1:03}.png",
        partial(_draw, scale, picture, (grades[0], grades[1]), better_left, size, number),
        kind=ItemKind.TRAP,
        expected=grades[0] if better_left else grades[1],
    )


def sharpest(originals: Iterable[Original], within: tuple[int, int]) -> list[tuple[Original, Image.Image]]:
    """Return the pictures with enough detail, also as they are `within` a size, sharpest first, one of each source."""
    best: dict[object, tuple[float, Original, Image.Image]] = {}
    for number, each in enumerate(originals):
        with Image.open(BytesIO(each.read())) as opened:
            picture = ImageOps.contain(ImageOps.exif_transpose(opened).convert("RGB"), (max(1, within[0]), within[1]))
        known = each.source or number
        if (found := detail(picture)) >= LEAST_DETAIL and found > best.get(known, (0.0,))[0]:
            best[known] = (found, each, picture)
    return [(each, picture) for _, each, picture in sorted(best.values(), key=lambda each: -each[0])]


def detail(picture: Image.Image) -> float:
    """Return the mean step between neighbouring pixels, in grey levels of 255."""
    grey = np.asarray(picture.convert("L"), np.float64)
    steps = [np.abs(np.diff(grey, axis=axis)) for axis in (0, 1)]
    return float(np.mean([step.mean() if step.size else 0.0 for step in steps]))


def worst_version(picture: Image.Image) -> Image.Image:
    """Return what is left of a picture at a sixteenth of its size."""
    small = (max(1, picture.width // SHRUNK), max(1, picture.height // SHRUNK))
    return picture.resize(small, Image.Resampling.BOX).resize(picture.size, Image.Resampling.BICUBIC)


def _draw(
    scale: Scale,
    picture: Image.Image,
    grades: tuple[float, float],
    better_left: bool,
    size: tuple[int, int],
    number: int,
) -> bytes:
    """Return the card as a PNG; `grades` are to be given where the left one is better, and where the right one is."""
    shade = _GREY - number % 40  # each card is a file of its own
    card = Image.new("RGB", size, (shade, shade, shade))
    sides = (picture, worst_version(picture)) if better_left else (worst_version(picture), picture)
    for side, shown in enumerate(sides):
        left = round(size[0] * (1 + 2 * side) / 4 - shown.width / 2)
        card.paste(shown, (left, MARGIN_PX))
    top = 2 * MARGIN_PX + picture.height
    lines = _lines(scale, grades)
    font = card_font(lines, size[0], size[1] - top)
    middle = (size[0] / 2, (top + size[1]) / 2)
    ImageDraw.Draw(card).multiline_text(middle, "\n".join(lines), "black", font, anchor="mm", align="center")
    buffer = BytesIO()
    card.save(buffer, "PNG")
    return buffer.getvalue()


def _lines(scale: Scale, grades: tuple[float, float]) -> list[str]:
    """Return the request in every language, in arrows and digits where a language cannot be drawn."""
    requests: dict[str, None] = {}
    for language in LANGUAGES:
        left, right = (f"{scale.words(language)[grade]} ({grade:g})" for grade in grades)
        asked = texts_in(language).trap_comparison.format(left=left, right=right)
        requests[asked if can_draw(asked.replace("\n", "")) else f"← {grades[0]:g}   → {grades[1]:g}"] = None
    return "\n\n".join(requests).split("\n")
