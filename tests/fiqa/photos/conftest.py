"""A photo."""

import numpy as np
import pytest
from skimage.data import astronaut

from tests.fiqa.photos.encoded import Pixels


@pytest.fixture(scope="module")
def photo() -> Pixels:
    return np.ascontiguousarray(astronaut()[:256, 96:352])
