import base64
import json
import re
import zipfile
from dataclasses import replace
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from fiqa.curation import persons, photo_facts
from fiqa.curation.rules import UNSCORED
from fiqa.ui.curate.examining import UploadExaminer
from fiqa.ui.curate.state import EXAMPLES, REFERENCE, SHARE, CurationState
from fiqa.ui.curate.tab import _Handlers
from fiqa.ui.curate.uploads import name_uploads
from fiqa.ui.service import PredictorService

LEVELS = {"a/dark.png": 51, "a/grey.png": 102, "b/light.png": 204, "b/black.png": 0, "b/notes.txt": None}
"""The fake predictor scores 0.2, 0.4 and 0.8, and refuses what is black."""
RULES: dict[str, Any] = {
    "way": SHARE,
    "share": 50,
    "score": 0.6,
    "percentile": 20,
    "alike": False,
    "best": 0,
    "without": [],
}
"""In the order of the page."""


@pytest.fixture
def archive(tmp_path: Path) -> str:
    """A zip of two folders, with a file that is no photo; the photos are flat, so all look alike."""
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for name, level in LEVELS.items():
            file = tmp_path / Path(name).name
            if level is None:
                file.write_text("not a photo")
            else:
                Image.fromarray(np.full((80, 100, 3), level, dtype=np.uint8)).save(file)
            packed.write(file, name)
    return str(path)


@pytest.fixture
def handlers(service: PredictorService) -> _Handlers:
    return _Handlers(service, UploadExaminer(service, lambda _checkpoint: None))


@pytest.fixture
def state(handlers: _Handlers, archive: str) -> CurationState:
    """The photos of the zip, scored."""
    begun, *_ = handlers.begin([archive], CurationState(), "first")
    list(handlers.score(begun, "first"))
    return begun


def verdicts(handlers: _Handlers, state: CurationState, **rules: Any) -> dict[str, str]:
    panel = handlers.sort(state, *{**RULES, **rules}.values())
    found = re.search(r'data-verdicts="([^"]*)"', panel)
    assert found, panel
    told = json.loads(unescape(found[1]))
    return {photo.facts.name: verdict for photo, (verdict, _) in zip(state.photos, told, strict=True)}


def saved(panel: str, name: str) -> str:
    """Return what a link of the panel saves."""
    found = re.search(rf'download="{name}" href="data:[^,]*base64,([^"]*)"', panel)
    assert found
    return base64.b64decode(found[1]).decode()


def test_a_zip_is_scored_photo_by_photo_and_what_is_bad_has_a_reason(handlers: _Handlers, archive: str) -> None:
    state, sheet, busy, _ = handlers.begin([archive], CurationState(), "first")
    assert (sheet, "4 photos" in busy or "Getting ready" in busy) == ("", True)
    *_, (sheet, _, slider, packing, _) = handlers.score(state, "first")
    assert [photo.facts.score for photo in state.photos] == [pytest.approx(x) for x in (0.2, 0.4, 0.8)] + [None]
    assert state.photos[-1].facts.error == "There is no face in this picture."
    assert [int(index) for index in re.findall(r'data-index="(\d)"', sheet)] == [2, 1, 0, 3]
    assert (slider["maximum"], packing["visible"]) == (1.0, True)


def test_moving_the_share_changes_the_verdicts(handlers: _Handlers, state: CurationState) -> None:
    names = ["a/dark.png", "a/grey.png", "b/light.png", "b/black.png"]
    assert verdicts(handlers, state, share=34) == dict(zip(names, ["drop", "drop", "keep", UNSCORED], strict=True))
    assert verdicts(handlers, state, share=67) == dict(zip(names, ["drop", "keep", "keep", UNSCORED], strict=True))
    panel = handlers.sort(state, *{**RULES, "share": 34}.values())
    assert "Threshold 0.800: keeps the best 34% of 3 photos." in panel
    assert 'class="threshold" style="left:80.00%"' in panel
    assert saved(panel, "kept.txt") == "b/light.png\n"
    assert saved(panel, "verdicts.csv").splitlines()[4] == "b/black.png,unscored,,"


def test_the_best_of_each_folder_and_of_what_looks_alike(handlers: _Handlers, state: CurationState) -> None:
    best = verdicts(handlers, state, share=100, best=1)
    assert [name for name, verdict in best.items() if verdict == "keep"] == ["a/grey.png", "b/light.png"]
    alike = verdicts(handlers, state, share=100, alike=True)
    assert [name for name, verdict in alike.items() if verdict == "keep"] == ["b/light.png"]


