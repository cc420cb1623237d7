"""Commands that make studies and run them."""

import argparse
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotate.cli.arguments import MOST_LINKS, Command, given_path, whole
from annotate.cli.effort import effort_in_words
from annotate.cli.output import opened_database, say, table, utc_now, warn
from annotate.design.further_scales import PRESETS
from annotate.design.items import MOST_TRAPS
from annotate.design.roles import Role
from annotate.design.scales import SCALES
from annotate.design.stored_protocol import UnreadableProtocol
from annotate.errors import ProtocolError, StimulusError
from annotate.owners import hash_secret, make_secret
from annotate.settings import Settings, read_address
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.database.engine import Database
    from annotate.database.tables import Study
    from annotate.design.protocol import StudyProtocol
    from annotate.queries.progress import StudyProgress
    from annotate.stimuli.files import Candidate
    from annotate.stimuli.intake import Taken


DUPLICATES_NAMED = 10


def add_making(command: Command) -> None:
    """Add the commands that make a study and put pictures into it."""
    create = command("create", _create, "make a study of pictures, as a draft")
    create.add_argument("name", metavar="NAME")
    _add_pictures_options(create)
    create.add_argument(
        "--protocol", type=Path, metavar="FILE", help="JSON, as an export writes it; the rest: defaults"
    )
    create.add_argument("--method", help="acr (default), acr-hr, dcr or pairs; see docs/studies.md")
    create.add_argument("--scale", help=f"one of {', '.join(SCALES)} (default: acr5)")
    create.add_argument(
        "--scales",
        metavar="PRESET",
        help=f"grade more than overall quality: {', '.join(PRESETS)} (details, exposure), or own ones by --protocol",
    )
    create.add_argument(
        "--ratings", type=int, metavar="N", help="accepted ratings wanted per picture (default: 20) or pair (10)"
    )
    _add_pair_options(create)
    add = command("add", _add, "add pictures to a study that is a draft or paused")
    add.add_argument("name", metavar="NAME")
    _add_pictures_options(add)
    traps = command("traps", _traps, "draw attention checks, of pairs known and training pairs, and add them")
    traps.add_argument("name", metavar="NAME")
    traps.add_argument(
        "--count", type=whole(1, MOST_TRAPS), default=10, metavar="N", help="default: 10, enough for a sitting"
    )
    traps.add_argument(
        "--pictures",
        action="store_true",
        help="a picture beside its worst version, which no program that reads passes; always of pairs",
    )
    protocol = command("protocol", _protocol, "show a study's protocol, or change values of it")
    protocol.add_argument("name", metavar="NAME")
    protocol.add_argument("changes", nargs="*", metavar="KEY=VALUE")
    _add_import(command)


def _add_import(command: Command) -> None:
    load = command("import", _import, "add ratings that were given elsewhere")
    load.add_argument("name", metavar="NAME")
    load.add_argument(
        "ratings",
        type=Path,
        metavar="FILE",
        help="CSV with columns stimulus, participant, grade, or of pairs left, right, participant, preferred; or of "
        "AVrate Voyager (SQLite), the P.910 toolkit (CSV), "
        "Label Studio (JSON), potato (JSONL, or its folder)",
    )
    load.add_argument(
        "--question",
        action="append",
        default=[],
        metavar="[SCALE=]NAME",
        help="of those that another tool asked, the one that is rated, or that of a scale; may be given several times",
    )
    load.add_argument(
        "--repeats",
        action="store_true",
        help="of pairs: take second answers of people who have answered a pair in the study already, as repeats",
    )
    load.add_argument(
        "--across-sources",
        action="store_true",
        help="of pairs: take pairs of two sources too, and ask nobody for more answers to them",
    )


def _add_pictures_options(parser: argparse.ArgumentParser) -> None:
    pictures = parser.add_mutually_exclusive_group(required=True)
    pictures.add_argument("--images", type=given_path, metavar="PATH", help="folder, zip, or CSV with a column path")
    pictures.add_argument("--dataset", metavar="NAME", help="a data set of the Hugging Face Hub (needs datasets)")
    parser.add_argument("--split", default="train", help="of --dataset (default: train)")
    parser.add_argument("--column", default="image", help="of --dataset that holds the pictures (default: image)")
    parser.add_argument(
        "--scores", type=Path, metavar="CSV", help="of a model, as fiqa score writes it; --design chain goes by them"
    )


