from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from fiqa import load_predictor
from fiqa.curation import persons
from fiqa.curation.curation import CurationOptions
from fiqa.curation.persons import group_by_face
from fiqa.curation.photo_facts import PhotoFacts, examine_photo
from fiqa.curation.rules import SortedPhoto
from fiqa.degradation.synthetic import degrade
from fiqa.errors import SettingError
from fiqa.faces.identity import missing_identity
from tests.fiqa.curation.conftest import MakeFacts


def test_faces_that_are_near_each_other_are_one_person_and_others_are_not(facts: MakeFacts) -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 128))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    who = [2, 0, 2, 1, 2, 0]
    photos = [
        facts(f"{number}.jpg", embedding=tuple(centres[person] + rng.normal(scale=0.01, size=128)))
        for number, person in enumerate(who)
    ]
    found = group_by_face([*photos, facts("none.jpg"), facts("damaged.jpg", None)])
    numbers = {2: 1, 0: 2, 1: 3}  # the most photos first
    assert found == {f"{number}.jpg": f"person {numbers[person]}" for number, person in enumerate(who)}


def test_one_face_is_one_person_and_none_nobody(facts: MakeFacts) -> None:
    assert group_by_face([facts("a.jpg", embedding=(0.0,) * 128)]) == {"a.jpg": "person 1"}
    assert group_by_face([facts("a.jpg")]) == {}


def test_embeddings_are_kept_but_not_reported(facts: MakeFacts) -> None:
    known = facts("a.jpg", embedding=(0.5, -0.25))
    assert PhotoFacts.from_dict(known.to_dict()) == known
    assert "embedding" not in SortedPhoto(known, "keep", ".").to_dict()


def test_too_many_faces_are_one_sentence(facts: MakeFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persons, "MOST_FACES", 1)
    with pytest.raises(SettingError, match="2 faces are too many"):
        group_by_face([facts(name, embedding=(0.0,)) for name in "ab"])


def test_without_the_extra_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persons, "missing_identity", lambda: "dlib is not installed")
    with pytest.raises(SettingError, match=r"dlib is not installed; pip install 'fiqa\[identity\]'"):
        CurationOptions(persons_by_face=True)


@pytest.mark.slow
@pytest.mark.skipif(missing_identity() is not None, reason="the extra identity is not installed")
def test_a_damaged_face_is_still_the_same_person(tmp_path: Path) -> None:
    predictor = load_predictor("lite", device="cpu", finder="bundled")
    photos = {"clean": astronaut(), "noisy": degrade(astronaut(), [("gaussian_noise", 0.3)])}
    for name, pixels in photos.items():
        Image.fromarray(pixels[:300, 80:380]).save(tmp_path / f"{name}.png")
    examined = [examine_photo(predictor, str(tmp_path / f"{name}.png"), name, embeds=True) for name in photos]
    assert group_by_face(examined) == {"clean": "person 1", "noisy": "person 1"}
