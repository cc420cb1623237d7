"""The command that tells what people complain about, beside what a model found wrong with the same pictures."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotate.cli.arguments import Command
from annotate.cli.output import cell, opened_database, say, table
from annotate.errors import ExportError
from annotate.settings import Settings

if TYPE_CHECKING:
    from annotate.statistics.complaint_agreement import ComparedComplaints


def add_complaints(command: Command) -> None:
    """Add the command."""
    complaints = command(
        "complaints", _complaints, "say what people complain about, beside a diagnosis of the pictures"
    )
    complaints.add_argument("name", metavar="NAME")
    complaints.add_argument(
        "diagnoses",
        type=Path,
        nargs="?",
        metavar="CSV",
        help="of fiqa degradation --format csv, or columns stimulus or path, and type",
    )
    complaints.add_argument("--output", type=Path, metavar="FILE", help="write the table of pictures as a CSV")


def _complaints(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import analysis, queries
    from annotate.exchange.diagnoses import compared_csv, read_diagnoses

    with opened_database(settings) as database, database.read() as db:
        study_id = queries.studies.find_study(db, options.name).id
        known = analysis.stimulus_conditions(db, study_id)
        found = read_diagnoses(options.diagnoses, known) if options.diagnoses else {}
        compared = analysis.complaints_and_diagnoses(db, study_id, found)
    rows = [each.row(compared.offered) for each in compared.pictures]
    if options.output:
        _write(options.output, compared_csv(compared))
    data: dict[str, Any] = {
        "pictures": rows,
        "diagnoses": [each.row() for each in compared.diagnoses],
        "agreement": compared.agreement.row() if found else None,
    }
    columns = ["stimulus", *compared.offered, *(["diagnosis", "probability", "agrees"] if found else [])]
    said = [table(columns, rows) if rows else "Nobody has complained yet."]
    if found:
        said += ["", _shares(compared), ""]
        said += [f"{name:22} {cell(value)}" for name, value in compared.agreement.row().items()]
    say(options, data, "\n".join(said))


def _shares(compared: "ComparedComplaints") -> str:
    """Return the share that each reason has of the complaints about pictures of each diagnosis."""
    rows = [{**each.shares, **each.row()} for each in compared.diagnoses]
    return table(["diagnosis", "pictures", "complaints", *compared.offered], rows)


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror or error}.") from None
