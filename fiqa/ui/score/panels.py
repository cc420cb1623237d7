"""What the right-hand side of the Score tab says: nothing yet, busy, one result, a batch, or why not."""

from collections.abc import Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from fiqa.checkpoints import CheckpointSpec
from fiqa.reports import ScoredPhoto
from fiqa.results import QualityResult
from fiqa.ui.figures import ACR_WORDS, grade_of, histogram, photo_with_faces, score_scale, text
from fiqa.ui.progress import panel
from fiqa.ui.score.tables import BatchRow, batch_table, downloads, face_table

STEPS = {"decode": "reading", "faces": "finding faces", "network": "scoring"}


def empty_panel() -> str:
    """Invite the first photo, showing the scale it will be placed on."""
    words = "".join(f'<span class="word">{word}</span>' for word in ACR_WORDS)
    return panel(
        "empty",
        '<p class="headline">Your score appears here.</p>'
        "<p>Add a photo with a face, or pick one of the examples. Add several to compare them.</p>"
        f'<div class="scale" aria-hidden="true"><div class="track"></div><div class="words">{words}</div></div>',
    )


def error_panel(message: str) -> str:
    """Say in one sentence what was wrong and what to do."""
    return panel("error", f'<p class="headline">No score for this photo.</p><p role="alert">{text(message)}</p>')


def photo_panel(name: str, photo: NDArray[np.uint8], result: QualityResult, checkpoint: CheckpointSpec) -> str:
    """Show the score of one photo, (H, W, 3) uint8, and how it came about."""
    word = ACR_WORDS[grade_of(result.score, result.score_range) - 1]
    low, high = result.interval
    notices = "".join(f'<p class="notice">{text(notice)}</p>' for notice in result.notices)
    return panel(
        "result",
        f'<div class="figure">{photo_with_faces(photo, result.faces)}{_landmark_switch(result)}</div>'
        f'<div class="reading"><p class="score"><b>{result.score:.2f}</b><span>{word}</span></p>'
        f"{score_scale(result.score, result.interval, result.score_range)}"
        f'<p class="interval">95 % interval {low:.3f} to {high:.3f}</p>{notices}{face_table(result)}'
        f"{_meaning(checkpoint)}{downloads([ScoredPhoto(name, result)])}{_timings(result)}</div>",
    )


def batch_panel(rows: Sequence[BatchRow], checkpoint: CheckpointSpec) -> str:
    """Show the scores of many photos: their spread, then every one of them."""
    photos = [row.scored for row in rows]
    scores = [photo.outcome.score for photo in photos if isinstance(photo.outcome, QualityResult)]
    middle = f'<p class="score"><b>{median(scores):.2f}</b><span>median</span></p>' if scores else ""
    spread = histogram(scores, checkpoint.score_range) if scores else ""
    return panel(
        "batch",
        f'<p class="headline">{len(scores)} of {len(photos)} photos scored.</p>'
        f'<div class="spread">{middle}{spread}</div>'
        f"{batch_table(rows)}{downloads(photos)}{_meaning(checkpoint)}",
    )


def meaning(checkpoint: CheckpointSpec) -> str:
    """Return in plain text what the number means: how to read it, and what it was learnt from."""
    low, high = checkpoint.score_range
    return (
        f"The score tells, from {low:g} to {high:g}, how free the picture of the face is of blur, noise, compression "
        f"and bad light; the five words split that range evenly, as an aid to reading. {checkpoint.note}"
    )


def _meaning(checkpoint: CheckpointSpec) -> str:
    return f'<p class="meaning">{text(meaning(checkpoint))}</p>'


def _landmark_switch(result: QualityResult) -> str:
    """Offer to hide the marks, where there are any; style.css does the hiding."""
    if all(face.landmarks is None for face in result.faces):
        return ""
    return '<label class="switch"><input type="checkbox" checked> Show face and landmarks</label>'


def _timings(result: QualityResult) -> str:
    steps = ", ".join(f"{STEPS[name]} {ms:.0f}" for name, ms in result.timings_ms.items() if name in STEPS)
    total = result.timings_ms.get("total", 0.0)
    return f'<p class="timings">Checkpoint {text(result.checkpoint)} · {total:.0f} ms ({steps})</p>'
