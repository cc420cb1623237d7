import os
import time
from pathlib import Path

import pytest

from fiqa.ui import visitor_state
from fiqa_app.serving.upload_folder import UploadFolder

ROOT = Path(__file__).parents[3]


def put(path: Path, *, age_s: float) -> Path:
    """Put a file there that was last written `age_s` ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"a face")
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> UploadFolder:
    return UploadFolder(tmp_path / "uploads", kept_minutes=15)


def test_what_is_old_goes_with_its_folder_and_what_is_new_stays(folder: UploadFolder) -> None:
    old = put(folder.path / "hash" / "face.jpg", age_s=15 * 60)
    broken_off = put(folder.path / "tmpab12", age_s=3600)
    new = put(folder.path / "other" / "face.jpg", age_s=60)
    assert folder.sweep() == 2
    assert not old.parent.exists()
    assert not broken_off.exists()
    assert new.exists()


def test_nothing_is_older_than_promised_between_two_sweeps(folder: UploadFolder) -> None:
    put(folder.path / "face.jpg", age_s=14 * 60 + 1)  # the next sweep comes in a minute
    assert folder.sweep() == 1


def test_a_link_goes_and_what_it_leads_to_stays(folder: UploadFolder, tmp_path: Path) -> None:
    elsewhere = put(tmp_path / "elsewhere.txt", age_s=1e6)
    folder.path.mkdir()
    (folder.path / "link").symlink_to(elsewhere)
    (folder.path / "folder").symlink_to(tmp_path)
    folder.sweep(older_than_s=-1)
    assert elsewhere.exists()


def test_opening_deletes_what_a_killed_run_left(folder: UploadFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    put(folder.path / "face.jpg", age_s=3600)
    assert folder.open() == 1
    assert os.environ["GRADIO_TEMP_DIR"] == str(folder.path)


def test_only_this_user_may_look_into_the_folder(folder: UploadFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    folder.open()
    assert folder.path.stat().st_mode & 0o077 == 0


def test_the_folder_is_gradios_or_our_own(tmp_path: Path) -> None:
    named = UploadFolder.from_environment({"GRADIO_TEMP_DIR": str(tmp_path)}, kept_minutes=1)
    assert named.path == tmp_path
    assert UploadFolder.from_environment({}, kept_minutes=1).path.name == "fiqa-uploads"


def test_how_long_uploads_are_kept_is_written_once_and_the_documents_say_the_same() -> None:
    assert visitor_state.KEPT_S + visitor_state.SWEEP_S == 60 * visitor_state.KEPT_MINUTES
    documented = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    assert f"on the disk for {visitor_state.KEPT_MINUTES} minutes at most" in documented
