"""Scores of every sampled frame of a clip and every person in it, and its best frames."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fiqa.errors import FiqaError
from fiqa.faces.found_faces import FAINT_NOTICE
from fiqa.results import Box, FaceResult, Interval
from fiqa.video.frames import Clip, SampledFrame
from fiqa.video.tracking import Tracker

if TYPE_CHECKING:
    from fiqa.predictor import QualityPredictor

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
    """A frame to keep: whose, when, how good, and its pixels (H, W, 3)."""

    person: int
    time_s: float
    score: float
    pixels: NDArray[np.uint8]


@dataclass
class ClipScores:
    """What is known of a clip so far; `best` has at most `most` frames, the best first."""

    most: int
    samples: list[FaceSample] = field(default_factory=list)
    best: list[BestFrame] = field(default_factory=list)
    tracker: Tracker = field(default_factory=Tracker)

    def add(self, frame: SampledFrame, faces: list[FaceResult], reason: str | None) -> None:
        """Take in what was found in the next frame."""
        people = self.tracker.follow(frame.time_s, [face.box_xyxy for face in faces])
        if not faces:
            self.samples.append(FaceSample(frame.time_s, reason=reason))
        for face, person in zip(faces, people, strict=True):
            self.samples.append(FaceSample(frame.time_s, person, face.score, face.interval, face.box_xyxy))
            self._offer(BestFrame(person, frame.time_s, face.score, frame.pixels))

    def _offer(self, new: BestFrame) -> None:
        """Keep a frame if it is among the best, and better than those of the same person close by."""
        near = [each for each in self.best if each.person == new.person and abs(each.time_s - new.time_s) < APART_S]
        if any(each.score >= new.score for each in near):
            return
        kept = [each for each in self.best if all(each is not other for other in near)]
        self.best = sorted([*kept, new], key=lambda each: -each.score)[: self.most]


def score_clip(
    predictor: "QualityPredictor",
    clip: Clip,
    scores: ClipScores,
    *,
    watch: Callable[[Iterator[SampledFrame]], Iterator[SampledFrame]] = iter,
) -> None:
    """Score the sampled frames of a clip into `scores`, which holds what is done when this is interrupted.

    `watch` sees the frames pass. Raises PhotoError when the clip cannot be read.
    """
    for frame in watch(clip.frames()):
        faces, reason = _faces_of(predictor, frame)
        scores.add(frame, faces, reason)


def _faces_of(predictor: "QualityPredictor", frame: SampledFrame) -> tuple[list[FaceResult], str | None]:
    """Return the faces that are clear enough to be followed, or why there are none."""
    try:
        result = predictor.score(frame.pixels)
    except FiqaError as error:
        return [], str(error)
    if FAINT_NOTICE in result.notices:
        return [], "No face can be made out clearly."
    return [face for face in result.faces if face.landmarks is not None], "No face was found."
