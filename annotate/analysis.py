"""From the database to the statistics, and back: what the command line, the export and the Studies tab share.

A MOS counts the votes of participants whose votes are used. Screening proposes who that is; nothing is left out
before somebody applies what it found, and each exclusion is stored with its reason.
"""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy.orm import Session

from annotate import queries
from annotate.database.engine import Database
from annotate.design.further_scales import MAIN
from annotate.design.items import ItemKind
from annotate.errors import RatingsError, StudyError
from annotate.methods import method_of
from annotate.methods.method import Unit
from annotate.statistics.comparisons import Comparisons
from annotate.statistics.complaint_agreement import ComparedComplaints, Complaints, Diagnosis, compare_complaints
from annotate.statistics.conditions import Conditions, Origin, compare_conditions
from annotate.statistics.findings import Finding, ScreeningRules
from annotate.statistics.metric_agreement import MetricAgreement, compare_metrics
from annotate.statistics.mos import MosTable, estimate_mos
from annotate.statistics.paired_checks import (
    KnownAnswer,
    PairedParticipants,
    check_participants,
    find_failed_pairs,
    find_odd,
)
from annotate.statistics.paired_conditions import PairedConditions, scale_conditions
from annotate.statistics.paired_scale import PairedScale, fit_paired_scale
from annotate.statistics.ratings import Flags, Ratings
from annotate.statistics.reliability import Reliability, estimate_reliability
from annotate.statistics.scale_correlation import ScaleCorrelation, correlate_scales
from annotate.statistics.screening import Screening, screen
from annotate.statistics.screening_preview import ScreeningPreview, preview_screening


class Votes(NamedTuple):
    """A study's ratings, and which of the V are by participants whose votes are used."""

    ratings: Ratings
    used: Flags


def load_votes(db: Session, study_id: int, scale: str = MAIN) -> Votes:
    """Return all ratings of a study on one of its scales, whether they are used or not."""
    ratings = queries.ratings.load_ratings(db, study_id, scale)
    excluded = queries.participants.unused_participants(db, study_id)
    used = np.array([name not in excluded for name in ratings.participant_ids], np.bool_)
    return Votes(ratings, used[ratings.participant])


def load_comparisons(db: Session, study_id: int, *, everybody: bool = False) -> Comparisons:
    """Return the answers to pairs, without repeats, of participants whose votes are used or of everybody.

    Raises StudyError where pictures are not compared in the study, or nobody has compared any yet.
    """
    study = queries.studies.get_study(db, study_id)
    if method_of(study.protocol).unit is not Unit.PAIR:
        raise StudyError(f"{study.name} asks for grades (method {study.protocol.method}); its result is the MOS.")
    rows = [
        row
        for row in queries.ratings.stream_comparisons(db, study_id)
        if row.kind is ItemKind.RATED and (everybody or row.votes_used)
    ]
    if not rows:
        raise StudyError(f"Nobody has compared pictures of {study.name} yet.")
    times = [math.nan if row.response_ms is None else row.response_ms for row in rows]
    left, right, participant, preferred = zip(*(row[:4] for row in rows), strict=True)
    return Comparisons.from_columns(left, right, participant, preferred, response_ms=times)


def check_asks_for_grades(db: Session, study_id: int) -> None:
    """Raise StudyError where a study has no MOS, because its pictures are compared."""
    study = queries.studies.get_study(db, study_id)
    if method_of(study.protocol).unit is Unit.PAIR:
        raise StudyError(f"{study.name} compares pictures (method {study.protocol.method}); its result is the scale.")


def mos_table(db: Session, study_id: int, scale: str = MAIN) -> MosTable:
    """Return the figures of every stimulus to be rated, from the votes that are used."""
    return estimate_mos(*load_votes(db, study_id, scale)).only(_origins(db, study_id))


