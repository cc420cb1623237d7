"""Views and what a training draws from them."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from fiqa.models import LITE
from fiqa.models.landmark_encoding import mirrored_coordinates
from tests.training.face_shape import face_landmarks
from training.data.labelled_views import mirrored_landmarks
from training.data.photos import split_by_source
from training.data.rendering import TYPES
from training.data.views import (
    EMPHASIS,
    CropSource,
    PseudoMos,
    RenderedViews,
    greyscale,
    joined,
    read_views,
    tiled_crops,
)
from training.errors import DataError


def views(count: int = 6) -> RenderedViews:
    rng = np.random.default_rng(0)
    return RenderedViews(
        pixels=rng.integers(0, 256, (count, 64, 64, 3)).astype(np.uint8),
        landmarks=np.stack([face_landmarks((32, 32), 30)] * count),
        metrics=rng.uniform(size=(count, 3)),
        severity=np.zeros((count, 12), dtype=np.float32),
        reference=np.arange(count),
        identity=np.arange(count),
        weight=np.ones(count),
    )


def test_mirroring_swaps_left_and_right_landmarks_of_a_symmetric_face() -> None:
    landmarks = face_landmarks((0, 0), 100)
    mirrored = mirrored_coordinates(landmarks)
    assert np.allclose(mirrored, landmarks, atol=1e-4)


def test_a_number_always_draws_the_same_batch_and_others_draw_others() -> None:
    source = CropSource(views(), np.arange(6, dtype=np.float32), 32, seed=3)
    first, again, other = source.batch(5, 4), source.batch(5, 4), source.batch(6, 4)
    assert np.array_equal(first.crops, again.crops)
    assert np.allclose(first.landmarks, again.landmarks, equal_nan=True)
    assert not np.array_equal(first.crops, other.crops)


def test_crops_are_cut_from_their_views_up_to_changes_that_do_no_harm() -> None:
    data = views()
    sample = CropSource(data, np.arange(6, dtype=np.float32), 64, seed=0).batch(0, 8)
    for crop, index in zip(sample.crops, sample.target.int().tolist(), strict=True):
        whole = data.pixels[index]
        assert any(np.array_equal(crop, kind[:, ::step]) for kind in (whole, greyscale(whole)) for step in (1, -1))


def test_with_right_crops_mirrored_a_mirrored_view_gives_the_same_crops_and_landmarks() -> None:
    data = views(1)
    across = mirrored_landmarks(data.landmarks[0], 64)[None]
    mirrored = replace(data, pixels=data.pixels[:, :, ::-1], landmarks=across)
    config = replace(LITE, crop_px=32, patch_px=8, mirror_right=True)
    (crops, landmarks), (other_crops, other_landmarks) = (tiled_crops(each, 0, config, 4) for each in (data, mirrored))
    swapped = [1, 0, 3, 2]
    assert np.array_equal(crops, other_crops[swapped])
    assert np.allclose(landmarks, other_landmarks[swapped], atol=1e-5)


def test_leaving_a_degradation_out_leaves_out_every_view_it_had_a_part_in() -> None:
    data = views()
    data.severity[1, TYPES.index("jpeg")] = 0.4
    data.severity[2, [TYPES.index("jpeg"), TYPES.index("haze")]] = 0.4
    assert data.without(["jpeg"]).identity.tolist() == [0, 3, 4, 5]
    assert data.without(["haze"]).identity.tolist() == [0, 1, 3, 4, 5]
    data.reference[1:4] = [0, 0, 3]
    left = data.without(["jpeg"])
    assert left.identity[left.reference].tolist() == [0, 3, 4, 5]


def test_joined_views_keep_their_faces_apart() -> None:
    both = joined([views(2), views(3)])
    assert both.identity.tolist() == both.reference.tolist() == [0, 1, 2, 3, 4]
    assert np.array_equal(both.pixels[2:], views(3).pixels)


def test_nothing_is_known_of_an_untouched_real_photo() -> None:
    data = views(3)
    data.metrics[1:] = np.nan
    data.severity[2, 0] = 0.5
    assert data.is_labelled.tolist() == [True, False, False]
    assert data.is_known.tolist() == [True, False, True]


def test_greyscale_is_pillows_luma_in_every_channel() -> None:
    pixels = views().pixels[0]
    expected = np.asarray(Image.fromarray(pixels).convert("L"))
    grey = greyscale(pixels)
    assert (grey == grey[..., :1]).all()
    assert np.abs(grey[..., 0].astype(int) - expected).max() <= 1


def test_tiles_are_the_crops_that_inference_takes() -> None:
    data = views()
    crops, landmarks = tiled_crops(data, 2, replace(LITE, crop_px=32, patch_px=8, mirror_right=False), 4)
    assert np.array_equal(crops[3], data.pixels[2][32:, 32:])
    assert landmarks[0].numpy() == pytest.approx((data.landmarks[2] - 16) / 16, abs=1e-5)


def test_pseudo_mos_is_the_mean_rank_among_the_damaged_training_views() -> None:
    damaged, clean = np.stack([np.linspace(0, 0.5, 101)] * 3, axis=1), np.ones((40, 3))
    mapping = PseudoMos.fit(np.concatenate([damaged, clean]))
    assert mapping(np.array([[0.0] * 3, [0.125] * 3, [0.5] * 3, [1.0] * 3])) == pytest.approx([0, 0.25, 1, 1])
    assert mapping(np.array([[0.0, 0.5, 0.25]])) == pytest.approx([0.5])


def test_sources_are_never_split_and_large_ones_always_train() -> None:
    sources = ["large"] * 40 + [f"small{index // 2}" for index in range(60)]
    splits = split_by_source(sources)
    assert splits["large"] == "train"
    assert set(splits) == set(sources)
    assert sum(splits[source] == "test" for source in sources) in range(12, 16)
    assert sum(splits[source] == "val" for source in sources) in range(9, 13)
    assert split_by_source(list(reversed(sources))) == splits


def test_emphasis_draws_views_of_a_type_alone_more_often_and_no_others() -> None:
    data = views(4)
    webp, blur = TYPES.index("webp"), TYPES.index("gaussian_blur")
    data.severity[[0, 1], webp] = 0.5  # the first alone, the second in a stack
    data.severity[[1, 2], blur] = 0.5
    assert data.emphasised(["webp"]).weight.tolist() == [EMPHASIS, 1, 1, 1]
    assert data.emphasised([]).weight.tolist() == [1, 1, 1, 1]


def test_a_folder_without_views_says_how_to_make_them(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(DataError, match=r"training\.pseudo_mos"):
        read_views(tmp_path_factory.mktemp("empty"), "train")
