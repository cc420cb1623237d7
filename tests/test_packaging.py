"""`pip install .` gives the package, its command and what comes with it, without a clone beside it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installed import install_wheel

ROOT = Path(__file__).parents[1]
PACKAGES = ("annotate", "fiqa", "fiqa_app", "training")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_wheel(tmp_path_factory.mktemp("packaging"))


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
    """The page of what is installed is looked at in tests/browser."""
    code = START.format(installed=str(installed), commands=COMMANDS)
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("usage: ") == len(COMMANDS)
    assert 0 <= float(done.stdout.splitlines()[-1]) <= 1
