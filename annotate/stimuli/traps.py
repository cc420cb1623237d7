"""Draws trap items: pictures that say which grade to give, so that whoever does not look is found.

They are drawn, not photographed: grey cards of the size of the study's pictures, with the request in every language
of the package, because a study's participants may read any of them. Each is a file of its own, so that one
participant can be given several.

The letters are those of DejaVu Sans, which comes with Matplotlib under an open licence: Latin, Greek and Cyrillic ones
with their accents. Pillow alone does not join letters or turn their direction, so a language in another script is asked
for the digit of the grade, which everybody reads.
"""

import unicodedata
from functools import cache, partial
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from annotate.design.items import ItemKind
from annotate.design.languages import LANGUAGES, texts_in
from annotate.design.scales import Scale
from annotate.stimuli.files import Candidate

_LIGHTEST, _SHADES = 225, 60
"""Greys of the cards: near enough to each other to look alike, far enough from black to be read."""


def draw_traps(scale: Scale, count: int, size: tuple[int, int]) -> list[Candidate]:
    """Return trap items of (width, height) pixels that ask for the grades with words in turn."""
    grades = scale.word_grades
    return [
        Candidate(
            f"trap-{number + 1:03}.png",
            partial(_draw, scale, grades[number % len(grades)], number, size),
            kind=ItemKind.TRAP,
            expected=grades[number % len(grades)],
        )
        for number in range(count)
    ]


def _draw(scale: Scale, grade: float, number: int, size: tuple[int, int]) -> bytes:
    width, height = size
    shade = _LIGHTEST - number % _SHADES
    card = Image.new("RGB", size, (shade, shade, shade))
    pen = ImageDraw.Draw(card)
    lines = _lines(scale, grade)
    font = card_font(lines, width, height)
    pen.multiline_text((width / 2, height / 2), "\n".join(lines), "black", font, anchor="mm", align="center")
    pen.text((4, height - 4), str(number + 1), (shade - 40,) * 3, _font(10), anchor="ls")
    buffer = BytesIO()
    card.save(buffer, "PNG")
    return buffer.getvalue()


def _lines(scale: Scale, grade: float) -> list[str]:
    """Return the request in every language, or the digit alone where a language cannot be drawn."""
    requests: dict[str, None] = {}  # each once: several languages may have the digit alone
    for language in LANGUAGES:
        asked = f"{texts_in(language).trap_request}\n{scale.words(language)[grade]} ({grade:g})"
        requests[asked if can_draw(asked.replace("\n", "")) else f"→ {grade:g}"] = None
    return "\n\n".join(requests).split("\n")


def can_draw(text: str) -> bool:
    """Whether the font has every character, and each can be drawn by itself from left to right."""
    return all(unicodedata.bidirectional(char) not in {"R", "AL", "NSM"} and _has_glyph(char) for char in text)


@cache
def _has_glyph(char: str) -> bool:
    font = _font(20)
    return char == " " or bytes(font.getmask(char)) != bytes(font.getmask("\U0010ffff"))  # the box of no character


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    from matplotlib import get_data_path  # late: loading it takes half a second

    return ImageFont.truetype(Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size_px)


def card_font(lines: list[str], width: int, height: int) -> ImageFont.FreeTypeFont:
    """Return the font at the largest size at which the lines fit into so many pixels."""
    return _font(_font_px(lines, width, height))


def _font_px(lines: list[str], width: int, height: int) -> int:
    """Return the largest font size at which the lines fill nine tenths of the card."""
    probe = _font(100)
    widest = max(probe.getlength(line) for line in lines) / 100
    return max(6, int(min(0.9 * width / widest, 0.9 * height / (1.4 * len(lines)))))
