import re
from base64 import b64decode
from io import BytesIO
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fiqa.ui import figures
from tests.fiqa.ui.conftest import result


def image_of(uri: str) -> Image.Image:
    return Image.open(BytesIO(b64decode(uri.partition(",")[2])))


def left_of(part: str, drawn: str) -> float:
    found = re.search(rf'class="{part}" style="left:([\d.]+)%', drawn)
    assert found
    return float(found[1])


@pytest.mark.parametrize(
    ("score", "grade"), [(0.0, 1), (0.19, 1), (0.2, 2), (0.5, 3), (0.79, 4), (0.8, 5), (1.0, 5), (1.3, 5), (-0.2, 1)]
)
def test_a_grade_is_a_fifth_of_the_range(score: float, grade: int) -> None:
    assert figures.grade_of(score, (0.0, 1.0)) == grade


def test_a_grade_follows_the_range_of_the_checkpoint() -> None:
    assert figures.grade_of(50.0, (0.0, 100.0)) == 3
    assert figures.grade_of(1.1, (1.0, 5.0)) == 1


def test_the_scale_shows_score_and_interval_where_they_are() -> None:
    drawn = figures.score_scale(0.7, (0.6, 0.75), (0.0, 1.0))
    assert left_of("needle", drawn) == pytest.approx(70)
    assert left_of("band", drawn) == pytest.approx(60)
    assert "width:15.00%" in drawn
    assert re.findall(r'is-here">(\w+)', drawn) == ["Good"]


def test_the_scale_reads_in_words() -> None:
    drawn = figures.score_scale(0.7, (0.6, 0.75), (0.0, 1.0))
    assert 'aria-label="0.70 of 1: Good; 95 % interval 0.60 to 0.75"' in drawn


def test_a_score_outside_the_range_stays_on_the_scale() -> None:
    drawn = figures.score_scale(1.2, (1.1, 1.3), (0.0, 1.0))
    assert left_of("needle", drawn) == 100


def test_text_cannot_break_out_of_the_page() -> None:
    shown = figures.text("<img src=x onerror=alert(1)>\"'{{value}}${value}")
    assert not set(shown) & set("<>\"'{}$")


def test_the_photo_is_shown_pixel_for_pixel() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (80, 100, 3), dtype=np.uint8)
    drawn = ET.fromstring(figures.photo_with_faces(photo, result(0.5).faces))  # noqa: S314  # our own drawing
    uri = drawn[0].attrib["href"]
    assert uri.startswith("data:image/png")
    np.testing.assert_array_equal(np.asarray(image_of(uri)), photo)


def test_a_large_photo_is_shrunk_for_showing_but_marked_in_its_own_pixels() -> None:
    photo = np.zeros((2000, 3000, 3), dtype=np.uint8)
    drawn = ET.fromstring(figures.photo_with_faces(photo, result(0.5).faces))  # noqa: S314
    assert max(image_of(drawn[0].attrib["href"]).size) == figures.SHOWN_SIDE_PX
    assert drawn.attrib["viewBox"] == "0 0 3000 2000"
    rectangle = drawn.find(".//rect")
    assert rectangle is not None
    assert [float(rectangle.attrib[key]) for key in ("x", "y", "width", "height")] == [20, 30, 40, 40]


def test_every_face_is_marked_with_its_68_landmarks(grey: NDArray[np.uint8]) -> None:
    drawn = ET.fromstring(figures.photo_with_faces(grey, result(0.5, faces=3).faces))  # noqa: S314
    assert len(drawn.findall(".//rect")) == 3
    assert len(drawn.findall(".//circle")) == 3 * 68
    assert [label.text for label in drawn.findall(".//text")] == ["1", "2", "3"]


def test_a_single_face_needs_no_number(grey: NDArray[np.uint8]) -> None:
    assert "<text" not in figures.photo_with_faces(grey, result(0.5).faces)


def test_the_histogram_has_every_score_in_its_bin() -> None:
    drawn = figures.histogram([0.02, 0.03, 0.98, 1.4], (0.0, 1.0))
    counts = [int(count) for count in re.findall(r'title="[^"]*: (\d+)"', drawn)]
    assert len(counts) == figures.HISTOGRAM_BINS
    assert counts[0] == 2
    assert counts[-1] == 2
    assert sum(counts) == 4