def test_a_threshold_from_a_reference_set(handlers: _Handlers, state: CurationState, tmp_path: Path) -> None:
    assert "Add a reference set" in handlers.sort(state, *{**RULES, "way": REFERENCE}.values())
    list(handlers.score_reference([str(tmp_path / "grey.png")], state, "first"))
    found = verdicts(handlers, state, way=REFERENCE)
    assert [name for name, verdict in found.items() if verdict == "keep"] == ["a/grey.png", "b/light.png"]
    assert 'class="reference" title="Reference set, 1 photos"' in handlers.sort(
        state, *{**RULES, "way": REFERENCE}.values()
    )
    assert "the reference set of 1 photos" in handlers.sort(state, *{**RULES, "way": REFERENCE}.values())
    with pytest.raises(gr.Error, match="Not one photo of the reference set"):
        list(handlers.score_reference([str(tmp_path / "black.png")], state, "first"))


def answer(handlers: _Handlers, state: CurationState, said: object, number: int | None = None) -> str:
    event = SimpleNamespace(answer=said, number=len(state.answers) if number is None else number)
    return handlers.answer(state, event)  # type: ignore[arg-type]  # what Gradio passes


def test_examples_are_shown_of_new_photos_too(handlers: _Handlers, archive: str) -> None:
    assert handlers.choose_way(EXAMPLES, CurationState())[-1] == ""  # there is no photo yet
    state, *_ = handlers.begin([archive], CurationState(), "first")
    *_, shown = handlers.score(state, "first", way=EXAMPLES)
    assert "1 of 3: is this photo good enough?" in shown[-1]


def test_examples_are_answered_one_by_one_and_give_a_threshold(handlers: _Handlers, state: CurationState) -> None:
    *_, panel = handlers.choose_way(EXAMPLES, state)
    assert "1 of 3: is this photo good enough?" in panel
    assert "Say of some examples" in handlers.sort(state, *{**RULES, "way": EXAMPLES}.values())
    scores = [state.photos[index].facts.score or 0 for index in state.examples]
    answer(handlers, state, "bad" if scores[0] < 0.3 else "good")
    assert "2 of 3" in answer(handlers, state, "nonsense")
    assert "2 of 3" in answer(handlers, state, "good", 0)  # a second answer to the first photo
    assert "1 of 3" in answer(handlers, state, "back")
    for score in scores:
        panel = answer(handlers, state, "good" if score > 0.3 else "bad")
    assert "2 good, 1 bad." in panel
    found = verdicts(handlers, state, way=EXAMPLES)
    assert [name for name, verdict in found.items() if verdict == "keep"] == ["a/grey.png", "b/light.png"]
    assert "It agrees with 3 of 3 examples" in handlers.sort(state, *{**RULES, "way": EXAMPLES}.values())


