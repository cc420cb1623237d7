from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from unittest.mock import Mock

import gradio as gr
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fiqa.errors import PhotoError
from fiqa.ui.photos import MOST_PHOTOS, LoadedPhotos
from fiqa.ui.score.tab import _Handlers, pick_example, score_if_possible, score_photo
from fiqa.ui.service import GENERIC_MESSAGE, PredictorService
from tests.fiqa.ui.conftest import load, spec

Save = Callable[..., str]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Save a photo of one level and return its path."""

    def save_level(level: int, name: str = "photo.png") -> str:
        Image.new("RGB", (100, 80), (level,) * 3).save(tmp_path / name)
        return str(tmp_path / name)

    return save_level


@pytest.fixture
def handlers(service: PredictorService) -> _Handlers:
    return _Handlers(service)


def test_a_photo_is_decoded_once_and_the_time_for_it_counts(
    service: PredictorService, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(102)
    service.start().result()  # a predictor warms up on a photo of its own
    opened = Mock(wraps=Image.open)
    monkeypatch.setattr(Image, "open", opened)
    photo, result = score_photo(service, "first", path)
    opened.assert_called_once()
    assert photo.shape == (80, 100, 3)
    assert result.timings_ms["decode"] > 0
    assert result.score == pytest.approx(0.4)
    assert result.timings_ms["total"] == pytest.approx(5 + result.timings_ms["decode"])


def test_one_photo_gives_its_result(handlers: _Handlers, save: Save) -> None:
    *_, panel = handlers.show_scores(LoadedPhotos(((save(102), "mine.png"),)), "first")
    assert "<b>0.40</b>" in panel


def test_many_photos_report_progress_and_then_a_table(handlers: _Handlers, save: Save) -> None:
    items = tuple((save(50 * n, f"{n}.png"), f"{n}.png") for n in range(4))
    first, *_, last = handlers.show_scores(LoadedPhotos(items), "first")
    assert "0 of 4 photos scored" in first
    assert "3 of 4 photos scored" in last
    assert "There is no face in this picture." in last


def test_an_unreadable_photo_gives_a_sentence(handlers: _Handlers, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("not a photo", encoding="utf-8")
    *_, panel = handlers.show_scores(LoadedPhotos(((str(tmp_path / "notes.jpg"), "notes.jpg"),)), "first")
    assert 'role="alert"' in panel
    assert "notes.jpg" in panel


def test_a_photo_that_is_gone_gives_a_sentence(handlers: _Handlers, tmp_path: Path) -> None:
    *_, panel = handlers.show_scores(LoadedPhotos(((str(tmp_path / "gone.jpg"), "gone.jpg"),)), "first")
    assert 'role="alert"' in panel


def test_what_nobody_foresaw_is_not_shown(handlers: _Handlers, save: Save) -> None:
    *_, panel = handlers.show_scores(LoadedPhotos(((save(255), "white.png"),)), "first")
    assert GENERIC_MESSAGE in panel
    assert "/secret/path" not in panel


def test_too_many_photos_are_refused_before_any_is_scored(handlers: _Handlers, save: Save) -> None:
    items = ((save(102), "a.png"),) * (MOST_PHOTOS + 1)
    (panel,) = handlers.show_scores(LoadedPhotos(items), "first")
    assert f"takes {MOST_PHOTOS} at once" in panel


def test_an_emptied_tray_empties_the_panel(handlers: _Handlers) -> None:
    photos, panel = handlers.take_photos(None, LoadedPhotos(), "first")
    assert photos.items == ()
    assert "Your score appears here" in panel


def test_photos_are_named_by_caption_or_file(handlers: _Handlers) -> None:
    tray = [("/cache/a.png", None), ("/cache/image.png", "Astronaut")]
    photos, panel = handlers.take_photos(tray, LoadedPhotos(), "first")
    assert [name for _, name in photos.items] == ["a.png", "Astronaut"]
    assert "few seconds longer" in panel


def test_adding_the_same_photo_again_is_a_change(handlers: _Handlers) -> None:
    first, _ = handlers.take_photos([("/cache/a.png", None)], LoadedPhotos(), "first")
    second, _ = handlers.take_photos([("/cache/a.png", None)], first, "first")
    assert first != second


def test_a_batch_ends_when_other_photos_take_its_place(handlers: _Handlers, save: Save) -> None:
    photos = LoadedPhotos(((save(102), "a.png"),) * 5)
    panels = handlers.show_scores(photos, "first")
    assert "0 of 5" in next(panels)
    handlers.take_photos(None, photos, "first")
    assert list(panels) == []


@pytest.mark.parametrize("index", [-1, 99, "0", None])
def test_only_our_examples_can_be_picked(index: object) -> None:
    with pytest.raises(gr.Error, match="does not exist"):
        pick_example(gr.EventData(None, {"index": index}))


def test_an_example_is_a_file_of_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    ((path, caption),) = pick_example(gr.EventData(None, {"index": 5}))
    assert (Path(path).name, caption) == ("astronaut-too-dark.png", "Astronaut, too dark")
    with Image.open(path) as photo:
        assert photo.size == (512, 512)


def test_the_api_gives_the_dictionary_of_the_command_line(handlers: _Handlers, save: Save) -> None:
    answer = handlers.score(Path(save(102)).read_bytes(), "first")
    assert answer["score"] == pytest.approx(0.4)
    assert answer["error"] is None
    assert len(answer["faces"][0]["landmarks"]) == 68


@pytest.mark.parametrize(("option", "asked"), [("largest", "largest, None"), ("ffhq", "main, ffhq")])
def test_the_page_asks_for_the_chosen_face(handlers: _Handlers, save: Save, option: str, asked: str) -> None:
    photo = (save(102), "a.png")
    *_, panel = handlers.show_scores(LoadedPhotos((photo,)), "first", option)
    assert asked in panel
    *_, table = handlers.show_scores(LoadedPhotos((photo, photo)), "first", option)
    assert table.count(asked) == 2


def test_programs_ask_for_a_face_by_number_or_for_none_to_be_found(handlers: _Handlers, save: Save) -> None:
    path = save(102)
    assert handlers.score(Path(path).read_bytes(), "first", "2")["notices"] == ["2, None"]
    assert handlers.score_batch([path], "first", "main", "gfiqa")[0]["notices"] == ["main, gfiqa"]
    with pytest.raises(gr.Error, match="no face 'biggest'"):
        handlers.score(Path(path).read_bytes(), "first", "biggest")


@pytest.mark.parametrize("photo", [None, b"", b"not a photo"])
def test_the_api_refuses_politely(handlers: _Handlers, photo: bytes | None) -> None:
    with pytest.raises(gr.Error) as caught:
        handlers.score(photo, "first")
    assert caught.value.message
    assert caught.value.message.endswith(".")


def test_the_batch_api_scores_the_good_ones(handlers: _Handlers, save: Save, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("not a photo", encoding="utf-8")
    good, bad = handlers.score_batch([save(102, "good.png"), str(tmp_path / "notes.jpg")], "first")
    assert (good["file"], good["error"]) == ("good.png", None)
    assert good["score"] == pytest.approx(0.4)
    assert (bad["file"], bad["score"]) == ("notes.jpg", None)
    assert "notes.jpg" in bad["error"]


def test_pixels_of_refused_photos_never_reach_the_predictor(service: PredictorService) -> None:
    def never(_: str, __: NDArray[np.uint8]) -> None:
        raise AssertionError("The predictor was asked.")

    service.score = never  # type: ignore[method-assign,assignment]
    with pytest.raises(PhotoError):
        score_photo(service, "first", b"not a photo")


def test_a_picture_that_gets_no_score_has_none_and_new_checkpoints_are_looked_for() -> None:
    present = [spec("first")]
    service = PredictorService(load, present[:], "first", lambda: present)
    present.append(spec("new"))
    photo = BytesIO()
    Image.new("RGB", (32, 32), (51, 51, 51)).save(photo, "PNG")
    assert score_if_possible(service, "new", photo.getvalue()) == pytest.approx(0.2)
    assert score_if_possible(service, "new", b"no picture") is None
    assert score_if_possible(service, "missing", photo.getvalue()) is None
