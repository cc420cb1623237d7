"""A photo folder that tests make themselves: the astronaut, from sources in every split."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from tests.training.face_shape import face_landmarks
from tests.training.resampling_less import resampling_less


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty entries of twenty sources, thirteen of them pristine, all of one picture with landmarks on its face."""
    folder = tmp_path_factory.mktemp("photos")
    Image.fromarray(np.asarray(skimage.data.astronaut())[:320, 60:380]).save(folder / "astronaut.png")
    landmarks: NDArray[np.float32] = face_landmarks(centre=(162, 130), width_px=96)
    entries = [
        {
            "id": f"photo{index}",
            "file": "astronaut.png",
            "source_repo": f"source{index % 20}",
            "tag": "pristine" if index < 13 else "real",
            "landmarks68": landmarks.tolist(),
        }
        for index in range(40)
    ]
    (folder / "faces.json").write_text(json.dumps(entries), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def few_bootstraps() -> Iterator[None]:
    """Resample less than in earnest, for tests that look at figures and not at their intervals."""
    with resampling_less():
        yield
