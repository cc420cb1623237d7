"""The predictor on real photos: deterministic, ordered, and honest about what it did."""

from collections.abc import Callable, Generator, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import skimage.data
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import stats

from fiqa import load_network, load_predictor, save_checkpoint, to_frame
from fiqa.degradation.synthetic import DEGRADATIONS, LEVELS, PAPER_TYPES
from fiqa.errors import CheckpointError, NoFaceError, PhotoError, SettingError
from fiqa.faces.finders import BundledFaceFinder
from fiqa.faces.found_faces import FAINT_NOTICE
from fiqa.photo_scorer import FaceCrops
from fiqa.photos.images import PhotoSource
from fiqa.predictor import QualityPredictor, confidence_interval
from fiqa.results import QualityResult
from tests.fiqa.faces.test_finders import ffhq_crop
from tests.fiqa.small_networks import small_vit_predictor

ASTRONAUT = np.asarray(skimage.data.astronaut())
TOLD_UP_TO = {"motion_blur": LEVELS - 1}
"""Levels up to which every step of a type is told, if not all: docs/model_card.md says what the others score."""


@pytest.fixture(scope="module")
def predictor() -> QualityPredictor:
    return load_predictor("lite", device="cpu", finder="bundled")


def astronaut_falls(predictor: QualityPredictor, name: str) -> list[QualityResult]:
    """Return the results of the astronaut, clean and at every level of a degradation."""
    return [predictor.score(DEGRADATIONS[name](ASTRONAUT, level / LEVELS)) for level in range(LEVELS + 1)]


@pytest.mark.parametrize("name", PAPER_TYPES)
@pytest.mark.slow
def test_the_astronaut_scores_lower_with_every_step_of_severity(predictor: QualityPredictor, name: str) -> None:
    results = astronaut_falls(predictor, name)
    levels = [round(result.score, 3) for result in results if FAINT_NOTICE not in result.notices]
    assert len(levels) >= LEVELS  # at the strongest motion blur the face is not found, and its place a guess
    assert (np.diff(levels) < 0).all(), levels


def test_a_photo_has_the_same_score_under_autocast(predictor: QualityPredictor) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        coarse = predictor.score(skimage.data.astronaut()).score
    assert coarse == predictor.score(skimage.data.astronaut()).score


