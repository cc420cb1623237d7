"""What maps say of a network, held against its outputs, against timm, and against photos whose damage is known."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut

from fiqa import load_predictor
from fiqa.__main__ import main
from fiqa.checkpoints import CheckpointSpec, Preprocessing
from fiqa.degradation.synthetic import DEGRADATIONS
from fiqa.errors import NoFaceError, SettingError
from fiqa.faces.finders import Face, load_face_finder
from fiqa.faces.found_faces import FoundFaces
from fiqa.maps import explain as explain_module
from fiqa.maps.explain import (
    _blurred,
    block_count,
    choose_face,
    compute_maps,
    explain,
    map_steps,
    offered_maps,
    rollout,
    why_missing,
)
from fiqa.maps.face_maps import KINDS, MapKey
from fiqa.models import LITE, DslFiqa
from fiqa.models.dsl_fiqa import recorded_attention
from fiqa.photo_scorer import FaceCrops
from fiqa.photos.alignment import View
from fiqa.predictor import QualityPredictor
from tests.fiqa.small_networks import small_vit_predictor
from training.data.labelled_views import mirrored_landmarks

pytestmark = pytest.mark.slow

ASTRONAUT = np.asarray(astronaut())
SIX = ("gaussian_noise", "gaussian_blur", "jpeg", "low_resolution", "low_light", "high_light")
REGIONS = ("contribution", "quality", "confidence")


@pytest.fixture(scope="module")
def lite() -> QualityPredictor:
    return load_predictor("lite", device="cpu", finder="bundled")


@pytest.fixture(scope="module")
def vit() -> QualityPredictor:
    return small_vit_predictor()


@pytest.fixture(params=["lite", "vit"])
def predictor(request: pytest.FixtureRequest) -> QualityPredictor:
    return cast("QualityPredictor", request.getfixturevalue(request.param))


@pytest.fixture
def few_gradient_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that ask whether there are integrated gradients, not what they sum to."""
    monkeypatch.setattr(explain_module, "GRADIENT_STEPS", 8)


@cache
def portraits() -> dict[str, NDArray[np.uint8]]:
    """The astronaut in several sizes and lights."""
    close = Image.fromarray(ASTRONAUT[20:260, 110:350])
    return {
        "astronaut": ASTRONAUT,
        "mirrored": np.ascontiguousarray(ASTRONAUT[:, ::-1]),
        "cut": ASTRONAUT[:300, 80:380],
        "close": np.asarray(close.resize((480, 480))),
        "small": np.asarray(close.resize((120, 120), Image.Resampling.LANCZOS)),
        "darker": DEGRADATIONS["low_light"](ASTRONAUT, 0.1),
    }


@pytest.mark.parametrize("name", ["astronaut", "close", "small"])
def test_contributions_sum_to_the_score(predictor: QualityPredictor, name: str) -> None:
    photo = portraits()[name]
    made = explain(predictor, photo)
    score = predictor.score(photo).score
    assert made.grids.sum() == pytest.approx(score, rel=1e-5)
    assert np.nansum(made.in_photo().values, dtype=np.float64) == pytest.approx(score, rel=1e-5)


def test_contribution_is_quality_times_confidence(predictor: QualityPredictor) -> None:
    face = choose_face(predictor, ASTRONAUT)
    maps = compute_maps(predictor, ASTRONAUT, face, "quality")
    quality, confidence, contribution = (maps[MapKey(name)].grids for name in ("quality", "confidence", "contribution"))
    weights = confidence / confidence.sum(axis=(1, 2), keepdims=True)
    assert_allclose(contribution, quality * weights / len(quality))


@pytest.mark.parametrize("turned_deg", [0, 25])
def test_values_at_the_centre_of_a_crop_are_the_networks_there(lite: QualityPredictor, turned_deg: int) -> None:
    photo = np.asarray(Image.fromarray(ASTRONAUT).rotate(turned_deg, Image.Resampling.BICUBIC, center=(225, 130)))
    face = choose_face(lite, photo)
    assert (face.view.to_photo[0, 1] == 0) == (turned_deg == 0)
    prediction = lite.predict([face])
    maps = compute_maps(lite, photo, face, "quality")
    middle, cell = lite.config.grid // 2, lite.config.patch_px
    for number, (top, left) in enumerate(face.offsets):
        mirrored = lite.config.mirror_right and left > 0
        column = lite.config.grid - 1 - middle if mirrored else middle
        in_view = np.array([left, top]) + cell * (middle + 0.5)
        (x, y) = face.view.to_photo[:, :2] @ in_view + face.view.to_photo[:, 2]
        for name in ("quality", "confidence"):
            value = maps[MapKey(name)].at(np.array([x]), np.array([y])).values[0, 0]
            assert value == pytest.approx(float(getattr(prediction, name)[number, middle, column]), rel=1e-5)


