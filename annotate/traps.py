"""Draws trap items: pictures that say which grade to give, so that whoever does not look is found.

They are drawn, not photographed: grey cards of the size of the study's pictures, with the request in every language
of the package, because a study's participants may read any of them. Each is a file of its own, so that one
participant can be given several.
"""

from collections.abc import Mapping
from functools import partial
from io import BytesIO
from types import MappingProxyType

from PIL import Image, ImageDraw, ImageFont

from annotate.ratings import ItemKind
from annotate.scales import LANGUAGES, Scale
from annotate.stimuli import Candidate

_REQUESTS: Mapping[str, str] = MappingProxyType({
    "en": "Attention check. Please answer:",
    "de": "Aufmerksamkeitstest. Bitte antworten Sie:",
    "es": "Pregunta de control. Por favor, responda:",
})  # fmt: skip
_LIGHTEST, _SHADES = 225, 60
"""Greys of the cards: near enough to each other to look alike, far enough from black to be read."""


def draw_traps(scale: Scale, count: int, size: tuple[int, int]) -> list[Candidate]:
    """Return trap items of (width, height) pixels that ask for the grades with words in turn."""
    grades = _drawable(scale)
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
    lines = [line for language in LANGUAGES for line in (_REQUESTS[language], _answer(scale, grade, language), "")]
    font = ImageFont.load_default(_font_px(lines, width, height))
    pen.multiline_text((width / 2, height / 2), "\n".join(lines[:-1]), "black", font, anchor="mm", align="center")
    pen.text((4, height - 4), str(number + 1), (shade - 40,) * 3, ImageFont.load_default(10), anchor="ls")
    buffer = BytesIO()
    card.save(buffer, "PNG")
    return buffer.getvalue()


def _drawable(scale: Scale) -> list[float]:
    """Return the grades whose words Pillow's own font has letters for in every language; it has no accents."""
    words = [scale.words(language) for language in LANGUAGES]
    return [grade for grade in scale.word_grades if all(each[grade].isascii() for each in words)]


def _answer(scale: Scale, grade: float, language: str) -> str:
    return f"{scale.words(language)[grade]} ({grade:g})"


def _font_px(lines: list[str], width: int, height: int) -> int:
    """Return the largest font size at which the lines fill nine tenths of the card."""
    probe = ImageFont.load_default(100)
    widest = max(probe.getlength(line) for line in lines) / 100
    return max(6, int(min(0.9 * width / widest, 0.9 * height / (1.4 * len(lines)))))