def test_what_is_kept_comes_as_a_zip_byte_for_byte(
    handlers: _Handlers, state: CurationState, archive: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    link = handlers.pack(state, *{**RULES, "share": 34}.values())
    found = re.search(r'href="gradio_api/file=([^"]*)"', link)
    assert found
    with zipfile.ZipFile(found[1]) as packed, zipfile.ZipFile(archive) as given:
        assert packed.namelist() == ["b/light.png"]
        assert packed.read("b/light.png") == given.read("b/light.png")
    assert Path(found[1]).is_relative_to(tmp_path / "uploads")
    with pytest.raises(gr.Error, match="Nothing is kept"):
        handlers.pack(state, *{**RULES, "way": "score", "score": 1.0}.values())


def test_photos_are_forgotten_after_a_while(handlers: _Handlers, state: CurationState) -> None:
    assert state.forget(before=state.made)
    assert not state.forget(before=state.made + 1)
    assert "deleted, as all are" in handlers.sort(state, *RULES.values())


def test_newer_photos_end_the_work_on_older_ones(handlers: _Handlers, archive: str) -> None:
    state, *_ = handlers.begin([archive], CurationState(), "first")
    handlers.begin(None, state, "first")
    assert list(handlers.score(state, "first")) == []
    assert not state.scored


def test_names_are_told_apart_and_zips_keep_their_folders(tmp_path: Path, archive: str) -> None:
    (tmp_path / "x").mkdir()
    one, other = tmp_path / "dark.png", tmp_path / "x" / "dark.png"
    other.write_bytes(one.read_bytes())
    assert list(name_uploads([str(one), str(other)])) == ["dark.png", "dark (2).png"]
    assert list(name_uploads([str(one), archive]))[:2] == ["dark.png", "photos/a/dark.png"]


def test_the_best_of_each_person_is_kept_where_a_table_says_who_is_on_a_photo(
    handlers: _Handlers, state: CurationState, tmp_path: Path
) -> None:
    table = tmp_path / "who.csv"
    table.write_text("Path;Person\nC:\\photos\\a\\grey.png;Eileen\nlight.png;Eileen\nelsewhere.png;Sally\n")
    handlers.read_persons(str(table), state)
    best = verdicts(handlers, state, share=100, best=1)
    assert best == {"a/dark.png": "keep", "a/grey.png": "drop", "b/light.png": "keep", "b/black.png": UNSCORED}
    panel = handlers.sort(state, *RULES.values())
    assert "1 of 3 rows of the table of persons name none of the photos, or no single one: elsewhere.png." in panel
    assert "2 of 4 photos have no person in the table and are grouped by folder: a/dark.png, b/black.png." in panel


def test_persons_are_told_by_their_faces_where_the_extra_is_there(
    handlers: _Handlers, state: CurationState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persons, "missing_identity", lambda: None)
    monkeypatch.setattr(photo_facts, "embed_face", lambda pixels, _: np.full(128, pixels.mean() // 150))
    before = verdicts(handlers, state, share=100, best=1)
    assert before == {"a/dark.png": "drop", "a/grey.png": "keep", "b/light.png": "keep", "b/black.png": UNSCORED}

    list(handlers.tell_persons(True, state, "first"))

    assert state.embedded
    found = verdicts(handlers, state, share=100, best=1, by_face=True)
    assert found == before
    state.persons = (("dark.png", "Eileen"),)
    assert "choose one" in handlers.sort(state, *RULES.values(), True)


def test_without_the_extra_a_sentence_says_how_persons_could_be_told(
    handlers: _Handlers, state: CurationState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persons, "missing_identity", lambda: "dlib is not installed")
    assert "dlib is not installed" in handlers.sort(state, *RULES.values(), True)


@pytest.mark.parametrize(
    ("table", "message"),
    [("file,who\na.png,Eileen\n", "who.csv lacks the columns path and person"), ("path,person\n", "names no person")],
)
def test_a_table_that_names_nobody_is_one_sentence(
    handlers: _Handlers, state: CurationState, tmp_path: Path, table: str, message: str
) -> None:
    (tmp_path / "who.csv").write_text(table)
    with pytest.raises(gr.Error, match=message):
        handlers.read_persons(str(tmp_path / "who.csv"), state)


def test_persons_of_other_photos_and_degradations_nobody_looked_for_are_one_sentence(
    handlers: _Handlers, state: CurationState
) -> None:
    assert "has no atlas yet" in handlers.sort(state, *{**RULES, "without": ["blur"]}.values())
    state.persons = (("elsewhere.png", "Sally"),)
    assert "names not one of these photos" in handlers.sort(state, *RULES.values())


def test_photos_with_a_degradation_are_dropped(handlers: _Handlers, state: CurationState) -> None:
    state.photos = tuple(
        replace(photo, facts=replace(photo.facts, degradation=kind))
        for photo, kind in zip(state.photos, ["jpeg", "gaussian_blur", "motion_blur", None], strict=True)
    )
    found = verdicts(handlers, state, share=100, without=["blur"])
    assert [name for name, verdict in found.items() if verdict == "keep"] == ["a/dark.png"]


def test_a_chosen_folder_is_taken_without_what_is_hidden_or_no_photo(
    handlers: _Handlers, tmp_path: Path, archive: str
) -> None:
    names = {"grey.png": "grey.png", "dark.png": ".dark.png", "notes.txt": "notes.txt"}
    files = [{"path": str(tmp_path / stored), "orig_name": name} for stored, name in names.items()]
    state, *_ = handlers.begin_folder(files, CurationState(), "first")
    assert archive
    assert [photo.facts.name for photo in state.photos] == ["grey.png"]
    for nothing in (None, [], files[1:]):
        _, _, panel, _ = handlers.begin_folder(nothing, CurationState(), "first")
        assert "There is no photo in what was uploaded" in panel


def test_bad_uploads_are_one_sentence(handlers: _Handlers, tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as packed:
        packed.writestr("notes.txt", "x")
    for name, message in (("bad.zip", "no zip that can be read"), ("empty.zip", "There is no photo")):
        _, _, panel, _ = handlers.begin([str(tmp_path / name)], CurationState(), "first")
        assert message in panel
    _, _, panel, _ = handlers.begin([f"/x/{number}.png" for number in range(201)], CurationState(), "first")
    assert "takes 200 at once" in panel
