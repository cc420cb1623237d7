"""The command line of labelling studies: `python -m annotate …`, `fiqa-annotate …` once installed.

Results go to standard output, as text or, with --json, as JSON; warnings, progress and errors, one line each, to
standard error. Files, pipes and JSON are in UTF-8 whatever the system's encoding is; a terminal that lacks a character
gets a question mark. The exit status is 0 when all went well, 1 when something could not be done, 2 when the command
was not understood and 130 after Ctrl-C. Whoever runs it owns the studies: it reads the database directly.

Nothing heavy is imported before it is needed, so that `--help` is instant.
"""

import argparse
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from annotate.errors import AnnotateError, BackupError, ProtocolError
from annotate.settings import Settings

if TYPE_CHECKING:
    from annotate.database.backup import BackupReport
    from annotate.database.engine import Database
    from annotate.design.protocol import StudyProtocol
    from annotate.stimuli.files import Candidate
    from annotate.stimuli.intake import Taken

INTERRUPTED = 130
INSTALLED = "fiqa-annotate"
ACTIVE = timedelta(minutes=10)
DUPLICATES_NAMED = 10
MOST_TRAPS, MOST_LINKS, MOST_LISTED, MOST_RATINGS = 100, 10_000, 60_000, 1_000
TRAP_SIZE = (512, 512)
"""Where there is no picture yet to take the size of."""
_PROLIFIC = "&PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}"
_REASONS = {
    "too_few_ratings": "too few people rated them",
    "unusable": "at least half of the people called them unusable",
}
FINDING_COLUMNS = ("participant", "sitting", "check", "reason")
JOINERS = "\u200c\u200d"
"""Of letters, as in Persian names and in emoji; they show nothing by themselves."""
MOS_COLUMNS = ("stimulus", "mos", "sos", "ci95", "ratings", "mos_p910", "unusable")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # libraries warn of damaged metadata and of things only a developer can change
    if sys.stderr is None:  # closed, as by `2>&-`
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  until the end
    if sys.stdout is None:
        _complain("Standard output is closed; nothing was done.")
        return 1
    options = _parser().parse_args(arguments)
    _set_encoding(as_json=options.json)
    return _carry_out(options)


def _carry_out(options: argparse.Namespace) -> int:
    """Run the command; say in one line what went wrong."""
    try:
        options.run(options, Settings.from_environment())
        sys.stdout.flush()
    except AnnotateError as error:
        _complain(str(error))
    except ModuleNotFoundError as error:
        if str(error.name).startswith(("annotate", "fiqa")):
            raise
        _complain(f"The package {error.name} is missing: pip install 'fiqa[annotate]'")
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()  # the reader of a pipe left, as `head` does
    except OSError as error:
        _discard_output()
        _complain(f"The result cannot be written: {error.strerror or error}.")
    else:
        return 0
    return 1


