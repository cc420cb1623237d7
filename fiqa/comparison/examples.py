"""The photos that say most about a pair: worst regressions and largest gains, with maps of where the score changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fiqa.comparison.scoring import DecodedVersions, ScoredVersions, same_face
from fiqa.comparison.statistics import TIE, PairFigures

if TYPE_CHECKING:
    from fiqa.predictor import QualityPredictor

MOST_EXAMPLES = 6
"""Of gains and of regressions, each."""


@dataclass(frozen=True)
class Example:
    """One photo under two methods: the face as the network saw it in each, and where the score changed.

    `before` and `after` are (S, S, 3) uint8; `change` (S, S) is how much more each pixel of the view contributes to the
    score under b than under a, in score per 1 % of the area, NaN where no crop reached.
    """

    name: str
    a: str
    b: str
    scores: tuple[float, float]
    before: NDArray[np.uint8]
    after: NDArray[np.uint8]
    change: NDArray[np.float64]

    @property
    def difference(self) -> float:
        """Score under b less score under a."""
        return self.scores[1] - self.scores[0]


def choose_examples(pair: PairFigures, photos: Sequence[ScoredVersions]) -> list[ScoredVersions]:
    """Return the photos with the worst regressions and the largest gains, from worst to best, each once."""
    told = [photo for photo in photos if abs(_difference(pair, photo)) >= TIE]
    ordered = sorted(told, key=lambda photo: _difference(pair, photo))
    losses = [photo for photo in ordered if _difference(pair, photo) < 0][:MOST_EXAMPLES]
    gains = [photo for photo in ordered if _difference(pair, photo) > 0][-MOST_EXAMPLES:]
    return losses + gains


def show_example(predictor: "QualityPredictor", pair: PairFigures, name: str, versions: DecodedVersions) -> Example:
    """Return the photo `name` under both methods of a pair; raises FiqaError when either cannot be read or scored."""
    from fiqa.maps.explain import compute_maps
    from fiqa.maps.face_maps import MapKey

    crops = same_face(predictor, versions, (pair.a, pair.b))
    maps = [
        compute_maps(predictor, pixels, face, "contribution")[MapKey("contribution")].in_view()
        for pixels, face in crops
    ]
    first, second = (float(predictor.crop_scores([face]).mean()) for _, face in crops)
    before, after = (face.view.image for _, face in crops)
    return Example(name, pair.a, pair.b, (first, second), before, after, maps[1] - maps[0])


def _difference(pair: PairFigures, photo: ScoredVersions) -> float:
    """Return b − a, 0 where either has no score."""
    before, after = photo.scores[pair.a], photo.scores[pair.b]
    return 0.0 if before is None or after is None else after - before
