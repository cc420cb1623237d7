"""Every language says everything, with the same places to fill in."""

import re
from importlib.resources import files

import pytest

from annotate.design.scales import LANGUAGES
from annotate.design.wording import ENGLISH, WORDING
from annotate.ui.rating.routes import SCRIPTS


def test_there_is_a_wording_for_every_language() -> None:
    assert set(WORDING) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_text_with_its_places(language: str) -> None:
    assert list(WORDING[language]) == list(ENGLISH)
    for name, text in WORDING[language].items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", ENGLISH[name])), name


def test_the_page_says_what_there_is_a_wording_for_and_nothing_else() -> None:
    scripts = "".join(files("annotate.ui.rating").joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS)
    asked = set(re.findall(r'\bt\(\s*"(\w+)"', scripts))
    assert asked <= set(ENGLISH)
    named = set(re.findall(r'"(\w+)"', scripts)) | {f"screen_{name}" for name in ("dark", "light")}
    assert set(ENGLISH) <= named