def _set_encoding(*, as_json: bool) -> None:
    """Write UTF-8 but to a terminal; there, a character that it lacks is replaced.

    Halves of characters, as file names may have, become escapes, which JSON knows.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        if as_json or not sys.stdout.isatty():
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
        else:
            sys.stdout.reconfigure(errors="replace")


def _discard_output() -> None:
    """Let the interpreter's own last flush of standard output go nowhere, where it would fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Complain in one line, as everything else here does, and not with the whole usage."""
        self.exit(2, f"{self.prog}: {_one_line(message)}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    program = Path(sys.argv[0]).stem  # a command that is installed, or __main__
    parser = _Parser(
        prog=program if program == INSTALLED else "python -m annotate",
        description="Crowd labelling: who rates which face image, and what that says.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace, Settings], None], says: str) -> argparse.ArgumentParser:
        """Add a command that `run` carries out, and return its parser."""
        added: argparse.ArgumentParser = commands.add_parser(name, help=says, description=says)
        added.add_argument("--json", action="store_true", help="write the result as JSON")
        added.set_defaults(run=run)
        return added

    _add_making(command)
    _add_states(command)
    _add_results(command)
    _add_database(command)
    return parser


def _whole(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number within bounds."""

    def read(text: str) -> int:
        """Return the number; argparse says what is wrong with another text."""
        if not text.isascii() or not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return read


_Command = Callable[[str, Callable[[argparse.Namespace, Settings], None], str], argparse.ArgumentParser]


def _add_making(command: _Command) -> None:
    create = command("create", _create, "make a study of pictures, as a draft")
    create.add_argument("name", metavar="NAME")
    _add_pictures_options(create)
    create.add_argument(
        "--protocol", type=Path, metavar="FILE", help="JSON, as an export writes it; the rest: defaults"
    )
    create.add_argument("--scale", help="acr5 (default), acr9 or continuous")
    create.add_argument("--ratings", type=int, metavar="N", help="accepted ratings wanted per picture (default: 20)")
    add = command("add", _add, "add pictures to a study that is a draft or paused")
    add.add_argument("name", metavar="NAME")
    _add_pictures_options(add)
    traps = command("traps", _traps, "draw trap items, which say which grade to give, and add them")
    traps.add_argument("name", metavar="NAME")
    traps.add_argument(
        "--count", type=_whole(1, MOST_TRAPS), default=10, metavar="N", help="default: 10, enough for a sitting"
    )
    protocol = command("protocol", _protocol, "show a study's protocol, or change values of it")
    protocol.add_argument("name", metavar="NAME")
    protocol.add_argument("changes", nargs="*", metavar="KEY=VALUE")
    load = command("import", _import, "add ratings that were given elsewhere")
    load.add_argument("name", metavar="NAME")
    load.add_argument("ratings", type=Path, metavar="CSV", help="columns stimulus, participant, grade; may have more")


def _add_pictures_options(parser: argparse.ArgumentParser) -> None:
    pictures = parser.add_mutually_exclusive_group(required=True)
    pictures.add_argument("--images", type=Path, metavar="PATH", help="folder, zip, or CSV with a column path")
    pictures.add_argument("--dataset", metavar="NAME", help="a data set of the Hugging Face Hub (needs datasets)")
    parser.add_argument("--split", default="train", help="of --dataset (default: train)")
    parser.add_argument("--column", default="image", help="of --dataset that holds the pictures (default: image)")


def _add_states(command: _Command) -> None:
    for name, state, says in (
        ("open", "open", "let people rate"),
        ("pause", "paused", "let nobody rate for a while"),
        ("close", "closed", "end a study for good"),
    ):
        parser = command(name, _change_state, says)
        parser.add_argument("name", metavar="NAME")
        parser.set_defaults(state=state)
    links = command("links", _links, "print the links that let people rate")
    links.add_argument("name", metavar="NAME")
    links.add_argument(
        "--count",
        type=_whole(1, MOST_LINKS),
        default=0,
        metavar="N",
        help="make so many personal links (default: none)",
    )
    links.add_argument("--url", help="where people reach the app (default: FIQA_PUBLIC_URL, or this computer)")
    status = command("status", _status, "say how far the studies are, or one of them")
    status.add_argument("name", nargs="?", metavar="NAME")


def _add_results(command: _Command) -> None:
    mos = command("mos", _mos, "print MOS, SOS, CI95 and the P.910 estimate of every picture")
    mos.add_argument("name", metavar="NAME")
    screen = command("screen", _screen, "check sittings and participants, with reasons")
    screen.add_argument("name", metavar="NAME")
    screen.add_argument("--all", action="store_true", help="print what is reported only, too")
    screen.add_argument("--apply", action="store_true", help="leave the votes of those found out of the MOS")
    reliability = command("reliability", _reliability, "say how far people agree: ICC, alpha, split halves")
    reliability.add_argument("name", metavar="NAME")
    plan = command("next", _next, "say which pictures a rating would tell most about")
    plan.add_argument("name", metavar="NAME")
    plan.add_argument("--count", type=_whole(1, MOST_LISTED), default=20, metavar="N", help="pictures (default: 20)")
    plan.add_argument("--ci95", type=float, metavar="WIDTH", help="wanted half width in grades, in place of a count")
    plan.add_argument(
        "--scores", type=Path, metavar="CSV", help="of a model, as fiqa score writes it, or columns stimulus, score"
    )
    export = command("export", _export, "write ratings, MOS, protocol and a data set to train on")
    export.add_argument("name", metavar="NAME")
    export.add_argument("out", type=Path, metavar="OUT", help="a new folder, or an older export")
    export.add_argument("--label", choices=("mos", "mos_p910"), default="mos", help="what is trained on (default: mos)")
    export.add_argument(
        "--min-ratings",
        type=_whole(1, MOST_RATINGS),
        default=1,
        metavar="N",
        help="fewer are not trained on (default: 1)",
    )
    export.add_argument("--seed", type=int, default=20, metavar="N", help="of the splits (default: 20)")
    export.add_argument("--tables", action="store_true", help="write no pictures and nothing to train on")


def _add_database(command: _Command) -> None:
    backup = command("backup", _backup, "copy the database while it is in use, and verify the copy")
    backup.add_argument("file", type=Path, nargs="?", metavar="FILE", help="default: backups/ in the data folder")
    backup.add_argument("--pictures", action="store_true", help="write a ZIP with all pictures, too")
    restore = command(
        "restore", _restore, "put a backup, or a ZIP of one with its pictures, in the place of the database"
    )
    restore.add_argument("file", type=Path, metavar="FILE")
    command("migrate", _migrate, "bring the database to this version's schema, after a backup")


def _create(options: argparse.Namespace, settings: Settings) -> None:
    from annotate.stimuli.intake import create_study

    protocol = _read_protocol(options)
    with _database(settings) as database, _pictures(options, settings) as candidates:
        taken = create_study(database, settings.data_dir, options.name, candidates, protocol, _now())
    _say_taken(options, taken)


def _add(options: argparse.Namespace, settings: Settings) -> None:
    from annotate.stimuli.intake import add_pictures

    with _database(settings) as database, _pictures(options, settings) as candidates:
        taken = add_pictures(database, settings.data_dir, options.name, candidates, _now())
    _say_taken(options, taken)


def _traps(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import queries
    from annotate.design.items import ItemKind
    from annotate.design.protocol import StudyProtocol
    from annotate.stimuli.intake import add_pictures
    from annotate.stimuli.traps import draw_traps

    with _database(settings) as database:
        with database.read() as db:
            study = queries.studies.find_study(db, options.name)
            shown = queries.stimuli.stimuli_page(db, study.id, limit=1, kind=ItemKind.RATED)
        size = (shown[0].width_px, shown[0].height_px) if shown else TRAP_SIZE
        traps = draw_traps(StudyProtocol.from_json(study.protocol).scale, options.count, size)
        taken = add_pictures(database, settings.data_dir, options.name, traps, _now())
    _say_taken(options, taken)


@contextmanager
def _pictures(options: argparse.Namespace, settings: Settings) -> Iterator[Iterable["Candidate"]]:
    """Offer the pictures that the options name, with a bar on a terminal."""
    from tqdm import tqdm

    from annotate.stimuli.sources import from_hub, open_upload

    if options.dataset:
        yield tqdm(from_hub(options.dataset, split=options.split, column=options.column), unit="picture", disable=None)
        return
    with open_upload(options.images, settings.data_dir) as upload:
        for notice in upload.notices:
            _warn(notice)
        yield tqdm(upload.candidates, unit="picture", disable=None)  # None: only on a terminal


def _read_protocol(options: argparse.Namespace) -> "StudyProtocol":
    from annotate.design.protocol import StudyProtocol

    values: dict[str, Any] = {}
    if options.protocol:
        try:
            read = json.loads(options.protocol.read_text(encoding="utf-8-sig"))
            values = dict(read.get("protocol", read))
        except OSError as error:
            raise ProtocolError(f"{options.protocol} cannot be read: {error.strerror}.") from None
        except (ValueError, AttributeError, TypeError):
            raise ProtocolError(f"{options.protocol} is no JSON object; write one as an export does.") from None
    asked = {"scale": options.scale, "ratings_wanted": options.ratings}
    return StudyProtocol.from_json(values | {name: value for name, value in asked.items() if value is not None})


def _say_taken(options: argparse.Namespace, taken: "Taken") -> None:
    for name, same in taken.duplicates[:DUPLICATES_NAMED]:
        _warn(f"{name} is the same picture as {same}; it is kept once")
    if (more := len(taken.duplicates) - DUPLICATES_NAMED) > 0:
        _warn(f"{more} more pictures are there already; --json names them")
    for warning in taken.warnings:
        _warn(warning)
    _say(options, taken.to_dict(), f"{taken.study} is a {taken.state} with {taken.added} more pictures.")


def _protocol(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import queries

    changes = dict(_change(text) for text in options.changes)
    with _database(settings) as database:
        if changes:
            with database.write() as db:
                queries.lifecycle.change_protocol(
                    db, queries.studies.find_study(db, options.name).id, _now(), **changes
                )
        with database.read() as db:
            protocol = queries.studies.find_study(db, options.name).protocol
    _say(options, protocol, "\n".join(f"{name} = {json.dumps(value)}" for name, value in protocol.items()))


def _change(text: str) -> tuple[str, Any]:
    """Return name and value of KEY=VALUE; a value that is no JSON is a text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ProtocolError(f"{text!r} changes nothing; write KEY=VALUE, as in ratings_wanted=25.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _import(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import queries
    from annotate.design.protocol import StudyProtocol
    from annotate.exchange.imports import read_ratings

    with _database(settings) as database:
        with database.read() as db:
            study = queries.studies.find_study(db, options.name)
        read = read_ratings(options.ratings, StudyProtocol.from_json(study.protocol), _now())
        with database.write() as db:
            count = queries.imports.import_ratings(db, study.id, read.ratings, _now())
    passed_over = f"; {read.repeats} repeated ones were passed over" if read.repeats else ""
    done = {"study": options.name, "imported": count, "repeats": read.repeats}
    _say(options, done, f"{count} ratings were added to {options.name}{passed_over}.")


def _change_state(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import queries
    from annotate.design.states import State

    with _database(settings) as database, database.write() as db:
        found = queries.lifecycle.change_state(
            db, queries.studies.find_study(db, options.name).id, State(options.state), _now()
        )
    for warning in found:
        _warn(warning)
    done = {"study": options.name, "state": options.state, "warnings": list(found)}
    _say(options, done, f"{options.name} is {options.state}.")


def _status(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import queries

    with _database(settings) as database, database.read() as db:
        studies = [queries.studies.find_study(db, options.name)] if options.name else queries.studies.list_studies(db)
        rows = [_progress(study, queries.progress.study_progress(db, study.id, _now() - ACTIVE)) for study in studies]
    columns = ("study", "state", "pictures", "ratings", "wanted", "complete", "participants", "active", "invited")
    _say(options, rows[0] if options.name else rows, _table(columns, rows) if rows else "There are no studies yet.")


def _progress(study: Any, progress: Any) -> dict[str, Any]:
    """Return how far a study is, JSON-ready; `wanted` counts ratings, `complete` pictures."""
    from annotate.design.items import ItemKind

    each = study.protocol["ratings_wanted"]
    by_ratings = progress.stimuli_by_ratings
    return {
        "study": study.name,
        "state": study.state,
        "pictures": progress.stimuli.get(ItemKind.RATED, 0),
        "stimuli": {kind.name.lower(): count for kind, count in progress.stimuli.items()},
        "ratings": progress.ratings,
        "wanted": each * progress.stimuli.get(ItemKind.RATED, 0),
        "complete": sum(count for ratings, count in by_ratings.items() if ratings >= each),
        "pictures_by_ratings": {str(ratings): count for ratings, count in by_ratings.items()},
        "participants": progress.participants,
        "active": progress.active_participants,
        "invited": progress.invited,
        "sittings": progress.sittings,
        "sittings_ended": progress.sittings_ended,
    }


def _mos(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import analysis, queries

    with _database(settings) as database, database.read() as db:
        rows = analysis.mos_rows(db, queries.studies.find_study(db, options.name).id)
    _say(options, rows, _table(MOS_COLUMNS, rows))


def _reliability(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import analysis, queries

    with _database(settings) as database, database.read() as db:
        row = analysis.reliability(db, queries.studies.find_study(db, options.name).id)
    _say(options, row, "\n".join(f"{name:22} {_cell(value)}" for name, value in row.items()))


def _screen(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import analysis, queries

    with _database(settings) as database:
        with database.read() as db:
            study_id = queries.studies.find_study(db, options.name).id
            ratings, screening = analysis.screen_study(db, study_id)
        excluded: list[str] = []
        if options.apply:
            with database.write() as db:
                excluded = analysis.apply_screening(db, study_id, _now())
    findings = [finding.row() for finding in screening.findings]
    found = {
        "findings": findings,
        "participants": [
            {"participant": ratings.participant_ids[index], "used": bool(screening.participant_used[index])}
            for index in sorted(set(ratings.participant.tolist()))
        ],
        "sittings": [
            {"sitting": ratings.sitting_ids[index], "accepted": bool(screening.sitting_accepted[index])}
            for index in sorted(set(ratings.sitting.tolist()))
        ],
        "excluded": excluded,
    }
    rows = [row for row in findings if row["excludes_votes"] or options.all]
    against = _table(FINDING_COLUMNS, rows) if rows else f"Nothing speaks against {options.name}'s votes."
    done = f"\nThe votes of {len(excluded)} more participants are not used." if options.apply else ""
    _say(options, found, against + done)


def _next(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import analysis, queries
    from annotate.exchange.scores import read_scores, scores_of
    from annotate.statistics import planning

    scores = read_scores(options.scores) if options.scores else None
    with _database(settings) as database, database.read() as db:
        study = queries.studies.find_study(db, options.name)
        table = analysis.mos_table(db, study.id)
        wanted: int = study.protocol["ratings_wanted"]
    if scores is not None:
        scores = scores_of(table.stimulus_ids, scores)
    missing = planning.missing_ratings(table, wanted_ratings=wanted, wanted_ci95=options.ci95, model_scores=scores)
    batch = planning.next_batch(
        table, options.count, wanted_ratings=wanted, wanted_ci95=options.ci95, model_scores=scores
    )
    rows = [candidate.row() for candidate in batch]
    goal = f"{wanted} ratings" if options.ci95 is None else f"a MOS known to ±{options.ci95:g}"
    total = f"{int(missing.sum())} more ratings would give every picture {goal}."
    listed = [f"{_one_line(row['stimulus'])}  {row['reason']}" for row in rows]
    _say(options, {"missing_ratings": int(missing.sum()), "next": rows}, "\n".join([*listed, total]))


def _export(options: argparse.Namespace, settings: Settings) -> None:
    from tqdm import tqdm

    from annotate import queries
    from annotate.exchange.export import export_study

    with _database(settings) as database:
        with database.read() as db:
            study = queries.studies.find_study(db, options.name)
        report = export_study(
            database,
            study.id,
            settings.data_dir,
            options.out,
            label=None if options.tables else options.label,
            min_ratings=options.min_ratings,
            seed=options.seed,
            progress=lambda pictures: tqdm(pictures, unit="picture", disable=None),
        )
    for reason, count in report.left_out.items():
        _warn(f"{count} pictures are not in the training data: {_REASONS[reason]}")
    splits = ", ".join(f"{count} to {name}" for name, count in report.splits.items())
    on_disk = f"{report.path} holds {report.ratings} ratings of {report.stimuli} pictures"
    _say(options, report.to_dict(), f"{on_disk}; {splits}." if splits else f"{on_disk}.")


def _links(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import queries
    from annotate.rating.links import issue_link

    with _database(settings) as database, database.write() as db:
        study = queries.studies.find_study(db, options.name)
        people = [queries.participants.create_participant(db, study.id, _now()) for _ in range(options.count)]
        tokens = {person.pseudonym: issue_link(db, person.id, _now()) for person in people}
    url = options.url or settings.public_url or "http://127.0.0.1:7860"
    anyone = f"{url.rstrip('/')}/?study={study.join_code}"
    personal = [{"participant": name, "url": f"{anyone}&participant={token}"} for name, token in tokens.items()]
    found = {"study": study.name, "anyone": anyone, "prolific": anyone + _PROLIFIC, "personal": personal}
    lines = [
        f"anyone    {anyone}",
        f"Prolific  {anyone}{_PROLIFIC}",
        *(f"{p['participant']}  {p['url']}" for p in personal),
    ]
    _say(options, found, "\n".join(lines))


def _backup(options: argparse.Namespace, settings: Settings) -> None:
    from annotate.database.backup import back_up, sqlite_file
    from annotate.exchange.backup_archive import back_up_all

    database, target = sqlite_file(settings.database_url), options.file or _backup_folder(settings)
    if options.pictures:
        report = back_up_all(database, settings.data_dir, target, _now())
    else:
        report = back_up(database, target, _now())
    _say(options, report.to_dict(), f"{report.path} is a whole copy ({_held(report)}).")


def _held(report: "BackupReport") -> str:
    """Say what a backup holds; a database alone has no pictures in it."""
    pictures = "no pictures" if report.pictures is None else f"pictures: {report.pictures}"
    return f"studies: {report.studies}, ratings: {report.ratings}, {pictures}"


def _restore(options: argparse.Namespace, settings: Settings) -> None:
    import zipfile

    from annotate.database.backup import restore, sqlite_file
    from annotate.exchange.backup_archive import restore_all

    database = sqlite_file(settings.database_url)
    if zipfile.is_zipfile(options.file):
        report = restore_all(options.file, database, settings.data_dir, _now())
    else:
        report = restore(options.file, database, _now())
    kept = f" What was there before is in {report.replaced}." if report.replaced else ""
    _say(options, report.to_dict(), f"{report.path} is restored ({_held(report)}).{kept}")


def _migrate(options: argparse.Namespace, settings: Settings) -> None:
    from annotate.database.backup import back_up, sqlite_file, verify
    from annotate.database.migrations import LATEST

    kept = None
    if settings.database_url.startswith("sqlite:"):
        file = sqlite_file(settings.database_url)
        if file.exists() and verify(file).schema < LATEST:
            kept = back_up(file, _backup_folder(settings), _now()).path
    with _database(settings):
        pass  # opening it migrates
    done = {"schema": LATEST, "backup": kept}
    _say(options, done, f"The database has schema {LATEST}." + (f" What was before is in {kept}." if kept else ""))


def _backup_folder(settings: Settings) -> Path:
    folder = settings.data_dir / "backups"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BackupError(f"{folder} cannot be made: {error.strerror}; set FIQA_DATA_DIR.") from None
    return folder


@contextmanager
def _database(settings: Settings) -> Iterator["Database"]:
    from annotate.database.engine import open_database

    database = open_database(settings.database_url)
    try:
        yield database
    finally:
        database.close()


def _say(options: argparse.Namespace, data: Any, text: str) -> None:
    """Write a result to standard output."""
    sys.stdout.write((json.dumps(data, ensure_ascii=False, indent=1) if options.json else text) + "\n")


def _table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    cells = [columns, *(tuple(_cell(row[column]) for column in columns) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(columns))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return "–" if value is None else _one_line(str(value))


def _now() -> datetime:
    return datetime.now(UTC)


def _one_line(text: str) -> str:
    """Return text that is safe on a terminal: names may hold line ends and control sequences, and letters may join."""
    return "".join(char if char.isprintable() or char in JOINERS else " " for char in text)


def _warn(message: str) -> None:
    print(f"annotate: warning: {_one_line(message)}", file=sys.stderr)


def _complain(message: str) -> None:
    print(f"annotate: {_one_line(message)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
