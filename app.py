"""The app: `python app.py` serves the page; on a Hugging Face Space the same file works.

Wiring only: settings from the environment, the predictor service, the tabs, the server.
"""

import importlib.util
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from fiqa.checkpoints import find_checkpoint, list_checkpoints, load_predictor
from fiqa.errors import CheckpointError, FiqaError
from fiqa.settings import Settings
from fiqa.ui import page
from fiqa.ui.attention import build_attention_tab
from fiqa.ui.score import LoadedPhotos, build_score_tab
from fiqa.ui.service import Predictor, PredictorService

STYLE = Path(__file__).resolve().parent / "assets" / "style.css"
UPLOAD_LIMIT = "25mb"
KEPT_MINUTES = 15
"""How long an upload stays in Gradio's cache at most; a page left open longer asks for the photo again."""
SWEEP_S = 60


def create_service(settings: Settings) -> PredictorService:
    """Return the service for the checkpoints present, FIQA_CHECKPOINT first chosen; raises CheckpointError."""
    present = {spec.name: spec for spec in list_checkpoints(settings) if spec.present}
    if settings.checkpoint not in present:
        spec = find_checkpoint(settings.checkpoint, settings)
        if not spec.present:
            raise CheckpointError(
                f"FIQA_CHECKPOINT is {settings.checkpoint!r}, whose weights are not here; `fiqa checkpoints` lists all."
            )
        # A folder or a Hub repository goes by what was asked for, since load_predictor finds it by that.
        present[settings.checkpoint] = replace(spec, name=settings.checkpoint)

    def load(checkpoint: str) -> Predictor:
        return load_predictor(checkpoint, device=settings.device, finder=settings.finder)

    return PredictorService(load, list(present.values()), settings.checkpoint)


def create_demo(service: PredictorService) -> gr.Blocks:
    """Lay out the page around `service`; nothing is loaded yet."""
    sweep = (SWEEP_S, 60 * KEPT_MINUTES - SWEEP_S)  # how often, and from which age
    demo = gr.Blocks(title=page.TITLE, analytics_enabled=False, fill_width=True, delete_cache=sweep)
    with demo:
        photos = gr.State(LoadedPhotos())
        page.build_header()
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Score", id="score"):
                checkpoint = build_score_tab(service, photos)
            with gr.Tab("Attention", id="attention") as attention:
                build_attention_tab(service, photos, checkpoint, attention)
        footer = page.build_footer(service, kept_minutes=KEPT_MINUTES)
        page.keep_footer_true(footer, service, checkpoint, kept_minutes=KEPT_MINUTES)
    demo.queue(max_size=500)
    return demo


def launch_options(settings: Settings) -> dict[str, Any]:
    """Return the arguments of `demo.launch`: look, address, and no record of what visitors do."""
    return {
        "server_name": settings.host,
        "server_port": settings.port,
        "theme": page.build_theme(),
        "css_paths": STYLE,
        "head": page.HEAD,
        "footer_links": ["api"],
        "max_file_size": UPLOAD_LIMIT,
        "blocked_paths": [str(settings.data_dir)],
        "mcp_server": importlib.util.find_spec("mcp") is not None,
        "ssr_mode": False,
        "run_history": False,
        "enable_monitoring": False,
        "quiet": True,
    }


def main() -> int:
    """Serve the page until interrupted; return the exit status."""
    # Read when torch is loaded. Its threads otherwise spin while they wait for each other, which on processors
    # shared with other work, as those of a Space are, makes a score take twenty times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        settings = Settings.from_environment()
        service = create_service(settings)
        demo = create_demo(service)
        demo.launch(**launch_options(settings), prevent_thread_lock=True)
    except FiqaError as error:
        return _refuse(str(error))
    except OSError:
        address = f"{settings.host}:{settings.port}"
        return _refuse(f"Nothing can be served at {address}, most likely because the port is in use; set FIQA_PORT.")
    service.start()
    print(f"The app is at {demo.local_url}", flush=True)
    demo.block_thread()
    return 0


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
