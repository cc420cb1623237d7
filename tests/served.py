"""The page around a predictor that needs no network, served in this process on a free port."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from numpy.typing import NDArray

from annotate.settings import Settings as LabellingSettings
from annotate.ui.labelling import Labelling
from annotate.ui.rating.routes import RatingRoutes
from annotate.ui.studies.ownership import Ownership
from fiqa.checkpoints import CheckpointSpec
from fiqa.settings import Settings
from fiqa.ui.service import PredictorService
from fiqa.ui.visitor_state import KEPT_MINUTES
from fiqa_app import main as app
from fiqa_app.serving.rating_page import RatingPage
from fiqa_app.serving.server import launch_options
from fiqa_app.serving.upload_folder import UploadFolder
from tests.app_process import free_port
from tests.fiqa.ui.conftest import FakePredictor, spec
from tests.fiqa.ui.conftest import load as load_fake


@dataclass(frozen=True)
class Served:
    """A running page: its address with a slash at the end, its uploads, what people label with, and the owners."""

    demo: gr.Blocks
    address: str
    uploads: Path
    labelling: Labelling
    ownership: Ownership


def flat_portrait(steps: Sequence[tuple[str, float]]) -> NDArray[np.uint8]:
    """Return the demo's portrait (40, 40, 3) uint8 as tests have it: of one colour, for each damage another."""
    return np.full((40, 40, 3), sum(map(ord, str(list(steps)))) % 251, dtype=np.uint8)


def make_labelling(folder: Path, **variables: str) -> Labelling:
    """Return what people label with, its files in `folder`; `variables` are those of the environment."""
    settings = LabellingSettings.from_environment({"FIQA_DATA_DIR": str(folder), **variables})
    return Labelling(settings, flat_portrait)


@contextmanager
def serve(
    folder: Path,
    *,
    load: Callable[[str], FakePredictor] = load_fake,
    checkpoints: Sequence[CheckpointSpec] = (spec("first"), spec("damaged")),
    **variables: str,
) -> Iterator[Served]:
    """Serve the page with its files in `folder`; `variables` are those of the environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "uploads"))
        settings = Settings.from_environment({"FIQA_DATA_DIR": str(folder / "data"), **variables})
        service = PredictorService(load, checkpoints, checkpoints[0].name)
        uploads = UploadFolder(folder / "uploads", kept_minutes=KEPT_MINUTES)
        uploads.open()
        labelling = make_labelling(folder / "data", **variables)
        ownership = app.create_ownership(settings, labelling)
        demo = app.create_demo(settings, service, labelling, ownership)
        routes = [RatingPage(), *RatingRoutes(labelling).routes()]
        options = launch_options(settings, demo, service, uploads, routes=routes)
        # Gradio, left to find a port, leaves open a socket for every port that is taken.
        demo.launch(**{**options, "server_port": free_port()}, prevent_thread_lock=True)
        labelling.start()
        yield Served(demo, str(demo.local_url), uploads.path, labelling, ownership)
        demo.close(verbose=False)
        demo.server.thread.join(timeout=30)  # which Gradio waits for, but not as long as a busy machine takes
        labelling.close()
        service.stop()
    gc.collect()  # here, where its warnings are expected, and not in another test
