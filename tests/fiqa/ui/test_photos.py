"""Photos that were added in one tab stand in the trays of the others."""

import gradio as gr

from fiqa.ui.photos import LoadedPhotos, fill_tray, photos_in

PHOTOS = LoadedPhotos((("/cache/a.png", "a.png"), ("/cache/b.png", "Astronaut, blurred")), tray="score")


def test_a_tray_shows_what_was_put_into_another_one() -> None:
    filled = fill_tray(PHOTOS, "attention")
    assert photos_in(filled, "attention").items == PHOTOS.items
    assert filled == [("/cache/a.png", None), ("/cache/b.png", "Astronaut, blurred")]  # a file's name is no caption


def test_a_tray_into_which_the_visitor_may_have_put_others_by_now_is_left_alone() -> None:
    assert fill_tray(PHOTOS, "score") == gr.skip()
    assert fill_tray(LoadedPhotos(tray="score"), "score") == gr.skip()  # emptied


def test_photos_of_no_tray_stand_in_all() -> None:
    assert fill_tray(LoadedPhotos(PHOTOS.items), "score") == fill_tray(PHOTOS, "attention")


def test_photos_that_others_replace_fill_no_tray() -> None:
    assert fill_tray(LoadedPhotos(PHOTOS.items, superseded=True), "attention") == gr.skip()
