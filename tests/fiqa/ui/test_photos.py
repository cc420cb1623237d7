import gradio as gr
import pytest

from fiqa.ui.photos import LoadedPhotos, Tray, fill_trays, photos_in

PHOTOS = LoadedPhotos((("/cache/a.png", "a.png"), ("/cache/b.png", "Astronaut, blurred")))


@pytest.mark.parametrize("tray", [None, [], [("/cache/a.png", None)]])
def test_a_tray_shows_what_was_added_in_another_tab(tray: Tray) -> None:
    filled = fill_trays(PHOTOS, tray, [*PHOTOS.items])
    assert photos_in(filled[0]) != PHOTOS
    assert photos_in(filled[0]).items == PHOTOS.items
    assert filled[1] == gr.skip()


def test_a_name_that_is_the_files_is_no_caption() -> None:
    assert fill_trays(PHOTOS, None) == [("/cache/a.png", None), ("/cache/b.png", "Astronaut, blurred")]


def test_photos_that_others_replace_fill_no_tray() -> None:
    assert fill_trays(LoadedPhotos(PHOTOS.items, superseded=True), None) == gr.skip()
