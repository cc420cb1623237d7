"""Commands that tell what came of a study."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotate.cli.arguments import MOST_LISTED, Command, whole
from annotate.cli.output import cell, one_line, opened_database, say, table, utc_now, warn
from annotate.design.further_scales import MAIN
from annotate.errors import RatingsError, SettingError
from annotate.settings import Settings
from annotate.wording import counted

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from annotate.database.tables import Study
    from annotate.queries.screenings import Applied
    from annotate.statistics.comparisons import Comparisons
    from annotate.statistics.conditions import Conditions
    from annotate.statistics.paired_conditions import PairedConditions

FINDING_COLUMNS = ("participant", "sitting", "check", "reason")
SCALE_COLUMNS = ("stimulus", "jod", "ci95", "comparisons", "group")
PAIRED_PARTICIPANT_COLUMNS = (
    "participant", "comparisons", "agreement", "circular", "left_share", "side_p", "response_ms"
)  # fmt: skip
CONDITION_COLUMNS = ("condition", "pictures", "sources", "ratings", "mos", "ci95")
PAIRED_CONDITION_COLUMNS = ("condition", "pictures", "sources", "comparisons", "jod", "ci95")
CONDITION_PAIR_COLUMNS = ("a", "b", "sources", "shared", "difference", "ci95", "p", "p_corrected")
AGREEMENT_COLUMNS = (
    "metric", "pictures", "srcc", "srcc_low", "srcc_high", "pairs", "pairs_right", "pairs_low", "pairs_high", "behind",
    "behind_low", "behind_high",
)  # fmt: skip
SIGNIFICANT = 0.01
MOST_BOOTSTRAPS = 10_000
CORRELATION_COLUMNS = ("a", "b", "pictures", "srcc", "srcc_low", "srcc_high", "plcc")
SUMMARY_COLUMNS = ("scale", "title", "ratings", "mos", "icc_mean", "krippendorff_alpha")
DMOS_COLUMNS = ("dmos", "dmos_ci95")
MOS_COLUMNS = ("stimulus", "mos", "sos", "ci95", "ratings", "mos_p910", "unusable")


def add_results(command: Command) -> None:
    """Add the commands about what came of a study."""
    _add_statistics(command)
    _add_plans(command)


def _add_statistics(command: Command) -> None:
    mos = command("mos", _mos, "print MOS, SOS, CI95 and the P.910 estimate of every picture")
    mos.add_argument("name", metavar="NAME")
    _add_scale_option(mos)
    screen = command("screen", _screen, "check sittings and participants, with reasons")
    screen.add_argument("name", metavar="NAME")
    screen.add_argument("--all", action="store_true", help="print what is reported only, too")
    screen.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="move a limit, and say what that would do; may be given several times",
    )
    instead = screen.add_mutually_exclusive_group()
    instead.add_argument("--apply", action="store_true", help="leave the votes of those found out of the MOS")
    instead.add_argument("--undo", action="store_true", help="take the last screening that was applied back")
    reliability = command("reliability", _reliability, "say how far people agree: ICC, alpha, split halves")
    reliability.add_argument("name", metavar="NAME")
    _add_scale_option(reliability)
    conditions = command(
        "conditions", _conditions, "compare what was done to the pictures: MOS of each, tests of all pairs"
    )
    conditions.add_argument("name", metavar="NAME")
    _add_scale_option(conditions)
    scales = command("scales", _scales, "compare the scales of a study: agreement on each, correlation of their MOS")
    scales.add_argument("name", metavar="NAME")
    agreement = command("agreement", _agreement, "say how far metrics agree with people: SRCC, pairs ordered right")
    agreement.add_argument("name", metavar="NAME")
    _add_scale_option(agreement)
    agreement.add_argument(
        "files",
        type=Path,
        nargs="+",
        metavar="CSV",
        help="of fiqa score or fiqa compare, or a column stimulus or path and one for each metric",
    )
    agreement.add_argument(
        "--lower", nargs="+", default=[], metavar="METRIC", help="metrics of which lower values are better"
    )


def _add_scale_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scale", default=MAIN, metavar="NAME", help=f"one of those that the study grades on (default: {MAIN})"
    )


def _add_plans(command: Command) -> None:
    plan = command("next", _next, "list the pictures most worth rating next, or the pairs that a study asks next")
    plan.add_argument("name", metavar="NAME")
    plan.add_argument(
        "--count", type=whole(1, MOST_LISTED), default=20, metavar="N", help="pictures or pairs (default: 20)"
    )
    plan.add_argument("--ci95", type=float, metavar="WIDTH", help="wanted half width in grades, in place of a count")
    plan.add_argument(
        "--scores", type=Path, metavar="CSV", help="of a model, as fiqa score writes it, or columns stimulus, score"
    )
    scale = command("scale", _scale, "scale paired comparisons: where each picture stands, in JOD")
    scale.add_argument(
        "compared", metavar="NAME|CSV", help="a study of pairs, or a table: left, right, participant, preferred"
    )
    scale.add_argument(
        "--model", choices=("thurstone", "bradley-terry"), default="thurstone", help="default: thurstone (case V)"
    )
    scale.add_argument(
        "--bootstrap",
        type=whole(1, MOST_BOOTSTRAPS),
        metavar="N",
        help="intervals from N resamplings of the participants, in place of the likelihood's",
    )
    instead = scale.add_mutually_exclusive_group()
    instead.add_argument("--participants", action="store_true", help="print the figures of the participants instead")
    instead.add_argument(
        "--next", type=whole(1, MOST_LISTED), metavar="N", help="print the N pairs most worth comparing next instead"
    )


def _mos(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import analysis, queries

    with opened_database(settings) as database, database.read() as db:
        study_id = queries.studies.find_study(db, options.name).id
        analysis.check_asks_for_grades(db, study_id)
        rows = analysis.mos_rows(db, study_id, options.scale)
    say(options, rows, table(MOS_COLUMNS + DMOS_COLUMNS if rows and "dmos" in rows[0] else MOS_COLUMNS, rows))


def _reliability(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import analysis, queries

    with opened_database(settings) as database, database.read() as db:
        row = analysis.reliability(db, queries.studies.find_study(db, options.name).id, options.scale)
    say(options, row, "\n".join(f"{name:22} {cell(value)}" for name, value in row.items()))


def _say_paired_conditions(options: argparse.Namespace, found: "PairedConditions") -> None:
    if found.problem:
        raise RatingsError(found.problem)
    if not found.figures:
        warn("fewer than two conditions were compared; the column condition of stimuli.csv says what was done to each")
    _say_conditions(options, PAIRED_CONDITION_COLUMNS, found)


def _say_conditions(
    options: argparse.Namespace, columns: Sequence[str], found: "Conditions | PairedConditions"
) -> None:
    """Print the figures of conditions, and the tests of all pairs of them."""
    from annotate.statistics.conditions import MOST_COMPARED

    if len(found.figures) > MOST_COMPARED:
        warn(f"{len(found.figures)} conditions are too many to compare in pairs; {MOST_COMPARED} are the most")
    rows, pairs = [each.row() for each in found.figures], [each.row() for each in found.pairs]
    compared = f"\n\n{table(CONDITION_PAIR_COLUMNS, pairs)}" if pairs else ""
    say(options, {"conditions": rows, "pairs": pairs}, table(columns, rows) + compared)


def _conditions(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import analysis, queries
    from annotate.methods import method_of
    from annotate.methods.method import Unit

    with opened_database(settings) as database, database.read() as db:
        study = queries.studies.find_study(db, options.name)
        if method_of(study.protocol).unit is Unit.PAIR:
            if options.scale != MAIN:
                raise RatingsError(f"{study.name} compares pairs, which are graded on no scale; leave --scale out.")
            _say_paired_conditions(options, analysis.paired_conditions(db, study.id))
            return
        found = analysis.conditions(db, study.id, options.scale)
    if not found.figures:
        warn("no picture with a vote has a condition; the column condition of stimuli.csv says what was done to each")
    _say_conditions(options, CONDITION_COLUMNS, found)


def _scales(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import analysis, queries

    with opened_database(settings) as database, database.read() as db:
        study_id = queries.studies.find_study(db, options.name).id
        analysis.check_asks_for_grades(db, study_id)
        scales = analysis.scale_summaries(db, study_id)
        pairs = [each.row() for each in analysis.correlations(db, study_id)]
    correlated = f"\n\n{table(CORRELATION_COLUMNS, pairs)}" if pairs else ""
    say(options, {"scales": scales, "correlations": pairs}, table(SUMMARY_COLUMNS, scales) + correlated)


def _agreement(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import analysis, queries
    from annotate.exchange.metrics import read_metrics

    with opened_database(settings) as database, database.read() as db:
        study_id = queries.studies.find_study(db, options.name).id
        analysis.check_asks_for_grades(db, study_id)
        metrics = read_metrics(
            [(file, file.name) for file in options.files], analysis.stimulus_conditions(db, study_id)
        )
        if unknown := next((name for name in options.lower if name not in metrics), None):
            raise SettingError(f"There is no metric {unknown!r}; there are: {', '.join(metrics)}.")
        rows = [
            each.row() for each in analysis.agreement(db, study_id, metrics, scale=options.scale, lower=options.lower)
        ]
    say(options, rows, table(AGREEMENT_COLUMNS, rows))


def _scale(options: argparse.Namespace, settings: Settings) -> None:
    from annotate.statistics.pair_planning import PlannedPair, plan_pairs
    from annotate.statistics.paired_checks import check_participants
    from annotate.statistics.paired_scale import bootstrap_paired_scale, fit_paired_scale

    comparisons, sources = _load_comparisons(options, settings)
    if options.participants:
        people = list(check_participants(comparisons).rows())
        say(options, people, table(PAIRED_PARTICIPANT_COLUMNS, people))
        return
    scale = fit_paired_scale(comparisons, model=options.model)
    if options.next:
        pairs = [pair._asdict() for pair in plan_pairs(scale, options.next, sources)]
        say(options, pairs, table(PlannedPair._fields, pairs))
        return
    if options.bootstrap:
        scale = replace(scale, ci95=bootstrap_paired_scale(comparisons, model=options.model, samples=options.bootstrap))
    rows = list(scale.rows())
    if groups := int(scale.group.max()):
        warn(f"the pictures form {groups + 1} groups that no comparison links; each has a scale of its own")
    if scale.misfit < SIGNIFICANT:
        warn(f"the answers do not fit one scale well (p = {scale.misfit:.2g}): people may look at different things")
    say(options, rows, table(SCALE_COLUMNS, rows))


def _load_comparisons(
    options: argparse.Namespace, settings: Settings
) -> "tuple[Comparisons, Mapping[str, str | None] | None]":
    """Return the comparisons of a table, where the name is that of a file, or of a study.

    With them come the sources of a study that compares pictures of one source only.
    """
    from annotate import analysis, queries
    from annotate.exchange.comparisons import read_comparisons

    file = Path(options.compared)
    if file.suffix.lower() == ".csv" or file.is_file():
        return read_comparisons(file), None
    with opened_database(settings) as database, database.read() as db:
        study_id = queries.studies.find_study(db, options.compared).id
        comparisons = analysis.load_comparisons(db, study_id, everybody=options.participants)
        return comparisons, analysis.sources_kept_apart(db, study_id)


def _screen(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import analysis, queries
    from annotate.methods import method_of
    from annotate.methods.method import Unit

    with opened_database(settings) as database:
        with database.read() as db:
            study_id = queries.studies.find_study(db, options.name).id
        if options.undo:
            with database.write() as db:
                undone = queries.screenings.undo_screening(db, study_id, utc_now())
            say(options, asdict(undone), f"The last screening of {options.name} is undone: {_changed(undone)}.")
            return
        with database.read() as db:
            limits = queries.screenings.applied_limits(db, study_id) | dict(map(_limit, options.limit))
            of_pairs = method_of(queries.studies.get_study(db, study_id).protocol).unit is Unit.PAIR
            found = _screened_pairs(db, study_id, limits) if of_pairs else _screened(db, study_id, limits)
        applied = None
        if options.apply:
            with database.write() as db:
                applied = analysis.apply_screening(db, study_id, utc_now(), limits)
    found["excluded"] = list(applied.falls) if applied else []
    preview = found.pop("preview", {})
    rows = [row for row in found["findings"] if row["excludes_votes"] or options.all]
    lines = [table(FINDING_COLUMNS, rows) if rows else f"Nothing speaks against {options.name}'s votes."]
    if options.limit and preview:
        found["preview"] = preview
        lines += [f"{name:22} {cell(value)}" for name, value in preview.items() if not isinstance(value, list)]
    if applied:
        lines.append(f"Applied: {_changed(applied)}.")
    say(options, found, "\n".join(lines))


def _screened_pairs(db: "Session", study_id: int, limits: Mapping[str, float]) -> dict[str, Any]:
    """Return what the checks of a study of pairs find, JSON-ready."""
    from annotate import analysis, queries

    if others := sorted(limits.keys() - {"failed_share"}):
        raise RatingsError(f"The limit {others[0]} is of grades; where pairs are compared, failed_share can be moved.")
    findings = analysis.find_all(db, study_id, limits)
    answered = {(row.participant, row.sitting) for row in queries.ratings.stream_comparisons(db, study_id)}
    out = {each.participant for each in findings if each.excludes_votes}
    refused = {each.sitting for each in findings if each.rejects_sitting}
    sittings = [f"{person}/{number}" for person, number in sorted(answered)]
    return {
        "findings": [each.row() for each in findings],
        "participants": [
            {"participant": each, "used": each not in out} for each in sorted({one for one, _ in answered})
        ],
        "sittings": [{"sitting": each, "accepted": each not in refused} for each in sittings],
    }


def _screened(db: "Session", study_id: int, limits: Mapping[str, float]) -> dict[str, Any]:
    """Return what screening by these limits finds, and what it would do as `preview`, JSON-ready."""
    from annotate import analysis, queries

    ratings, preview = queries.ratings.load_ratings(db, study_id), analysis.preview(db, study_id, limits)
    screening = preview.screening
    return {
        "preview": preview.row(),
        "findings": [finding.row() for finding in screening.findings],
        "participants": [
            {"participant": ratings.participant_ids[index], "used": bool(screening.participant_used[index])}
            for index in sorted(set(ratings.participant.tolist()))
        ],
        "sittings": [
            {"sitting": ratings.sitting_ids[index], "accepted": bool(screening.sitting_accepted[index])}
            for index in sorted(set(ratings.sitting.tolist()))
        ],
    }


def _limit(text: str) -> tuple[str, float]:
    """Return name and value of NAME=VALUE."""
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise RatingsError(f"{text!r} moves no limit; write NAME=VALUE, as in agreement=0.4.") from None


def _changed(applied: "Applied") -> str:
    """Say whose votes are used no more, and whose again."""
    moved = ((applied.falls, "are not used any more"), (applied.returns, "are used again"))
    said = [f"the votes of {counted(len(people), 'participant')} {how}" for people, how in moved if people]
    return "; ".join(said) or "nobody's votes are used otherwise than before"


def _next(options: argparse.Namespace, settings: Settings) -> None:
    from annotate import analysis, queries
    from annotate.exchange.scores import read_scores, scores_of
    from annotate.methods import method_of
    from annotate.methods.method import Unit
    from annotate.statistics import planning

    scores = read_scores(options.scores) if options.scores else None
    with opened_database(settings) as database, database.read() as db:
        study = queries.studies.find_study(db, options.name)
        if method_of(study.protocol).unit is Unit.PAIR:
            _next_pairs(options, db, study)
            return
        table = analysis.mos_table(db, study.id)
        wanted: int = study.protocol.ratings_wanted
    if scores is not None:
        scores = scores_of(table.stimulus_ids, scores)
    missing = planning.missing_ratings(table, wanted_ratings=wanted, wanted_ci95=options.ci95, model_scores=scores)
    batch = planning.next_batch(
        table, options.count, wanted_ratings=wanted, wanted_ci95=options.ci95, model_scores=scores
    )
    rows = [candidate.row() for candidate in batch]
    goal = counted(wanted, "rating") if options.ci95 is None else f"a MOS known to ±{options.ci95:g}"
    total = f"{counted(int(missing.sum()), 'more rating')} would give every picture {goal}."
    listed = [f"{one_line(row['stimulus'])}  {row['reason']}" for row in rows]
    say(options, {"missing_ratings": int(missing.sum()), "next": rows}, "\n".join([*listed, total]))


def _next_pairs(options: argparse.Namespace, db: "Session", study: "Study") -> None:
    from annotate import queries

    if options.scores or options.ci95 is not None:
        raise RatingsError(f"{study.name} compares pairs, which its design chooses; leave --scores and --ci95 out.")
    pairs = queries.next_pairs.next_pairs(db, study, options.count)
    missing = queries.next_pairs.missing_answers(db, study)
    rows = [{**each._asdict(), "reason": each.reason} for each in pairs]
    listed = [f"{one_line(each.stimulus)}  {one_line(each.other)}  {each.reason}" for each in pairs]
    total = f"{counted(missing, 'more answer')} would give every pair what is wanted so far."
    say(options, {"missing_ratings": missing, "next": rows}, "\n".join([*listed, total]))
