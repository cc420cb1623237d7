"""Writes a study as files: its tables, its protocol, and a data set to train on.

    OUT/
      README.md      what each file is, and what each column says
      ratings        one row per rating, participants by pseudonym; `used` says whether it counts   (.csv and .json)
      mos            one row per stimulus to be rated: MOS, SOS, CI95, the P.910 estimate, its picture
      comparisons, pairs, scale   in their place in a study of pairs: one row per answer; how often each pair was
                     answered how; where each stimulus stands, in JOD
      participants, sittings, decisions, texts     see `annotate.exchange.export_tables`
      protocol.json  the study as it was run
      dataset.json   scale, splits and what was left out
      train|val|test/
        label.json   {"Image": [file names], "MOS": [numbers]}, as in GFIQA-20k and CGFIQA-40k; JOD in a study of pairs
        img/         the pictures, byte for byte
        landmark/    empty: whoever trains finds the landmarks

All tables are of one moment, however many people are rating meanwhile. Of a study whose protocol cannot be read there
are the tables of people and ratings, and the protocol as it is stored. OUT appears when it is complete, in place of an
older export. What was copied before an interruption lies in OUT.part and is not copied again.
"""

import csv
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy.orm import Session

from annotate import queries
from annotate.csv_files import safe_cell
from annotate.database.engine import Database
from annotate.database.tables import Study
from annotate.design.protocol import StudyProtocol
from annotate.design.start_questions import StartQuestion
from annotate.design.stored_protocol import StoredProtocol, UnreadableProtocol
from annotate.errors import ExportError
from annotate.exchange.export_results import read_results
from annotate.exchange.export_rows import (
    comparison_rows,
    decision_rows,
    participant_rows,
    rating_rows,
    sitting_rows,
    text_rows,
)
from annotate.exchange.export_tables import (
    COMPARISONS,
    DECISION_TABLE,
    PARTICIPANTS,
    PEOPLE_TABLES,
    RATINGS,
    SITTINGS,
    TABLES,
    TEXTS,
    ExportTable,
    Row,
    named,
    readme,
    tables_of,
    with_questions,
    with_stored_answers,
)
from annotate.exchange.layout import Label, LabelledStimulus, Layout, lay_out
from annotate.exchange.splits import SHARES
from annotate.stimuli.files import stimulus_path

Progress = Callable[[Sequence[LabelledStimulus]], Iterable[LabelledStimulus]]
FORMAT = 1
DECIMALS = 6
README = "README.md"
LANDMARKS = ".landmarks"
"""What whoever trains leaves in an export; it goes with the export that it belongs to."""
_TABLE_FILES = frozenset(f"{table.name}.{kind}" for table in TABLES for kind in ("csv", "json"))
_OURS = frozenset({
    *_TABLE_FILES, README, "protocol.json", "dataset.json", ".protocol.json.writing", ".dataset.json.writing",
    *SHARES, LANDMARKS,
})  # fmt: skip


@dataclass(frozen=True)
class ExportReport:
    """What was written; `left_out` counts the pictures that are not in the training layout, by reason.

    `ratings` are those that count, as `annotate.queries.progress` counts them: of pictures or pairs to be rated, by
    people whose votes are used, without repeats. `answers` are all rows: checks, training and repeats are among them.
    """

    path: str
    ratings: int
    answers: int
    stimuli: int
    splits: Mapping[str, int]
    left_out: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return asdict(self)


