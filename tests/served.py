"""The page around a predictor that needs no network, served in this process on a free port."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
import pytest

import app
from fiqa.settings import Settings
from fiqa.ui.server import launch_options
from fiqa.ui.service import Predictor, PredictorService
from fiqa.ui.upload_folder import UploadFolder
from tests.fiqa.ui.conftest import load as load_fake
from tests.fiqa.ui.conftest import spec


@dataclass(frozen=True)
class Served:
    """A running page, its address with a slash at the end, and where its uploads lie."""

    demo: gr.Blocks
    address: str
    uploads: Path


@contextmanager
def serve(folder: Path, *, load: Callable[[str], Predictor] = load_fake, **variables: str) -> Iterator[Served]:
    """Serve the page with its files in `folder`; `variables` are those of the environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "uploads"))
        settings = Settings.from_environment({"FIQA_DATA_DIR": str(folder / "data"), **variables})
        service = PredictorService(load, [spec("first"), spec("damaged")], "first")
        uploads = UploadFolder(folder / "uploads", kept_minutes=app.KEPT_MINUTES)
        uploads.open()
        demo = app.create_demo(service)
        options = {**launch_options(settings, demo, service, uploads), "server_port": None}
        demo.launch(**options, prevent_thread_lock=True)
        yield Served(demo, str(demo.local_url), uploads.path)
        demo.close(verbose=False)
        service.stop()
    gc.collect()  # here, where its warnings are expected, and not in another test
