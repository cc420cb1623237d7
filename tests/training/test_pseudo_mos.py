"""Which photos are rendered, and numbers that make no sense; what a view is has its tests in data/test_rendering.py."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from training import pseudo_mos
from training.data.photos import FacePhoto, read_photo_folder
from training.data.rendering import Amounts, Use


@pytest.fixture
def rendered(photo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Use]]:
    """What would be rendered of a photo that is a reference and one that is none, in the order of their ids."""
    done: list[tuple[str, Use]] = []

    def note(photo: FacePhoto, use: Use, output: Path, amounts: Amounts, device: str) -> Path:
        done.append((photo.id, use))
        return output

    reference = read_photo_folder(photo_folder)[0]
    photos = [replace(reference, id="reference", pristine=True), replace(reference, id="real", pristine=False)]
    monkeypatch.setattr(pseudo_mos, "read_photo_folder", lambda _: photos)
    monkeypatch.setattr(pseudo_mos, "render_shard", note)
    monkeypatch.setattr(pseudo_mos, "ProcessPoolExecutor", lambda workers, initializer: ThreadPoolExecutor(1))
    return done


@pytest.mark.parametrize(("views", "real"), [("0", []), ("2", [("real", "real")])])
def test_photos_that_are_no_references_are_left_out_where_no_views_of_them_are_wanted(
    rendered: list[tuple[str, Use]], photo_folder: Path, tmp_path: Path, views: str, real: list[tuple[str, Use]]
) -> None:
    pseudo_mos.main(["--photos", str(photo_folder), "--output", str(tmp_path), "--real-views", views])
    assert [each for each in rendered if each[0] == "real"] == real
    assert [name for name, _ in rendered if name == "reference"] == ["reference"]


@pytest.mark.parametrize("option", ["--views", "--real-views", "--stacks", "--levels", "--workers"])
def test_a_negative_number_is_refused_with_what_is_expected(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        pseudo_mos.main(["--photos", str(tmp_path), option, "-1"])
    assert "expected a whole number" in capsys.readouterr().err