def export_study(
    database: Database,
    study_id: int,
    data_dir: Path,
    out: Path,
    *,
    label: Label | None = "mos",
    min_ratings: int = 1,
    seed: int = 20,
    with_people: bool = True,
    progress: Progress = iter,
) -> ExportReport:
    """Export a study to a folder, whole or not at all; see the module.

    Args:
        database: Where the study is; it is read in one snapshot.
        study_id: Which study.
        data_dir: Where the pictures are.
        out: A new folder, or an older export, which is replaced.
        label: The column of mos.csv that pictures are labelled with, where they are graded and not compared; None
            leaves the training layout away.
        min_ratings: Pictures with fewer ratings are not trained on.
        seed: Decides which source goes into which split.
        with_people: Whether tables name participants, by their pseudonyms.
        progress: Is handed the pictures that are copied, for a bar.

    Returns:
        How much was written, and which pictures were left out of the training data.

    Raises:
        ExportError: `out` holds something else, a picture is missing, or the disk is full.
    """
    out, part = _folders(out)
    with _translate_errors(out):
        with database.read() as db:
            study = queries.studies.get_study(db, study_id)
            _prepare(part, study)
            protocol = study.stored_protocol
            answers = _write_people(db, study_id, protocol, part) if with_people else _Answers()
            if isinstance(protocol, UnreadableProtocol):
                return _finish_without_protocol(part, out, study.name, PEOPLE_TABLES if with_people else (), answers)
            results = read_results(db, study_id, protocol)
        label = "jod" if label and results.pairs is not None else label
        layout = lay_out(results.pictures, protocol.scale, label=label, min_ratings=min_ratings, seed=seed)
        for table, rows in results.tables(protocol, layout):
            _write_table(part, table, rows)
        _write_table(part, TEXTS, text_rows(protocol))
        if layout.files:
            _write_layout(part, layout, study, data_dir, progress)
        tables = _tables_written(protocol, with_people=with_people)
        text = readme(study.name, tables, label=layout.column if layout.files else None)
        (part / README).write_text(text, encoding="utf-8")
        _remove_others(part, layout.files, tables)
        _swap(part, out)
    return ExportReport(str(out), answers.used, answers.all, len(results.pictures), layout.counts(), layout.left_out)


def _folders(out: Path) -> tuple[Path, Path]:
    """Return where an export goes and where it is made; raise ExportError where either holds something else."""
    out = _followed(out)
    if not out.name:
        raise ExportError(f"{out} is no folder of its own; name a new folder in it.")
    part = out.with_name(f"{out.name}.part")
    for folder in (out, part):
        _check_ours(folder)
    return out, part


def _tables_written(protocol: StudyProtocol, *, with_people: bool) -> tuple[ExportTable, ...]:
    return tuple(
        with_questions(each, protocol)
        for each in tables_of(protocol)
        if with_people or each.name not in named(PEOPLE_TABLES)
    )


def _followed(out: Path) -> Path:
    """Return what a link leads to; any other path without names that are none, such as ".."."""
    try:
        return out.resolve() if out.is_symlink() else Path(os.path.normpath(out.absolute()))
    except RuntimeError:
        raise ExportError(f"{out} cannot be written: its links lead in a circle.") from None


def _check_ours(folder: Path) -> None:
    """Refuse to replace what no export wrote; data sets of others have folders of the same names."""
    if folder.exists() and not folder.is_dir():
        raise ExportError(f"{folder} is a file; name a new folder.")
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if others := sorted(names - _OURS):
        raise ExportError(f"{folder} holds {others[0]}, which no export wrote; name another folder.")
    if names - {".protocol.json.writing"} and _study_of(folder) is None:
        raise ExportError(f"{folder} is not empty and no export; name another folder.")


