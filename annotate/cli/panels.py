"""Commands about panels, such as Prolific: whom to approve, reject and pay, and places that were given back."""

import argparse
from dataclasses import asdict
from pathlib import Path

from annotate.cli.arguments import Command
from annotate.cli.output import opened_database, say, utc_now, warn
from annotate.settings import Settings
from annotate.wording import counted


def add_panels(command: Command) -> None:
    """Add the commands about panels."""
    panel = command("panel", _panel, "write whom a panel is to approve, reject and pay, with reasons and bonus")
    panel.add_argument("name", metavar="NAME")
    panel.add_argument("out", type=Path, metavar="OUT", help="a folder")
    panel.add_argument("--submissions", type=Path, metavar="CSV", help="what Prolific or Mechanical Turk exports")
    panel.add_argument(
        "--bonus",
        default="0",
        metavar="AMOUNT",
        help="for each accepted sitting of people whom no check found, in the panel's currency (default: 0)",
    )
    returned = command("returned", _returned, "free the places of those who returned their submission or timed out")
    returned.add_argument("name", metavar="NAME")
    returned.add_argument("submissions", type=Path, metavar="CSV", help="what Prolific or another panel exports")


def _panel(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import queries
    from annotate.exchange.panels import read_amount, read_panel_export, write_panel_files

    bonus = read_amount(options.bonus)
    export = read_panel_export(options.submissions) if options.submissions else None
    with opened_database(settings) as database, database.read() as db:
        study_id = queries.studies.find_study(db, options.name).id
        report = write_panel_files(db, study_id, options.out, export=export, bonus=bonus)
    if report.undecided:
        warn(
            f"{counted(report.undecided, 'finished sitting is', 'finished sittings are')} neither accepted nor rejected"
        )
    if report.unknown:
        warn(f"{counted(report.unknown, 'submission is', 'submissions are')} of nobody in this study")
    said = f"{report.approved:,} to approve, {report.rejected:,} to reject, {report.bonuses} in bonuses"
    say(options, asdict(report), f"{report.path} holds {', '.join(report.files)}: {said}.")


def _returned(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import queries
    from annotate.exchange.panels import give_places_back, read_panel_export

    export = read_panel_export(options.submissions)
    with opened_database(settings) as database, database.write() as db:
        freed = give_places_back(db, queries.studies.find_study(db, options.name).id, export, utc_now())
    say(options, {"study": options.name, **freed._asdict()}, freed.in_words())
