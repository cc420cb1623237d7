"""The running mean of a data set is that of all its pictures, on one process or several."""

from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from torch import distributed

from fiqa.metric import FaceQuality, FaceQualityMetric

SMALL = np.asarray(Image.fromarray(np.asarray(skimage.data.astronaut())[0:256, 96:352]).resize((96, 96)))
BOX = [[24.0, 20.0, 68.0, 78.0]]


def pictures() -> torch.Tensor:
    """Three pictures, ever darker."""
    photo = torch.from_numpy(np.array(SMALL)).permute(2, 0, 1).float() / 255
    return torch.stack([photo, 0.6 * photo, 0.3 * photo])


@pytest.mark.slow
def test_the_mean_is_that_of_all_pictures_however_they_come_in_batches() -> None:
    metric = FaceQualityMetric("lite", finder="bundled")
    scores = FaceQuality("lite", finder="bundled")(pictures(), boxes=3 * BOX)
    assert metric(pictures()[:1], boxes=BOX).item() == pytest.approx(scores[0].item(), abs=1e-6)
    metric.update(pictures()[1:], boxes=2 * BOX)
    assert metric.compute().item() == pytest.approx(scores.mean().item(), abs=1e-6)
    metric.reset()
    assert metric.compute().isnan()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_mean_of_many_is_right_in_a_model_of_coarse_numbers(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    metric = FaceQualityMetric("lite", finder="bundled").to(dtype)
    monkeypatch.setattr(metric, "_scores", lambda _: torch.full((64,), 0.7))
    for _ in range(500):
        metric.update(pictures())
    assert metric.compute().item() == pytest.approx(0.7, abs=1e-6)


def test_pictures_without_a_face_are_counted_and_left_out() -> None:
    metric = FaceQualityMetric("lite", finder="bundled")
    metric.update([pictures()[0], torch.zeros(3, 64, 64)])
    assert metric.compute().isfinite()
    assert metric.left_out() == 1


def _take_part(rank: int, rendezvous: str, answers: "Queue[tuple[float, int]]") -> None:
    distributed.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2)
    metric = FaceQualityMetric("lite", finder="bundled")
    mine = pictures()[rank::2]
    metric.update(mine, boxes=len(mine) * BOX)
    answers.put((metric.compute().item(), metric.left_out()))
    distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_know_the_mean_of_what_both_took(tmp_path: Path) -> None:
    spawn = get_context("spawn")
    answers: Queue[tuple[float, int]] = spawn.Queue()
    other = spawn.Process(target=_take_part, args=(1, str(tmp_path / "rendezvous"), answers))
    other.start()
    _take_part(0, str(tmp_path / "rendezvous"), answers)
    other.join()
    expected = FaceQuality("lite", finder="bundled")(pictures(), boxes=3 * BOX).mean().item()
    for _ in range(2):
        mean, left_out = answers.get(timeout=10)
        assert mean == pytest.approx(expected, abs=1e-6)
        assert left_out == 0
