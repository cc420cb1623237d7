"""Serves the app until it is interrupted: `fiqa serve`, or `python app.py` in a clone and on a Hugging Face Space.

Wiring only: settings from the environment, the predictor service, the tabs, the server.
"""

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from annotate.errors import AnnotateError, DiagnosisError
from annotate.settings import Settings as LabellingSettings
from annotate.training_runs import TrainingRuns
from annotate.ui.labelling import Labelling
from annotate.ui.rating import routes
from annotate.ui.studies.diagnosing import Diagnoser, Network
from annotate.ui.studies.ownership import Ownership
from annotate.ui.studies.tab import KEPT, build_studies_tab
from annotate.ui.studies.training import Trainer
from annotate.ui.studies.users import StudyMembers
from fiqa.checkpoints import CheckpointSpec, find_checkpoint, list_checkpoints
from fiqa.degradation.atlas import weights_sha256
from fiqa.errors import CheckpointError, FiqaError, PhotoError
from fiqa.memory import keep_few_heaps, reuse_freed_memory
from fiqa.settings import Settings
from fiqa.ui.atlases import AtlasCache
from fiqa.ui.attention.tab import build_attention_tab
from fiqa.ui.compare.tab import build_compare_tab
from fiqa.ui.curate.tab import build_curate_tab
from fiqa.ui.degradation.tab import build_degradation_tab, diagnose_photo
from fiqa.ui.examples import damaged_portrait
from fiqa.ui.offers import connect_offer
from fiqa.ui.photos import LoadedPhotos
from fiqa.ui.score.tab import build_score_tab, score_if_possible
from fiqa.ui.service import PredictorService
from fiqa.ui.visitor_state import KEPT_MINUTES
from fiqa_app.gradio_internals import (
    Page,
    keep_no_statistics,
    look_for_work_less_often,
    without_applications,
)
from fiqa_app.serving import page
from fiqa_app.serving.gate import visitor_of
from fiqa_app.serving.rating_page import RatingPage
from fiqa_app.serving.server import launch_options, prepare_lending
from fiqa_app.serving.shutdown import wait_for_the_end
from fiqa_app.serving.traffic import log_requests
from fiqa_app.serving.upload_folder import UploadFolder

if TYPE_CHECKING:
    from fiqa.predictor import QualityPredictor


def create_service(settings: Settings) -> PredictorService:
    """Return the service for the checkpoints present, FIQA_CHECKPOINT first chosen; raises CheckpointError."""

    def find() -> list[CheckpointSpec]:
        return [spec for spec in list_checkpoints(settings) if spec.present]

    present = {spec.name: spec for spec in find()}
    if settings.checkpoint not in present:
        spec = find_checkpoint(settings.checkpoint, settings)
        if not spec.present:
            raise CheckpointError(
                f"FIQA_CHECKPOINT is {settings.checkpoint!r}, whose weights are not here; `fiqa checkpoints` lists all."
            )
        # A folder or a Hub repository goes by what was asked for, since load_predictor finds it by that.
        present[settings.checkpoint] = replace(spec, name=settings.checkpoint)

    def load(checkpoint: str) -> "QualityPredictor":
        """Load a checkpoint for the device that there is."""
        if settings.zero_gpu:
            from fiqa.zero_gpu import load_on_zero_gpu

            return load_on_zero_gpu(checkpoint, finder=settings.finder)
        from fiqa.loading import load_predictor

        return load_predictor(checkpoint, device=settings.device, finder=settings.finder)

    return PredictorService(load, list(present.values()), settings.checkpoint, find)


def create_labelling() -> Labelling:
    """Return what people label with; nothing is opened yet. Raises annotate's SettingError."""
    return Labelling(LabellingSettings.from_environment(), damaged_portrait)


def create_ownership(settings: Settings, labelling: Labelling) -> Ownership:
    """Return what lets owners of studies in."""
    visitor = partial(visitor_of, behind_proxy=settings.on_space)
    return Ownership(labelling.settings, visitor, StudyMembers(labelling))


