"""An export that was interrupted is gone on with, an older one is replaced, and nothing else is."""

import shutil
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from annotate import queries
from annotate.database.engine import Database
from annotate.errors import ExportError
from annotate.exchange.export import export_study
from annotate.exchange.layout import LabelledStimulus
from annotate.queries.imports import ImportedRating
from annotate.stimuli.files import Candidate, stimulus_path
from tests.annotate.exchange.exported import COUNT, NAMES, PEOPLE, contents, labels, table
from tests.annotate.studies import honest_ratings, make_study, picture, rate


class StoppedError(Exception):
    """Stands for a killed process."""


def test_interrupted_export_shows_nothing_and_is_gone_on_with(
    database: Database, study_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_after_ten(pictures: Sequence[LabelledStimulus]) -> Iterable[LabelledStimulus]:
        yield from pictures[:10]
        raise StoppedError

    with pytest.raises(StoppedError):
        export_study(database, study_id, tmp_path, tmp_path / "out", progress=stop_after_ten)
    assert not (tmp_path / "out").exists()
    copied: list[str] = []
    copy = shutil.copyfile

    def counted(source: Any, target: Any) -> None:
        copied.append(str(source))
        copy(source, target)

    monkeypatch.setattr("shutil.copyfile", counted)
    export_study(database, study_id, tmp_path, tmp_path / "out")
    assert len(copied) == COUNT - 10
    assert len(labels(tmp_path / "out")) == COUNT
    assert not (tmp_path / "out.part").exists()


def test_export_stopped_at_its_very_beginning_is_gone_on_with(
    database: Database, study_id: int, tmp_path: Path
) -> None:
    (tmp_path / "out.part").mkdir()
    (tmp_path / "out.part" / ".protocol.json.writing").write_text('{"stu')
    export_study(database, study_id, tmp_path, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.writing"))
    assert len(labels(tmp_path / "out")) == COUNT


def test_going_on_after_more_ratings_leaves_nothing_behind(database: Database, study_id: int, tmp_path: Path) -> None:
    def stop_at_the_end(pictures: Sequence[LabelledStimulus]) -> Iterable[LabelledStimulus]:
        yield from pictures
        raise StoppedError

    with pytest.raises(StoppedError):
        export_study(database, study_id, tmp_path, tmp_path / "out", progress=stop_at_the_end)
    rate(database, study_id, _reversed_ratings())
    export_study(database, study_id, tmp_path, tmp_path / "out")
    images = {name for name in contents(tmp_path / "out") if "/img/" in name}
    assert images == labels(tmp_path / "out").keys()


def _reversed_ratings() -> list[ImportedRating]:
    """Return ratings by others that turn the order of the pictures round."""
    return [
        ImportedRating(name, f"q{person}", float(5 - 4 * place // COUNT))
        for person in range(3 * PEOPLE)
        for place, name in enumerate(NAMES)
    ]


def test_leftovers_of_another_study_are_not_used(database: Database, study_id: int, tmp_path: Path) -> None:
    def stop(pictures: Sequence[LabelledStimulus]) -> Iterable[LabelledStimulus]:
        yield from pictures
        raise StoppedError

    with pytest.raises(StoppedError):
        export_study(database, study_id, tmp_path, tmp_path / "out", progress=stop)
    shifted = [Candidate(name, partial(picture, 300 + place)) for place, name in enumerate(NAMES)]
    other = make_study(database, tmp_path, shifted, name="other")
    rate(database, other, honest_ratings(NAMES, 2))
    export_study(database, other, tmp_path, tmp_path / "out")
    for row in table(tmp_path / "out" / "mos.csv"):
        assert (tmp_path / "out" / row["image"]).read_bytes() == picture(300 + NAMES.index(row["stimulus"]))


def test_older_export_is_replaced_and_nothing_else_is(database: Database, study_id: int, tmp_path: Path) -> None:
    export_study(database, study_id, tmp_path, tmp_path / "out")
    export_study(database, study_id, tmp_path, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.glob("out*")) == ["out"]
    (tmp_path / "out" / "notes.txt").write_text("mine")
    before = contents(tmp_path / "out")
    with pytest.raises(ExportError, match=r"holds notes\.txt, which no export wrote"):
        export_study(database, study_id, tmp_path, tmp_path / "out")
    assert contents(tmp_path / "out") == before
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ExportError, match="is a file"):
        export_study(database, study_id, tmp_path, tmp_path / "file")


def test_landmarks_that_a_training_left_do_not_stand_in_the_way_of_the_next_export(
    database: Database, study_id: int, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for _ in range(2):
        export_study(database, study_id, tmp_path, out)
        assert not (out / ".landmarks").exists()
        (out / ".landmarks").mkdir()


def test_data_set_of_somebody_else_is_not_replaced(database: Database, study_id: int, tmp_path: Path) -> None:
    for name in ("out", "new.part"):
        (tmp_path / name / "train" / "img").mkdir(parents=True)
        (tmp_path / name / "train" / "img" / "mine.png").write_bytes(b"mine")
    (tmp_path / "out.old").mkdir()
    for out in ("out", "new"):
        with pytest.raises(ExportError, match="is not empty and no export"):
            export_study(database, study_id, tmp_path, tmp_path / out)
    export_study(database, study_id, tmp_path, tmp_path / "other")
    assert contents(tmp_path / "out") == contents(tmp_path / "new.part") == {"train/img/mine.png": b"mine"}
    assert (tmp_path / "out.old").is_dir()


def test_missing_picture_is_said(database: Database, study_id: int, tmp_path: Path) -> None:
    with database.read() as db:
        stimulus = queries.stimuli.stimuli_by_name(db, study_id, ["003.png"])["003.png"]
    stimulus_path(tmp_path, stimulus.sha256, stimulus.format).unlink()
    with pytest.raises(ExportError, match=r"003\.png is missing or damaged"):
        export_study(database, study_id, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_full_disk_is_said(database: Database, study_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_source: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(ExportError, match="cannot be written: No space left on device"):
        export_study(database, study_id, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
