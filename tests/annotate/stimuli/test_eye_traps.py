"""A picture beside its worst version: what is right follows from looking, and not from what is written."""

from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from annotate.database.engine import Database
from annotate.design.items import ItemKind
from annotate.design.languages import LANGUAGES
from annotate.design.scales import SCALES
from annotate.errors import StimulusError
from annotate.stimuli.eye_traps import Original, detail, draw_eye_traps, worst_version
from annotate.stimuli.files import Candidate
from annotate.stimuli.intake import add_pictures, trap_candidates
from tests.annotate.studies import NOW, make_study, picture

SIZE = (320, 320)


def png(array: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    buffer = BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


FACE = png(astronaut()[:256, 100:356])
ORIGINALS = [Original(lambda: FACE, "astronaut")]


def halves(card: bytes) -> tuple[Image.Image, Image.Image]:
    """Return what a card shows left and right, above the words."""
    image = Image.open(BytesIO(card))
    top = round(image.height * 0.4)
    return image.crop((10, 8, image.width // 2 - 10, top)), image.crop(
        (image.width // 2 + 10, 8, image.width - 10, top)
    )


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.slow
def test_the_right_answer_is_that_of_the_sharper_side(name: str) -> None:
    scale = SCALES[name]
    traps = draw_eye_traps(scale, 24, SIZE, ORIGINALS)
    assert {trap.kind for trap in traps} == {ItemKind.TRAP}
    ends = (scale.word_grades[0], scale.word_grades[-1])
    sides = [tuple(map(detail, halves(trap.read()))) for trap in traps]
    left_is_better = [left > 3 * right for left, right in sides]
    right_is_better = [right > 3 * left for left, right in sides]
    assert all(left != right for left, right in zip(left_is_better, right_is_better, strict=True))
    # Neither the side nor a grade gives the answer away.
    combinations = {(left, trap.expected) for left, trap in zip(left_is_better, traps, strict=True)}
    assert combinations == {(left, grade) for left in (True, False) for grade in ends}


@pytest.mark.slow
def test_every_card_is_a_file_of_its_own_of_the_pictures_size() -> None:
    cards = [trap.read() for trap in draw_eye_traps(SCALES["acr5"], 30, SIZE, ORIGINALS)]
    assert len(set(cards)) == 30
    assert Image.open(BytesIO(cards[0])).size == SIZE
    assert cards[0] == draw_eye_traps(SCALES["acr5"], 1, SIZE, ORIGINALS)[0].read()


def test_the_worst_version_is_plainly_worse_and_the_same_picture() -> None:
    face = Image.open(BytesIO(FACE))
    worst = worst_version(face)
    assert worst.size == face.size
    assert detail(worst) < detail(face) / 3
    grey = [np.asarray(each.convert("L").resize((8, 8), Image.Resampling.BOX), float).ravel() for each in (face, worst)]
    assert np.corrcoef(np.stack(grey))[0, 1] > 0.9


def test_pictures_without_detail_are_not_used() -> None:
    flat = [Original(partial(picture, number), None) for number in range(3)]
    with pytest.raises(StimulusError, match="sharp enough"):
        draw_eye_traps(SCALES["acr5"], 3, SIZE, flat)
    assert len(draw_eye_traps(SCALES["acr5"], 3, SIZE, [*flat, *ORIGINALS])) == 3


def test_the_words_of_every_language_name_both_sides() -> None:
    from annotate.stimuli.eye_traps import _lines

    said = "\n".join(_lines(SCALES["acr5"], (5.0, 1.0)))
    for language in LANGUAGES:
        words = SCALES["acr5"].words(language)
        assert f"{words[5.0]} (5)" in said
        assert f"{words[1.0]} (1)" in said


def test_they_are_added_to_a_study(database: Database, tmp_path: Path) -> None:
    study_id = make_study(database, tmp_path, [Candidate("face.png", lambda: FACE, "astronaut")])
    traps = trap_candidates(database, study_id, 4, data_dir=tmp_path, with_pictures=True)
    assert add_pictures(database, tmp_path, "faces", traps, NOW).added == 4