def create_diagnoser(settings: Settings, service: PredictorService) -> Diagnoser:
    """Return what diagnoses the pictures of studies: the checkpoint that the app chose first."""
    atlases, checkpoint = AtlasCache(service, settings), service.default

    def network() -> Network:
        """Say which it is, by the weights that it has now."""
        try:
            return Network(checkpoint, weights_sha256(service.spec_of(checkpoint)))
        except FiqaError as error:
            raise DiagnosisError(str(error)) from None

    def find(picture: bytes) -> list[dict[str, Any]]:
        """Return what may be wrong with a picture."""
        try:
            found = diagnose_photo(service, atlases, checkpoint, picture)
        except PhotoError:
            return []
        except FiqaError as error:
            raise DiagnosisError(str(error)) from None
        return [each.to_dict() for each in found.diagnosis.degradations]

    return Diagnoser(network, find)


@without_applications
def create_demo(settings: Settings, service: PredictorService, labelling: Labelling, ownership: Ownership) -> gr.Blocks:
    """Lay out the page around `service` and what people label with; nothing is loaded or opened yet."""
    demo = Page(title=page.TITLE, analytics_enabled=False, fill_width=True)
    with demo:
        photos = gr.State(LoadedPhotos())
        page.build_header()
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Score", id="score") as score:
                checkpoint, tray, offer_to_score = build_score_tab(service, photos, score)
            with gr.Tab("Attention", id="attention") as attention:
                other_tray = build_attention_tab(service, photos, checkpoint, attention)
            with gr.Tab("Degradation", id="degradation") as degradation:
                chosen = build_degradation_tab(service, settings, photos, checkpoint, degradation)
            with gr.Tab("Compare", id="compare"):
                build_compare_tab(service, settings, checkpoint)
            with gr.Tab("Curate", id="curate"):
                curated, offer_to_curate = build_curate_tab(service, settings, checkpoint)
            with gr.Tab("Rate", id="rate"):
                routes.build_rate_tab()
            with gr.Tab("Studies", id="studies") as studies:
                trainer = Trainer(TrainingRuns(labelling.settings.data_dir), partial(score_if_possible, service))
                build_studies_tab(labelling, ownership, trainer, create_diagnoser(settings, service), studies)
        connect_offer(offer_to_score, tray, [other_tray, chosen], photos)
        connect_offer(offer_to_curate, curated, [tray, other_tray, chosen], photos)
        kept = {"rate": routes.KEPT, "studies": KEPT}
        page.build_footer(service, checkpoint, kept_minutes=KEPT_MINUTES, kept=kept)
        page.keep_address(demo, tabs)
    # Closed: a direct request would not wait for its turn.
    demo.queue(max_size=500, api_open=False)
    keep_no_statistics(demo)
    look_for_work_less_often(demo)
    return demo


def main() -> int | str:
    """Serve the page until interrupted; return the exit status, or what was wrong in a sentence."""
    # Read when torch is loaded. Its threads otherwise spin while they wait for each other, which on processors
    # shared with other work, as those of a Space are, makes a score take twenty times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    keep_few_heaps()
    reuse_freed_memory()
    try:
        settings = Settings.from_environment()
        if settings.zero_gpu:
            prepare_lending()
        service = create_service(settings)
        uploads = UploadFolder.from_environment(os.environ, kept_minutes=KEPT_MINUTES)
        left = uploads.open()
        labelling = create_labelling()
        ownership = create_ownership(settings, labelling)
        demo = create_demo(settings, service, labelling, ownership)
        if settings.zero_gpu:
            service.start().result()  # a lent GPU gets what is loaded before the launch
        options = launch_options(
            settings, demo, service, uploads, routes=[RatingPage(), *routes.RatingRoutes(labelling).routes()]
        )
        demo.launch(**options, prevent_thread_lock=True)
    except (FiqaError, AnnotateError) as error:
        return str(error)
    except OSError:
        address = f"{settings.host}:{settings.port}"
        return f"Nothing can be served at {address}, most likely because the port is in use; set FIQA_PORT."
    if settings.log_requests:
        log_requests()
    service.start()
    labelling.start()
    uploads.sweep_regularly()
    recovered = f" Deleted {left} old uploads that the last run had left." if left else ""
    own_url = None if settings.on_space else demo.local_url
    print(f"The app is at {demo.local_url}{recovered}{ownership.notice(own_url)}", flush=True)
    wait_for_the_end()
    demo.close(verbose=False)
    uploads.clear()
    labelling.close()
    service.stop()
    return 0