def mos_rows(db: Session, study_id: int, scale: str = MAIN) -> list[dict[str, Any]]:
    """Return the same as JSON-safe dictionaries, with the DMOS where the method has one."""
    ratings, used = load_votes(db, study_id, scale)
    rows = list(estimate_mos(ratings, used).only(_origins(db, study_id)).rows())
    add_dmos = method_of(queries.studies.get_study(db, study_id).protocol).add_dmos
    return add_dmos(rows, ratings.where(used), queries.stimuli.reference_names(db, study_id)) if add_dmos else rows


def reliability(db: Session, study_id: int, scale: str = MAIN) -> dict[str, float | None]:
    """Return how far people agree, from the votes that are used; None for what too few votes say nothing of."""
    return estimate_reliability(*load_votes(db, study_id, scale)).row()


def conditions(db: Session, study_id: int, scale: str = MAIN) -> Conditions:
    """Return what the votes that are used say of what was done to the pictures."""
    return compare_conditions(*load_votes(db, study_id, scale), _origins(db, study_id))


def scale_summaries(db: Session, study_id: int) -> list[dict[str, Any]]:
    """Return of each scale of a study its title, the grades that count, their pictures' mean MOS and the agreement."""
    protocol = queries.studies.get_study(db, study_id).protocol
    rows = []
    for name, title in protocol.scale_titles(protocol.language).items():
        votes = load_votes(db, study_id, name)
        table = estimate_mos(*votes).only(_origins(db, study_id))
        known = table.mos[~np.isnan(table.mos)]
        figures = {"ratings": int(table.ratings.sum()), "mos": float(known.mean()) if known.size else None}
        rows.append({"scale": name, "title": title, **figures, **estimate_reliability(*votes).row()})
    return rows


def correlations(db: Session, study_id: int) -> list[ScaleCorrelation]:
    """Return how far every two scales of a study order its pictures alike; none where it has one."""
    names = queries.studies.get_study(db, study_id).protocol.scale_names
    return correlate_scales({name: mos_table(db, study_id, name) for name in names}) if len(names) > 1 else []


def paired_conditions(db: Session, study_id: int) -> PairedConditions:
    """Return where what was done to the pictures puts them, by the comparisons that are used.

    Raises StudyError where nobody has compared any pictures.
    """
    return _scaled_conditions(load_comparisons(db, study_id), _origins(db, study_id))


def _scaled_conditions(comparisons: Comparisons, origins: Mapping[str, Origin]) -> PairedConditions:
    """Return the conditions of comparisons, or the problem where they cannot be put on one scale."""
    try:
        return scale_conditions(comparisons, origins)
    except RatingsError as error:
        return PairedConditions(problem=str(error))


def agreement(
    db: Session,
    study_id: int,
    metrics: Mapping[str, Mapping[str, float]],
    *,
    scale: str = MAIN,
    lower: Collection[str] = (),
) -> list[MetricAgreement]:
    """Return how far metrics, given by their values by stimulus, agree with the votes that are used.

    `lower` names those of which lower values are better.
    """
    sources = {name: origin.source for name, origin in _origins(db, study_id).items()}
    return compare_metrics(mos_table(db, study_id, scale), metrics, sources, lower=lower)


def complaints_and_diagnoses(db: Session, study_id: int, diagnoses: Mapping[str, Diagnosis]) -> ComparedComplaints:
    """Return how far what people complain about goes with diagnoses, given by stimulus.

    Raises StudyError where the study offers no reasons.
    """
    offered = offered_reasons(db, study_id)
    sources = {name: origin.source for name, origin in _origins(db, study_id).items()}
    return compare_complaints(queries.reasons.count_reasons(db, study_id), diagnoses, offered, sources)


def offered_reasons(db: Session, study_id: int) -> tuple[str, ...]:
    """Return the reasons that a study offers; raises StudyError where it offers none."""
    study = queries.studies.get_study(db, study_id)
    if not study.protocol.reasons:
        raise StudyError(f"{study.name} asks for no reasons, so nobody could say what is wrong with a picture.")
    return study.protocol.reasons


def stimulus_conditions(db: Session, study_id: int) -> dict[str, str | None]:
    """Return the condition of every stimulus to be rated, by name."""
    return {name: origin.condition for name, origin in _origins(db, study_id).items()}


