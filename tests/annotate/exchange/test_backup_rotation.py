"""Old backups go, with what was deleted since; nobody is left without one, and no foreign file is touched."""

from datetime import timedelta
from pathlib import Path

import pytest

from annotate import queries
from annotate.database.backup import back_up, restore, verify
from annotate.database.engine import Database
from annotate.errors import BackupError
from annotate.exchange.backup_archive import back_up_all
from annotate.exchange.backup_rotation import Rotation, rotate_backups
from tests.annotate.studies import NOW, candidates, honest_ratings, make_study, rate

LATER = NOW + timedelta(days=40)


@pytest.fixture
def file(sqlite_database: Database, tmp_path: Path) -> Path:
    study_id = make_study(sqlite_database, tmp_path, candidates(2))
    rate(sqlite_database, study_id, honest_ratings(["000.png", "001.png"], 2))
    (tmp_path / "backups").mkdir()
    assert sqlite_database.sqlite_path
    return sqlite_database.sqlite_path


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in (folder / "backups").iterdir())


def test_only_what_is_too_old_goes(file: Path, tmp_path: Path) -> None:
    for days in (0, 5, 35):
        back_up(file, tmp_path / "backups", NOW + timedelta(days=days))
    (tmp_path / "backups" / "ratings-of-my-own.sqlite3").write_text("mine")
    elsewhere = Path(back_up(file, tmp_path / "elsewhere.sqlite3", NOW).path)
    rotated = rotate_backups(file, tmp_path, 30, LATER)
    assert [each.name for each in rotated.removed] == [
        "ratings-20260301T123000Z.sqlite3",
        "ratings-20260306T123000Z.sqlite3",
    ]
    assert rotated.made == ()
    assert names(tmp_path) == ["ratings-20260405T123000Z.sqlite3", "ratings-of-my-own.sqlite3"]
    assert elsewhere.exists()
    assert rotate_backups(file, tmp_path, 30, LATER) == Rotation()


def test_a_deleted_person_leaves_all_backups_and_nobody_is_without(
    file: Path, sqlite_database: Database, tmp_path: Path
) -> None:
    back_up(file, tmp_path / "backups", NOW)
    back_up_all(file, tmp_path, tmp_path / "backups", NOW)
    restore(tmp_path / "backups" / "ratings-20260301T123000Z.sqlite3", file, NOW)
    with sqlite_database.write() as db:
        person = queries.participants.get_participant(db, 1, "p00")
        queries.participants.delete_participant(db, person, NOW)
    rotated = rotate_backups(file, tmp_path, 30, LATER)
    assert len(rotated.removed) == 3  # with what the restore kept
    assert len(rotated.made) == 2
    assert all("20260410" in name for name in names(tmp_path))
    assert verify(next((tmp_path / "backups").glob("*.sqlite3"))).ratings == 2
    assert not list(file.parent.glob("*before-restore*"))


def test_where_no_new_one_can_be_made_the_old_ones_stay(file: Path, tmp_path: Path) -> None:
    back_up(file, tmp_path / "backups", NOW)
    with pytest.raises(BackupError):
        rotate_backups(tmp_path / "gone.sqlite3", tmp_path, 30, LATER)
    assert len(names(tmp_path)) == 1


def test_zero_days_keep_all(file: Path, tmp_path: Path) -> None:
    back_up(file, tmp_path / "backups", NOW)
    assert rotate_backups(file, tmp_path, 0, LATER) == Rotation()
    assert len(names(tmp_path)) == 1
