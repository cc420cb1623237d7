"""A trap item can be read by everybody in the study, and asks for a grade of its scale."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from annotate.design import languages as languages_module
from annotate.design.items import ItemKind
from annotate.design.languages import LANGUAGES, TEXTS
from annotate.design.scales import SCALES
from annotate.stimuli import traps
from annotate.stimuli.traps import can_draw, draw_traps


@pytest.mark.parametrize("name", SCALES)
def test_traps_ask_for_several_grades_of_the_scale(name: str) -> None:
    scale = SCALES[name]
    traps = draw_traps(scale, 20, (256, 256))
    assert {trap.kind for trap in traps} == {ItemKind.TRAP}
    assert {trap.expected for trap in traps} == set(scale.word_grades)
    assert all(scale.check(trap.expected) == trap.expected for trap in traps)
    assert all(can_draw(word) for language in LANGUAGES for word in scale.words(language).values())


@pytest.mark.parametrize("size", [(512, 512), (1024, 300), (300, 1024), (64, 64), (16, 16)])
def test_card_has_the_size_of_the_pictures_and_text_within_it(size: tuple[int, int]) -> None:
    card = Image.open(BytesIO(draw_traps(SCALES["acr5"], 1, size)[0].read()))
    assert card.size == size
    dark = np.asarray(card.convert("L")) < 100
    assert size == (16, 16) or dark.sum() > 20
    edges = np.concatenate([dark[0], dark[-1], dark[:, 0], dark[:, -1]])
    assert min(size) < 100 or not edges.any()


def test_a_card_can_be_read_where_a_phone_shows_two_pixels_as_one() -> None:
    lines = traps._lines(SCALES["acr5"], 2.0)
    assert traps._font_px(lines, 512, 512) >= 2 * 12


@pytest.mark.slow
def test_every_card_is_a_file_of_its_own_and_always_the_same() -> None:
    files = [trap.read() for trap in draw_traps(SCALES["acr5"], 100, (64, 64))]
    assert len(set(files)) == 100
    assert files == [trap.read() for trap in draw_traps(SCALES["acr5"], 100, (64, 64))]


@pytest.mark.parametrize("text", ["Dürftig", "Świetnie", "Πολύ καλή", "Отлично", "Kötü", "→ 5"])
def test_letters_with_accents_and_of_other_alphabets_can_be_drawn(text: str) -> None:
    assert can_draw(text)


@pytest.mark.parametrize("text", ["ممتاز", "מצוין", "非常好", "बहुत अच्छा", "ดีมาก"])
def test_scripts_that_would_come_out_as_boxes_or_unjoined_are_known(text: str) -> None:
    assert not can_draw(text)


@pytest.mark.parametrize("languages", [("xx",), ("en", "xx"), ("xx", "en")])
def test_language_in_another_script_is_asked_for_the_digit_and_takes_no_grade_from_the_others(
    monkeypatch: pytest.MonkeyPatch, languages: tuple[str, ...]
) -> None:
    monkeypatch.setattr(traps, "LANGUAGES", dict.fromkeys(languages, ""))
    chinese = replace(TEXTS["en"], scale_words=("非常差", "差", "一般", "好", "非常好"), trap_request="请回答")
    monkeypatch.setattr(languages_module, "TEXTS", {**TEXTS, "xx": chinese})
    drawn = draw_traps(SCALES["acr5"], 5, (128, 128))
    assert [trap.expected for trap in drawn] == [1, 2, 3, 4, 5]
    assert len({trap.read() for trap in drawn}) == 5
    assert "→ 4" in traps._lines(SCALES["acr5"], 4.0)
    assert ("Good (4)" in traps._lines(SCALES["acr5"], 4.0)) == ("en" in languages)