def sources_kept_apart(db: Session, study_id: int) -> dict[str, str | None] | None:
    """Return the source of every stimulus to be rated, by name; None where a study compares pictures of two sources."""
    if queries.studies.get_study(db, study_id).protocol.pair_across_sources:
        return None
    return {name: origin.source for name, origin in _origins(db, study_id).items()}


def _origins(db: Session, study_id: int) -> dict[str, Origin]:
    """Return the origin of every stimulus to be rated, by name."""
    return {
        each.name: Origin(each.source, each.condition)
        for each in queries.stimuli.all_stimuli(db, study_id)
        if each.kind is ItemKind.RATED
    }


@dataclass(frozen=True, eq=False)
class Analysis:
    """Everything the Studies tab shows of a study's grades; `version` is the study_version they were read at.

    table:       of the stimuli to be rated, from the votes that are used
    reliability: the same votes'
    conditions:  what was done to the pictures compared, from the same votes
    findings:    of screening, as if nobody's votes had been excluded yet
    dmos:        `dmos` and `dmos_ci95` by picture, where the method has them
    complaints:  from the same votes; none where the study offers no reasons
    scale:       that all of it is about, but for the findings, which are about the first one
    correlations: of the MOS of every two scales of the study
    """

    version: queries.progress.Version
    table: MosTable
    reliability: Reliability
    conditions: Conditions
    findings: tuple[Finding, ...]
    dmos: Mapping[str, Mapping[str, Any]]
    complaints: Complaints
    scale: str
    correlations: tuple[ScaleCorrelation, ...]


@dataclass(frozen=True, eq=False)
class PairedAnalysis:
    """Everything the Studies tab shows of a study's comparisons; `version` is as that of an `Analysis`.

    scale:      where each picture stands by the votes that are used; None where there are none
    people:     figures of everybody who compared; None where nobody did
    conditions: what was done to the pictures compared, from the same votes
    complaints: from the votes that are used
    findings:   about everybody; those of known pairs exclude people
    """

    version: queries.progress.Version
    scale: PairedScale | None
    people: PairedParticipants | None
    conditions: PairedConditions
    complaints: Complaints
    findings: tuple[Finding, ...]


def analyse(
    database: Database, study_id: int, told: Callable[[str], None], scale: str = MAIN
) -> Analysis | PairedAnalysis:
    """Analyse a study as it is now, on one of its scales.

    `told` is called with what is done next, which takes seconds for a million votes. The database is only held while
    the votes are read.
    """
    told("Reading the votes")
    with database.read() as db:
        of_pairs = method_of(queries.studies.get_study(db, study_id).protocol).unit is Unit.PAIR
    return _analyse_pairs(database, study_id, told) if of_pairs else _analyse_grades(database, study_id, told, scale)


def _analyse_pairs(database: Database, study_id: int, told: Callable[[str], None]) -> PairedAnalysis:
    with database.read() as db:
        version = queries.progress.study_version(db, study_id)
        used, everybody = (_comparisons(db, study_id, everybody=everybody) for everybody in (False, True))
        complaints, origins = _complaints(db, study_id), _origins(db, study_id)
        failed = _failed_pairs(db, study_id, queries.screenings.screening_rules(db, study_id))
    told("Fitting the scale")
    scale = fit_paired_scale(used) if used else None
    told("Comparing conditions")
    compared = _scaled_conditions(used, origins) if used else PairedConditions()
    told("Checking everybody")
    people = check_participants(everybody) if everybody else None
    findings = (*failed, *(find_odd(people) if people else ()))
    return PairedAnalysis(version, scale, people, compared, complaints, findings)


def _failed_pairs(db: Session, study_id: int, rules: ScreeningRules) -> list[Finding]:
    """Return what known pairs say of everybody who answered them."""
    answers = (
        KnownAnswer(row.participant, f"{row.participant}/{row.sitting}", row.preferred, row.expected)
        for row in queries.ratings.stream_comparisons(db, study_id)
        if row.kind is ItemKind.GOLD and row.expected
    )
    return find_failed_pairs(answers, rules)


