"""What is drawn: the score on its scale, the photo with its faces, the spread of a batch.

Figures are HTML and SVG text. They stay crisp at any zoom and follow the light and dark theme, the
photo inside them is a lossless PNG (a lossy copy would show artefacts that the score knows nothing
of), and nothing has to be written to disk to show them.
"""

from collections.abc import Sequence
from html import escape
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fiqa.photos.thumbnails import data_uri
from fiqa.results import FaceResult, Interval

ACR_WORDS = ("Bad", "Poor", "Fair", "Good", "Excellent")
"""Category names of the absolute category rating scale, ITU-T P.910, from 1 to 5."""

SHOWN_SIDE_PX = 1280
HISTOGRAM_BINS = 20


def text(value: object) -> str:
    """Return `value` escaped for HTML and for the template language of `gr.HTML`."""
    return escape(str(value)).translate({ord("{"): "&#123;", ord("}"): "&#125;", ord("$"): "&#36;"})


def grade_of(score: float, score_range: Interval) -> int:
    """Return which fifth of the range a score falls in, 1 (Bad) to 5 (Excellent)."""
    return min(len(ACR_WORDS), int(_share(score, score_range) * len(ACR_WORDS)) + 1)


def score_scale(score: float, interval: Interval, score_range: Interval) -> str:
    """Draw the score on the five-word scale, with its 95 % interval as a band."""
    position, low, high = (100 * _share(value, score_range) for value in (score, *interval))
    grade = grade_of(score, score_range)
    words = "".join(
        f'<span class="word{" is-here" if index == grade else ""}">{word}</span>'
        for index, word in enumerate(ACR_WORDS, start=1)
    )
    return (
        f'<div class="scale" role="img" aria-label="{score:.2f} of {score_range[1]:g}: {ACR_WORDS[grade - 1]}; '
        f'95 % interval {interval[0]:.2f} to {interval[1]:.2f}">'
        f'<div class="track"><span class="band" style="left:{low:.2f}%;width:{max(0.4, high - low):.2f}%"></span>'
        f'<span class="needle" style="left:{position:.2f}%"></span></div>'
        f'<div class="words">{words}</div></div>'
    )


def small_scale(score: float, score_range: Interval) -> str:
    """Draw the score as a short bar for a table cell."""
    share = 100 * _share(score, score_range)
    return f'<span class="bar grade-{grade_of(score, score_range)}"><i style="width:{share:.1f}%"></i></span>'


def photo_with_faces(photo: NDArray[np.uint8], faces: Sequence[FaceResult]) -> str:
    """Draw `photo` (H, W, 3) uint8 with the box and landmarks of every face found in it."""
    height, width = photo.shape[:2]
    unit = max(height, width) / 100
    found = [face for face in faces if face.landmarks is not None]
    drawn = "".join(_face(face, index, unit, numbered=len(found) > 1) for index, face in enumerate(found, start=1))
    return (
        f'<svg class="photo" viewBox="0 0 {width} {height}" role="img" aria-label="Photo, faces marked: {len(found)}" '
        f'style="aspect-ratio:{width}/{height}">'
        f'<image href="{png_uri(photo, side_px=SHOWN_SIDE_PX)}" width="{width}" height="{height}"/>{drawn}</svg>'
    )


def histogram(scores: Sequence[float], score_range: Interval) -> str:
    """Draw how the scores of a batch spread over the scale, in `HISTOGRAM_BINS` equal bins."""
    counts, edges = np.histogram(np.clip(scores, *score_range), bins=HISTOGRAM_BINS, range=score_range)
    highest = max(1, int(counts.max()))
    bars = "".join(
        f'<i class="grade-{grade_of((low + high) / 2, score_range)}" style="height:{100 * count / highest:.1f}%" '
        f'title="{low:.2f} to {high:.2f}: {count}"></i>'
        for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True)
    )
    words = "".join(f'<span class="word">{word}</span>' for word in ACR_WORDS)
    return (
        f'<div class="histogram" role="img" aria-label="How {len(scores)} scores spread over the scale">'
        f'<div class="bins">{bars}</div><div class="words">{words}</div></div>'
    )


def png_uri(photo: NDArray[np.uint8], *, side_px: int) -> str:
    """Return the photo as a lossless PNG data URI, shrunk if its longer side exceeds `side_px`."""
    image = Image.fromarray(photo)
    image.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    # The fastest level: the picture is made anew for every visit and read once.
    image.save(buffer, "PNG", compress_level=1)
    return data_uri("image/png", buffer.getvalue())


def _face(face: FaceResult, number: int, unit: float, *, numbered: bool) -> str:
    """Draw one face; `unit` is one hundredth of the photo's longer side, in photo pixels."""
    left, top, right, bottom = face.box_xyxy
    radius = max(0.16 * unit, min(0.45 * unit, (right - left) / 80))
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.2f}"/>'
        for x, y in ([] if face.landmarks is None else face.landmarks)
    )
    size = max(2.4 * unit, min(4 * unit, (right - left) / 6))
    label = (
        f'<text x="{left:.1f}" y="{top - 0.3 * size:.1f}" font-size="{size:.1f}">{number}</text>' if numbered else ""
    )
    return (
        f'<g class="face"><title>Face {number}: {face.score:.2f}</title>'
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" rx="{unit:.1f}"/>'
        f'<g class="landmarks">{dots}</g>{label}</g>'
    )


def _share(value: float, score_range: Interval) -> float:
    """Return where `value` lies in its range, 0..1."""
    low, high = score_range
    return min(1.0, max(0.0, (value - low) / (high - low)))
