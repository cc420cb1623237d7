from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from fiqa import QualityPredictor
from fiqa.comparison.matching import PhotoVersions
from fiqa.comparison.scoring import ScoredVersions, decode_versions, score_decoded, score_in_groups
from fiqa.degradation.synthetic import degrade
from fiqa.errors import CheckpointError
from fiqa.models import Prediction
from fiqa.photo_scorer import FaceCrops


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Versions of the astronaut: clean, blurred, unrecognisable, enlarged, cropped, and no photo at all."""
    folder = tmp_path_factory.mktemp("versions")
    clean = astronaut()
    hidden = clean.copy()
    hidden[20:220, 130:330] = 90
    versions = {
        "clean": clean,
        "blurred": degrade(clean, [("gaussian_blur", 0.6)], seed=0),
        "hidden": hidden,
        "enlarged": np.asarray(Image.fromarray(clean).resize((1024, 1024), Image.Resampling.LANCZOS)),
        "cropped": clean[:300],
        "flat": np.full_like(clean, 127),
    }
    for name, pixels in versions.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    (folder / "broken.png").write_text("no photo")
    return folder


def versions(folder: Path, *names: str, reference: str | None = None) -> PhotoVersions:
    paths = {name: str(folder / f"{name}.png") for name in names}
    return PhotoVersions("astronaut", paths, "astronaut", reference and str(folder / f"{reference}.png"))


def scored_once(predictor: QualityPredictor, photo: PhotoVersions) -> ScoredVersions:
    return score_decoded(predictor, photo, decode_versions(photo))


@pytest.mark.slow
def test_a_version_alone_with_its_like_scores_as_the_predictor_scores_it(
    predictor: QualityPredictor, folder: Path
) -> None:
    scored = scored_once(predictor, versions(folder, "clean", "blurred"))

    assert scored.face_from == "clean"
    assert scored.scores["clean"] == pytest.approx(predictor.score(folder / "clean.png").score, abs=1e-6)
    assert (scored.scores["blurred"] or 1) < (scored.scores["clean"] or 0) - 0.1


def test_a_version_that_hides_the_face_is_scored_where_the_face_is(predictor: QualityPredictor, folder: Path) -> None:
    scored = scored_once(predictor, versions(folder, "hidden", "clean"))

    assert scored.face_from == "clean"
    assert scored.scores["hidden"] is not None
    assert scored.scores["hidden"] < (scored.scores["clean"] or 0)


def test_the_reference_shows_the_face_where_there_is_one(predictor: QualityPredictor, folder: Path) -> None:
    assert scored_once(predictor, versions(folder, "blurred", "hidden", reference="clean")).face_from == "reference"


def test_a_version_of_another_size_is_scored_at_the_same_face(predictor: QualityPredictor, folder: Path) -> None:
    scored = scored_once(predictor, versions(folder, "clean", "enlarged"))

    assert scored.errors == {}
    assert scored.scores["enlarged"] == pytest.approx(scored.scores["clean"], abs=0.05)


def test_a_version_of_another_shape_has_no_score_and_says_why(predictor: QualityPredictor, folder: Path) -> None:
    scored = scored_once(predictor, versions(folder, "clean", "cropped", reference="clean"))

    assert scored.scores["cropped"] is None
    assert scored.errors["cropped"] == "It is 512 x 300 and reference 512 x 512: versions must have the same shape."


def test_a_version_that_cannot_be_read_does_not_stop_the_others(predictor: QualityPredictor, folder: Path) -> None:
    scored = scored_once(predictor, versions(folder, "clean", "broken"))

    assert scored.scores["broken"] is None
    assert "broken.png" in scored.errors["broken"]
    assert scored.scores["clean"] is not None


def test_a_photo_without_a_face_in_any_version_has_no_score_in_any(predictor: QualityPredictor, folder: Path) -> None:
    scored = scored_once(predictor, versions(folder, "flat", "broken"))

    assert scored.scores == {"flat": None, "broken": None}
    assert "face" in scored.errors["flat"]
    assert scored.face_from is None


@pytest.mark.slow
def test_photos_scored_in_groups_say_what_each_says_alone(predictor: QualityPredictor, folder: Path) -> None:
    photos = [
        versions(folder, "clean", "blurred"),
        versions(folder, "hidden", "clean", "enlarged"),
        versions(folder, "flat", "broken"),
        versions(folder, "blurred", "cropped", reference="clean"),
        versions(folder, "clean", "flat"),
        versions(folder, "clean", "flat", reference="broken"),
    ]
    alone = [scored_once(predictor, photo).to_dict() for photo in photos]

    together = [scored.to_dict() for _, scored in score_in_groups(predictor, photos)]

    for one, other in zip(alone, together, strict=True):
        assert other.pop("scores") == pytest.approx(one.pop("scores"), abs=1e-5)
        assert other == one


@pytest.mark.slow
def test_a_photo_the_network_gives_no_number_for_does_not_take_the_others_of_its_group(
    predictor: QualityPredictor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = predictor.predict

    def refuse_large(faces: Sequence[FaceCrops]) -> Prediction:
        if any(each.view.to_photo[0, 0] > 1 for each in faces):
            raise CheckpointError("There is no finite score.")
        return predict(faces)

    monkeypatch.setattr(predictor, "predict", refuse_large)
    photos = [versions(folder, "clean", "blurred"), versions(folder, "enlarged", "clean")]

    good, bad = (scored for _, scored in score_in_groups(predictor, photos))

    assert good.errors == {}
    assert good.scores["clean"] is not None
    assert bad.scores == {"enlarged": None, "clean": None}
    assert bad.errors["clean"] == "There is no finite score."