@pytest.fixture(scope="module")
def found(lite: QualityPredictor) -> list[tuple[NDArray[np.uint8], Face]]:
    """The portraits and the face in each."""
    return [(photo, lite.find_faces(photo).faces[0]) for photo in portraits().values()]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", SIX)
def test_the_damaged_half_of_a_face_has_the_lower_regional_quality(
    lite: QualityPredictor, found: list[tuple[NDArray[np.uint8], Face]], name: str, side: str
) -> None:
    margins = [
        half_margin(lite, photo, damaged, face, side)
        for (photo, face), damaged in zip(found, damaged_portraits(name), strict=True)
    ]
    assert np.mean(margins) > 0.05, np.round(margins, 3)


@cache
def damaged_portraits(name: str) -> list[NDArray[np.uint8]]:
    return [np.asarray(DEGRADATIONS[name](photo, 0.7)) for photo in portraits().values()]


def half_margin(
    predictor: QualityPredictor, photo: NDArray[np.uint8], damaged: NDArray[np.uint8], face: Face, side: str
) -> float:
    """Return by how much regional quality is higher on the half of a face that was left as it is."""
    y, x = (np.arange(0.5, length, 3.0) for length in photo.shape[:2])
    middle = face.landmarks[27:31, 0].mean()  # the bridge of the nose
    mixed = damaged.copy()
    kept = slice(int(middle), None) if side == "left" else slice(0, int(middle))
    mixed[:, kept] = photo[:, kept]
    maps = compute_maps(predictor, mixed, predictor.face_crops(mixed, face), "quality")
    quality = maps[MapKey("quality")].at(x, y).values
    worse = (x < middle) if side == "left" else (x >= middle)
    return float(np.nanmean(quality[:, ~worse]) - np.nanmean(quality[:, worse]))


def test_the_quality_of_a_mirrored_photo_is_the_mirror_of_its_quality(lite: QualityPredictor) -> None:
    """Within 0.1 on average over sixteenths of the view; single cells depend on more than what they show."""
    for name in ("gaussian_noise", "gaussian_blur", "jpeg"):
        photo = DEGRADATIONS[name](ASTRONAUT, 0.5)
        across = np.ascontiguousarray(photo[:, ::-1])
        quality, mirrored = (coarse(explain(lite, each, "quality").in_view()) for each in (photo, across))
        assert np.abs(quality - mirrored[:, ::-1]).mean() < 0.1


def coarse(values: NDArray[np.float64], parts: int = 4) -> NDArray[np.float64]:
    side = len(values) // parts
    parts_of_view: NDArray[np.float64] = values.reshape(parts, side, parts, side).mean(axis=(1, 3))
    return parts_of_view


def test_every_face_of_a_group_has_its_map(predictor: QualityPredictor) -> None:
    group = np.full((300, 820, 3), 90, np.uint8)
    for left, side in ((20, 240), (320, 240), (600, 160)):
        face = Image.fromarray(ASTRONAUT[20:260, 110:350]).resize((side, side))
        group[30 : 30 + side, left : left + side] = np.asarray(face)
    found = predictor.score(group).faces
    assert len(found) == 3
    for number, face_result in enumerate(found, start=1):
        values = explain(predictor, group, face=number).in_photo().values
        assert np.nansum(values, dtype=np.float64) == pytest.approx(face_result.score, rel=1e-5)
        x, y = np.mean(face_result.box_xyxy[0::2]), np.mean(face_result.box_xyxy[1::2])
        assert np.isfinite(values[int(y), int(x)])
    with pytest.raises(SettingError, match="3 faces"):
        explain(predictor, group, face=4)


def test_a_photo_smaller_than_a_crop_has_its_map(predictor: QualityPredictor) -> None:
    photo = np.asarray(Image.fromarray(ASTRONAUT[20:260, 110:350]).resize((56, 56), Image.Resampling.LANCZOS))
    assert max(photo.shape) < predictor.config.crop_px
    values, coverage = explain(predictor, photo, "quality").in_photo()
    assert values.shape == coverage.shape == (56, 56)
    assert np.isfinite(values).any()


def test_a_photo_scored_whole_has_its_map(lite: QualityPredictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lite, "find_faces", lambda *_asked, **_options: FoundFaces([]))
    values = explain(lite, ASTRONAUT[:, :400], "quality").in_photo().values
    assert np.isfinite(values[60:450]).all()
    assert np.isnan(values[:50]).all()


def test_a_picture_of_something_else_is_refused(lite: QualityPredictor) -> None:
    with pytest.raises(NoFaceError):
        explain(lite, np.full((200, 200, 3), 128, np.uint8))