def _add_pair_options(create: argparse.ArgumentParser) -> None:
    create.add_argument("--design", help="of pairs: balanced (default), chain or active; see docs/studies.md")
    create.add_argument(
        "--partners", type=int, metavar="N", help="of pairs: how many others a picture is compared with (default: 6)"
    )
    create.add_argument(
        "--certainty", type=float, metavar="P", help="of --design active: wanted for the order (default: 0.95)"
    )
    create.add_argument(
        "--across-sources",
        action="store_true",
        default=None,
        help="of pairs: compare pictures of different sources too",
    )


def add_states(command: Command) -> None:
    """Add the commands that change the state of a study."""
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
        type=whole(1, MOST_LINKS),
        default=0,
        metavar="N",
        help="make so many personal links (default: none)",
    )
    links.add_argument("--url", help="where people reach the app (default: FIQA_PUBLIC_URL, or this computer)")
    members = command("members", _members, "say who else is let into a study; let somebody in, or remove them")
    members.add_argument("name", metavar="NAME")
    change = members.add_mutually_exclusive_group()
    change.add_argument("--add", metavar="PERSON", help="let somebody in, by a secret that is printed once")
    change.add_argument("--remove", metavar="PERSON", help="let somebody in no more")
    members.add_argument(
        "--role", choices=[role.value for role in Role], default="assistant", help="default: assistant"
    )
    members.add_argument(
        "--hugging-face", metavar="USER", help="with --add: let them in by this name, without a secret"
    )
    status = command("status", _status, "say how far the studies are, or one of them")
    status.add_argument("name", nargs="?", metavar="NAME")


def _create(options: argparse.Namespace, settings: Settings) -> None:
    from annotate.stimuli.intake import create_study

    protocol = _read_protocol(options)
    with opened_database(settings) as database, _pictures(options, settings) as candidates:
        taken = create_study(database, settings.data_dir, options.name, candidates, protocol, utc_now())
    _say_taken(options, taken, "picture")


def _add(options: argparse.Namespace, settings: Settings) -> None:
    from annotate.stimuli.intake import add_pictures

    with opened_database(settings) as database, _pictures(options, settings) as candidates:
        taken = add_pictures(database, settings.data_dir, options.name, candidates, utc_now())
    _say_taken(options, taken, "more picture")