def _study_of(folder: Path) -> tuple[str, str] | None:
    """Return name and time of creation of the study that was exported there, None where none was."""
    try:
        found = json.loads((folder / "protocol.json").read_text(encoding="utf-8"))
        return str(found["study"]), str(found["created_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _prepare(part: Path, study: Study) -> None:
    """Begin, or go on with what an interrupted export of the same study left."""
    created_at = study.created_at.isoformat()
    if part.exists() and _study_of(part) != (study.name, created_at):
        shutil.rmtree(part)
    part.mkdir(parents=True, exist_ok=True)
    described = {
        "study": study.name,
        "state": study.state,
        "created_at": created_at,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "protocol": study.stored_protocol.to_json(),
    }
    _write_json(part / "protocol.json", described)


@dataclass
class _Answers:
    """How many answers were written, and how many of them are used."""

    all: int = 0
    used: int = 0

    def counted(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Pass rows of answers on, and count them."""
        for row in rows:
            self.all += 1
            self.used += bool(row["used"])
            yield row


def _write_people(db: Session, study_id: int, protocol: StoredProtocol, part: Path) -> _Answers:
    """Write the tables that name participants; return how many answers there are."""
    questions: Sequence[StartQuestion] = ()
    scales: Sequence[str] = ()
    if isinstance(protocol, UnreadableProtocol):
        tables = named(map(with_stored_answers, PEOPLE_TABLES))
    else:
        questions, scales = protocol.questions, protocol.scale_names[1:]
        tables = named(with_questions(each, protocol) for each in tables_of(protocol))
    _write_table(part, tables[PARTICIPANTS.name], participant_rows(db, study_id, questions))
    _write_table(part, SITTINGS, sitting_rows(db, study_id))
    _write_table(part, DECISION_TABLE, decision_rows(db, study_id))
    answers = _Answers()
    if RATINGS.name in tables:
        _write_table(part, tables[RATINGS.name], answers.counted(rating_rows(db, study_id, scales)))
    if COMPARISONS.name in tables:
        _write_table(part, COMPARISONS, answers.counted(comparison_rows(db, study_id)))
    return answers


def _write_layout(part: Path, layout: Layout, study: Study, data_dir: Path, progress: Progress) -> None:
    for name in SHARES:
        for folder in ("img", "landmark"):
            (part / name / folder).mkdir(parents=True, exist_ok=True)
        labels = [
            (file.name, layout.labels[picture]) for picture, file in layout.files.items() if file.parts[0] == name
        ]
        columns = {"Image": [image for image, _ in labels], layout.column: [label for _, label in labels]}
        _write_json(part / name / "label.json", columns)
    for picture in progress(layout.pictures):
        _copy(picture, stimulus_path(data_dir, picture.sha256, picture.format), part / layout.files[picture.name])
    _write_json(part / "dataset.json", {"format": FORMAT, "name": study.name, **layout.describe()})


def _copy(picture: LabelledStimulus, source: Path, target: Path) -> None:
    """Copy a picture unless it is there from an interrupted export; a file with its name is always whole."""
    if target.exists():
        return
    if not source.exists() or source.stat().st_size != picture.size_bytes:
        raise ExportError(f"The picture {picture.name} is missing or damaged: {source}; put the file back.")
    copying = target.with_name(f".{target.name}.copying")
    shutil.copyfile(source, copying)
    copying.replace(target)


def _finish_without_protocol(
    part: Path, out: Path, study: str, tables: tuple[ExportTable, ...], answers: _Answers
) -> ExportReport:
    """Finish an export of the votes alone: without a scale and texts there is no MOS, and nothing to train on."""
    tables = tuple(with_stored_answers(each) for each in tables)
    (part / README).write_text(readme(study, tables, label=None), encoding="utf-8")
    _remove_others(part, {}, tables)
    _swap(part, out)
    return ExportReport(str(out), answers.used, answers.all, 0, {}, {})


def _remove_others(part: Path, files: Mapping[str, PurePosixPath], tables: Sequence[ExportTable]) -> None:
    """Remove what an interrupted export left that this one does not hold."""
    for name in _TABLE_FILES - {f"{table.name}.{kind}" for table in tables for kind in ("csv", "json")}:
        (part / name).unlink(missing_ok=True)
    if not files:
        (part / "dataset.json").unlink(missing_ok=True)
        for name in SHARES:
            shutil.rmtree(part / name, ignore_errors=True)
        return
    wanted = {part / file for file in files.values()}
    for name in SHARES:
        for path in (part / name / "img").iterdir():
            if path not in wanted:
                path.unlink()


def _swap(part: Path, out: Path) -> None:
    """Give the complete folder its name, in place of an older one."""
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as replaced:
        if out.exists():
            out.rename(Path(replaced, "older"))
        part.rename(out)


def _write_table(part: Path, table: ExportTable, rows: Iterable[Row]) -> None:
    """Write a table as CSV and as JSON, row by row."""
    paths = [part / f"{table.name}.{kind}" for kind in ("csv", "json")]
    started = False
    with paths[0].open("w", newline="", encoding="utf-8") as as_csv, paths[1].open("w", encoding="utf-8") as as_json:
        writer = csv.writer(as_csv)
        writer.writerow(table.columns)
        for row in rows:
            values = [_plain(row[column]) for column in table.columns]
            writer.writerow([_cell(value) for value in values])
            as_json.write(",\n " if started else "[\n ")
            json.dump(dict(zip(table.columns, values, strict=True)), as_json, ensure_ascii=False)
            started = True
        as_json.write("\n]\n" if started else "[]\n")


def _cell(value: object) -> object:
    """Return a value as a cell of a CSV: 1 and 0 for true and false, and no text that a spreadsheet would compute."""
    if isinstance(value, bool):
        return int(value)
    return safe_cell(value) if isinstance(value, str) else value


def _plain(value: object) -> object:
    """Return a number as people write it, 4 and not 4.0 and no more decimals than mean something, and a time as ISO."""
    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, float):
        return value
    return int(value) if value.is_integer() else round(value, DECIMALS)


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write a file that is there whole or not at all: protocol.json tells an interrupted export from anything else."""
    writing = path.with_name(f".{path.name}.writing")
    writing.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    writing.replace(path)


@contextmanager
def _translate_errors(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ExportError(f"{out} cannot be written: {error.strerror or error}.") from error