def _comparisons(db: Session, study_id: int, *, everybody: bool) -> Comparisons | None:
    """Return the answers to pairs, None where there are none."""
    try:
        return load_comparisons(db, study_id, everybody=everybody)
    except StudyError:
        return None


def _complaints(db: Session, study_id: int) -> Complaints:
    offered = queries.studies.get_study(db, study_id).protocol.reasons
    return queries.reasons.count_reasons(db, study_id) if offered else {}


def _analyse_grades(database: Database, study_id: int, told: Callable[[str], None], scale: str) -> Analysis:
    with database.read() as db:
        version = queries.progress.study_version(db, study_id)
        origins = _origins(db, study_id)
        rules = queries.screenings.screening_rules(db, study_id)
        names = queries.studies.get_study(db, study_id).protocol.scale_names
        votes_on = {name: load_votes(db, study_id, name) for name in names}
        complaints = _complaints(db, study_id)
        add_dmos = method_of(queries.studies.get_study(db, study_id).protocol).add_dmos
        references = queries.stimuli.reference_names(db, study_id) if add_dmos else {}
    told("Estimating the MOS")
    tables = {name: estimate_mos(*votes_on[name]) for name in names}
    table, votes = tables[scale], votes_on[scale]
    rows = add_dmos(list(table.rows()), votes.ratings.where(votes.used), references) if add_dmos else []
    told("Measuring how far people agree")
    reliability = estimate_reliability(*votes, table=table)
    told("Comparing conditions")
    compared = compare_conditions(*votes, origins)
    told("Checking everybody")
    findings = screen(votes_on[MAIN].ratings, rules).findings
    dmos = {row["stimulus"]: {name: row[name] for name in ("dmos", "dmos_ci95")} for row in rows}
    correlations = tuple(correlate_scales({name: each.only(origins) for name, each in tables.items()}))
    return Analysis(
        version, table.only(origins), reliability, compared, findings, dmos, complaints, scale, correlations
    )


def find_all(db: Session, study_id: int, limits: Mapping[str, float] | None = None) -> tuple[Finding, ...]:
    """Return what the checks find in a study as if nobody's votes had been excluded, by these limits or the last."""
    rules = queries.screenings.screening_rules(db, study_id, limits)
    if method_of(queries.studies.get_study(db, study_id).protocol).unit is not Unit.PAIR:
        return screen(queries.ratings.load_ratings(db, study_id), rules).findings
    everybody = _comparisons(db, study_id, everybody=True)
    return (*_failed_pairs(db, study_id, rules), *(find_odd(check_participants(everybody)) if everybody else ()))


def screen_study(db: Session, study_id: int) -> tuple[Ratings, Screening]:
    """Screen a study as if nobody's votes had been excluded yet."""
    ratings = queries.ratings.load_ratings(db, study_id)
    return ratings, screen(ratings, queries.screenings.screening_rules(db, study_id))


def preview(db: Session, study_id: int, limits: Mapping[str, float]) -> ScreeningPreview:
    """Return what screening by these limits would do to a study; raise RatingsError for one that cannot be."""
    rules = queries.screenings.screening_rules(db, study_id, limits)
    decided = queries.screenings.decided_by_hand(db, study_id)
    return preview_screening(*load_votes(db, study_id), rules, stimuli=set(_origins(db, study_id)), decided=decided)


def apply_screening(
    db: Session, study_id: int, now: datetime, limits: Mapping[str, float] | None = None
) -> queries.screenings.Applied:
    """Exclude the votes that screening finds against, with its reasons, and note the limits: the last, unless given.

    Votes that somebody excluded before stay so; sittings are accepted or refused by their own decision.
    """
    moved = queries.screenings.screening_rules(db, study_id, limits).moved_limits()
    return queries.screenings.apply_screening(db, study_id, find_all(db, study_id, limits), moved, now)
