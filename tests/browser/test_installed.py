"""`pip install .` gives the package, its commands, its page and what comes with it, without a clone beside it."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.app_process import run_app

ROOT = Path(__file__).parents[2]
PACKAGES = ("annotate", "fiqa", "fiqa_app", "training")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of a copy, so that nothing is left in the clone, and unpack it; return what to import from."""
    folder = tmp_path_factory.mktemp("packaging")
    copy = folder / "copy"
    for name in (*PACKAGES, "assets"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    build = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(copy)]
    subprocess.run([sys.executable, "-m", *build], check=True, capture_output=True)
    (wheel,) = folder.glob("fiqa-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_wheel_holds_everything_the_clone_does(installed: Path) -> None:
    packed = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    kinds = ("*.py", "*.js", "*.j2", "*.html", "*.css")
    code = [path for package in PACKAGES for kind in kinds for path in (ROOT / package).rglob(kind)]
    modules = {str(path.relative_to(ROOT)) for path in code}
    assets = [ROOT / "assets/style.css", *(ROOT / "assets/checkpoints").rglob("*")]
    data = {f"fiqa/{path.relative_to(ROOT)}" for path in assets if path.is_file()}
    assert modules | data | {"fiqa/py.typed"} <= packed
    assert {Path(name).parts[0] for name in packed} == {*PACKAGES, next(installed.glob("*.dist-info")).name}


def test_command_is_the_module(installed: Path) -> None:
    (points,) = installed.glob("*.dist-info/entry_points.txt")
    assert "fiqa = fiqa.__main__:main" in points.read_text()


START = """
import runpy, sys
import fiqa
from fiqa import load_predictor
from skimage.data import astronaut
assert fiqa.__file__.startswith({installed!r})
for module, *arguments in {commands}:
    sys.argv = [module, *arguments, "--help"]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        assert not end.code, module
print(load_predictor("lite", device="cpu", finder="bundled").score(astronaut()).score)
"""
COMMANDS = [("fiqa", "serve"), ("annotate",), ("training.train_on_study",)]


def test_app_labelling_training_and_the_bundled_checkpoint_are_found_without_a_clone(
    installed: Path, tmp_path: Path
) -> None:
    code = START.format(installed=str(installed), commands=COMMANDS)
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("usage: ") == len(COMMANDS)
    assert 0 <= float(done.stdout.splitlines()[-1]) <= 1


def test_the_page_is_styled_as_in_a_clone(installed: Path, tmp_path: Path, browser: Browser) -> None:
    program = tmp_path / "elsewhere" / "app.py"
    program.parent.mkdir()
    shutil.copy(ROOT / "app.py", program)
    with run_app(tmp_path, program=program, PYTHONPATH=str(installed)) as app:
        page = browser.new_page()
        page.goto(app.address)
        page.wait_for_selector("#header h1")
        read = "([selector, name]) => getComputedStyle(document.querySelector(selector)).getPropertyValue(name)"
        assert page.evaluate(read, ["#header header", "display"]) == "flex"
        assert page.evaluate(read, ["#header button", "border-radius"]) == "50%"
        assert page.evaluate(read, ["#footer footer", "justify-content"]) == "space-between"
        page.close()
        app.kill()  # an end in order would wait for the checkpoint, which nobody needs here
