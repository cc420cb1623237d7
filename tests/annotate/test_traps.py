"""A trap item can be read by everybody in the study, and asks for a grade of its scale."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from annotate.ratings import ItemKind
from annotate.scales import LANGUAGES, SCALES
from annotate.traps import draw_traps


@pytest.mark.parametrize("name", SCALES)
def test_traps_ask_for_several_grades_of_the_scale(name: str) -> None:
    scale = SCALES[name]
    traps = draw_traps(scale, 20, (256, 256))
    assert {trap.kind for trap in traps} == {ItemKind.TRAP}
    assert len({trap.expected for trap in traps}) >= 4
    assert all(scale.check(trap.expected) == trap.expected for trap in traps)
    asked = {scale.words(language)[trap.expected or 0] for trap in traps for language in LANGUAGES}
    assert all(word.isascii() for word in asked), "Pillow's own font draws a box for other letters"


@pytest.mark.parametrize("size", [(512, 512), (1024, 300), (300, 1024), (64, 64), (16, 16)])
def test_card_has_the_size_of_the_pictures_and_text_within_it(size: tuple[int, int]) -> None:
    card = Image.open(BytesIO(draw_traps(SCALES["acr5"], 1, size)[0].read()))
    assert card.size == size
    dark = np.asarray(card.convert("L")) < 100
    assert size == (16, 16) or dark.sum() > 20
    edges = np.concatenate([dark[0], dark[-1], dark[:, 0], dark[:, -1]])
    assert min(size) < 100 or not edges.any()


def test_every_card_is_a_file_of_its_own_and_always_the_same() -> None:
    files = [trap.read() for trap in draw_traps(SCALES["acr5"], 100, (64, 64))]
    assert len(set(files)) == 100
    assert files == [trap.read() for trap in draw_traps(SCALES["acr5"], 100, (64, 64))]
