"""Scores of every sampled frame of a clip and every person in it, and its best frames."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fiqa.errors import FiqaError
from fiqa.faces.found_faces import FAINT_NOTICE
from fiqa.results import Box, FaceResult, Interval, QualityResult
from fiqa.video.frames import Clip, SampledFrame
from fiqa.video.tracking import Tracker

Score = Callable[[NDArray[np.uint8]], QualityResult]
"""Scores the pixels (H, W, 3) of a frame, as `QualityPredictor.score` does."""
APART_S = 1.0
"""How far the best frames of one person are apart at least: neighbours look alike."""
MOST_BEST = 50


@dataclass(frozen=True)
class FaceSample:
    """One person in one sampled frame; `person` and what follows are None where `reason` says why there is none."""

    time_s: float
    person: int | None = None
    score: float | None = None
    interval: Interval | None = None
    box_xyxy: Box | None = None
    reason: str | None = None


@dataclass(frozen=True)
class BestFrame:
    """A frame to keep: the sample it is chosen for, and its pixels (H, W, 3)."""

    sample: FaceSample
    pixels: NDArray[np.uint8]


@dataclass
class ClipScores:
    """What is known of a clip so far."""

    samples: list[FaceSample] = field(default_factory=list)
    tracker: Tracker = field(default_factory=Tracker)

    def add(self, frame: SampledFrame, faces: list[FaceResult], reason: str | None) -> None:
        """Take in what was found in the next frame."""
        people = self.tracker.follow(frame.time_s, [face.box_xyxy for face in faces])
        if not faces:
            self.samples.append(FaceSample(frame.time_s, reason=reason))
        for face, person in zip(faces, people, strict=True):
            self.samples.append(FaceSample(frame.time_s, person, face.score, face.interval, face.box_xyxy))


def choose_best(samples: Sequence[FaceSample], most: int) -> list[FaceSample]:
    """Return the samples with the highest scores, best first, those of one person `APART_S` apart at least."""
    best: list[FaceSample] = []
    for sample in sorted((each for each in samples if each.score is not None), key=lambda each: -(each.score or 0.0)):
        if len(best) == most:
            break
        if all(each.person != sample.person or abs(each.time_s - sample.time_s) >= APART_S for each in best):
            best.append(sample)
    return best


def fetch_frames(clip: Clip, best: Sequence[FaceSample]) -> list[BestFrame]:
    """Return the frames of samples, in their order; the clip is read again, so that no frame had to be kept."""
    wanted = {sample.time_s for sample in best}
    pixels: dict[float, NDArray[np.uint8]] = {}
    for frame in clip.frames() if wanted else ():
        if frame.time_s in wanted:
            pixels[frame.time_s] = frame.pixels
        if len(pixels) == len(wanted):
            break
    return [BestFrame(sample, pixels[sample.time_s]) for sample in best]


def score_clip(score: Score, clip: Clip, scores: ClipScores) -> Iterator[SampledFrame]:
    """Score the sampled frames of a clip into `scores`, which holds what is done when this is interrupted.

    Yields each frame once it is scored. Raises PhotoError when the clip cannot be read.
    """
    for frame in clip.frames():
        scores.add(frame, *_faces_of(score, frame))
        yield frame


def _faces_of(score: Score, frame: SampledFrame) -> tuple[list[FaceResult], str | None]:
    """Return the faces that are clear enough to be followed, or why there are none."""
    try:
        result = score(frame.pixels)
    except FiqaError as error:
        return [], str(error)
    if FAINT_NOTICE in result.notices:
        return [], "No face can be made out clearly."
    return [face for face in result.faces if face.landmarks is not None], "No face was found."
