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


@pytest.mark.parametrize(
    "arguments", [["fiqa", "serve", "--help"], ["annotate", "--help"], ["training.train_on_study", "--help"]]
)
def test_app_labelling_and_training_start_from_the_wheel(installed: Path, tmp_path: Path, arguments: list[str]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_installed_app_lays_out_its_page(installed: Path, tmp_path: Path) -> None:
    code = (
        "from fiqa.settings import Settings; from fiqa_app import main; import fiqa_app\n"
        f"assert fiqa_app.__file__.startswith({str(installed)!r})\n"
        "settings, labelling = Settings.from_environment(), main.create_labelling()\n"
        "ownership = main.create_ownership(settings, labelling)\n"
        "main.create_demo(settings, main.create_service(settings), labelling, ownership)"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed), "FIQA_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_bundled_checkpoint_is_found_without_a_clone(installed: Path, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(installed)!r})\n"
        "import fiqa; from fiqa import load_predictor\n"
        f"assert fiqa.__file__.startswith({str(installed)!r})\n"
        "from skimage.data import astronaut\n"
        "print(load_predictor('lite', device='cpu', finder='bundled').score(astronaut()).score)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 0 <= float(done.stdout) <= 1