@torch.inference_mode()
def test_attention_is_what_timm_extracts(vit: QualityPredictor) -> None:
    from timm.utils.attention_extract import AttentionExtract  # after the network, which prepares torchvision

    face = one_crop(vit)
    backbone = cast("Any", vit.network.transformer.backbone).network
    made = {key: grid for step in map_steps(vit, face, "attention") for key, grid in step().items()}
    for block in backbone.blocks:
        block.attn.fused_attn = False
    extracted = AttentionExtract(backbone, method="hook")(vit.network_inputs(face)[0])
    for block in backbone.blocks:
        block.attn.fused_attn = True
    assert len(extracted) == block_count(vit, "attention") == 3
    for number, weights in enumerate(extracted.values(), start=1):
        received = weights.mean(dim=1)[:, 1:, 1:].mean(dim=1) * 16
        assert_allclose(made[MapKey("attention", number)].ravel(), received.ravel(), rtol=1e-5)


@torch.inference_mode()
def test_rows_of_attention_sum_to_one_and_fused_attention_is_restored(vit: QualityPredictor) -> None:
    crops, _ = vit.network_inputs(one_crop(vit))
    backbone = cast("Any", vit.network.transformer.backbone)
    with recorded_attention(backbone) as blocks:
        backbone(crops)
    for weights in (*blocks, rollout([block.mean(dim=1) for block in blocks])):
        assert_allclose(weights.sum(-1), torch.ones(weights.shape[:-1]), rtol=1e-5)
    explain(vit, ASTRONAUT, "rollout")
    assert all(block.attn.fused_attn for block in backbone.network.blocks)


def test_fused_attention_is_restored_after_an_error(vit: QualityPredictor, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_weights: torch.Tensor) -> torch.Tensor:
        raise KeyboardInterrupt

    backbone = cast("Any", vit.network.transformer.backbone)
    crops, _ = vit.network_inputs(one_crop(vit))
    with torch.inference_mode(), pytest.raises(KeyboardInterrupt), recorded_attention(backbone, keep=interrupt):
        backbone(crops)
    assert all(block.attn.fused_attn for block in backbone.network.blocks)


def test_rollout_multiplies_what_blocks_pass_on() -> None:
    random = torch.Generator().manual_seed(0)
    first, second = (torch.rand(1, 5, 5, generator=random).softmax(-1) for _ in range(2))
    halves = [0.5 * weights + 0.5 * torch.eye(5) for weights in (first, second)]
    assert_allclose(rollout([first, second]), halves[1] @ halves[0], rtol=1e-6)


def test_cross_attention_reads_what_every_token_is_asked_for(predictor: QualityPredictor) -> None:
    face = one_crop(predictor)
    with torch.inference_mode():
        crops, _ = predictor.network_inputs(face)
        transformer = predictor.network.transformer
        tokens, degradation = transformer.encode(crops), predictor.network.encoder(crops)
        asked = transformer.decoder_attention(tokens, degradation)[0][:, :, transformer.positions]  # (1, H, N, N)
    (step,) = map_steps(predictor, face, "cross_attention")
    expected = asked.mean(dim=(1, 2)) * asked.shape[-1]
    assert_allclose(step()[MapKey("cross_attention", 1)].ravel(), expected.ravel(), rtol=1e-5)


def test_integrated_gradients_sum_to_what_the_score_gains_from_blur(lite: QualityPredictor) -> None:
    face = one_crop(lite)
    made = compute_maps(lite, ASTRONAUT, face, "integrated_gradients")[MapKey("integrated_gradients")]
    gain = lite.predict([face]).score.mean() - lite.predict([_blurred(face, lite.config.crop_px)]).score.mean()
    assert float(gain) > 0.1
    assert made.grids.sum() == pytest.approx(float(gain), abs=0.03)
    assert np.nansum(made.in_photo().values, dtype=np.float64) == pytest.approx(made.grids.sum(), rel=1e-5)


def test_occlusion_is_the_mean_loss_over_the_windows_on_a_cell(lite: QualityPredictor) -> None:
    face = one_crop(lite)
    (step,) = map_steps(lite, face, "occlusion")
    corner = step()[MapKey("occlusion")][0, 0, 0]
    window = lite.config.crop_px // 4  # only one window lies on the corner
    image = face.view.image.copy()
    image[:window, :window] = _blurred(face, lite.config.crop_px).view.image[:window, :window]
    hidden = replace(face, view=View(image, face.view.to_photo))
    loss = lite.predict([face]).score - lite.predict([hidden]).score
    assert corner == pytest.approx(float(loss), abs=1e-5)


def test_a_network_without_attention_says_what_it_lacks(lite: QualityPredictor) -> None:
    assert {kind for kind in KINDS if why_missing(lite, kind)} == {"attention", "rollout"}
    with pytest.raises(SettingError, match="no ViT"):
        explain(lite, ASTRONAUT, "attention")


