"""The folder of the static page: complete, and with every number of the library that its scripts use."""

import json
import re
import shutil
from pathlib import Path

import platformdirs
import pytest
import yaml

from fiqa.__main__ import main
from fiqa.checkpoints import CARD as CHECKPOINT_CARD
from fiqa.checkpoints import find_checkpoint
from fiqa.errors import CheckpointError
from fiqa.faces.finders import FaceDetector
from fiqa.in_browser import building, serving
from fiqa.in_browser.runtime_files import FILES
from fiqa.onnx.files import DETECTOR, FIRST_LOOK, OPSET, QUALITY, SECOND_LOOK, OnnxCard
from fiqa.settings import Settings

STATIC = Path(building.__file__).parent / "static"
NETWORKS = (DETECTOR, FIRST_LOOK, SECOND_LOOK, QUALITY)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Write the page around empty networks; the list says into which folders they were written."""
    folders: list[Path] = []

    def export(_checkpoint: str, folder: Path, *, int8: bool) -> None:
        assert not int8
        folders.append(folder)
        OnnxCard("lite", OPSET, 150, 3.18).write(folder)
        for name in (*NETWORKS, CHECKPOINT_CARD):
            (folder / name).write_text(name)

    def add_runtime(folder: Path, _archive: Path | None) -> None:
        folder.mkdir(parents=True)
        for name in FILES:
            (folder / name).write_text(name)

    monkeypatch.setattr(building, "export_onnx", export)
    monkeypatch.setattr(building, "add_runtime", add_runtime)
    return folders


@pytest.mark.usefixtures("written")
def test_the_command_writes_everything_the_page_asks_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "page"
    assert main(["export", "lite", "--format", "page", "--output", str(folder)]) == 0
    assert "serve it with any web server" in capsys.readouterr().out
    scripts = "\n".join(path.read_text() for path in STATIC.glob("*.js"))
    page = (STATIC / "index.html").read_text()
    named = {
        *re.findall(r'(?:from|URL\() ?"(?:\./)?([\w./-]+)"', scripts),
        *re.findall(r'(?:href|src)="([\w.-]+)"', page),
        *json.loads((folder / "settings.json").read_text())["files"],
    }
    assert len(named) > 15
    assert {name for name in named if not (folder / name).is_file()} == set()


@pytest.mark.usefixtures("written")
def test_scripts_ask_for_settings_that_are_there(tmp_path: Path) -> None:
    building.build_page("lite", tmp_path)
    settings = json.loads((tmp_path / "settings.json").read_text())
    scripts = {path.name: path.read_text() for path in STATIC.glob("*.js")}
    asked = re.findall(r"\b(?:sentences|limits)\.(\w+)", "\n".join(scripts.values()))
    assert set(asked) <= {*settings["sentences"], *settings["limits"]}
    finder = re.findall(r"\bsettings\.(\w+)", scripts["finding.js"] + scripts["detecting.js"])
    assert {"accepted", "overlap"} <= set(finder) <= {*settings["finder"], "finder"}
    assert settings["finder"]["finest_share"] == FaceDetector.FINEST_SHARE


@pytest.mark.usefixtures("written")
def test_the_folder_is_a_static_space(tmp_path: Path) -> None:
    building.build_page("lite", tmp_path)
    _, front, text = (tmp_path / "README.md").read_text().split("---\n")
    card = yaml.safe_load(front)
    assert (card["sdk"], card["app_file"]) == ("static", "index.html")
    assert len(card["short_description"]) <= 60
    assert "MIT licence" in text


def test_a_kept_page_keeps_networks_and_renews_the_rest(
    written: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda _: str(tmp_path))
    kept = building.kept_page("lite")
    (kept / "page.js").write_text("of an earlier version")
    assert building.kept_page("lite") == kept
    assert len(written) == 1
    assert (kept / "page.js").read_bytes() == (STATIC / "page.js").read_bytes()
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


def test_other_weights_are_another_page(written: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda _: str(tmp_path / "cache"))
    lite = find_checkpoint("lite").folder
    assert lite
    mine = tmp_path / "mine"
    shutil.copytree(lite, mine)
    building.kept_page(str(mine))
    (mine / "model.safetensors").write_bytes(b"other weights")
    building.kept_page(str(mine))
    assert len(written) == 2


@pytest.mark.usefixtures("written")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match=r"file/page cannot be written: .*; name a folder that can"):
        building.build_page("lite", tmp_path / "file" / "page")


def test_serve_static_serves_the_chosen_checkpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    served: list[tuple[Path, int]] = []
    monkeypatch.setattr(building, "kept_page", lambda checkpoint, runtime: tmp_path / checkpoint)
    monkeypatch.setattr(serving, "serve", lambda folder, settings: served.append((folder, settings.port)))
    monkeypatch.setenv("FIQA_CHECKPOINT", "mine")
    assert main(["serve", "--static"]) == 0
    assert served == [(tmp_path / "mine", Settings.from_environment().port)]
