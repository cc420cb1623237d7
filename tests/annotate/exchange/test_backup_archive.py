"""A ZIP of everything: what is in it comes back, and nothing else gets in."""

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from annotate import queries
from annotate.database.engine import Database, open_database
from annotate.errors import BackupError
from annotate.exchange.backup_archive import back_up_all, restore_all
from annotate.stimuli.files import stimulus_path
from tests.annotate.studies import candidates, honest_ratings, make_study, picture, rate

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.fixture
def archive(sqlite_database: Database, tmp_path: Path) -> Path:
    """Return a backup of a study with three pictures and six ratings; the pictures are in `data`."""
    study_id = make_study(sqlite_database, tmp_path / "data", candidates(3))
    rate(sqlite_database, study_id, honest_ratings(["000.png", "001.png", "002.png"], 2))
    (tmp_path / "backups").mkdir()
    path = sqlite_database.sqlite_path
    assert path
    report = back_up_all(path, tmp_path / "data", tmp_path / "backups", NOW)
    assert (report.ratings, report.pictures) == (6, 3)
    return Path(report.path)


def test_everything_comes_back_elsewhere(archive: Path, tmp_path: Path) -> None:
    assert archive.name == "studies-20260506T070809Z.zip"
    with zipfile.ZipFile(archive) as opened:
        assert f"python -m annotate restore {archive.name}" in opened.read("README.txt").decode()
    report = restore_all(archive, tmp_path / "new" / "ratings.sqlite3", tmp_path / "new", NOW)
    assert (report.studies, report.ratings, report.pictures) == (1, 6, 3)
    opened_again = open_database(f"sqlite:///{tmp_path / 'new' / 'ratings.sqlite3'}")
    with opened_again.read() as db:
        stimuli = list(queries.stimuli.all_stimuli(db, queries.studies.find_study(db, "faces").id))
    opened_again.close()
    kept = [stimulus_path(tmp_path / "new", each.sha256, each.format).read_bytes() for each in stimuli]
    assert kept == [picture(number) for number in range(3)]


def test_pictures_that_are_there_stay_and_those_missing_are_put_back(archive: Path, tmp_path: Path) -> None:
    first, second, *_ = sorted((tmp_path / "data" / "stimuli").rglob("*.png"))
    before = first.stat().st_mtime_ns
    second.unlink()
    restore_all(archive, tmp_path / "ratings.sqlite3", tmp_path / "data", NOW)
    assert first.stat().st_mtime_ns == before
    assert second.is_file()


@pytest.mark.parametrize("name", ["../outside.png", "stimuli/aa/notes.txt", f"stimuli/ab/{64 * 'a'}.png"])
def test_a_zip_with_other_files_is_refused_and_nothing_is_written(archive: Path, tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(name, b"no")
    with pytest.raises(BackupError, match="is no backup of this app"):
        restore_all(archive, tmp_path / "new" / "ratings.sqlite3", tmp_path / "new", NOW)
    assert not (tmp_path / "new").exists()


def test_a_picture_that_is_not_what_its_name_says_is_refused(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(f"stimuli/aa/{64 * 'a'}.png", b"another picture")
    with pytest.raises(BackupError, match="is damaged at stimuli/aa"):
        restore_all(archive, tmp_path / "new" / "ratings.sqlite3", tmp_path / "new", NOW)
    assert not (tmp_path / "new" / "ratings.sqlite3").exists()


def test_a_missing_picture_is_said_and_leaves_no_file(sqlite_database: Database, archive: Path, tmp_path: Path) -> None:
    next((tmp_path / "data" / "stimuli").rglob("*.png")).unlink()
    path = sqlite_database.sqlite_path
    assert path
    with pytest.raises(BackupError, match=r"\.png is missing"):
        back_up_all(path, tmp_path / "data", tmp_path / "other.zip", NOW)
    assert not list(tmp_path.glob("*other.zip*"))
    with pytest.raises(BackupError, match="exists already"):
        back_up_all(path, tmp_path / "data", archive, NOW)


def test_what_is_no_zip_is_said(tmp_path: Path) -> None:
    (tmp_path / "notes.zip").write_text("no ZIP")
    with pytest.raises(BackupError, match="cannot be restored"):
        restore_all(tmp_path / "notes.zip", tmp_path / "ratings.sqlite3", tmp_path, NOW)
