"""What a prediction is: plain data, without torch, so that the app and the command line start fast."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
Interval = tuple[float, float]


@dataclass(frozen=True)
class FaceResult:
    """Score of one face.

    `box_xyxy` and `landmarks` (68, 2) are in pixels of the photo as displayed (EXIF orientation applied);
    `landmarks` is None when the photo was scored whole. `score` is in the checkpoint's `score_range`,
    `interval` the 95 % confidence interval of the mean over the face's crops.
    """

    box_xyxy: Box
    landmarks: NDArray[np.float32] | None
    score: float
    interval: Interval

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data; pixels rounded to 0.1, scores to 1e-4."""
        landmarks = None if self.landmarks is None else np.round(self.landmarks.astype(float), 1).tolist()
        return {
            "box_xyxy": [round(value, 1) for value in self.box_xyxy],
            "score": round(self.score, 4),
            "interval": [round(value, 4) for value in self.interval],
            "landmarks": landmarks,
        }


@dataclass(frozen=True)
class QualityResult:
    """Quality of one photo.

    `score` and `interval` are those of face number `face`, counted from 1: the main one unless another was asked for.
    `faces` holds every face, the most prominent first (one entry for the whole photo when none was found, and
    `notices` says so). `timings_ms` has "decode", "faces", "network" and "total". `checkpoint` and `finder` name what
    was used, `source` is the path of the photo where it has one.
    """

    score: float
    interval: Interval
    faces: tuple[FaceResult, ...]
    checkpoint: str
    score_range: Interval
    finder: str
    notices: tuple[str, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)
    face: int = 1
    source: str | None = None

    @property
    def chosen(self) -> FaceResult:
        """The face that speaks for the photo."""
        return self.faces[self.face - 1]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data as documented for the command line and the API."""
        return {
            "source": self.source,
            "score": round(self.score, 4),
            "interval": [round(value, 4) for value in self.interval],
            "face": self.face,
            "faces": [face.to_dict() for face in self.faces],
            "notices": list(self.notices),
            "checkpoint": self.checkpoint,
            "score_range": list(self.score_range),
            "finder": self.finder,
            "timings_ms": {name: round(value, 1) for name, value in self.timings_ms.items()},
            "error": None,
        }