@pytest.mark.usefixtures("few_gradient_steps")
def test_every_kind_exists_for_a_vit(vit: QualityPredictor) -> None:
    for kind in KINDS:
        assert why_missing(vit, kind) is None
        made = explain(vit, ASTRONAUT[:300, 80:380], kind)
        assert made.grids.shape == (4, 4, 4)
        assert np.isfinite(made.grids).all()


def test_blocks_count_from_one_and_the_last_is_the_usual_one(vit: QualityPredictor) -> None:
    assert offered_maps(vit).find("attention") == MapKey("attention", 3)
    assert offered_maps(vit).find("attention", 1) == MapKey("attention", 1)
    assert offered_maps(vit).find("quality") == MapKey("quality")
    for block in (0, 4):
        with pytest.raises(SettingError, match="blocks 1 to 3"):
            offered_maps(vit).find("attention", block)


@pytest.mark.usefixtures("few_gradient_steps")
def test_maps_leave_the_scores_as_they_were(predictor: QualityPredictor) -> None:
    before = predictor.score(ASTRONAUT).score
    predictor._landmark_weights.cache_clear()
    for kind in ("integrated_gradients", "occlusion", "cross_attention"):
        for step in map_steps(predictor, one_crop(predictor), kind):
            step()
    assert predictor.score(ASTRONAUT).score == before


@pytest.mark.usefixtures("few_gradient_steps")
def test_a_network_without_landmarks_has_its_maps() -> None:
    torch.manual_seed(0)
    predictor = untrained(landmarks="none")
    for kind in ("quality", "integrated_gradients"):
        assert np.isfinite(explain(predictor, ASTRONAUT, kind).grids).all()


@pytest.mark.parametrize("kind", ["quality", "cross_attention", "occlusion"])
def test_maps_of_crops_that_are_shown_mirrored_lie_where_the_face_is(kind: str, lite: QualityPredictor) -> None:
    assert lite.config.mirror_right
    face = choose_face(lite, ASTRONAUT)
    across = replace(
        face,
        view=View(np.ascontiguousarray(face.view.image[:, ::-1]), face.view.to_photo),
        landmarks=mirrored_landmarks(cast("NDArray[np.float32]", face.landmarks), len(face.view.image)),
    )
    maps, mirrored = (next(iter(compute_maps(lite, ASTRONAUT, each, kind).values())) for each in (face, across))
    assert_allclose(mirrored.in_view()[:, ::-1], maps.in_view(), rtol=1e-5, atol=1e-5 * np.ptp(maps.grids))
    assert np.ptp(maps.grids) > 0


def untrained(**values: Any) -> QualityPredictor:
    """Return a network of lite's kind with random weights."""
    torch.manual_seed(0)
    spec = CheckpointSpec("plain", "", "", "", "", preprocessing=Preprocessing(view_px=256, margin=1.7, crops=4))
    return QualityPredictor(DslFiqa(replace(LITE, **values)), spec, load_face_finder("bundled"))


def one_crop(predictor: QualityPredictor) -> FaceCrops:
    face = choose_face(predictor, ASTRONAUT)
    return replace(face, offsets=face.offsets[:1])


def test_the_command_line_writes_values_and_figures(tmp_path: Path) -> None:
    Image.fromarray(ASTRONAUT).save(tmp_path / "photo.png")
    photo, values, figure = (str(tmp_path / name) for name in ("photo.png", "map.npy", "map.png"))
    assert main(["attention", photo, "--map", "contribution", "--output", values]) == 0
    assert main(["attention", photo, "--map", "quality", "--colour-map", "magma", "--output", figure]) == 0
    loaded = np.load(values)
    assert (loaded.shape, loaded.dtype) == ((512, 512), np.float32)
    assert np.isnan(loaded).any()
    with Image.open(figure) as picture:
        assert picture.format == "PNG"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--output", "map.jpg"], "must end in .png"),
        (["--output", "no/such/folder/map.png"], "folder that exists"),
        (["--output", "map.npy", "--map", "attention"], "no ViT"),
        (["--output", "map.npy", "--face", "2"], "no face 2"),
        (["--output", "map.png", "--colour-map", "jet"], "no colour map"),
    ],
)
def test_the_command_line_refuses_in_one_line(
    options: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(ASTRONAUT).save("photo.png")
    assert main(["attention", "photo.png", *options]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photo.png"]


def test_a_path_bytes_a_picture_and_an_array_are_the_same_photo(lite: QualityPredictor, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(ASTRONAUT).save(path)
    sources = (ASTRONAUT, path, str(path), path.read_bytes(), Image.fromarray(ASTRONAUT))
    assert len({float(explain(lite, source).grids.sum()) for source in sources}) == 1
