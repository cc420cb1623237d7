"""Draws known pairs for a study of pairs: a picture beside its worst version, and now and then beside itself.

Nobody who looks takes the worst version for the better one, and no program knows the right answer by reading. Between a
picture and itself there is no difference; as some people see one all the same, one pair in EQUAL_EVERY is such, and
`annotate.statistics.paired_checks` finds nobody by these alone.

Both pictures of a pair are drawn, as PNG in the size of the original, so that no file tells which is which.
"""

from collections.abc import Sequence
from functools import partial
from io import BytesIO
from random import Random

from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from annotate.design.items import ItemKind
from annotate.design.scales import Scale
from annotate.errors import StimulusError
from annotate.stimuli.eye_traps import Original, sharpest, worst_version
from annotate.stimuli.files import Candidate

EQUAL_EVERY = 5
LOOKED_AT_PX = (512, 512)
"""Pictures are compared by their detail in this size at most."""
NAMES = {ItemKind.GOLD: "check", ItemKind.TRAINING: "training"}


def draw_known_pairs(
    scale: Scale, counts: dict[ItemKind, int], originals: Sequence[Original], *, there: dict[ItemKind, int]
) -> list[Candidate]:
    """Return both pictures of so many new pairs of each kind, where so many are `there`.

    Of training, the second is a picture beside itself. Raises StimulusError where no picture is sharp enough.
    """
    shown = [original for original, _ in sharpest(originals, LOOKED_AT_PX)]
    if not shown:
        raise StimulusError(
            "No picture of the study is sharp enough to be told from its worst version; add sharp pictures first, or "
            "known pairs of your own."
        )
    return [
        candidate
        for kind, count in counts.items()
        for number in range(there[kind], there[kind] + count)
        for candidate in _draw_pair(scale, kind, number, shown[number % len(shown)])
    ]


def _draw_pair(scale: Scale, kind: ItemKind, number: int, original: Original) -> list[Candidate]:
    equal = number % EQUAL_EVERY == (1 if kind is ItemKind.TRAINING else EQUAL_EVERY - 1)
    worst, best = scale.word_grades[0], scale.word_grades[-1]
    grades = [best, best if equal else worst]
    name = f"{NAMES[kind]}-{number + 1:03}"
    Random(name).shuffle(grades)  # noqa: S311  the same pairs whenever they are drawn
    return [
        Candidate(
            f"{name}-{letter}.png",
            partial(_draw, original, f"{name}-{letter}", spoilt=grade != best),
            source=name,
            kind=kind,
            expected=grade,
            reference=original.reference,
        )
        for letter, grade in zip("ab", grades, strict=True)
    ]


def _draw(original: Original, title: str, *, spoilt: bool) -> bytes:
    """Return the picture, or its worst version, as a PNG; the title makes it a file of its own."""
    with Image.open(BytesIO(original.read())) as opened:
        profile = opened.info.get("icc_profile") if opened.mode == "RGB" else None
        picture = ImageOps.exif_transpose(opened).convert("RGB")
    about, buffer = PngInfo(), BytesIO()
    about.add_text("Title", title)
    (worst_version(picture) if spoilt else picture).save(buffer, "PNG", pnginfo=about, icc_profile=profile)
    return buffer.getvalue()
