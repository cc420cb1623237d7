"""Names under which something could be imported before it moved stay valid."""

from importlib import import_module

import pytest


@pytest.mark.parametrize(
    ("former", "present", "name"),
    [
        ("fiqa.attention", "fiqa.maps.explain", "explain"),
        ("fiqa.checkpoints", "fiqa.loading", "choose_device"),
        ("fiqa.checkpoints", "fiqa.loading", "fetch_checkpoint"),
        ("fiqa.checkpoints", "fiqa.loading", "load_network"),
        ("fiqa.checkpoints", "fiqa.loading", "load_predictor"),
        ("fiqa.faces", "fiqa.faces.finders", "load_face_finder"),
        ("fiqa.images", "fiqa.photos.images", "decode_photo"),
        ("fiqa.maps", "fiqa.maps.face_maps", "KINDS"),
    ],
)
def test_a_former_name_is_the_present_one(former: str, present: str, name: str) -> None:
    assert getattr(import_module(former), name) is getattr(import_module(present), name)


def test_a_name_that_never_was_there_is_refused() -> None:
    with pytest.raises(AttributeError, match="load_everything"):
        import_module("fiqa.checkpoints").load_everything  # noqa: B018  the access is what is tested
