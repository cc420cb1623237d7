"""How the page is served: launch options, middleware, and health routes."""

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any

import gradio as gr
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from fiqa.bundled import bundled
from fiqa.errors import SettingError
from fiqa.settings import Settings
from fiqa.ui.service import PredictorService
from fiqa_app.gradio_internals import count_waiting
from fiqa_app.serving import page
from fiqa_app.serving.gate import Gate, Limits
from fiqa_app.serving.queued_work import QueuedWork
from fiqa_app.serving.session_cleanup import KEPT_SESSIONS, forgetting
from fiqa_app.serving.shared_answers import SharedAnswers
from fiqa_app.serving.traffic import Counters, Traffic, health_routes
from fiqa_app.serving.upload_folder import UploadFolder

UPLOAD_LIMIT = "25mb"
HANDLER_THREADS = 48
"""Of Gradio's handlers alone. With Gradio's own number, 40, they would share the threads of all else that is served,
and raters would wait for their pictures while handlers wait for a network."""


def launch_options(
    settings: Settings,
    demo: gr.Blocks,
    service: PredictorService,
    uploads: UploadFolder,
    *,
    routes: Sequence[BaseRoute] = (),
) -> dict[str, Any]:
    """Return the arguments of `demo.launch`: look, address, limits, and no record of what visitors do.

    `routes` are served beside Gradio, and asked first, behind the same gate.
    """
    return {
        "server_name": settings.host,
        "server_port": settings.port,
        "theme": page.build_theme(),
        "css_paths": bundled("style.css"),
        "head": page.HEAD,
        "footer_links": ["api"],
        "max_file_size": UPLOAD_LIMIT,
        "max_threads": HANDLER_THREADS,
        "blocked_paths": [str(settings.data_dir)],
        "mcp_server": importlib.util.find_spec("mcp") is not None,
        "state_session_capacity": KEPT_SESSIONS,
        "app_kwargs": _surroundings(settings, demo, service, uploads, routes),
        "ssr_mode": False,
        "run_history": False,
        "enable_monitoring": False,
        "quiet": True,
    }


def _surroundings(
    settings: Settings, demo: gr.Blocks, service: PredictorService, uploads: UploadFolder, routes: Sequence[BaseRoute]
) -> dict[str, Any]:
    """Return what stands around Gradio's application: middleware, the outer one first, routes of our own, upkeep."""

    def ready() -> bool:
        return service.is_loaded(service.default)

    counters = Counters(waiting=lambda: count_waiting(demo), ready=ready)
    gate = Middleware(
        Gate,
        work=QueuedWork(demo, behind_proxy=settings.on_space),
        limits=Limits(
            requests_per_s=settings.rate_limit,
            requests_at_once=10 * settings.rate_limit,
            ratings_per_s=10 * settings.rate_limit,
            ratings_at_once=100 * settings.rate_limit,
        ),
        uploads=uploads.path,
        behind_proxy=settings.on_space,
        fetch_urls=settings.fetch_urls,
    )
    own = [*health_routes(counters, ready=ready, with_metrics=settings.metrics), *routes]
    return {
        "middleware": [Middleware(Traffic, counters=counters, routes=own), gate, Middleware(SharedAnswers)],
        "routes": own,
        "lifespan": forgetting,
    }


def prepare_lending() -> None:
    """Load the package through which a ZeroGPU Space lends its GPUs, before torch is; raises SettingError."""
    try:
        importlib.import_module("spaces")
    except ImportError:
        raise SettingError("SPACES_ZERO_GPU is set, but the package is missing: pip install spaces.") from None
