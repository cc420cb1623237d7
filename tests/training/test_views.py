"""Views and what a training draws from them."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from fiqa.models import LITE
from tests.training.face_shape import face_landmarks
from training.errors import DataError
from training.photos import split_by_source
from training.views import MIRRORED_LANDMARKS, CropSource, PseudoMos, RenderedViews, greyscale, read_views, tiled_crops


def views(count: int = 6) -> RenderedViews:
    rng = np.random.default_rng(0)
    return RenderedViews(
        pixels=rng.integers(0, 256, (count, 64, 64, 3)).astype(np.uint8),
        landmarks=np.stack([face_landmarks((32, 32), 30)] * count),
        metrics=rng.uniform(size=(count, 4)),
        severity=np.zeros((count, 12), dtype=np.float32),
        identity=np.arange(count),
        weight=np.ones(count),
    )


def test_mirroring_swaps_left_and_right_landmarks_of_a_symmetric_face() -> None:
    landmarks = face_landmarks((0, 0), 100)
    mirrored = landmarks[MIRRORED_LANDMARKS] * (-1, 1)
    assert np.allclose(mirrored, landmarks, atol=1e-4)
    assert np.array_equal(MIRRORED_LANDMARKS[MIRRORED_LANDMARKS], np.arange(68))


def test_a_number_always_draws_the_same_batch_and_others_draw_others() -> None:
    source = CropSource(views(), np.arange(6, dtype=np.float32), 32, seed=3)
    first, again, other = source.batch(5, 4), source.batch(5, 4), source.batch(6, 4)
    assert np.array_equal(first.crops, again.crops)
    assert np.allclose(first.landmarks, again.landmarks, equal_nan=True)
    assert not np.array_equal(first.crops, other.crops)


def test_greyscale_is_pillows_luma_in_every_channel() -> None:
    pixels = views().pixels[0]
    expected = np.asarray(Image.fromarray(pixels).convert("L"))
    grey = greyscale(pixels)
    assert (grey == grey[..., :1]).all()
    assert np.abs(grey[..., 0].astype(int) - expected).max() <= 1


def test_tiles_are_the_crops_that_inference_takes() -> None:
    data = views()
    crops, landmarks = tiled_crops(data, 2, replace(LITE, crop_px=32, patch_px=8), 4)
    assert np.array_equal(crops[3], data.pixels[2][32:, 32:])
    assert landmarks[0].numpy() == pytest.approx((data.landmarks[2] - 16) / 16, abs=1e-5)


def test_pseudo_mos_is_the_mean_rank_among_the_training_views() -> None:
    metrics = np.stack([np.arange(101.0)] * 4, axis=1)
    mapping = PseudoMos.fit(metrics)
    assert mapping(np.array([[0.0] * 4, [25.0] * 4, [100.0] * 4, [999.0] * 4])) == pytest.approx([0, 0.25, 1, 1])
    assert mapping(np.array([[0.0, 100.0, 0.0, 100.0]])) == pytest.approx([0.5])


def test_sources_are_never_split_and_large_ones_always_train() -> None:
    sources = ["large"] * 40 + [f"small{index // 2}" for index in range(60)]
    splits = split_by_source(sources)
    assert splits["large"] == "train"
    assert set(splits) == set(sources)
    assert sum(splits[source] == "test" for source in sources) in range(12, 16)
    assert sum(splits[source] == "val" for source in sources) in range(9, 13)
    assert split_by_source(list(reversed(sources))) == splits


def test_a_folder_without_views_says_how_to_make_them(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(DataError, match=r"training\.pseudo_mos"):
        read_views(tmp_path_factory.mktemp("empty"), "train")