def _traps(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import queries
    from annotate.stimuli.intake import add_pictures, trap_candidates

    with opened_database(settings) as database:
        with database.read() as db:
            study_id = queries.studies.find_study(db, options.name).id
        traps = trap_candidates(
            database, study_id, options.count, data_dir=settings.data_dir, with_pictures=options.pictures
        )
        taken = add_pictures(database, settings.data_dir, options.name, traps, utc_now())
    _say_taken(options, taken, "more picture")


@contextmanager
def _pictures(options: argparse.Namespace, settings: Settings) -> Iterator[Iterable["Candidate"]]:
    """Offer the pictures that the options name, with a bar on a terminal."""
    from tqdm import tqdm

    from annotate.exchange.scores import read_scores, with_scores
    from annotate.stimuli.sources import from_hub, open_upload

    if options.dataset:
        if options.scores:
            raise StimulusError("The scores of a data set are its own column score; leave --scores out.")
        yield tqdm(from_hub(options.dataset, split=options.split, column=options.column), unit="picture", disable=None)
        return
    with open_upload(options.images, settings.data_dir) as upload:
        for notice in upload.notices:
            warn(notice)
        scores = read_scores(options.scores) if options.scores else None
        candidates = upload.candidates if scores is None else with_scores(upload.candidates, scores)
        yield tqdm(candidates, unit="picture", disable=None)  # None: only on a terminal


def _read_protocol(options: argparse.Namespace) -> "StudyProtocol":
    from annotate.methods import make_protocol

    values: dict[str, Any] = {}
    if options.protocol:
        try:
            read = json.loads(options.protocol.read_text(encoding="utf-8-sig"))
            values = dict(read.get("protocol", read))
        except OSError as error:
            raise ProtocolError(f"{options.protocol} cannot be read: {error.strerror}.") from None
        except (ValueError, AttributeError, TypeError, RecursionError):
            raise ProtocolError(f"{options.protocol} is no JSON object; write one as an export does.") from None
    asked = {
        "method": options.method,
        "scale": options.scale,
        "more_scales": options.scales,
        "ratings_wanted": options.ratings,
        "pair_design": options.design,
        "pair_partners": options.partners,
        "pair_certainty": options.certainty,
        "pair_across_sources": options.across_sources,
    }
    return make_protocol(values | {name: value for name, value in asked.items() if value is not None})


def _say_taken(options: argparse.Namespace, taken: "Taken", noun: str) -> None:
    for name, same in taken.duplicates[:DUPLICATES_NAMED]:
        warn(f"{name} is the same picture as {same}; it is kept once")
    if (more := len(taken.duplicates) - DUPLICATES_NAMED) > 0:
        warn(f"{counted(more, 'more picture is', 'more pictures are')} there already; --json names them")
    for warning in taken.warnings:
        warn(warning)
    made = f"{taken.study} is a {taken.state} with {counted(taken.added, noun)}."
    say(options, taken.to_dict(), f"{made}\n{effort_in_words(taken.effort)}")


def _protocol(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import queries

    changes = dict(_change(text) for text in options.changes)
    with opened_database(settings) as database:
        if changes:
            with database.write() as db:
                study = queries.studies.find_study(db, options.name)
                former = study.protocol.to_json()
                changed = queries.lifecycle.change_protocol(db, study.id, utc_now(), **changes).to_json()
            for name in sorted(name for name in changed if changed[name] != former[name] and name not in changes):
                warn(f"{name} is {json.dumps(changed[name])} now, as the method {changed['method']} has it")
        with database.read() as db:
            protocol = queries.studies.find_study(db, options.name).protocol.to_json()
    say(options, protocol, "\n".join(f"{name} = {json.dumps(value)}" for name, value in protocol.items()))


def _change(text: str) -> tuple[str, Any]:
    """Return name and value of KEY=VALUE; a value that is no JSON is a text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ProtocolError(f"{text!r} changes nothing; write KEY=VALUE, as in ratings_wanted=25.")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value


def _import(options: argparse.Namespace, settings: Settings) -> None:
    from tqdm import tqdm

    from annotate import queries
    from annotate.exchange.foreign_ratings import questions_by_scale, read_any_ratings
    from annotate.methods import method_of
    from annotate.methods.method import Unit

    with opened_database(settings) as database:
        with database.read() as db:
            study = queries.studies.find_study(db, options.name)
            names = queries.stimuli.stimulus_names(db, study.id)
        if method_of(study.protocol).unit is Unit.PAIR:
            _import_comparisons(options, database, study)
            return
        questions = questions_by_scale(options.question, study.protocol)
        read = read_any_ratings(options.ratings, study.protocol, names, utc_now(), questions=questions)
        with database.write() as db:
            watched = tqdm(read.ratings, unit="rating", disable=None)  # None: only on a terminal
            count = queries.imports.import_ratings(db, study.id, watched, utc_now())
    for warning in read.warnings:
        warn(warning)
    repeats = f", {read.repeats:,} of them repeats" if read.repeats else ""
    done = {"study": options.name, "imported": count, "repeats": read.repeats, "warnings": list(read.warnings)}
    say(options, done, f"{counted(count, 'rating was', 'ratings were')} added to {options.name}{repeats}.")


def _import_comparisons(options: argparse.Namespace, database: "Database", study: "Study") -> None:
    from tqdm import tqdm

    from annotate import queries
    from annotate.exchange.comparisons import comparisons_to_import

    read = comparisons_to_import(options.ratings, study.protocol)
    with database.write() as db:
        watched = tqdm(read.comparisons, unit="comparison", disable=None)
        count, repeats = queries.pair_imports.import_comparisons(
            db, study.id, watched, utc_now(), repeats=options.repeats, across_sources=options.across_sources
        )
    for warning in read.warnings:
        warn(warning)
    done = {"study": options.name, "imported": count, "repeats": repeats, "warnings": list(read.warnings)}
    told = f", {repeats:,} of them repeats" if repeats else ""
    say(options, done, f"{counted(count, 'comparison was', 'comparisons were')} added to {options.name}{told}.")


def _change_state(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import queries
    from annotate.design.states import State

    with opened_database(settings) as database, database.write() as db:
        found = queries.lifecycle.change_state(
            db, queries.studies.find_study(db, options.name).id, State(options.state), utc_now()
        )
    for warning in found:
        warn(warning)
    done = {"study": options.name, "state": options.state, "warnings": list(found)}
    say(options, done, f"{options.name} is {options.state}.")


def _status(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import queries
    from annotate.methods import study_effort

    with opened_database(settings) as database, database.read() as db:
        studies = [queries.studies.find_study(db, options.name)] if options.name else queries.studies.list_studies(db)
        unreadable = (
            [] if options.name else [each for each in studies if isinstance(each.stored_protocol, UnreadableProtocol)]
        )
        for each in unreadable:
            warn(f"{each.name}: {each.stored_protocol}")
        rows = [
            _progress(each, queries.progress.study_progress(db, each, utc_now()))
            for each in studies
            if each not in unreadable
        ]
        needed = (
            study_effort(studies[0].protocol, queries.stimuli.summarize_stimuli(db, studies[0].id))
            if options.name
            else None
        )
    columns = ("study", "state", "pictures", "ratings", "wanted", "complete", "participants", "active", "invited")
    shown = table(columns, rows) if rows else "There are no studies yet."
    if options.name:
        effort = {"effort": needed and needed.to_dict()}
        going_on = ", ".join(f"{count} {why}" for why, count in rows[0].get("sources", {}).items())
        sources = f"\nSources: {going_on}." if going_on else ""
        say(options, rows[0] | effort, f"{shown}{sources}\n{effort_in_words(needed)}")
    else:
        say(options, rows, shown)


def _progress(study: "Study", progress: "StudyProgress") -> dict[str, Any]:
    """Return how far a study is, JSON-ready; `wanted` counts ratings, `complete` pictures."""
    return {
        "study": study.name,
        "state": study.state,
        "pictures": progress.pictures,
        "stimuli": {kind.name.lower(): count for kind, count in progress.stimuli.items()},
        "ratings": progress.ratings,
        "wanted": progress.wanted,
        "complete": progress.complete,
        "pictures_by_ratings": {str(ratings): count for ratings, count in progress.stimuli_by_ratings.items()},
        "participants": progress.participants,
        "active": progress.active_participants,
        "invited": progress.invited,
        "sittings": progress.sittings,
        "sittings_ended": progress.sittings_ended,
        **(
            {"sources": {stopped or "going on": n for stopped, n in progress.groups.items()}} if progress.groups else {}
        ),
    }


def _members(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import queries

    known = options.hugging_face
    secret = make_secret() if options.add is not None and not known else None
    with opened_database(settings) as database, database.write() as db:
        study_id = queries.studies.find_study(db, options.name).id
        if options.add is not None:
            queries.members.add_member(
                db,
                study_id,
                options.add,
                Role(options.role),
                utc_now(),
                secret_hash=hash_secret(secret) if secret else None,
                hub_name=known,
            )
        if options.remove is not None:
            queries.members.remove_member(db, study_id, options.remove, utc_now())
        rows = [
            {"name": each.name, "role": each.role, "hugging_face": each.hub_name}
            for each in queries.members.list_members(db, study_id)
        ]
    shown = table(("name", "role", "hugging_face"), rows) if rows else f"Nobody else is let into {options.name}."
    told = f"\nThe secret of {options.add}, shown this once: {secret}" if secret else ""
    say(options, {"members": rows, "secret": secret}, shown + told)


def _links(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import queries
    from annotate.rating import links

    url = read_address("--url", options.url or settings.public_url or "http://127.0.0.1:7860")
    with opened_database(settings) as database, database.write() as db:
        study = queries.studies.find_study(db, options.name)
        made = links.make_links(db, study, options.count, utc_now())
    anyone, prolific = url + links.join_path(study), url + links.prolific_path(study)
    personal = [{"participant": link.pseudonym, "url": url + link.path} for link in made]
    found = {"study": study.name, "anyone": anyone, "prolific": prolific, "personal": personal}
    lines = [
        f"anyone    {anyone}",
        f"Prolific  {prolific}",
        *(f"{p['participant']}  {p['url']}" for p in personal),
    ]
    say(options, found, "\n".join(lines))
