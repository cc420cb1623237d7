"""Every language says everything, with the same places to fill in."""

import re
from importlib.resources import files

import pytest

from annotate.design.languages import LANGUAGES, TEXTS, texts_in
from annotate.design.protocol import REASONS
from annotate.ui.rating.routes import SCRIPTS

ENGLISH = TEXTS["en"]


def test_a_language_goes_by_the_name_of_its_file() -> None:
    assert {code: texts.code for code, texts in TEXTS.items()} == {code: code for code in LANGUAGES}
    assert next(iter(LANGUAGES)) == "en"


def test_an_unknown_language_is_read_in_english() -> None:
    assert texts_in("xx") is ENGLISH


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_word_of_the_scales_and_every_question(language: str) -> None:
    texts = TEXTS[language]
    assert len(texts.scale_words) == len(ENGLISH.scale_words)
    assert list(texts.scale_titles) == list(ENGLISH.scale_titles)
    assert all(texts.scale_titles.values())
    assert all(
        [
            texts.name,
            texts.instructions,
            texts.consent,
            texts.eligibility,
            texts.data_protection,
            texts.trap_request,
            texts.trap_comparison,
        ]
    )
    choices = {name: len(choices) for name, (_, choices) in texts.ready_questions.items()}
    assert choices == {name: len(choices) for name, (_, choices) in ENGLISH.ready_questions.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_text_with_its_places(language: str) -> None:
    assert list(TEXTS[language].wording) == list(ENGLISH.wording)
    for name, text in TEXTS[language].wording.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", ENGLISH.wording[name])), name


def test_the_page_says_what_there_is_a_wording_for_and_nothing_else() -> None:
    scripts = "".join(files("annotate.ui.rating").joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS)
    asked = set(re.findall(r'\bt(?:OfMethod)?\(\s*"(\w+)"', scripts))
    assert asked <= set(ENGLISH.wording)
    named = set(re.findall(r'"(\w+)"', scripts)) | {f"screen_{name}" for name in ("dark", "light")}
    named |= {f"reason_{name}" for name in REASONS}
    named |= {f"{name}_{method}" for name in ("question", "consent_title") for method in ENGLISH.method_instructions}
    of_method = {*re.findall(r'tOfMethod\(\s*"(\w+)"', scripts), *re.findall(r'"(feedback_\w+)"', scripts)}
    named |= {"question_pairs_reference", *(f"{name}_pairs" for name in of_method)}
    assert set(ENGLISH.wording) <= named


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_the_words_of_every_reason_and_method(language: str) -> None:
    texts = TEXTS[language]
    assert {f"reason_{name}" for name in REASONS} <= set(texts.wording)
    assert texts.method_instructions.keys() == ENGLISH.method_instructions.keys()
    assert all(texts.method_instructions.values())
