"""What README.md promises is there."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from huggingface_hub import metadata_load

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SPACE = yaml.safe_load((ROOT / "Spacefile").read_text(encoding="utf-8"))
REQUIREMENTS = [
    line.split("#")[0].strip()
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    if line.split("#")[0].strip()
]


def code_blocks(language: str) -> str:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return "\n".join(text for written_in, text in blocks if written_in == language)


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_front_matter_is_the_spacefile() -> None:
    assert metadata_load(ROOT / "README.md") == SPACE, "run: make space"


def test_space_runs_the_gradio_that_is_required() -> None:
    assert f"gradio~={SPACE['sdk_version']}" in REQUIREMENTS
    assert (ROOT / SPACE["app_file"]).is_file()
    assert len(SPACE["short_description"]) <= 60


def test_make_targets_named_in_the_readme_exist() -> None:
    targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", README, flags=re.DOTALL))
    named = re.findall(r"\bmake ([a-z]+)\b", "\n".join([code_blocks("bash"), *inline]))
    assert {"run", "test", "help"} <= set(named) <= set(targets)


@pytest.mark.parametrize("line", re.findall(r"^fiqa .*$", code_blocks("bash"), re.MULTILINE))
def test_commands_in_the_readme_are_understood(line: str) -> None:
    _, command, *words = line.split("#")[0].split()
    done = subprocess.run(
        [sys.executable, "-m", "fiqa", command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for option in filter(lambda word: word.startswith("--"), words):
        assert option in done.stdout


@pytest.mark.parametrize("line", re.findall(r"^python -m annotate .*$", code_blocks("bash"), re.MULTILINE))
def test_labelling_commands_in_the_readme_are_understood(line: str) -> None:
    from annotate.__main__ import _parser

    assert _parser().parse_args(line.split("#")[0].split()[3:]).run


def test_python_in_the_readme_uses_public_names() -> None:
    import fiqa

    for name in re.findall(r"^from fiqa import (\w+)", code_blocks("python"), re.MULTILINE):
        assert name in fiqa.__all__
        assert getattr(fiqa, name)


def test_settings_table_lists_what_the_code_reads() -> None:
    files = [ROOT / "app.py", *(path for package in ("fiqa", "annotate") for path in (ROOT / package).rglob("*.py"))]
    read = {name for path in files for name in re.findall(r"\bFIQA_[A-Z_]+\b", path.read_text(encoding="utf-8"))}
    assert set(re.findall(r"^\| `(FIQA_[A-Z_]+)` \|", section("Settings"), re.MULTILINE)) == read


def test_tree_in_the_readme_is_on_disk() -> None:
    folder = ROOT
    lines = re.findall(r"^( *[\w./]+) {2,}\S", code_blocks(""), re.MULTILINE)
    assert len(lines) > 10
    for line in lines:
        parent = folder if line.startswith(" ") else ROOT
        assert (parent / line.strip()).exists(), line
        folder = parent if line.startswith(" ") else ROOT / line


@pytest.mark.parametrize("package", ["fiqa", "annotate"])
def test_every_module_of_the_libraries_is_in_the_tree(package: str) -> None:
    (listed,) = re.findall(rf"^{package}/ .*\n((?: .*\n)+)", code_blocks(""), re.MULTILINE)
    named = set(re.findall(r"\b\w+\.py\b", listed))
    assert {path.name for path in (ROOT / package).glob("[!_]*.py")} <= named


def test_requirements_are_those_of_the_package_and_its_app() -> None:
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"]
    assert sorted(REQUIREMENTS) == sorted(project["dependencies"] + extras["annotate"] + extras["app"])


def imported(*folders: str) -> set[str]:
    """Return the distributions that the Python files of the folders import, as named in requirements."""
    files = [path for folder in folders for path in [*ROOT.glob(f"{folder}.py"), *(ROOT / folder).rglob("*.py")]]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    foreign = {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"annotate", "fiqa", "training"}
    distributions = {
        "PIL": "pillow",
        "skimage": "scikit-image",
        "face_alignment": "face-alignment",
        "sklearn": "scikit-learn",
        "python_multipart": "python-multipart",
    }
    return {distributions.get(name, name) for name in foreign}


def names_of(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w-]", requirement)[0] for requirement in requirements}


def test_requirements_are_what_the_code_imports() -> None:
    optional = {"datasets", "face-alignment"}
    assert imported("app", "fiqa", "annotate") - optional == names_of(REQUIREMENTS) - {
        "psycopg",
        "torchvision",
    }  # others'


def test_training_group_is_what_the_scripts_import() -> None:
    group = names_of([*PYPROJECT["dependency-groups"]["train"]])
    assert group - {"tensorboard"} <= imported("training") <= group | names_of(REQUIREMENTS)  # accelerate writes to it


def test_wheel_holds_every_package() -> None:
    packages = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in [*(ROOT / "annotate").rglob("__init__.py"), *(ROOT / "fiqa").rglob("__init__.py")]
    }
    assert set(PYPROJECT["tool"]["setuptools"]["packages"]) == packages | {"fiqa.assets"}
