"""LICENSES.md says what we run on."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The script behind `make licences`, which is in no package."""
    spec = importlib.util.spec_from_file_location("licences_tool", ROOT / ".ci" / "licences.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_requirement_is_listed_with_its_licence(tool: ModuleType) -> None:
    text = (ROOT / "LICENSES.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| ([a-z0-9-]+) \|", text, re.MULTILINE))
    assert {tool.normalised(each.name) for each in tool.direct()} <= listed, "run `make licences`"


def test_no_licence_forbids_what_ours_allows() -> None:
    text = (ROOT / "LICENSES.md").read_text(encoding="utf-8")
    assert "not declared" not in text
    assert not re.search(r"AGPL|Affero|(?<![Ll])GPL-|GNU General Public", text)
