"""A clip in the Curate tab: the score of every person over time, and the best frames.

Frames are scored in turn with the photos of the other tabs. Nothing of a clip is kept but what the page shows.
"""

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import gradio as gr

from fiqa.errors import FiqaError, SettingError
from fiqa.photos.thumbnails import data_uri
from fiqa.ui.figures import png_uri, text
from fiqa.ui.photos import SCORING, SCORING_LIMIT, UNSEEN
from fiqa.ui.progress import panel, progress_panel
from fiqa.ui.service import PredictorService, translate_errors
from fiqa.version import __version__
from fiqa.video.frames import Clip, length_s
from fiqa.video.reports import ClipReport, clock, timeline, to_csv, to_json, to_table
from fiqa.video.scoring import BestFrame, ClipScores, choose_best, fetch_frames, score_clip

SUFFIXES = (".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi")
MOST_SAMPLES = 200
SHORTEST_EVERY_S = 0.5
LONGEST_S = 1800
BEST_FRAMES, BEST_SIDE_PX = 3, 480
PROGRESS_EVERY_S = 0.3


def build_clips(service: PredictorService, checkpoint: gr.Dropdown) -> None:
    """Lay out where a clip comes in and what is said of it, and connect them."""

    def score(path: str | None, name: str) -> Iterator[str]:
        """Score a clip with a checkpoint, with progress."""
        try:
            with translate_errors():
                yield from clip_panels(service, path, name)
        except FiqaError as error:
            yield panel("error", f'<p class="headline">No score for this clip.</p><p role="alert">{text(error)}</p>')

    with gr.Accordion("A clip: scores over time", open=False, elem_id="curate-clip"):
        clip = gr.File(file_types=[*SUFFIXES], label="Clip", height=110, elem_id="curate-clip-file")
        shown = gr.HTML("", apply_default_css=False, elem_id="curate-clip-panel")
    working: dict[str, Any] = {"concurrency_limit": SCORING_LIMIT, "concurrency_id": SCORING, **UNSEEN}
    clip.change(score, [clip, checkpoint], shown, **working)


def clip_panels(service: PredictorService, path: str | None, checkpoint: str) -> Iterator[str]:
    """Yield how far the scoring of a clip is, and at the end what came out; raises FiqaError."""
    if not path:
        yield ""
        return
    clip = Clip(Path(path), _every_s(length_s(Path(path))))
    scores, told = ClipScores(), time.monotonic()
    yield progress_panel(0, MOST_SAMPLES)
    scored = score_clip(lambda pixels: service.score(checkpoint, pixels), clip, scores)
    for done, _ in enumerate(islice(scored, MOST_SAMPLES), start=1):
        if time.monotonic() - told > PROGRESS_EVERY_S:
            told = time.monotonic()
            yield progress_panel(done, MOST_SAMPLES)
    stamp: dict[str, str | None] = {"version": __version__, "checkpoint": checkpoint}
    yield clip_panel(ClipReport(clip, scores, service.spec_of(checkpoint).score_range, stamp))


def clip_panel(report: ClipReport) -> str:
    """Show the timeline, the best frames with their times, and what there is to save."""
    if not report.people:
        raise SettingError("No face was found in this clip: choose one that shows a face.")
    figure = data_uri("image/svg+xml", timeline(report, ".svg"))
    best = fetch_frames(report.clip, choose_best(report.scores.samples, BEST_FRAMES))
    saved = _save("scores.csv", "text/csv", to_csv(report)) + _save("scores.json", "application/json", to_json(report))
    return panel(
        "clip",
        f'<img class="timeline" src="{figure}" alt="Score of every person over time">'
        f'<div class="best-frames">{"".join(map(_best, best))}</div><pre>{text(to_table(report))}</pre>'
        f'<p class="downloads">Save the scores {saved}</p>',
    )


def _every_s(length: float | None) -> float:
    """Return the time between samples of a clip of some seconds, so that there are `MOST_SAMPLES` at most."""
    if length is not None and length > LONGEST_S:
        raise SettingError(
            f"This clip is {clock(length)} long and the page takes {LONGEST_S // 60} minutes; score more with "
            "`fiqa video CLIP`."
        )
    return max(SHORTEST_EVERY_S, (length or 0.0) / MOST_SAMPLES)


def _best(frame: BestFrame) -> str:
    """Show one of the best frames; the link saves it as it is, the picture is a smaller one."""
    whole = png_uri(frame.pixels, side_px=max(frame.pixels.shape[:2]))
    sample = frame.sample
    at = clock(sample.time_s)
    return (
        f'<figure><a download="best-at-{sample.time_s:08.3f}s.png" href="{whole}">'
        f'<img src="{png_uri(frame.pixels, side_px=BEST_SIDE_PX)}" alt="Frame at {at}"></a>'
        f"<figcaption><b>{sample.score:.2f}</b> at {at}, person {sample.person}</figcaption></figure>"
    )


def _save(name: str, media_type: str, content: str) -> str:
    label = name.rpartition(".")[2].upper()
    return f'<a class="save" download="{name}" href="{data_uri(media_type, content.encode())}">{label}</a>'
