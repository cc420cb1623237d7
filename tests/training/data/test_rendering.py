"""Rendered views and their labels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fiqa.degradation.synthetic import DEGRADATIONS, LEVELS, PAPER_TYPES
from training.data.photos import FacePhoto, read_photo_folder
from training.data.rendering import (
    NATIVE_PX,
    RETOUCH,
    SMALL_PX,
    VIEW_PX,
    Amounts,
    Recipe,
    _use,
    benchmark_recipes,
    full_reference_metrics,
    render,
    render_shard,
    training_recipes,
    uses,
)


@pytest.fixture
def photo(photo_folder: Path) -> FacePhoto:
    return read_photo_folder(photo_folder)[0]


@pytest.mark.parametrize("name", PAPER_TYPES)
def test_every_metric_falls_with_every_step_of_severity(photo: FacePhoto, name: str) -> None:
    steps = [Recipe(((name, level / LEVELS),) if level else (), 256, 7) for level in range(LEVELS + 1)]
    pairs = [render(photo, photo.read(), recipe) for recipe in steps]
    metrics = full_reference_metrics(np.stack([p[1].image for p in pairs]), np.stack([p[0].image for p in pairs]))
    assert metrics[0] == pytest.approx([1, 1, 1, 1], abs=1e-3)
    assert (np.diff(metrics, axis=0) < 0).all()


def test_landmarks_of_a_view_lie_where_they_do_in_the_photo(photo: FacePhoto) -> None:
    view, _ = render(photo, photo.read(), Recipe((), 300, 1, zoom=1.1, shift=(0.02, -0.01), angle_deg=10))
    assert view.image.shape == (VIEW_PX, VIEW_PX, 3)
    landmarks = view.landmarks_from_photo(photo.landmarks)
    assert landmarks.min() > 0
    assert landmarks.max() < VIEW_PX
    assert np.allclose(view.landmarks_to_photo(landmarks), photo.landmarks, atol=1e-3)


def test_training_recipes_are_repeatable_and_use_every_type() -> None:
    recipes = list(training_recipes("photo", 240))
    assert recipes == list(training_recipes("photo", 240))
    assert recipes != list(training_recipes("other", 240))
    assert {name for recipe in recipes for name, _ in recipe.steps} == set(DEGRADATIONS)
    assert sum(not recipe.steps for recipe in recipes) == 24


def test_a_quarter_of_the_training_views_has_a_retouched_reference_of_the_same_sharp_edges(photo: FacePhoto) -> None:
    recipes = list(training_recipes("photo", 400))
    weights = [recipe.retouch for recipe in recipes if recipe.retouch]
    assert 0.2 < len(weights) / len(recipes) < 0.3
    assert RETOUCH[0] <= min(weights) <= max(weights) <= RETOUCH[1]
    recipe = Recipe((), 256, 1, retouch=RETOUCH[1])
    reference, view = render(photo, photo.read(), recipe)
    before, _ = render(photo, photo.read(), replace(recipe, retouch=0.0))
    assert np.array_equal(reference.image, view.image)  # the retouched photo is what views are compared with
    assert roughness(reference.image) < 0.8 * roughness(before.image)


def test_a_quarter_of_the_training_views_shows_a_small_face_whose_damage_is_enlarged_with_it(
    photo: FacePhoto,
) -> None:
    sides = [recipe.native_px for recipe in training_recipes("photo", 400)]
    assert 0.2 < sum(side < NATIVE_PX[0] for side in sides) / len(sides) < 0.3
    assert SMALL_PX[0] <= min(sides) < SMALL_PX[0] + 16
    pairs = [render(photo, photo.read(), Recipe((("motion_blur", 0.5),), side, 7)) for side in (128, 256)]
    assert np.array_equal(pairs[0][0].image, pairs[1][0].image)  # the reference is that of a face of full size
    views, references = (np.stack([pair[k].image for pair in pairs]) for k in (1, 0))
    small, full = full_reference_metrics(views, references)
    assert (small < full).all()
    clean = [render(photo, photo.read(), Recipe((), side, 7))[1].image for side in (128, 256)]
    assert roughness(clean[0]) < roughness(clean[1])


def roughness(image: NDArray[np.uint8]) -> float:
    """Return the mean difference of neighbouring pixels."""
    return float(np.abs(np.diff(image.astype(float), axis=1)).mean())


def test_fair_photos_of_training_sources_are_references_too_and_none_of_held_aside_sources(photo: FacePhoto) -> None:
    pristine, real = (replace(photo, pristine=each, fair=False) for each in (True, False))
    fair = replace(real, fair=True)
    for split in ("train", "val", "test"):
        assert _use(pristine, {photo.source: split}) == split
    assert _use(fair, {photo.source: "train"}) == _use(fair, {}) == "train"
    assert _use(real, {photo.source: "train"}) == "real"
    assert _use(fair, {photo.source: "test"}) is None
    assert _use(real, {photo.source: "val"}) is None


def test_leaving_photos_out_moves_no_other_photo_to_another_split(photo: FacePhoto) -> None:
    photos = [replace(photo, id=str(index), source=f"source{index // 2}") for index in range(60)]
    everything = {each.id: use for each, use in uses(photos)}
    assert set(everything.values()) == {"train", "val", "test"}
    for left_out in (["0"], [each.id for each in photos[::3]]):
        expected = {name: use for name, use in everything.items() if name not in left_out}
        assert {each.id: use for each, use in uses(photos, left_out)} == expected


def test_benchmark_recipes_hold_clean_every_level_of_every_type_and_stacks() -> None:
    recipes = list(benchmark_recipes("photo", stacks=5))
    singles = {recipe.steps[0] for recipe in recipes if len(recipe.steps) == 1}
    assert singles == {(name, level / LEVELS) for name in DEGRADATIONS for level in range(1, LEVELS + 1)}
    assert len(recipes) == 1 + len(singles) + 5
    small = list(benchmark_recipes("photo", stacks=5, sides_px=(144, 176, 208)))
    assert {recipe.native_px for recipe in small} < {144, 176, 208}
    assert [replace(each, native_px=0) for each in small] == [replace(each, native_px=0) for each in recipes]


def test_a_shard_that_exists_is_kept(photo: FacePhoto, tmp_path: Path) -> None:
    path = render_shard(photo, "train", tmp_path, Amounts(views=3))
    written = path.read_bytes()
    assert render_shard(photo, "train", tmp_path, Amounts(views=99)) == path
    assert path.read_bytes() == written
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