@pytest.mark.parametrize("name", PAPER_TYPES)
@pytest.mark.slow
def test_a_face_whose_place_is_known_scores_lower_with_every_step_of_severity(
    predictor: QualityPredictor, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = predictor.finder.find(ASTRONAUT)
    monkeypatch.setattr(predictor.finder, "find", lambda _photo: faces)
    levels = [round(result.score, 3) for result in astronaut_falls(predictor, name)]
    assert (np.diff(levels[: TOLD_UP_TO.get(name, LEVELS) + 1]) < 0).all(), levels


def test_the_same_photo_gets_the_same_score_whatever_came_before(predictor: QualityPredictor) -> None:
    first = predictor.score(ASTRONAUT)
    predictor.score(DEGRADATIONS["jpeg"](ASTRONAUT, 0.8))
    np.random.default_rng().normal()
    second = predictor.score(ASTRONAUT)
    assert (first.score, first.interval) == (second.score, second.interval)


def test_path_bytes_picture_and_array_are_the_same_photo(predictor: QualityPredictor, tmp_path: object) -> None:
    buffer = BytesIO()
    Image.fromarray(ASTRONAUT).save(buffer, "PNG")
    path = f"{tmp_path}/a.png"
    Image.fromarray(ASTRONAUT).save(path)
    sources = (ASTRONAUT, buffer.getvalue(), Image.fromarray(ASTRONAUT), path)
    assert len({predictor.score(source).score for source in sources}) == 1


@pytest.mark.parametrize("source", ["photos", Path("a.png"), b"...", ASTRONAUT, Image.fromarray(ASTRONAUT), 3])
def test_one_photo_where_many_are_expected_is_refused_at_once(predictor: QualityPredictor, source: Any) -> None:
    with pytest.raises(PhotoError, match=r"a list or another iterable, not as .*score_many\(Path\(folder\)"):
        predictor.score_many(source)


def test_calling_the_predictor_scores(predictor: QualityPredictor) -> None:
    assert predictor(ASTRONAUT).score == predictor.score(ASTRONAUT).score


def test_what_is_saved_is_loaded_again(predictor: QualityPredictor, tmp_path: Path) -> None:
    again = load_predictor(predictor.save(tmp_path / "copy"), device="cpu", finder="bundled")
    assert again.score(ASTRONAUT).score == predictor.score(ASTRONAUT).score
    save_checkpoint(predictor.network, predictor.spec, tmp_path / "network")
    for name, tensor in load_network(tmp_path / "network").state_dict().items():
        assert torch.equal(tensor, predictor.network.state_dict()[name])


@pytest.mark.slow
def test_a_pickled_predictor_scores_the_same_in_a_spawned_worker(predictor: QualityPredictor) -> None:
    with get_context("spawn").Pool(1) as pool:
        (result,) = pool.map(predictor, [ASTRONAUT])
    assert result.score == predictor.score(ASTRONAUT).score


def test_a_score_that_is_no_finite_number_is_an_error(predictor: QualityPredictor) -> None:
    broken = QualityPredictor(predictor.network, predictor.spec, predictor.finder)
    broken.inference_network = deepcopy(broken.inference_network)
    torch.nn.init.constant_(broken.inference_network.transformer.reduce1.weight, float("nan"))
    with pytest.raises(CheckpointError, match="lite gives no finite score"):
        broken.score(ASTRONAUT)


def test_result_says_what_was_used_and_how_long_it_took(predictor: QualityPredictor) -> None:
    result = predictor.score(ASTRONAUT)
    assert (result.checkpoint, result.finder, result.score_range) == ("lite", "bundled", (0.0, 1.0))
    assert set(result.timings_ms) == {"decode", "faces", "network", "total"}
    assert result.interval[0] <= result.score <= result.interval[1]
    assert result.faces[0].score == result.score


def test_scores_are_on_the_scale_of_the_labels(predictor: QualityPredictor) -> None:
    on_five = QualityPredictor(predictor.network, replace(predictor.spec, score_range=(1.0, 5.0)), predictor.finder)
    share, grade = predictor.score(ASTRONAUT), on_five.score(ASTRONAUT)
    assert grade.score == pytest.approx(1 + 4 * share.score)
    assert grade.interval == pytest.approx([1 + 4 * bound for bound in share.interval])


def test_every_face_of_a_group_is_scored_and_the_main_one_speaks_for_the_photo(predictor: QualityPredictor) -> None:
    face = ASTRONAUT[20:260, 110:350]
    group = np.full((300, 900, 3), 90, dtype=np.uint8)
    group[30:270, 20:260] = face
    group[30:270, 320:560] = DEGRADATIONS["gaussian_blur"](face, 0.7)
    group[60:220, 660:820] = np.asarray(Image.fromarray(face).resize((160, 160)))
    result = predictor.score(group)
    assert len(result.faces) == 3
    by_place = sorted(result.faces, key=lambda item: item.box_xyxy[0])
    assert by_place[0].score > by_place[1].score
    assert any("3 faces" in notice for notice in result.notices)


def pair_with_a_cut_neighbour() -> NDArray[np.uint8]:
    """A face near the middle, and a larger, blurred one of which the left border shows less than half."""
    photo = np.full((420, 700, 3), 90, np.uint8)
    neighbour = np.asarray(Image.fromarray(ASTRONAUT[0:240, 110:350]).resize((380, 380)))
    photo[20:400, :210] = DEGRADATIONS["gaussian_blur"](neighbour, 0.5)[:, 170:]
    photo[120:330, 300:510] = np.asarray(Image.fromarray(ASTRONAUT[20:260, 110:350]).resize((210, 210)))
    return photo


def test_a_neighbour_cut_off_by_the_border_does_not_speak_for_the_photo(predictor: QualityPredictor) -> None:
    result = predictor.score(pair_with_a_cut_neighbour())
    assert len(result.faces) == 2
    assert result.face == 1
    assert result.chosen.box_xyxy[0] > 300


@pytest.mark.parametrize(("choice", "words"), [("largest", "the largest"), ("central", "nearest"), (2, "number 2")])
def test_a_photo_has_the_score_of_the_face_that_is_asked_for(
    predictor: QualityPredictor, choice: int | str, words: str
) -> None:
    result = predictor.score(pair_with_a_cut_neighbour(), face=choice)
    assert result.score == result.faces[result.face - 1].score == result.chosen.score
    assert result.face == 2 or choice == "central"
    assert any(words in notice for notice in result.notices)


def test_a_face_cut_by_the_border_is_scored_with_a_notice(predictor: QualityPredictor) -> None:
    cut = np.ascontiguousarray(ASTRONAUT[:, 215:])
    assert any("border cuts the face" in notice for notice in predictor.score(cut).notices)
    assert not predictor.score(ASTRONAUT).notices


def test_an_aligned_crop_is_scored_as_when_its_face_is_found(predictor: QualityPredictor) -> None:
    crop = ffhq_crop(ASTRONAUT, predictor.finder.find(ASTRONAUT)[0].landmarks)
    found, aligned = predictor.score(crop), predictor.score(crop, aligned="ffhq")
    assert aligned.score == pytest.approx(found.score, abs=0.02)
    assert not aligned.notices


def test_the_face_of_an_aligned_crop_is_not_searched(
    predictor: QualityPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor.finder, "find", lambda _photo: pytest.fail("searched"))
    crop = ffhq_crop(ASTRONAUT, np.asarray(BundledFaceFinder().find(ASTRONAUT)[0].landmarks))
    grown = np.asarray(Image.fromarray(ASTRONAUT[:279, 86:365]).resize((512, 512)))
    assert 0.5 < predictor.score(crop, aligned="ffhq").score < 1
    assert 0.5 < predictor.score(grown, aligned="gfiqa").score < 1


def test_an_aligned_crop_damaged_beyond_recognition_is_scored_with_a_notice(predictor: QualityPredictor) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    result = predictor.score(noise, aligned="ffhq")
    assert any("with care" in notice for notice in result.notices)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"aligned": "celeba"}, "Unknown layout 'celeba'.*ffhq, gfiqa"),
        ({"face": 2}, "no face 2: one face was found"),
        ({"aligned": "ffhq", "face": 2}, "no face 2"),
    ],
)
def test_a_face_or_layout_that_is_not_there_is_refused(
    predictor: QualityPredictor, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        predictor.score(ASTRONAUT, **options)


def test_an_aligned_crop_is_square(predictor: QualityPredictor) -> None:
    with pytest.raises(PhotoError, match="512 × 300"):
        predictor.score(ASTRONAUT[:300], aligned="ffhq")


def test_scoring_many_yields_results_and_errors_in_order(predictor: QualityPredictor) -> None:
    outcomes = list(predictor.score_many([ASTRONAUT, b"no photo", ASTRONAUT]))
    assert [type(outcome) for outcome in outcomes] == [QualityResult, PhotoError, QualityResult]


@pytest.mark.slow
def test_photos_scored_together_score_as_they_do_alone(predictor: QualityPredictor) -> None:
    photos: list[PhotoSource] = [
        ASTRONAUT,
        pair_with_a_cut_neighbour(),
        b"no photo",
        ASTRONAUT[:300],
        DEGRADATIONS["jpeg"](ASTRONAUT, 0.5),
    ]
    together = list(predictor.score_many(photos, workers=2))
    for photo, outcome in zip(photos, together, strict=True):
        if isinstance(outcome, QualityResult):
            alone = predictor.score(photo)
            assert [face.score for face in outcome.faces] == pytest.approx(
                [each.score for each in alone.faces], abs=1e-5
            )
            assert outcome.notices == alone.notices
            assert outcome.timings_ms["total"] == pytest.approx(
                sum(value for name, value in outcome.timings_ms.items() if name != "total")
            )
    assert [type(outcome) for outcome in together].count(PhotoError) == 1


def test_photos_are_read_a_little_ahead_and_no_further(predictor: QualityPredictor) -> None:
    read = []

    def endless() -> Iterator[NDArray[np.uint8]]:
        while True:
            read.append(1)
            yield ASTRONAUT

    results = predictor.score_many(endless(), workers=1)
    assert isinstance(next(results), QualityResult)
    cast("Generator[object]", results).close()
    assert len(read) < 10


def test_one_photo_whose_score_is_no_number_does_not_take_its_neighbours_along(
    predictor: QualityPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = QualityPredictor(predictor.network, predictor.spec, predictor.finder)
    scored = broken.crop_scores

    def fail_for_the_pair(faces: Sequence[FaceCrops]) -> NDArray[np.float64]:
        if any(len(face.view.image) and face.face and face.face.box_xyxy[2] > 290 for face in faces):
            raise CheckpointError("no finite score")
        return scored(faces)

    monkeypatch.setattr(broken, "crop_scores", fail_for_the_pair)
    outcomes = list(broken.score_many([ASTRONAUT, pair_with_a_cut_neighbour(), ASTRONAUT]))
    assert [type(outcome) for outcome in outcomes] == [QualityResult, CheckpointError, QualityResult]


def test_results_and_errors_know_their_photo(predictor: QualityPredictor, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(ASTRONAUT).save(path)
    found, missing, unnamed = predictor.score_many([path, str(tmp_path / "b.png"), ASTRONAUT])
    assert (found.source, missing.source, unnamed.source) == (str(path), str(tmp_path / "b.png"), None)
    assert predictor.score(Image.open(path)).source == str(path)
    frame = to_frame([found, missing, unnamed])
    assert frame["path"].tolist() == [str(path), str(tmp_path / "b.png"), "2"]
    assert isinstance(found, QualityResult)
    assert pd.DataFrame([found.to_dict()])["source"].tolist() == [str(path)]


@pytest.mark.parametrize("make", [lambda: load_predictor("lite", device="cpu", finder="bundled"), small_vit_predictor])
def test_what_network_inputs_gives_is_what_the_network_takes(make: Callable[[], QualityPredictor]) -> None:
    predictor = make()
    face = predictor.face_crops(ASTRONAUT, predictor.finder.find(ASTRONAUT)[0])
    inputs = predictor.network_inputs(face)
    score = predictor.network(*inputs).score
    np.testing.assert_allclose(score.detach(), predictor.crop_scores([face])[0], atol=1e-5)
    assert not inputs[0].is_inference()


def test_a_finder_that_cannot_tell_leaves_the_photo_to_be_scored_whole_with_a_notice(
    predictor: QualityPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor.finder, "find", lambda _photo: [])
    monkeypatch.setattr(predictor.finder, "find_low_confidence", lambda _photo: None)
    monkeypatch.setattr(predictor.finder, "can_reject", False)
    result = predictor.score(ASTRONAUT)
    assert result.faces[0].box_xyxy == (0.0, 0.0, 512.0, 512.0)
    assert result.faces[0].landmarks is None
    assert any("No face was found" in notice for notice in result.notices)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_one_flat_colour_is_refused_politely(predictor: QualityPredictor, level: int) -> None:
    with pytest.raises(NoFaceError, match="No face"):
        predictor.score(np.full((200, 200, 3), level, dtype=np.uint8))


@pytest.mark.parametrize("name", ["coffee", "rocket", "text", "brick", "chelsea"])
def test_a_picture_of_something_else_is_refused_politely(predictor: QualityPredictor, name: str) -> None:
    picture = np.asarray(Image.fromarray(getattr(skimage.data, name)()).convert("RGB"))
    with pytest.raises(NoFaceError, match="No face was found"):
        predictor.score(picture)


def test_a_face_damaged_beyond_recognition_is_scored_where_it_is_with_a_notice(predictor: QualityPredictor) -> None:
    result = predictor.score(DEGRADATIONS["motion_blur"](ASTRONAUT, 1.0))
    left, top, right, bottom = result.faces[0].box_xyxy
    assert left < 225 < right
    assert top < 130 < bottom
    assert any("made out" in notice for notice in result.notices)


def test_interval_is_students_and_stays_in_the_range_of_scores() -> None:
    scores = np.array([0.4, 0.5, 0.45, 0.6])
    low, high = stats.t.interval(0.95, 3, scores.mean(), stats.sem(scores))
    assert confidence_interval(scores, (0.0, 1.0)) == pytest.approx((low, high))
    assert confidence_interval(np.array([0.0, 0.9, 0.1, 1.0]), (0.0, 1.0)) == (0.0, 1.0)
    assert confidence_interval(np.array([0.3]), (0.0, 1.0)) == (0.0, 1.0)


def test_landmark_weights_of_equal_input_are_computed_once(predictor: QualityPredictor) -> None:
    predictor._landmark_weights.cache_clear()
    predictor.score(ASTRONAUT)
    first = predictor._landmark_weights.cache_info()
    predictor.score(ASTRONAUT)
    second = predictor._landmark_weights.cache_info()
    assert second.misses == first.misses > 0
    assert second.hits > first.hits
