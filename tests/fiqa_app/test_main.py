"""The app as a process and as an API; tests/browser looks at the page."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import httpx
import pytest
from gradio.route_utils import delete_files_created_by_app
from gradio_client import Client, handle_file  # type: ignore[import-untyped]
from gradio_client.exceptions import AppError  # type: ignore[import-untyped]
from PIL import Image

from fiqa.errors import CheckpointError
from fiqa.settings import Settings
from fiqa.ui.service import PredictorService
from fiqa_app import main as app
from fiqa_app.serving.server import launch_options
from fiqa_app.serving.upload_folder import UploadFolder
from tests.fiqa.ui.conftest import load, spec
from tests.served import Served, serve

ROOT = Path(__file__).parents[2]

# Gradio's server and client leave sockets and event loops to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("app")) as served:
        yield served


@pytest.fixture(scope="module")
def client(served: Served) -> Client:
    return Client(served.address, verbose=False)


@pytest.fixture
def photo(tmp_path: Path) -> str:
    """A photo whose fake score is 0.4."""
    Image.new("RGB", (100, 80), (102, 102, 102)).save(tmp_path / "photo.png")
    return str(tmp_path / "photo.png")


def test_the_entry_point_stays_small() -> None:
    assert len((ROOT / "app.py").read_text(encoding="utf-8").splitlines()) < 10


HEAVY = ("torch", "timm", "torchvision", "scipy", "skimage", "matplotlib", "sqlalchemy")
ENTRY_POINT = """
import runpy, sys
try:
    runpy.run_path("app.py", run_name="__main__")
finally:
    print([name for name in {heavy} if name in sys.modules])
"""
"""Runs app.py, and says what heavy was imported when it ended."""


@pytest.fixture(scope="module")
def refused() -> tuple[str, "subprocess.CompletedProcess[str]"]:
    """A port that something else listens at, and the app that was to serve its page there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-c", ENTRY_POINT.format(heavy=HEAVY)],
            cwd=ROOT, env={**os.environ, "FIQA_PORT": port}, check=False, capture_output=True, text=True,
        )  # fmt: skip
    return port, done


@pytest.mark.slow
def test_the_page_is_laid_out_without_anything_heavy(refused: tuple[str, "subprocess.CompletedProcess[str]"]) -> None:
    """It is laid out before the app asks for its port."""
    assert refused[1].stdout.strip() == "[]"


@pytest.mark.slow
def test_a_port_in_use_is_one_clear_line_on_the_standard_error_and_the_status_is_1(
    refused: tuple[str, "subprocess.CompletedProcess[str]"],
) -> None:
    port, done = refused
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert port in line
    assert "FIQA_PORT" in line


@pytest.mark.parametrize(
    ("name", "value"), [("FIQA_PORT", "many"), ("FIQA_DEVICE", "gpu"), ("FIQA_CHECKPOINT", "no such one")]
)
def test_a_bad_setting_is_one_clear_line(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    line = str(app.main())
    assert "\n" not in line
    assert value in line


def test_a_checkpoint_folder_can_be_chosen(tmp_path: Path) -> None:
    bundled = ROOT / "assets" / "checkpoints" / "lite"
    settings = Settings.from_environment({"FIQA_CHECKPOINT": str(bundled), "FIQA_DATA_DIR": str(tmp_path)})
    service = app.create_service(settings)
    assert service.default == str(bundled)
    assert set(service.checkpoints) == {"lite", str(bundled)}


def test_a_missing_checkpoint_is_refused_before_serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({"FIQA_CHECKPOINT": "cgfiqa", "FIQA_DATA_DIR": str(tmp_path)})
    with pytest.raises(CheckpointError, match="cgfiqa"):
        app.create_service(settings)


def test_nothing_about_visitors_is_recorded(tmp_path: Path) -> None:
    settings = Settings.from_environment({"FIQA_DATA_DIR": str(tmp_path)})
    service = PredictorService(load, [spec("first")], "first")
    options = launch_options(settings, gr.Blocks(), service, UploadFolder(tmp_path, kept_minutes=1))
    assert options["run_history"] is False
    assert options["enable_monitoring"] is False
    assert str(tmp_path) in options["blocked_paths"]


OFFERED = {"score", "score_batch", "attention", "degradation", "degrade", "compare", "curate"}


@pytest.mark.slow
def test_only_these_endpoints_are_offered(client: Client) -> None:
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == {f"/{name}" for name in OFFERED}


def test_no_event_of_the_page_lets_gradio_look_for_where_to_show_progress(served: Served) -> None:
    events = [each for each in served.demo.fns.values() if each.outputs]
    assert {each.api_name for each in events if each.show_progress_on != []} == OFFERED


def test_a_program_can_score_a_photo(client: Client, photo: str) -> None:
    answer = client.predict(handle_file(photo), api_name="/score")
    assert answer["score"] == pytest.approx(0.4)
    assert answer["faces"][0]["box_xyxy"] == [20, 30, 60, 70]
    assert answer["error"] is None


def test_a_program_can_say_whose_face_counts(client: Client, photo: str) -> None:
    answer = client.predict(handle_file(photo), "first", "central", "", api_name="/score")
    assert answer["notices"] == ["central, None"]
    answer = client.predict(handle_file(photo), aligned="ffhq", api_name="/score")
    assert answer["notices"] == ["main, ffhq"]


def test_a_program_can_score_many_photos(client: Client, photo: str, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("not a photo", encoding="utf-8")
    files = [handle_file(photo), handle_file(str(tmp_path / "notes.jpg"))]
    good, bad = client.predict(files, "first", api_name="/score_batch")
    assert (good["file"], good["error"]) == ("photo.png", None)
    assert good["score"] == pytest.approx(0.4)
    assert bad["file"] == "notes.jpg"
    assert bad["score"] is None
    assert bad["error"]


def test_a_program_is_told_what_was_wrong(client: Client, photo: str, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("not a photo", encoding="utf-8")
    with pytest.raises(AppError, match="text"):
        client.predict(handle_file(str(tmp_path / "notes.jpg")), api_name="/score")
    with pytest.raises(AppError, match="damaged; fetch it again"):
        client.predict(handle_file(photo), "damaged", api_name="/score")


def test_files_that_were_not_uploaded_are_out_of_reach(client: Client) -> None:
    ours = {"path": str(ROOT / "assets" / "checkpoints" / "lite" / "config.json"), "meta": {"_type": "gradio.FileData"}}
    endpoint = f"{client.src}gradio_api/call/score_batch"
    event = httpx.post(endpoint, json={"data": [[ours], "first", "main", None]}).json()["event_id"]
    answer = httpx.get(f"{endpoint}/{event}", timeout=30).text
    assert answer.startswith("event: error")
    assert "config.json" not in answer


@pytest.mark.slow
def test_nothing_is_left_of_an_upload(served: Served, client: Client, photo: str) -> None:
    refused = set(served.uploads.rglob("*"))  # in the tests above; that goes with our own sweep
    client.predict(handle_file(photo), api_name="/score")
    client.predict([handle_file(photo)], "first", api_name="/score_batch")
    assert sum(file.stat().st_size for file in served.uploads.rglob("*.png")) > 0
    delete_files_created_by_app(served.demo, age=0)  # what Gradio does every minute to files of a certain age
    left = [file for file in served.uploads.rglob("*") if file.is_file() and file not in refused]
    assert sum(file.stat().st_size for file in left) == 0  # Gradio leaves empty files
