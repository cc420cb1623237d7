"""The atlas says what it was shown, notices when it belongs to other weights, and holds numbers only."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from fiqa.checkpoints import CheckpointSpec, find_checkpoint
from fiqa.degradation import atlas_building
from fiqa.degradation.atlas import (
    ATLAS,
    CLEAN,
    TYPES,
    Atlas,
    Diagnosis,
    find_atlas,
    findings,
    load_atlas,
    weights_sha256,
)
from fiqa.degradation.atlas_building import (
    COARSE_ORIGIN,
    LabelledEmbeddings,
    build_coarse_atlas,
    choose_references,
    class_targets,
    embed_coarse,
    embed_views,
    fit_atlas,
    single_types,
)
from fiqa.degradation.diagnosis import diagnose, encode_faces
from fiqa.degradation.synthetic import DEGRADATIONS, LEVELS
from fiqa.errors import CheckpointError
from fiqa.loading import load_predictor
from fiqa.predictor import QualityPredictor
from fiqa.settings import Settings

CHANNELS = 20
ASTRONAUT: NDArray[np.uint8] = np.asarray(skimage.data.astronaut())


def made_up(people: int, *, seed: int) -> LabelledEmbeddings:
    """Embeddings in which every type moves along a direction of its own, and people differ a little."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[int, dict[str, float]]] = []
    for person in range(people):
        rows += [(person, {}) for _ in range(6)]
        rows += [(person, {name: level}) for name in DEGRADATIONS for level in rng.uniform(0.1, 1, LEVELS)]
        pairs = [rng.choice(list(DEGRADATIONS), 2, replace=False) for _ in range(20)]
        rows += [(person, dict(zip(map(str, pair), rng.uniform(0.4, 1, 2), strict=True))) for pair in pairs]
    severity = np.array([[steps.get(name, 0.0) for name in DEGRADATIONS] for _, steps in rows], dtype=np.float32)
    identity = np.array([person for person, _ in rows])
    directions = np.linalg.qr(np.random.default_rng(0).normal(size=(CHANNELS, len(DEGRADATIONS))))[0].T
    vectors = severity @ directions * 10 + rng.normal(0, 0.25, (len(rows), CHANNELS))
    return LabelledEmbeddings(vectors.astype(np.float32), severity, identity)


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    """Of embeddings that are told apart easily, so that fewer and smaller steps do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(atlas_building, "STEPS", 300)
        patch.setattr(atlas_building, "BATCH", 256)
        return fit_atlas(made_up(8, seed=1), checkpoint_sha256="abc", origin="made up")


@pytest.fixture(scope="module")
def asked() -> LabelledEmbeddings:
    """People who are not in the atlas."""
    return made_up(4, seed=2)


@pytest.fixture(scope="module")
def diagnoses(atlas: Atlas, asked: LabelledEmbeddings) -> list[Diagnosis]:
    return atlas.diagnose(asked.vectors)


@pytest.fixture(scope="module")
def predictor() -> QualityPredictor:
    return load_predictor("lite", device="cpu", finder="bundled")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environment({"FIQA_DATA_DIR": str(tmp_path)})


@pytest.mark.slow
def test_single_degradations_and_clean_faces_of_other_people_are_named(
    asked: LabelledEmbeddings, diagnoses: list[Diagnosis]
) -> None:
    applied, strongest = (asked.severity > 0).sum(1), asked.severity.max(1)
    sure = np.flatnonzero((applied == 0) | ((applied == 1) & (strongest >= 0.35)))
    named = [TYPES.index(diagnoses[index].degradations[0].type) for index in sure]
    assert np.mean(named == single_types(asked.severity[sure])) > 0.95


def test_severity_is_right_within_a_level(asked: LabelledEmbeddings, diagnoses: list[Diagnosis]) -> None:
    errors = [
        abs(diagnoses[index].degradations[0].severity - asked.severity[index].max())
        for index in np.flatnonzero((asked.severity > 0).sum(1) == 1)
        if asked.severity[index].max() > 0.35
    ]
    assert np.mean(np.array(errors) <= 1 / LEVELS) > 0.95


def test_a_stack_of_two_names_one_of_them_first(asked: LabelledEmbeddings, diagnoses: list[Diagnosis]) -> None:
    stacks = np.flatnonzero((asked.severity > 0).sum(1) == 2)
    right = [asked.severity[index, TYPES.index(diagnoses[index].degradations[0].type) - 1] > 0 for index in stacks]
    assert np.mean(right) > 0.95


def test_findings_are_likeliest_first_and_share_the_probability(diagnoses: list[Diagnosis]) -> None:
    for diagnosis in diagnoses:
        shares = [finding.probability for finding in diagnosis.degradations]
        assert shares == sorted(shares, reverse=True)
        assert 0.85 < sum(shares) <= 1 + 1e-9
        assert all(0 <= finding.severity <= 1 for finding in diagnosis.degradations)


def test_findings_add_up_the_levels_of_a_type() -> None:
    levels = np.zeros(1 + len(DEGRADATIONS) * LEVELS)
    levels[0], levels[4], levels[5] = 0.2, 0.6, 0.2  # clean; the first type at levels 4 and 5
    first, second = findings(levels)
    assert first.type == TYPES[1]
    assert first.probability == pytest.approx(0.8)
    assert first.severity == pytest.approx((0.6 * 4 + 0.2 * 5) / 0.8 / LEVELS)
    assert (second.type, second.severity) == (CLEAN, 0.0)


def test_what_is_far_from_all_references_is_an_outlier(atlas: Atlas, asked: LabelledEmbeddings) -> None:
    singles = (asked.severity > 0).sum(1) <= 1
    known = [diagnosis.outlier for diagnosis in atlas.diagnose(asked.vectors[singles])]
    assert np.mean(np.array(known) <= 1.2) > 0.9
    (far,) = atlas.diagnose(asked.vectors[:1] + 40)
    assert far.outlier > 3


def test_the_place_of_a_face_is_among_its_nearest_references(atlas: Atlas, diagnoses: list[Diagnosis]) -> None:
    assert abs(atlas.places).max() == pytest.approx(1, abs=1e-5)
    for diagnosis in diagnoses[::50]:
        apart = np.linalg.norm(atlas.places - diagnosis.position, axis=1)
        assert diagnosis.neighbours[0].distance <= diagnosis.neighbours[-1].distance
        assert apart.min() < 0.2


def test_nearest_references_are_those_of_a_brute_search(atlas: Atlas, asked: LabelledEmbeddings) -> None:
    standard = (asked.vectors[7] - atlas.centre) / atlas.scale
    nearest = np.argsort(np.linalg.norm(atlas.vectors - standard, axis=1))[:5]
    (diagnosis,) = atlas.diagnose(asked.vectors[7:8])
    assert [each.type for each in diagnosis.neighbours] == [TYPES[atlas.types[index]] for index in nearest]


def test_a_saved_atlas_says_the_same(
    atlas: Atlas, diagnoses: list[Diagnosis], asked: LabelledEmbeddings, tmp_path: Path
) -> None:
    atlas.save(tmp_path / ATLAS)
    again = load_atlas(tmp_path / ATLAS).diagnose(asked.vectors)
    assert (tmp_path / ATLAS).stat().st_size < 2**20
    for before, after in zip(diagnoses, again, strict=True):
        assert after.degradations[0].type == before.degradations[0].type
        assert after.degradations[0].probability == pytest.approx(before.degradations[0].probability, abs=1e-4)


def test_every_part_of_a_stack_and_both_levels_around_a_severity_count() -> None:
    severity = np.zeros((4, len(DEGRADATIONS)), dtype=np.float32)
    severity[1, 0], severity[2, 0], severity[2, 3], severity[3, 1] = 0.5, 0.4, 0.8, 0.05
    targets = class_targets(severity)
    assert targets.sum(axis=1) == pytest.approx(1)
    assert targets[0, 0] == 1
    assert targets[1, [2, 3]] == pytest.approx(0.5)
    assert targets[2, [2, 1 + 3 * LEVELS + 3]] == pytest.approx(0.5, abs=1e-5)
    assert targets[3, [0, 1 + LEVELS]] == pytest.approx([0.75, 0.25])


def test_references_are_spread_over_types_and_levels_without_stacks() -> None:
    known = made_up(40, seed=3)
    chosen = known.severity[choose_references(known.severity, seed=0)]
    assert ((chosen > 0).sum(1) <= 1).all()
    counts = np.bincount(single_types(chosen), minlength=len(TYPES))
    assert counts.min() >= 90


@pytest.mark.parametrize("content", [b"", b"no atlas", bytes(200)])
def test_a_damaged_atlas_is_refused_in_a_sentence(content: bytes, tmp_path: Path) -> None:
    (tmp_path / ATLAS).write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged or of another version"):
        load_atlas(tmp_path / ATLAS)


def test_an_atlas_made_for_other_weights_is_passed_over(
    atlas: Atlas, tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    spec = replace(find_checkpoint("lite"), folder=tmp_path, sha256="other")
    atlas.save(tmp_path / ATLAS)
    assert find_atlas(spec, settings) is None
    assert "other weights" in caplog.text
    assert find_atlas(replace(spec, sha256="abc"), settings) is not None


def test_the_hash_of_weights_is_computed_where_the_card_has_none(tmp_path: Path) -> None:
    lite = find_checkpoint("lite")
    assert lite.folder is not None
    spec: CheckpointSpec = replace(lite, sha256=None)
    assert weights_sha256(spec) == lite.sha256
    with pytest.raises(CheckpointError, match="not on this machine"):
        weights_sha256(replace(lite, folder=None))


def test_the_bundled_atlas_belongs_to_the_bundled_weights(settings: Settings) -> None:
    atlas = find_atlas(find_checkpoint("lite"), settings)
    assert atlas is not None, "run: python -m training.build_atlas"
    assert set(np.unique(atlas.types)) == set(range(len(TYPES)))
    assert "astronaut" not in atlas.origin


def test_views_and_photos_are_embedded_alike(predictor: QualityPredictor) -> None:
    faces = predictor.find_faces(ASTRONAUT).faces
    (encoded_face,) = encode_faces(predictor, [ASTRONAUT], faces[0])
    assert np.allclose(embed_views(predictor, encoded_face.view[None])[0], encoded_face.embedding, atol=1e-4)


@pytest.mark.slow
def test_a_coarse_atlas_of_one_photo_knows_that_photo(
    predictor: QualityPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atlas_building, "COARSE_VARIANTS", 2)
    building = build_coarse_atlas(partial(embed_coarse, predictor), weights_sha256(predictor.spec))
    told = []
    while True:
        try:
            told.append(next(building))
        except StopIteration as finished:
            atlas: Atlas = finished.value
            break
    assert told[0][0] == 0
    assert all(done < total for done, total in told)
    assert atlas.origin == COARSE_ORIGIN
    found = diagnose(predictor, atlas, ASTRONAUT)
    assert found.diagnosis.degradations[0].type == CLEAN
    assert found.diagnosis.outlier < 1.5
