from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from fiqa.photos.thumbnails import thumbnail_uri


@pytest.mark.parametrize("box", [(20.0, 30.0, 60.0, 70.0), (-10.0, -5.0, 30.0, 20.0), (0.0, 0.0, 100.0, 80.0)])
def test_a_thumbnail_is_square_wherever_the_face_is(box: tuple[float, float, float, float]) -> None:
    uri = thumbnail_uri(np.full((80, 100, 3), 102, dtype=np.uint8), box)
    assert Image.open(BytesIO(b64decode(uri.partition(",")[2]))).size == (96, 96)
