"""What Hugging Face reads: the front matter of the README, from the Spacefile."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from huggingface_hub import metadata_load

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def space_tool() -> ModuleType:
    """The script behind `make space`, which is in no package."""
    spec = importlib.util.spec_from_file_location("space_tool", ROOT / ".ci" / "space.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def declared() -> dict[str, Any]:
    space: dict[str, Any] = yaml.safe_load((ROOT / "Spacefile").read_text(encoding="utf-8"))
    return space


def test_the_declaration_is_sound(space_tool: ModuleType, declared: dict[str, Any]) -> None:
    assert space_tool.problems(declared) == []


def test_the_front_matter_is_the_declaration(declared: dict[str, Any]) -> None:
    assert metadata_load(ROOT / "README.md") == declared


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("colour", "red", "unknown keys"),
        ("sdk_version", "5.0.0", "sdk_version"),
        ("python_version", 3.12, "python_version"),
        ("python_version", "3.10", "python_version"),
        ("suggested_hardware", "h100", "suggested_hardware"),
        ("short_description", "a" * 61, "short_description"),
        ("colorTo", "teal", "colour"),
        ("app_file", "main.py", "app_file"),
    ],
)
def test_a_mistake_is_found(
    key: str, value: object, problem: str, space_tool: ModuleType, declared: dict[str, Any]
) -> None:
    (found,) = space_tool.problems({**declared, key: value})
    assert problem in found
