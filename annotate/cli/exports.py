"""Commands that write what a study holds into files: one person's data, its tables and pictures, a data set."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from annotate.cli.arguments import MOST_RATINGS, Command, whole
from annotate.cli.output import opened_database, say, utc_now, warn
from annotate.settings import Settings
from annotate.wording import counted

_REASONS = {
    "too_few_ratings": "rated by too few people",
    "unusable": "called unusable by at least half of the people",
}


def add_exports(command: Command) -> None:
    """Add the commands that write files."""
    person = command("person", _person, "write everything that a study holds of one person, as they may ask for it")
    person.add_argument("name", metavar="NAME")
    person.add_argument("code", metavar="CODE", help="of the person, as in the tables")
    person.add_argument("--output", type=Path, metavar="FILE", help="a new file (default: standard output)")
    export = command("export", _export, "write ratings, MOS, protocol and a data set to train on")
    export.add_argument("name", metavar="NAME")
    export.add_argument("out", type=Path, metavar="OUT", help="a new folder, or an older export")
    export.add_argument("--label", choices=("mos", "mos_p910"), default="mos", help="what is trained on (default: mos)")
    export.add_argument(
        "--min-ratings",
        type=whole(1, MOST_RATINGS),
        default=1,
        metavar="N",
        help="fewer are not trained on (default: 1)",
    )
    export.add_argument("--seed", type=int, default=20, metavar="N", help="of the splits (default: 20)")
    export.add_argument(
        "--hub",
        nargs="?",
        const="",
        metavar="OWNER/NAME",
        help="write a data set of the Hugging Face Hub instead (parquet, card), and upload it where a name is given",
    )
    export.add_argument("--tables", action="store_true", help="write no pictures and nothing to train on")


def _person(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import queries
    from annotate.exchange.person import person_file, write_person

    with opened_database(settings) as database, database.read() as db:
        study_id = queries.studies.find_study(db, options.name).id
        content = person_file(db, study_id, options.code.strip(), utc_now())
    if options.output is None:
        say(options, json.loads(content), content.rstrip("\n"))
        return
    write_person(content, options.output)
    done = {"path": str(options.output)}
    say(options, done, f"{options.output} holds everything of {options.code} in {options.name}.")


def _export(options: argparse.Namespace, settings: Settings) -> None:
    from tqdm import tqdm

    from annotate import queries
    from annotate.exchange.export import export_study

    if options.hub is not None:
        _export_to_hub(options, settings)
        return
    with opened_database(settings) as database:
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
        warn(f"{counted(count, 'picture is', 'pictures are')} not in the training data: {_REASONS[reason]}")
    splits = ", ".join(f"{count} to {name}" for name, count in report.splits.items())
    others = counted(report.answers - report.ratings, "other answer")
    beside = f", and {others} (checks, training, repeats, votes that are not used)" * (report.answers > report.ratings)
    on_disk = f"{report.path} holds {counted(report.ratings, 'rating')} of {counted(report.stimuli, 'picture')}{beside}"
    say(options, report.to_dict(), f"{on_disk}; {splits}." if splits else f"{on_disk}.")


def _export_to_hub(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import queries
    from annotate.exchange.hub_dataset import upload_hub_dataset, write_hub_dataset

    with opened_database(settings) as database:
        with database.read() as db:
            study_id = queries.studies.find_study(db, options.name).id
        report = write_hub_dataset(
            database,
            study_id,
            settings.data_dir,
            options.out,
            label=options.label,
            min_ratings=options.min_ratings,
            seed=options.seed,
        )
    if options.hub:
        report = replace(report, repository=upload_hub_dataset(options.out, options.hub))
    where = f", and {report.repository} has it" if report.repository else ""
    splits = ", ".join(f"{count} to {name}" for name, count in report.splits.items())
    say(options, report.to_dict(), f"{report.path} is a data set of the Hub: {splits}{where}.")
