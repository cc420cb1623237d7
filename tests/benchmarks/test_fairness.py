"""The figures of the fairness benchmark: the same in file and card, of the bundled weights, and measured right."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image

from benchmarks import fairness
from benchmarks.fairness_report import BLOCK, report
from fiqa.audit.summary import Audit
from tests.training.face_shape import face_landmarks
from training.data.photos import read_photo_folder
from training.report.tables import replace_block

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "benchmarks" / "fairness.json"
FIGURES: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six photos of three people, of whom one is generated, and one photo of nobody knows whom."""
    folder = tmp_path_factory.mktemp("photos")
    Image.fromarray(np.asarray(skimage.data.astronaut())[:320, 60:380]).save(folder / "astronaut.png")
    people = ["ann", "ann", "bob", "bob", "made", "made", None]
    entries = [
        {
            "id": f"photo{index}", "file": "astronaut.png", "source_repo": "studio" if person else "web",
            "tag": "pristine", "person": person, "synthetic": person == "made",
            "group": None if person is None else {"sex": "female", "age": "NA" if person == "bob" else "33"},
            "landmarks68": face_landmarks(centre=(162, 130), width_px=96).tolist(),
        }
        for index, person in enumerate(people)
    ]  # fmt: skip
    (folder / "faces.json").write_text(json.dumps(entries), encoding="utf-8")
    return folder


def test_the_model_card_states_the_figures_that_were_kept() -> None:
    card = (ROOT / "docs" / "model_card.md").read_text(encoding="utf-8")
    assert card == replace_block(card, BLOCK, report(FIGURES)), (
        "run: python -m benchmarks.fairness --read benchmarks/fairness.json --card docs/model_card.md"
    )


def test_the_figures_are_those_of_the_bundled_weights() -> None:
    card = json.loads((ROOT / "assets" / "checkpoints" / "lite" / "checkpoint.json").read_text(encoding="utf-8"))
    assert {each["sha256"] for each in FIGURES["audits"].values()} == {card["sha256"]}, (
        "lite was exchanged: measure again"
    )


def test_only_people_who_gave_it_have_a_sex_and_an_age(folder: Path) -> None:
    photos = fairness.grouped_photos(folder, read_photo_folder(folder))
    assert [dict(photo.groups) for photo in photos[::2]] == [
        {"photos from": "studio", "sex": "female", "age": "30 to 44"},
        {"photos from": "studio", "sex": "female"},
        {"photos from": "studio"},
        {"photos from": "many sources, in the wild"},
    ]


def test_two_copies_of_one_photo_have_the_same_skin_tone_and_light_moves_it(folder: Path) -> None:
    trust = fairness.skin_tone_trust(read_photo_folder(folder)[:4])
    assert (trust["people"], trust["pairs"]) == (2, 2)
    assert (trust["same_person_deg"], trust["same_person_class"], trust["people_deg"]) == (0, 1, 0)
    assert 3 < trust["half_a_stop_deg"] < 40


def test_without_two_photos_of_a_person_nothing_is_claimed_of_skin_tone(folder: Path) -> None:
    trust = fairness.skin_tone_trust(read_photo_folder(folder)[:1])
    assert trust["same_person_deg"] is None
    assert "was not measured" in report({"audits": {}, "skin_tone": trust})


def test_kept_figures_are_written_into_a_card_and_drawn(tmp_path: Path) -> None:
    card, figure = tmp_path / "card.md", tmp_path / "fairness.png"
    card.write_text(f"# Card\n<!-- {BLOCK} -->\n<!-- /{BLOCK} -->\nend\n")
    fairness.main(["--read", str(KEPT), "--card", str(card), "--figure", str(figure)])
    assert report(FIGURES) in card.read_text()
    with Image.open(figure) as drawing:
        assert drawing.width > 500


def test_every_audit_has_groups_people_and_a_gap() -> None:
    for content in FIGURES["audits"].values():
        audit = Audit.from_dict(content)
        assert audit.people > 20
        assert any(gap for column in audit.columns for gap in column.gaps.values())
