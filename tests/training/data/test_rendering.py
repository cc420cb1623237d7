"""Rendered views and their labels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fiqa.degradation.synthetic import DEGRADATIONS, LEVELS, PAPER_TYPES
from fiqa.photos.alignment import View
from training.data.composites import blended, face_mask
from training.data.photos import FacePhoto, read_photo_folder
from training.data.rendering import (
    DAMAGED_PER_FRAMING,
    NATIVE_PX,
    RECODINGS,
    RETOUCH,
    SMALL_PX,
    VIEW_PX,
    Amounts,
    Recipe,
    Use,
    _use,
    benchmark_recipes,
    face_metrics,
    frame,
    full_reference_metrics,
    one_a_person,
    render,
    render_shard,
    training_recipes,
    uses,
)


@pytest.fixture
def photo(photo_folder: Path) -> FacePhoto:
    return read_photo_folder(photo_folder)[0]


def rendered(photo: FacePhoto, recipe: Recipe) -> View:
    return render(frame(photo, photo.read(), recipe.clean), recipe)


@pytest.mark.parametrize("name", PAPER_TYPES)
def test_every_metric_falls_with_every_step_of_severity(photo: FacePhoto, name: str) -> None:
    steps = [Recipe(((name, level / LEVELS),) if level else (), 256, 7) for level in range(LEVELS + 1)]
    views = np.stack([rendered(photo, recipe).image for recipe in steps])
    metrics = full_reference_metrics(views, np.stack([views[0]] * len(views)))
    assert metrics[0] == pytest.approx([1, 1, 1], abs=1e-3)
    assert (np.diff(metrics, axis=0) < 0).all()


def test_labels_are_about_the_face(photo: FacePhoto) -> None:
    clean, damaged = (rendered(photo, Recipe(steps, 256, 7)) for steps in ((), (("gaussian_blur", 0.5),)))
    landmarks = clean.landmarks_from_photo(photo.landmarks)
    mask = face_mask(landmarks, VIEW_PX)
    beside = (mask == 0).astype(np.float32)
    views = [damaged.image, *(blended(clean.image, damaged.image, part) for part in (mask, beside))]
    whole, face, around = face_metrics(np.stack(views), np.stack([clean.image] * 3), np.stack([landmarks] * 3))
    assert face == pytest.approx(whole, abs=0.02)  # the soft edge of the mask is blended twice
    assert around == pytest.approx([1, 1, 1], abs=1e-3)
    assert (whole < 0.95).all()


def test_landmarks_of_a_view_lie_where_they_do_in_the_photo(photo: FacePhoto) -> None:
    view = rendered(photo, Recipe((), 300, 1, zoom=1.1, shift=(0.02, -0.01), angle_deg=10))
    assert view.image.shape == (VIEW_PX, VIEW_PX, 3)
    landmarks = view.landmarks_from_photo(photo.landmarks)
    assert landmarks.min() > 0
    assert landmarks.max() < VIEW_PX
    assert np.allclose(view.landmarks_to_photo(landmarks), photo.landmarks, atol=1e-3)


def test_training_recipes_are_repeatable_and_each_photo_shows_every_type_alone() -> None:
    recipes = list(training_recipes("photo", 20))
    assert recipes == list(training_recipes("photo", 20))
    assert recipes != list(training_recipes("other", 20))
    singles = [recipe.steps[0] for recipe in recipes if len(recipe.steps) == 1]
    assert {name for name, severity in singles if severity >= 0.2} == set(DEGRADATIONS)
    assert sum(bool(recipe.steps) for recipe in recipes) == 20


def test_damaged_views_share_a_framing_with_a_clean_one_and_one_saved_once_more() -> None:
    recipes = list(training_recipes("photo", 20))
    clean = [recipe for recipe in recipes if recipe == recipe.clean]
    assert len(clean) == 20 / DAMAGED_PER_FRAMING
    assert {recipe.clean for recipe in recipes} == set(clean)
    saved = [recipe.recoding for recipe in recipes if recipe.recoding]
    assert len(saved) == len(clean)
    assert all(RECODINGS[name][0] <= quality <= RECODINGS[name][1] for name, quality in saved)


def test_a_quarter_of_the_framings_has_a_retouched_reference_of_the_same_sharp_edges(photo: FacePhoto) -> None:
    recipes = [recipe for recipe in training_recipes("photo", 8000) if recipe == recipe.clean]
    weights = [recipe.retouch for recipe in recipes if recipe.retouch]
    assert 0.2 < len(weights) / len(recipes) < 0.3
    assert RETOUCH[0] <= min(weights) <= max(weights) <= RETOUCH[1]
    smooth, rough = (rendered(photo, Recipe((), 256, 0, retouch=weight)).image for weight in (RETOUCH[1], 0.0))
    assert roughness(smooth) < 0.8 * roughness(rough)


def test_some_training_views_show_a_small_face_whose_damage_is_enlarged_with_it(photo: FacePhoto) -> None:
    sides = [recipe.native_px for recipe in training_recipes("photo", 2000) if recipe.steps]
    assert 0.15 < sum(side < NATIVE_PX[0] for side in sides) / len(sides) < 0.25
    assert SMALL_PX[0] <= min(sides) < SMALL_PX[0] + 16
    recipes = [Recipe((("motion_blur", 0.5),), side, 7) for side in (104, VIEW_PX)]
    assert recipes[0].clean == recipes[1].clean  # the reference is that of a face of full size
    views = np.stack([rendered(photo, recipe).image for recipe in recipes])
    small, full = full_reference_metrics(views, np.stack([rendered(photo, recipes[0].clean).image] * 2))
    assert (small < full).all()


def roughness(image: NDArray[np.uint8]) -> float:
    """Return the mean difference of neighbouring pixels."""
    return float(np.abs(np.diff(image.astype(float), axis=1)).mean())


def test_only_photos_of_training_people_show_what_real_photos_look_like(photo: FacePhoto) -> None:
    pristine, real = (replace(photo, pristine=each) for each in (True, False))
    for split in ("train", "val", "test"):
        assert _use(pristine, {photo.person: split}) == split
    assert _use(real, {photo.person: "train"}) == _use(real, {}) == "real"
    assert _use(real, {photo.person: "test"}) is None
    assert _use(real, {photo.person: "val"}) is None


def test_every_tested_person_is_known_and_tested_with_one_photo(photo: FacePhoto) -> None:
    known = [replace(photo, id=str(index), person=f"person{index // 2}") for index in range(4)]
    unknown = replace(photo, id="unknown")
    serving: list[tuple[FacePhoto, Use]] = [(each, "test") for each in (*known, unknown)]
    assert [each.id for each, _ in one_a_person(serving)] == ["0", "2"]
    assert one_a_person([(unknown, "train"), (known[0], "val"), (known[1], "val")])[0][0] is unknown
    assert len(one_a_person([(unknown, "train"), (known[0], "val"), (known[1], "val")])) == 3


def test_leaving_photos_out_moves_no_other_photo_to_another_split(photo: FacePhoto) -> None:
    photos = [
        replace(photo, id=str(index), source=f"source{index // 2}", person=f"source{index // 2}") for index in range(60)
    ]
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
    assert {recipe.steps[0] for recipe in benchmark_recipes("photo", stacks=0, levels=2) if recipe.steps} == {
        (name, severity) for name in DEGRADATIONS for severity in (0.5, 1.0)
    }
    small = list(benchmark_recipes("photo", stacks=5, sides_px=(120, 144, 176)))
    assert {recipe.native_px for recipe in small[1:]} < {120, 144, 176}
    assert [replace(each, native_px=0) for each in small] == [replace(each, native_px=0) for each in recipes]


def test_a_shard_that_exists_is_kept(photo: FacePhoto, tmp_path: Path) -> None:
    path = render_shard(photo, "train", tmp_path, Amounts(views=3))
    written = path.read_bytes()
    assert render_shard(photo, "train", tmp_path, Amounts(views=99)) == path
    assert path.read_bytes() == written
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
