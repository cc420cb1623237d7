import re
import sys
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fiqa.errors import FiqaError
from fiqa.ui.curate import clips
from fiqa.ui.curate.clips import clip_panels
from fiqa.ui.service import PredictorService
from tests.fiqa.video.conftest import frame_of, write_clip


@pytest.fixture
def clip(tmp_path: Path) -> str:
    """Two seconds that become brighter, which the fake predictor scores higher."""
    return str(write_clip(tmp_path / "clip.mp4", [frame_of(number) for number in range(20)]))


def test_a_clip_gets_a_timeline_its_best_frames_and_a_table_to_save(service: PredictorService, clip: str) -> None:
    *_, panel = clip_panels(service, clip, "first")
    assert "4 frames of 0:01.9, one every 0.5 s." in panel
    times = re.findall(r'download="best-at-(\d+\.\d+)s\.png" href="data:image/png;base64,([^"]*)"', panel)
    assert [float(at) for at, _ in times] == [1.5, 0.5]  # a second apart, the best first
    assert Image.open(BytesIO(b64decode(times[0][1]))).size == (160, 96)
    saved = re.search(r'download="scores.csv" href="data:text/csv;base64,([^"]*)"', panel)
    assert saved
    assert len(b64decode(saved[1]).decode().splitlines()) == 5
    assert panel.count("data:image/svg+xml") == 1


def test_long_clips_are_sampled_more_sparsely_and_the_longest_refused() -> None:
    assert clips._every_s(60) == 0.5
    assert clips._every_s(600) == 3.0
    assert clips._every_s(None) == 0.5
    with pytest.raises(FiqaError, match="the page takes 30 minutes"):
        clips._every_s(7200)


def test_what_cannot_be_scored_is_one_sentence(
    service: PredictorService, clip: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text.mp4").write_text("Dear diary")
    black = write_clip(tmp_path / "black.mkv", [np.zeros((96, 160, 3), dtype=np.uint8)] * 3, codec="ffv1")
    for path, message in ((str(tmp_path / "text.mp4"), "no clip that can be read"), (str(black), "No face was found")):
        with pytest.raises(FiqaError, match=message):
            list(clip_panels(service, path, "first"))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(FiqaError, match=r"pip install 'fiqa\[video\]'"):
        list(clip_panels(service, clip, "first"))


def test_without_a_clip_nothing_is_shown(service: PredictorService) -> None:
    assert list(clip_panels(service, None, "first")) == [""]
