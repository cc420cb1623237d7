"""Screenings that were applied, as the log of a study has them: their limits, whom each left out, and the way back.

    screening         run, limits that differ from the defaults, how many people fall and return
    votes             of each of these people, with the run's number as `screening`
    screening undone  run

What somebody decided by hand is never changed by a screening, except that a check may find who was used till then.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.database.tables import Event
from annotate.errors import StudyError
from annotate.queries.audit import log_event
from annotate.queries.participants import get_participant, set_votes_used, unused_participants
from annotate.queries.studies import get_study, locked_study
from annotate.statistics.findings import Finding, ScreeningRules


@dataclass(frozen=True)
class Applied:
    """What a screening changed: whose votes fell, and whose are used again."""

    falls: tuple[str, ...]
    returns: tuple[str, ...]


def screening_rules(db: Session, study_id: int, limits: Mapping[str, float] | None = None) -> ScreeningRules:
    """Return the rules of a study: its protocol's, with these limits or those of the last screening that holds."""
    rules = ScreeningRules(gold_tolerance=get_study(db, study_id).protocol.gold_tolerance / 4)
    return rules.with_limits(applied_limits(db, study_id) if limits is None else limits)


def applied_limits(db: Session, study_id: int) -> dict[str, float]:
    """Return the limits of the last screening that was applied and not undone; those of the defaults are left out."""
    last = _last_run(db, study_id)
    return dict(last.detail["limits"]) if last else {}


def decided_by_hand(db: Session, study_id: int) -> set[str]:
    """Return the pseudonyms of those whose votes somebody left out, and no screening did."""
    return unused_participants(db, study_id) - _screened_out(db, study_id)


def apply_screening(
    db: Session, study_id: int, findings: Iterable[Finding], limits: Mapping[str, float], now: datetime
) -> Applied:
    """Leave out the votes that findings speak against, with their reasons, and use those of earlier screenings again.

    `limits` are noted with it: the study is screened by them from now on.
    """
    locked_study(db, study_id)  # of two owners who apply at once, one waits
    reasons: dict[str, str] = {}
    for finding in findings:
        if finding.excludes_votes:
            reasons.setdefault(finding.participant, finding.reason)
    unused, run = unused_participants(db, study_id), len(_runs(db, study_id, "screening")) + 1
    falls = tuple(sorted(reasons.keys() - unused))
    returns = tuple(sorted((unused & _screened_out(db, study_id)) - reasons.keys()))
    detail = {"run": run, "limits": dict(limits), "falls": len(falls), "returns": len(returns)}
    log_event(db, study_id, "screening", detail, now)
    for pseudonym in falls + returns:
        person = get_participant(db, study_id, pseudonym)
        reason = reasons.get(pseudonym, "")
        set_votes_used(db, person.id, used=not reason, reason=reason, now=now, screening=run)
    return Applied(falls, returns)


def undo_screening(db: Session, study_id: int, now: datetime) -> Applied:
    """Take back the last screening that holds: its people are as they were before, but for whom somebody decided since.

    Raises StudyError when there is none.
    """
    locked_study(db, study_id)
    last = _last_run(db, study_id)
    if last is None:
        raise StudyError("No screening was applied to this study that could be undone.")
    falls: list[str] = []
    returns: list[str] = []
    for pseudonym, events in _votes_events(db, study_id).items():
        if events[-1].detail.get("screening") != last.detail["run"]:
            continue
        earlier = (each.detail for each in reversed(events) if each.id < last.id)
        before: Mapping[str, Any] = next(earlier, {"used": True, "reason": ""})
        person = get_participant(db, study_id, pseudonym)
        if person.votes_used is not before["used"]:
            (returns if before["used"] else falls).append(pseudonym)
        set_votes_used(
            db, person.id, used=before["used"], reason=before["reason"], now=now, screening=before.get("screening")
        )
    detail = {"run": last.detail["run"], "falls": len(falls), "returns": len(returns)}
    log_event(db, study_id, "screening undone", detail, now)
    return Applied(tuple(falls), tuple(returns))


def _last_run(db: Session, study_id: int) -> Event | None:
    """Return the last screening that was not undone."""
    undone = {event.detail["run"] for event in _runs(db, study_id, "screening undone")}
    return next((each for each in reversed(_runs(db, study_id, "screening")) if each.detail["run"] not in undone), None)


def _screened_out(db: Session, study_id: int) -> set[str]:
    """Return whose votes are left out by a screening: nobody decided about them since."""
    latest = {name: events[-1].detail for name, events in _votes_events(db, study_id).items()}
    return {name for name, detail in latest.items() if detail.get("screening") and not detail["used"]}


def _votes_events(db: Session, study_id: int) -> dict[str, list[Event]]:
    """Return what was decided about whose votes, oldest first."""
    found: dict[str, list[Event]] = {}
    for event in _runs(db, study_id, "votes"):
        found.setdefault(event.detail["participant"], []).append(event)
    return found


def _runs(db: Session, study_id: int, what: str) -> list[Event]:
    chosen = select(Event).where(Event.study_id == study_id, Event.what == what).order_by(Event.id)
    found: list[Any] = list(db.scalars(chosen))
    return found
