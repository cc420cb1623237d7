import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio

from fiqa import QualityPredictor
from fiqa.comparison import measures
from fiqa.comparison.measures import (
    MEASURES,
    add_measures,
    mean_measures,
    other_people,
    read_measures,
    usable_measures,
    with_measures,
)
from fiqa.comparison.scoring import DecodedVersions, ScoredVersions
from fiqa.degradation.synthetic import degrade
from fiqa.errors import SettingError
from fiqa.faces.identity import SAME_PERSON_DISTANCE
from fiqa.models.torchvision_shim import prepare_torchvision

CLEAN = astronaut()[:300, 80:380]
NOISY = degrade(CLEAN, [("gaussian_noise", 0.4)], seed=0)
SCORED = ScoredVersions("one", "one", {"clean": 0.9, "noisy": 0.5})
Pixels = NDArray[np.uint8]


def tensor(pixels: Pixels) -> torch.Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


@pytest.mark.slow
def test_each_measure_is_that_of_its_reference() -> None:
    prepare_torchvision()
    import piq

    expected = {
        "psnr": peak_signal_noise_ratio(CLEAN, NOISY),
        "ssim": float(piq.ssim(tensor(NOISY), tensor(CLEAN), downsample=False)),
        "vsi": float(piq.vsi(tensor(NOISY), tensor(CLEAN))),
        "fsim": float(piq.fsim(tensor(NOISY), tensor(CLEAN))),
    }
    found = {name: MEASURES[name].compute(CLEAN, NOISY, None) for name in expected}

    assert found == pytest.approx(expected, abs=2e-3)  # piq's SSIM leaves out the border


def test_a_photo_that_is_the_reference_itself_is_as_near_as_can_be() -> None:
    assert MEASURES["psnr"].compute(CLEAN, CLEAN, None) == measures.MOST_PSNR_DB
    assert MEASURES["ssim"].compute(CLEAN, CLEAN, None) == pytest.approx(1)


def test_every_version_of_the_references_shape_is_measured_at_its_size() -> None:
    large = np.repeat(np.repeat(CLEAN, 2, axis=0), 2, axis=1)
    versions = DecodedVersions({"clean": CLEAN, "large": large, "cut": CLEAN[:100]}, {}, reference=CLEAN)

    measured = with_measures(SCORED, versions, [MEASURES["psnr"]]).measures

    assert set(measured) == {"clean", "large"}
    assert measured["large"]["psnr"] > 25


def test_without_a_reference_nothing_is_measured() -> None:
    assert with_measures(SCORED, DecodedVersions({"clean": CLEAN}, {}), [MEASURES["psnr"]]).measures == {}


def test_a_large_photo_is_measured_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    watched = measures.Measure("seen", "Seen ↑", 0, lambda *each: seen.append([one for one in each if one is not None]))
    monkeypatch.setattr(measures, "LARGEST_SIDE_PX", 150)
    landmarks = np.full((68, 2), 100.0)

    scored = ScoredVersions("one", "one", {"clean": 0.9}, landmarks=landmarks)
    with_measures(scored, DecodedVersions({"clean": CLEAN}, {}, reference=CLEAN), [watched])

    ((reference, version, moved),) = seen
    assert reference.shape == version.shape == (150, 150, 3)
    assert moved.max() == 50


@pytest.mark.skipif(MEASURES["face_distance"].missing() is not None, reason="the extra identity is not installed")
@pytest.mark.slow
def test_a_damaged_face_stays_herself_and_another_face_does_not(predictor: QualityPredictor) -> None:
    portrait = astronaut()
    face = predictor.find_faces(portrait).face
    assert face is not None
    blurred = degrade(portrait, [("gaussian_blur", 0.3)], seed=0)
    stretched = portrait.copy()  # eyes and mouth where hers are not
    stretched[60:200, 150:290] = portrait[60:200, 150:290][::-1, ::-1]

    distances = [MEASURES["face_distance"].compute(portrait, each, face.landmarks) for each in (blurred, stretched)]

    assert distances[0] is not None
    assert distances[1] is not None
    assert distances[0] < SAME_PERSON_DISTANCE < distances[1]


def test_faces_of_somebody_else_are_counted_and_told() -> None:
    values = {"a": [0.3, 0.4], "b": [0.7, 0.5]}
    photos = [
        ScoredVersions(
            str(index), str(index), {"a": 0.5, "b": 0.6},
            measures={method: {"face_distance": each[index]} for method, each in values.items()},
        )
        for index in range(2)
    ]  # fmt: skip

    assert other_people(photos, ["a", "b"]) == [
        "1 of 2 faces of b look like somebody else than in the reference: their distance is above 0.6."
    ]
    assert mean_measures(photos, "b") == {"face_distance": pytest.approx(0.6)}


def test_what_is_missing_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    usable, notices = usable_measures()

    assert [measure.name for measure in usable] == ["psnr", "ssim"]
    assert notices == [
        "VSI and FSIM left out: piq is not installed (the extra measures).",
        "LPIPS left out: lpips is not installed (the extra measures).",
        "Face distance left out: dlib and its weights are not installed (the extra identity).",
    ]


def test_lpips_needs_weights_that_are_here_already(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def network(**options: object) -> SimpleNamespace:
        asked.append(options)
        return SimpleNamespace(eval=lambda: lambda version, reference: (version - reference).abs().max())

    module = ModuleType("lpips")
    module.LPIPS = network  # type: ignore[attr-defined]
    module.__spec__ = importlib.util.spec_from_loader("lpips", None)
    monkeypatch.setitem(sys.modules, "lpips", module)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))

    assert "weights of AlexNet" in (MEASURES["lpips"].missing() or "")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / measures.ALEXNET_WEIGHTS).touch()

    assert MEASURES["lpips"].missing() is None
    assert MEASURES["lpips"].compute(CLEAN, 255 - CLEAN, None) == pytest.approx(2, abs=0.1)  # from -1 to 1
    assert asked == [{"net": "alex", "verbose": False}]
    measures._lpips_network.cache_clear()


def test_numbers_of_ones_own_stand_beside_ours(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("name,method,arcface,niqe\none,noisy,0.8,\none,clean,1,3.5\n")

    (photo,) = add_measures([SCORED], read_measures(tmp_path / "own.csv"))

    assert photo.measures == {"clean": {"arcface": 1.0, "niqe": 3.5}, "noisy": {"arcface": 0.8}}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, "cannot be read"),
        ("name,arcface\none,1\n", "lacks the column name or method"),
        ("name,method,arcface\none,clean,high\n", "cannot be read as a CSV of numbers"),
        ("name,method,arcface\none,clean,inf\n", "holds an infinite number"),
        ("name,method,arcface\none,clean,1\none,clean,2\n", "one of clean more than once"),
        ("name,method,arcface\ntwo,clean,1\n", "a measure of two by clean, which is not compared"),
    ],
)
def test_a_table_of_numbers_that_cannot_be_used_gets_one_sentence(
    tmp_path: Path, table: str | None, message: str
) -> None:
    if table is not None:
        (tmp_path / "own.csv").write_text(table)
    with pytest.raises(SettingError, match=message):
        add_measures([SCORED], read_measures(tmp_path / "own.csv"))
