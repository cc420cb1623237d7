"""The quality network with its convolutions in 8 bits, and how much its scores differ.

What ranges the values of a layer take is learnt from views of the bundled portrait under every degradation; how int8
agrees is measured on views of other severities. It is one person, so measure on photos of your own what matters to you.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from skimage.data import astronaut

from fiqa.checkpoints import read_spec
from fiqa.degradation.synthetic import DEGRADATIONS
from fiqa.faces.finders import load_face_finder
from fiqa.onnx.files import QUALITY, QUALITY_INT8, OnnxCard
from fiqa.onnx.runtime import Network, as_input
from fiqa.photos.alignment import align

LEARNT_FROM, MEASURED_ON = (0.2, 0.6), (0.1, 0.4, 0.8)
"""Severities."""

Inputs = dict[str, NDArray[np.float32]]


def write_int8(folder: Path, card: OnnxCard) -> OnnxCard:
    """Write quality.int8.onnx beside quality.onnx; return the card with how they agree."""
    from onnxruntime.quantization import QuantType, quantize_static

    learnt_from, measured_on = portrait_views(folder, LEARNT_FROM), portrait_views(folder, MEASURED_ON)
    with only_errors_of(logging.getLogger()):  # it recommends steps that change nothing here
        quantize_static(
            folder / QUALITY, folder / QUALITY_INT8, _Reader(learnt_from),
            op_types_to_quantize=["Conv"],  # local statistics are differences of squares, which need more bits
            per_channel=True, reduce_range=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
    full, small = (_scores(Network(folder / name), measured_on) for name in (QUALITY, QUALITY_INT8))
    difference = np.abs(full - small)
    agreement = {
        "srcc": round(float(spearmanr(full, small).statistic), 4),
        "mean_difference": round(float(difference.mean()), 4),
        "largest_difference": round(float(difference.max()), 4),
        "views": len(full),
    }
    return replace(card, int8=agreement)


def portrait_views(folder: Path, severities: Sequence[float]) -> list[Inputs]:
    """Return what the quality network takes of the bundled portrait, degraded in every way to these severities."""
    portrait, prep = np.asarray(astronaut()), read_spec(folder).preprocessing
    (face, *_) = load_face_finder("bundled").find(portrait)
    degraded = [degrade(portrait, severity) for degrade in DEGRADATIONS.values() for severity in severities]
    views = [align(each, face.landmarks, side_px=prep.view_px, margin=prep.margin) for each in degraded]
    return [
        {"views": as_input(view.image[None]), "face_landmarks": view.landmarks_from_photo(face.landmarks)[None]}
        for view in views
    ]


@contextmanager
def only_errors_of(logger: logging.Logger) -> Iterator[None]:
    """Keep warnings of a logger away."""
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _scores(network: Network, inputs: Sequence[Inputs]) -> NDArray[np.float64]:
    return np.array([network.run(**each)[0].mean() for each in inputs], dtype=np.float64)


class _Reader:
    """Hands inputs to ONNX Runtime one by one."""

    def __init__(self, inputs: Sequence[Inputs]) -> None:
        self._inputs: Iterator[Inputs] = iter(inputs)

    def get_next(self) -> Any:
        """Return the next inputs, None after the last."""
        return next(self._inputs, None)
