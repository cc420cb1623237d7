"""What the Participants panel shows of people: a row of the table, and the card with everything about one of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from annotate.design.items import ItemKind
from annotate.design.review import KIND_NAMES
from annotate.design.states import ACTIVE
from annotate.statistics.findings import Check, Finding
from annotate.ui.studies.html import cells, note, press, table, text, when
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.database.tables import Participant, Sitting
    from annotate.queries.participants import ParticipantRow

DECIDED: Mapping[bool | None, str] = {
    True: '<span class="badge open">accepted</span>',
    False: '<span class="badge stop">rejected</span>',
    None: "–",
}
"""What is said of a sitting."""
HEADS = ("Person", "State", "Last seen", "Answers", "Sittings", "Checks", "Votes")
CHECK_NAMES: Mapping[Check, str] = {Check.GOLD: KIND_NAMES[ItemKind.GOLD][1], Check.TRAP: KIND_NAMES[ItemKind.TRAP][1]}
"""Checks by the names that the Set-up panel has for them; the others are called as they are."""
PATCHES = 4
"""Squares of each kind in the screen check."""


def state_of(sittings: "Sequence[Sitting]", now: datetime, recent: timedelta = ACTIVE) -> str:
    """Say where a person is: invited, rating now, left before the end, or finished."""
    if not sittings:
        return "invited"
    last = sittings[-1]
    if last.ended_at is not None:
        return "finished"
    return "rating now" if now - last.last_seen_at < recent else "left"


def person_row(
    row: "ParticipantRow",
    sittings: "Sequence[Sitting]",
    found: Mapping[str, Sequence[Finding]] | None,
    now: datetime,
) -> str:
    """Return the cells of one person; `found` is None while the checks are at work."""
    person = row.participant
    decisions = " ".join(DECIDED[sitting.accepted] for sitting in sittings if sitting.accepted is not None)
    against = [] if found is None else found.get(person.pseudonym, [])
    chips = " ".join(_chip(_name_of(each.check), each.reason, against=each.excludes_votes) for each in against)
    used = "used" if row.ratings else "–"
    return cells(
        press("look", person.pseudonym, kind="name", person=person.pseudonym),
        f"{state_of(sittings, now)}{_code_state(sittings)}",
        when(row.last_seen_at),
        f"{row.ratings:,}",
        f"{row.sittings} {decisions}",
        "…" if found is None else chips or ("nothing found" if row.ratings else "–"),
        used if person.votes_used else _chip("left out", person.votes_reason, against=True),
    )


def person_card(person: "Participant", sittings: "Sequence[Sitting]", findings: Sequence[Finding]) -> str:
    """Return everything there is to know of a person before deciding."""
    votes = "used" if person.votes_used else _because("left out", person.votes_reason)
    found = "".join(
        f'<li class="{"against" if each.excludes_votes else ""}">'
        f"<b>{text(_name_of(each.check))}</b> {text(each.reason)}</li>"
        for each in findings
    )
    rows = [_sitting_row(each) for each in sittings]
    heads = ("Sitting", "Begun", "Took", "Rated", "Screen", "Completion code", "Decision")
    joined = "Joined" if sittings else "Invited"
    return (
        f'<section class="card"><h3>Person <code>{text(person.pseudonym)}</code></h3>'
        f"<p>{joined} {when(person.created_at)}{f'; votes {text(votes)}' if sittings else ', not begun'}.</p>"
        f"{f'<ul>{found}</ul>' if found else note('No check found anything.', 'good') if sittings else ''}"
        f"{table(heads, rows, caption='Sittings') if rows else ''}</section>"
    )


def proposed_reason(findings: Sequence[Finding]) -> str:
    """Return what the checks found against a person, as a reason to decide by."""
    return "; ".join(dict.fromkeys(each.reason for each in findings if each.excludes_votes))


def screen_in_words(measured: Mapping[str, Any] | None) -> str:
    """Return what the screen check measured, in words and units."""
    if not measured:
        return "–"
    said = [
        _sides("window", measured, "window_width_px", "window_height_px"),
        _sides("screen", measured, "screen_width_px", "screen_height_px"),
        f"{measured['pixel_ratio']:g} pixels to a CSS pixel" if measured.get("pixel_ratio", 1) != 1 else "",
        f"zoom {100 * measured['zoom']:.0f} %" if "zoom" in measured else "",
        "the pictures did not fit" if measured.get("fits") is False else "",
        f"{measured['dark_patches']:.0f} of {PATCHES} dark squares told apart" if "dark_patches" in measured else "",
        f"{measured['light_patches']:.0f} of {PATCHES} light squares told apart" if "light_patches" in measured else "",
        _sight(measured),
    ]
    return "<br>".join(text(each) for each in said if each) or "–"


def _sides(what: str, measured: Mapping[str, Any], width: str, height: str) -> str:
    return f"{what} {measured[width]:.0f} × {measured[height]:.0f} px" if {width, height} <= measured.keys() else ""


def _sight(measured: Mapping[str, Any]) -> str:
    if "acuity_gap_px" not in measured:
        return ""
    gap_px = measured["acuity_gap_px"]
    rings = f"rings read down to {counted(round(gap_px), 'pixel')}" if gap_px else "no ring read"
    return f"{rings}, {measured['colour_plates']:.0f} of {measured['colour_plates_shown']:.0f} colour plates"


def _sitting_row(sitting: "Sitting") -> str:
    decision = DECIDED[sitting.accepted]
    return cells(
        f"{sitting.number}",
        when(sitting.started_at),
        counted(max(1, round(sitting.active_s / 60)), "minute") if sitting.ended_at else "–",
        f"{sitting.rated:,}",
        screen_in_words(sitting.screen),
        f"<code>{text(sitting.completion_code)}</code>{_code_state([sitting])}" if sitting.completion_code else "–",
        f"{decision} {text(sitting.accepted_reason)}",
    )


def _code_state(sittings: "Sequence[Sitting]") -> str:
    """Say whether the completion code of the last sitting still waits for the person."""
    last = sittings[-1] if sittings else None
    if last is None or last.rated == 0 or last.code_taken_at is not None:
        return ""
    if last.ended_at is None:
        return "<br><small>all rated, Finish not pressed</small>" if last.rated >= last.planned else ""
    return "<br><small>code not taken</small>" if last.completion_code else ""


def _name_of(check: Check) -> str:
    return CHECK_NAMES.get(check, check.value)


def _because(what: str, reason: str) -> str:
    return f"{what}: {reason}" if reason else what


def _chip(word: str, reason: str, *, against: bool) -> str:
    return f'<span class="badge {"stop" if against else ""}" title="{text(reason)}">{text(word)}</span>'
