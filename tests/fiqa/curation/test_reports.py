import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest

from fiqa.curation import contact_sheet, lists, reports
from fiqa.curation.curation import Curation
from fiqa.curation.photo_facts import PhotoFacts
from fiqa.curation.rules import Rules, sort_photos
from fiqa.curation.thresholds import threshold_from_examples
from fiqa.errors import SettingError
from tests.fiqa.curation.conftest import MakeCuration, MakeFacts


@pytest.fixture
def sorted_photos(facts: MakeFacts, tmp_path: Path) -> Curation:
    photos = [facts("a.jpg", 0.8, degradation="jpeg", probability=0.7), facts("<b>\n.jpg", 0.58), facts("c.jpg", None)]
    threshold = threshold_from_examples([0.8], [0.4])
    stamp = {"version": "1", "checkpoint": "lite", "sha256": None}
    found = tuple(sort_photos(photos, Rules(threshold=threshold.value)))
    return Curation(tmp_path, found, threshold, (0.0, 1.0), stamp, ("2 files that are no photos were passed over",))


def test_the_table_has_a_line_a_photo_and_says_where_the_threshold_is_from(sorted_photos: Curation) -> None:
    lines = reports.to_table(sorted_photos).splitlines()
    assert lines[1].startswith("keep       0.800     0.750–0.850       100  a.jpg")
    assert lines[2].startswith("maybe      0.580     0.530–0.630       100  <b>?.jpg")
    assert lines[3].startswith("unscored       –")
    assert lines[5:] == [
        "3 photos: 1 keep, 1 maybe, 1 unscored.",
        "Threshold 0.600: from 1 good and 1 bad examples.",
        "It agrees with 2 of 2 examples; found without each of them in turn, with 0 of 2.",
        "2 files that are no photos were passed over",
    ]


def test_a_long_name_is_whole_and_pushes_no_other_line_aside(facts: MakeFacts, tmp_path: Path) -> None:
    long = f"{'x' * 200}.jpg"
    photos = tuple(sort_photos([facts("a.jpg", 0.4, half=0.01), facts(long, 0.3, half=0.01)], Rules(threshold=0.5)))
    head, first, second, below = reports.to_table(Curation(tmp_path, photos, None, (0.0, 1.0), {})).splitlines()[:4]
    assert max(map(len, (head, first, below))) < 120
    assert second.endswith(long)
    assert below.strip() == "below 0.500"
    assert below.index("below") == second.index(long) == first.index("a.jpg")


def test_json_has_every_face_and_the_stamp(sorted_photos: Curation) -> None:
    written = json.loads(reports.to_json(sorted_photos))
    assert written["counts"] == {"keep": 1, "maybe": 1, "drop": 0, "unscored": 1}
    assert written["threshold"]["agreement"] == {"right": 2, "left_out": 0, "examples": 2}
    first, _, last = written["photos"]
    assert first["faces"][0]["pose_deg"] == {"yaw": 1.0, "pitch": -2.0, "roll": 3.0}
    assert (first["face"], first["degradation"]) == (1, "jpeg")
    assert (last["score"], last["face"], last["error"]) == (None, None, "c.jpg is damaged.")
    assert written["stamp"]["checkpoint"] == "lite"


def test_csv_and_parquet_have_the_same_columns_and_values(sorted_photos: Curation) -> None:
    from io import StringIO

    csv = pd.read_csv(StringIO(reports.to_csv(sorted_photos)))
    parquet = pd.read_parquet(BytesIO(reports.to_parquet(sorted_photos)))
    assert list(csv) == list(parquet) == list(reports.COLUMNS)
    assert parquet["score"].tolist()[:2] == csv["score"].tolist()[:2] == [0.8, 0.58]
    assert parquet["verdict"].tolist() == csv["verdict"].tolist()
    assert parquet["face_px"].isna().tolist() == [False, False, True]


def test_parquet_without_its_package_is_one_sentence(sorted_photos: Curation, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_arguments: object, **_options: object) -> None:
        raise ImportError("pyarrow")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", missing)
    with pytest.raises(SettingError, match=r"pip install 'fiqa\[parquet\]'"):
        reports.to_parquet(sorted_photos)


def test_facts_are_read_back_as_they_were_written(facts: MakeFacts) -> None:
    for photo in (facts("a", 0.8, hash="ab", notices=("n",)), facts("b", None)):
        assert PhotoFacts.from_dict(json.loads(json.dumps(photo.to_dict()))) == photo


def written(curation: Curation, suffix: str) -> str:
    return lists.list_format(suffix)(lists.list_photos(curation.photos, curation.folder))


def test_lists_carry_captions_with_their_pictures(curation: MakeCuration) -> None:
    made = curation({"a.jpg": "keep", "b.jpg": "keep"}, {"a.txt": "a woman, smiling\n"})
    rows = [json.loads(line) for line in written(made, ".jsonl").splitlines()]
    assert [(row["path"], row["caption"]) for row in rows] == [
        (str(made.folder / "a.jpg"), "a woman, smiling"),
        (str(made.folder / "b.jpg"), None),
    ]
    assert written(made, ".TXT").splitlines() == [row["path"] for row in rows]
    assert written(made, ".csv").splitlines()[1].endswith('keep,0.5,"a woman, smiling"')


def test_lists_that_cannot_be_written_are_one_sentence(curation: MakeCuration) -> None:
    made = curation({"a.jpg": "keep"}, {})
    with pytest.raises(SettingError, match=r"one of \.txt, \.csv, \.jsonl, not in '\.xml'"):
        written(made, ".xml")
    (made.folder / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingError, match="expected text in UTF-8"):
        written(made, ".jsonl")
    broken = replace(made.photos[0], facts=replace(made.photos[0].facts, name="a\n.jpg"))
    with pytest.raises(SettingError, match="holds a line end"):
        written(replace(made, photos=(broken,)), ".txt")


def test_the_contact_sheet_shows_every_photo_once_and_escapes_their_names(sorted_photos: Curation) -> None:
    page = contact_sheet.to_html(sorted_photos)
    assert [page.count(f"<h2>{verdict} (1)</h2>") for verdict in ("Keep", "Maybe", "Unscored")] == [1, 1, 1]
    assert "&lt;b&gt;" in page
    assert "<b>\n.jpg" not in page
    assert page.count("<li><") == 3
    assert "//" not in page  # nothing is fetched
