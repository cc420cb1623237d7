"""The metric gives the predictor's scores, alone or in a batch, and gradients that are those of the score."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from torch import Tensor

from fiqa import load_predictor
from fiqa.degradation.synthetic import DEGRADATIONS
from fiqa.errors import NoFaceError, PhotoError, SettingError
from fiqa.metric import FaceQuality, ViewQuality
from fiqa.metric.views import index_vectors
from fiqa.models import OFFICIAL
from fiqa.models.landmark_encoding import index_vector
from fiqa.predictor import QualityPredictor
from tests.fiqa.faces.test_finders import ffhq_crop
from tests.fiqa.small_networks import small_vit_predictor

pytestmark = pytest.mark.slow

ASTRONAUT = np.asarray(skimage.data.astronaut())
SMALL = np.asarray(Image.fromarray(ASTRONAUT[0:256, 96:352]).resize((96, 96)))
TURNED = np.asarray(Image.fromarray(ASTRONAUT).rotate(30))


def as_tensor(pixels: Any) -> Tensor:
    return torch.from_numpy(np.array(pixels)).permute(2, 0, 1).float() / 255


@pytest.fixture(scope="module")
def quality() -> FaceQuality:
    return FaceQuality("lite", finder="bundled")


@pytest.fixture(scope="module")
def predictor() -> QualityPredictor:
    return load_predictor("lite", device="cpu", finder="bundled")


@pytest.fixture(scope="module")
def landmarks(predictor: QualityPredictor) -> Tensor:
    """Of the small astronaut: (68, 2)."""
    return torch.from_numpy(predictor.finder.find(SMALL)[0].landmarks)


def views_of(predictor: QualityPredictor) -> tuple[Tensor, Tensor]:
    face = predictor.face_crops(SMALL, predictor.finder.find(SMALL)[0])
    assert face.landmarks is not None
    return as_tensor(face.view.image)[None], torch.from_numpy(face.landmarks).float()[None]


def test_scores_are_the_predictors_whatever_the_sizes(quality: FaceQuality, predictor: QualityPredictor) -> None:
    photos = [ASTRONAUT, SMALL, TURNED, DEGRADATIONS["jpeg"](SMALL, 0.5), ASTRONAUT[:, 215:]]
    expected = [predictor.score(np.ascontiguousarray(photo)).score for photo in photos]
    assert quality([as_tensor(photo) for photo in photos]).tolist() == pytest.approx(expected, abs=1e-3)


def test_a_smooth_score_is_near_the_predictors(predictor: QualityPredictor) -> None:
    smooth = FaceQuality("lite", eight_bit=False, finder="bundled")
    for photo in (ASTRONAUT, TURNED):
        assert float(smooth(as_tensor(photo)[None])) == pytest.approx(predictor.score(photo).score, abs=0.02)


def test_boxes_landmarks_and_aligned_crops_lead_to_the_predictors_score(
    quality: FaceQuality, predictor: QualityPredictor
) -> None:
    result = predictor.score(ASTRONAUT)
    photo = as_tensor(ASTRONAUT)[None]
    face = result.faces[0]
    assert face.landmarks is not None
    assert float(quality(photo, landmarks=face.landmarks[None])) == pytest.approx(result.score, abs=1e-3)
    assert float(quality(photo, boxes=[face.box_xyxy])) == pytest.approx(result.score, abs=0.03)
    crop = ffhq_crop(ASTRONAUT, face.landmarks)
    aligned = FaceQuality("lite", aligned="ffhq", finder="bundled")
    expected = predictor.score(crop, aligned="ffhq").score
    assert float(aligned(as_tensor(crop)[None])) == pytest.approx(expected, abs=1e-3)


def test_a_network_of_the_official_kind_gets_what_the_predictor_gives_it() -> None:
    small = small_vit_predictor()
    views, landmarks = views_of(small)
    face = small.face_crops(SMALL, small.finder.find(SMALL)[0])
    scores = ViewQuality(small.network, small.spec)(views, landmarks)
    np.testing.assert_allclose(scores.detach().numpy(), small.crop_scores([face]), atol=1e-5)


def test_landmark_indices_are_those_of_the_released_code() -> None:
    points = np.random.default_rng(0).uniform(-20, 120, (3, 68, 2)).astype(np.float32)
    points[2] = np.nan
    ours = index_vectors(torch.from_numpy(points), 10, 20, 64, OFFICIAL.landmark_slots).numpy()
    for each, expected in zip(ours, points, strict=True):
        np.testing.assert_allclose(each, index_vector(expected, 10, 20, 64, OFFICIAL.landmark_slots), atol=1e-5)


@pytest.mark.parametrize("size", [7, 20])
def test_a_score_depends_on_neither_the_size_of_its_batch_nor_the_order(
    quality: FaceQuality, landmarks: Tensor, size: int
) -> None:
    random = torch.Generator().manual_seed(0)
    batch = (as_tensor(SMALL) + 0.2 * torch.randn((size, 3, 96, 96), generator=random)).clamp(0, 1)
    places = landmarks.expand(size, -1, -1)
    together = quality(batch, landmarks=places)
    backwards = quality(batch.flip(0), landmarks=places).flip(0)
    alone = torch.cat([quality(batch[i : i + 1], landmarks=places[i : i + 1]) for i in range(0, size, 6)])
    assert together.std() > 1e-3
    torch.testing.assert_close(backwards, together, atol=1e-5, rtol=0)
    torch.testing.assert_close(alone, together[::6], atol=1e-5, rtol=0)


def test_gradients_are_those_of_finite_differences_in_double_precision(landmarks: Tensor) -> None:
    loss = FaceQuality("lite", as_loss=True, eight_bit=False, finder="bundled").double()
    picture = (0.02 + 0.96 * as_tensor(SMALL).double())[None].requires_grad_()
    (gradient,) = torch.autograd.grad(loss(picture, landmarks=landmarks[None]), picture)
    assert gradient.dtype == torch.float64
    random, step = torch.Generator().manual_seed(0), 1e-9  # with larger ones, some of its ramps bend in between
    for _ in range(3):
        direction = torch.randn(picture.shape, generator=random, dtype=torch.float64)
        with torch.no_grad():
            ahead, behind = (loss(picture + s * step * direction, landmarks=landmarks[None]) for s in (1, -1))
        expected = (gradient * direction).sum()
        torch.testing.assert_close((ahead - behind) / (2 * step), expected, rtol=1e-3, atol=1e-4)


def test_as_a_loss_it_is_the_mean_distance_from_the_best_score_and_only_then_has_gradients(
    quality: FaceQuality, landmarks: Tensor
) -> None:
    loss = FaceQuality("lite", as_loss=True, finder="bundled")
    pictures = torch.stack([as_tensor(SMALL), 0.5 * as_tensor(SMALL)]).requires_grad_()
    places = landmarks.expand(2, -1, -1)
    scores, value = quality(pictures, landmarks=places), loss(pictures, landmarks=places)
    assert not scores.requires_grad
    assert value.item() == pytest.approx(1 - scores.mean().item(), abs=1e-5)
    value.backward()
    assert pictures.grad is not None
    assert pictures.grad.flatten(1).abs().sum(1).min() > 0
    assert not any(parameter.requires_grad for parameter in loss.parameters())
    loss.views.spec = replace(loss.views.spec, score_range=(1.0, 5.0))
    assert loss(pictures, landmarks=places).item() == pytest.approx(value.item(), abs=1e-5)


def test_a_picture_without_a_face_raises_or_scores_nan_and_leaves_the_loss() -> None:
    pictures = [as_tensor(ASTRONAUT), torch.full((3, 64, 64), 0.5)]
    with pytest.raises(NoFaceError, match="picture 1 of 2"):
        FaceQuality("lite", finder="bundled")(pictures)
    lenient = FaceQuality("lite", no_face="nan", finder="bundled")
    scores = lenient(pictures)
    assert scores.isfinite().tolist() == [True, False]
    assert lenient.loss(scores).item() == pytest.approx(1 - scores[0].item())
    assert lenient(pictures[1:]).isnan().all()


def test_it_stays_in_evaluation_mode_inside_a_model_that_trains(quality: FaceQuality) -> None:
    model = torch.nn.ModuleList([quality, torch.nn.Dropout()]).train()
    assert model[1].training
    assert not any(module.training for module in quality.modules())


def test_it_moves_to_a_type_and_back(landmarks: Tensor) -> None:
    moved = FaceQuality("lite", finder="bundled")
    before = moved(as_tensor(SMALL)[None], landmarks=landmarks[None])
    double = moved.to(torch.float64)(as_tensor(SMALL).double()[None], landmarks=landmarks[None])
    assert double.dtype == torch.float64
    assert double.item() == pytest.approx(before.item(), abs=1e-4)
    torch.testing.assert_close(moved.float()(as_tensor(SMALL)[None], landmarks=landmarks[None]), before)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_in_a_model_that_is_halved_it_scores_as_before(landmarks: Tensor, dtype: torch.dtype) -> None:
    model = torch.nn.ModuleDict({"quality": FaceQuality("lite", finder="bundled"), "other": torch.nn.Linear(1, 1)})
    before = model["quality"](as_tensor(SMALL)[None], landmarks=landmarks[None])
    model.to(dtype)
    assert next(model["other"].parameters()).dtype == dtype
    torch.testing.assert_close(model["quality"](as_tensor(SMALL)[None], landmarks=landmarks[None]), before)


def test_autocast_changes_a_score_by_less_than_two_hundredths(quality: FaceQuality, landmarks: Tensor) -> None:
    picture = as_tensor(SMALL)[None]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        coarse = quality(picture, landmarks=landmarks[None])
    torch.testing.assert_close(coarse.float(), quality(picture, landmarks=landmarks[None]), atol=0.02, rtol=0)


def test_faces_are_found_under_autocast_as_without(quality: FaceQuality) -> None:
    picture = as_tensor(SMALL)[None]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        coarse = quality(picture)
    torch.testing.assert_close(coarse.float(), quality(picture), atol=0.02, rtol=0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (torch.full((68, 2), torch.nan), r"expected \(68, 2\), finite"),
        (torch.zeros(5, 2), r"expected \(68, 2\), finite"),
        (torch.full((68, 2), 50.0), "that is no face"),
        (torch.rand(68, 2) * 1e5, "that is no face"),
        (torch.rand(68, 2) + 9e5, "that is no face"),
    ],
)
def test_landmarks_of_no_face_in_the_picture_are_refused(quality: FaceQuality, wrong: Tensor, said: str) -> None:
    with pytest.raises(PhotoError, match=f"Landmarks 0 .*{said}"):
        quality(as_tensor(SMALL)[None], landmarks=wrong[None])


def test_a_box_far_larger_than_the_picture_is_refused(quality: FaceQuality) -> None:
    with pytest.raises(PhotoError, match=r"Box 0 .* no face is so large"):
        quality(as_tensor(SMALL)[None], boxes=[[-1e4, -1e4, 1e4 + 90, 1e4 + 90]])


def test_what_is_exported_scores_any_number_of_views(quality: FaceQuality, predictor: QualityPredictor) -> None:
    views, landmarks = (each.repeat(3, *[1] * (each.ndim - 1)) for each in views_of(predictor))
    batch = torch.export.Dim("views", min=1)
    exported = torch.export.export(
        quality.views, (views, landmarks), dynamic_shapes=({0: batch}, {0: batch}), strict=False
    )
    for count in (1, 2, 3):
        torch.testing.assert_close(
            exported.module()(views[:count], landmarks[:count]), quality.views(views[:count], landmarks[:count])
        )


def test_what_is_compiled_scores_the_same(quality: FaceQuality, predictor: QualityPredictor) -> None:
    compiled: Any = torch.compile(quality.views, backend="eager", fullgraph=True)  # traced whole, without a compiler
    views, landmarks = views_of(predictor)
    with torch.no_grad():
        torch.testing.assert_close(compiled(views, landmarks), quality.views(views, landmarks))


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (torch.zeros(3, 64, 64), r"\(N, 3, H, W\)"),
        (torch.zeros(1, 1, 64, 64), "expected .*RGB"),
        ([torch.zeros(3, 64, 8)], "at least 16 pixels"),
        (torch.zeros((1, 3, 64, 64), dtype=torch.uint8), "torch.uint8: expected floats"),
    ],
)
def test_pictures_of_another_kind_are_refused(quality: FaceQuality, pictures: Any, message: str) -> None:
    with pytest.raises(PhotoError, match=message):
        quality(pictures)


def test_places_are_as_many_as_pictures(quality: FaceQuality, landmarks: Tensor) -> None:
    with pytest.raises(PhotoError, match="1 pictures and 2 landmarks"):
        quality(as_tensor(SMALL)[None], landmarks=landmarks.expand(2, -1, -1))


@pytest.mark.parametrize(
    "box", [(1, 2, 3), (np.nan, 0, 9, 9), (90, 10, 20, 80), (900, 900, 999, 999), (-90, -90, -10, -10)]
)
def test_a_box_that_is_none_or_not_in_its_picture_is_refused(quality: FaceQuality, box: tuple[float, ...]) -> None:
    with pytest.raises(PhotoError, match="Box 0 is"):
        quality(as_tensor(SMALL)[None], boxes=[box])


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(SettingError, match="no_face is 'skip'"):
        FaceQuality("lite", no_face="skip")
