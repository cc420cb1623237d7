"""The Participants panel: who takes part, what the checks found of them, and what the owner decides.

Two decisions are kept apart, as in `annotate.screening`: whether sittings are accepted (and paid), and whether votes
are used. Every one is stored with its reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import gradio as gr

from annotate.errors import StudyError
from annotate.findings import Finding
from annotate.ui.labelling import Labelling
from annotate.ui.late import analysis, store
from annotate.ui.ownership import AT_ONCE, SLOW, Guard
from annotate.ui.study_analyses import Analyses
from annotate.ui.study_html import (
    PRESS,
    ROWS_OF_A_PAGE,
    cells,
    empty,
    note,
    pager,
    press,
    table,
    text,
    when,
    whole_number,
)
from annotate.ui.study_links import COMPLETE, MOST_LINKS, general_links, make_links, personal_links, renew_link
from annotate.ui.study_work import leave_behind

if TYPE_CHECKING:
    from annotate.store import ParticipantRow
    from annotate.tables import Participant, Sitting

EVERYBODY, FOUND = "all", "found"
CHOICES = [
    ("Everybody", EVERYBODY),
    ("Found by a check", FOUND),
    ("To be decided", "undecided"),
    ("Accepted", "accepted"),
    ("Rejected", "rejected"),
    ("Votes left out", "left out"),
]
DECIDED: Mapping[bool | None, str] = {
    True: '<span class="badge open">accepted</span>',
    False: '<span class="badge stop">rejected</span>',
    None: "–",
}
"""What is said of a sitting."""
NO_REASON = "decided by the owner"
LONGEST_REASON = 500
COME_TO = """
watch("value", () => requestAnimationFrame(() => {
  element.querySelector(".card")?.scrollIntoView({ behavior: "smooth", block: "nearest" });
}));
"""
BUTTONS: Sequence[tuple[str, str, Literal["primary", "secondary", "stop"]]] = (
    ("accept", "Accept", "primary"),
    ("pay-only", "Accept, leave votes out", "secondary"),
    ("reject", "Reject", "stop"),
    ("ask-again", "Ask again", "secondary"),
    ("renew", "New link", "secondary"),
)


class Participants:
    """What the panel does. A page of the table follows from study, choice, name and the first row's number."""

    def __init__(self, labelling: Labelling, analyses: Analyses) -> None:
        self.labelling, self.analyses = labelling, analyses

    def enter(self, study_id: int | None, chosen: str, name: str) -> Iterator[tuple[Any, ...]]:
        """Show links and the first page: links, new links, table, first row, nobody looked at, card, decision."""
        if study_id is None:
            yield (gr.skip(),) * 7
            return
        with self.labelling.database.read() as db:
            links = general_links(store.get_study(db, study_id))
        before: tuple[Any, ...] = (links, "")
        after: tuple[Any, ...] = (0, None, "", gr.update(visible=False))
        for panel in self._page(study_id, chosen, name, 0):
            yield *before, panel, *after
            # Once only: new links or a person may be looked at by the time that the checks are done.
            before, after = (gr.skip(),) * 2, (gr.skip(),) * 4

    def show(self, study_id: int | None, chosen: str, name: str) -> Iterator[tuple[str, int]]:
        """Return the first page: table, first row."""
        for panel in self._page(_opened(study_id), chosen, name, 0):
            yield panel, 0

    def turn_page(
        self, details: dict[str, Any], study_id: int | None, chosen: str, name: str
    ) -> Iterator[tuple[Any, ...]]:
        """Return another page: table, first row."""
        if details.get("do") != "page":
            yield gr.skip(), gr.skip()  # without it the table would be emptied
            return
        first = whole_number(details.get("first"))
        for panel in self._page(_opened(study_id), chosen, name, first):
            yield panel, first

    def look(self, details: dict[str, Any], study_id: int | None) -> tuple[Any, ...]:
        """Show one person: pseudonym, card, the buttons, and neither the reason nor the link of whoever was before."""
        if details.get("do") != "look":
            return (gr.skip(),) * 5
        pseudonym = str(details.get("person"))
        return pseudonym, self._card(_opened(study_id), pseudonym), gr.update(visible=True), "", ""

    def accept(self, *page: Any) -> tuple[str, str]:
        """Accept the person's sittings and use their votes: card, table."""
        return self._decide(*page, accepted=True, used=True)

    def pay_only(self, *page: Any) -> tuple[str, str]:
        """Accept the person's sittings, but leave their votes out: card, table."""
        return self._decide(*page, accepted=True, used=False)

    def reject(self, *page: Any) -> tuple[str, str]:
        """Refuse the person's sittings and leave their votes out: card, table."""
        return self._decide(*page, accepted=False, used=False)

    def ask_again(self, *page: Any) -> tuple[str, str, str]:
        """Take back what was decided, and make a new link to send: card, table, link."""
        card, listed = self._decide(*page, accepted=None, used=True)
        return card, listed, self._renewed(page[0], page[4], "Send this link: it opens where the person left off.")

    def renew(self, study_id: int | None, pseudonym: str | None) -> str:
        """Replace the person's links by a new one."""
        return self._renewed(study_id, pseudonym, "A new link; older ones of this person are closed.")

    def delete(
        self, study_id: int | None, chosen: str, name: str, first: int, pseudonym: str | None, typed: str
    ) -> tuple[Any, ...]:
        """Delete all there is of a person: confirmation, nobody looked at, card, buttons, table."""
        if (typed or "").strip().upper() != _looked_at(pseudonym).upper():
            raise StudyError("Type the person's code as it is above, to show that you mean it.")
        with self.labelling.database.write() as db:
            person = store.get_participant(db, _opened(study_id), _looked_at(pseudonym))
            store.delete_participant(db, person, datetime.now(UTC))
        said = note("All there was of this person is deleted.", "good")
        return "", None, said, gr.update(visible=False), self._table(_opened(study_id), chosen, name, first)

    def invite(self, study_id: int | None, count: float | None) -> str:
        """Make personal links."""
        number = whole_number(count, least=1, most=MOST_LINKS)
        with self.labelling.database.read() as db:
            language = store.get_study(db, _opened(study_id)).protocol["language"]
        links = make_links(self.labelling.database, _opened(study_id), number, language)
        return personal_links(links, "Save these now: they cannot be shown again, only replaced.")

    def leave_out(self, study_id: int | None, chosen: str, name: str) -> Iterator[tuple[str, int]]:
        """Leave out the votes of everybody whom the checks found: table, first row."""
        for panel in self.analyses.get(_opened(study_id)):
            yield panel, 0
        findings = self.analyses.findings(_opened(study_id)) or ()
        with self.labelling.database.write() as db:
            excluded = analysis.apply_findings(db, _opened(study_id), findings, datetime.now(UTC))
        gr.Info(f"The votes of {len(excluded):,} more people are left out; their places are free again.")
        yield from self.show(study_id, chosen, name)

    def _page(self, study_id: int, chosen: str, name: str, first: int) -> Iterator[str]:
        """Yield a page as soon as there is something to show, and at the end with what the checks find."""
        if chosen != FOUND:
            yield self._table(study_id, chosen, name, first)
        for panel in self.analyses.get(study_id):
            if chosen == FOUND:
                yield panel
        yield self._table(study_id, chosen, name, first)

    def _table(self, study_id: int, chosen: str, name: str, first: int) -> str:
        findings = self.analyses.findings(study_id)
        found = None if findings is None else findings_of(findings)
        names = [name.strip().upper()] if name and name.strip() else sorted(found or ()) if chosen == FOUND else None
        among = store.Among(EVERYBODY if chosen == FOUND else chosen)
        with self.labelling.database.read() as db:
            total = store.count_participants(db, study_id, among=among, names=names)
            page = store.participants_page(db, study_id, among=among, names=names, skip=first, limit=ROWS_OF_A_PAGE)
            sittings = store.sittings_of(db, [row.participant.id for row in page])
        if not page:
            return empty("Nobody here", "Hand out a link above, or choose other people to show.")
        rows = [_row(row, sittings[row.participant.id], found) for row in page]
        heads = ("Person", "Last seen", "Answers", "Sittings", "Checks", "Votes")
        return table(heads, rows, caption=f"{total:,} people", kind="people") + pager(first, len(page), total)

    def _decide(
        self,
        study_id: int | None,
        chosen: str,
        name: str,
        first: int,
        pseudonym: str | None,
        reason: str,
        *,
        accepted: bool | None,
        used: bool,
    ) -> tuple[str, str]:
        now, why = datetime.now(UTC), (reason or "").strip()[:LONGEST_REASON] or NO_REASON
        with self.labelling.database.write() as db:
            person = store.get_participant(db, _opened(study_id), _looked_at(pseudonym))
            for sitting in store.list_sittings(db, person.id):
                store.set_sitting_accepted(db, sitting.id, accepted, why, now)
            if person.votes_used is not used:
                store.set_votes_used(db, person.id, used=used, reason=why, now=now)
        study = _opened(study_id)
        return self._card(study, person.pseudonym), self._table(study, chosen, name, first)

    def _renewed(self, study_id: int | None, pseudonym: str | None, said: str) -> str:
        link = renew_link(self.labelling.database, _opened(study_id), _looked_at(pseudonym))
        return personal_links([link], said)

    def _card(self, study_id: int, pseudonym: str) -> str:
        with self.labelling.database.read() as db:
            person = store.get_participant(db, study_id, pseudonym)
            sittings = store.list_sittings(db, person.id)
        return person_card(person, sittings, findings_of(self.analyses.findings(study_id) or ()).get(pseudonym, []))


def findings_of(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """Sort findings by whom they are about."""
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.participant, []).append(finding)
    return found


def build_participants_panel(
    labelling: Labelling, guard: Guard, analyses: Analyses, study: gr.State, tab: gr.Tab
) -> None:
    """Lay out the panel inside `tab` and connect it."""
    people = Participants(labelling, analyses)
    person, first = gr.State(None), gr.State(0)
    links, count, invite, personal = _build_invitation()
    gr.HTML("<h3>Who takes part</h3>", apply_default_css=False, elem_classes="section-head")
    with gr.Row(elem_classes="actions"):
        chosen = gr.Dropdown(CHOICES, value=EVERYBODY, label="Show", filterable=False, elem_id="people-shown")
        name = gr.Textbox(label="Find a person", placeholder="code, then Enter", max_lines=1, elem_id="people-name")
        leave_out = gr.Button("Leave out whom the checks found", size="sm", elem_id="apply-screening", scale=0)
    card = gr.HTML("", js_on_load=COME_TO, apply_default_css=False, elem_id="study-person")
    with gr.Column(visible=False, elem_id="decision") as decision:
        reason, buttons, typed, delete = _build_decision()
        link = gr.HTML("", js_on_load=COMPLETE, apply_default_css=False, elem_id="renewed-link")
    listed = gr.HTML("", js_on_load=PRESS, apply_default_css=False, elem_id="study-people")
    page = [study, chosen, name]
    entered = [links, personal, listed, first, person, card, decision]
    running = [
        guard.on(tab.select, people.enter, page, entered, **SLOW),
        guard.on([chosen.input, name.submit], people.show, page, [listed, first], **SLOW),
        guard.on(listed.click, people.turn_page, page, [listed, first], details=True, **SLOW),
        guard.on(listed.click, people.look, [study], [person, card, decision, reason, link], details=True, **AT_ONCE),
    ]
    leave_behind(study, [links, personal, listed, card], running)
    guard.on(invite.click, people.invite, [study, count], personal, **SLOW)
    guard.on(leave_out.click, people.leave_out, page, [listed, first], **SLOW)
    decided = [*page, first, person]
    for name_, decide in (("accept", people.accept), ("pay-only", people.pay_only), ("reject", people.reject)):
        guard.on(buttons[name_].click, decide, [*decided, reason], [card, listed], **AT_ONCE)
    guard.on(buttons["ask-again"].click, people.ask_again, [*decided, reason], [card, listed, link], **AT_ONCE)
    guard.on(buttons["renew"].click, people.renew, [study, person], link, **AT_ONCE)
    guard.on(delete.click, people.delete, [*decided, typed], [typed, person, card, decision, listed], **AT_ONCE)


def _build_invitation() -> tuple[gr.HTML, gr.Number, gr.Button, gr.HTML]:
    """Lay out the links to hand out."""
    gr.HTML("<h3>Invite people</h3>", apply_default_css=False, elem_classes="section-head")
    links = gr.HTML("", js_on_load=COMPLETE, apply_default_css=False, elem_id="study-links")
    with gr.Row(elem_classes="actions"):
        count = gr.Number(
            20, label="Personal links", precision=0, minimum=1, maximum=MOST_LINKS, scale=0, elem_id="link-count"
        )
        invite = gr.Button("Make personal links", elem_id="make-links", scale=0, min_width=180)
    personal = gr.HTML("", js_on_load=COMPLETE, apply_default_css=False, elem_id="personal-links")
    return links, count, invite, personal


def _build_decision() -> tuple[gr.Textbox, dict[str, gr.Button], gr.Textbox, gr.Button]:
    """Lay out what can be decided about a person."""
    reason = gr.Textbox(
        label="Reason",
        info="Kept with the decision. Rejecting leaves the votes out; the pictures are then wanted again from others.",
        max_lines=2,
        max_length=LONGEST_REASON,
        elem_id="decision-reason",
    )
    with gr.Row(elem_classes="actions"):
        buttons = {
            name: gr.Button(label, elem_id=name, scale=0, min_width=120, variant=variant)
            for name, label, variant in BUTTONS
        }
    with gr.Accordion("Delete this person", open=False):
        typed = gr.Textbox(
            label="Type the person's code to confirm",
            info="Deletes everything about them, as they may ask for. It cannot be taken back.",
            max_lines=1,
            elem_id="typed-person",
        )
        delete = gr.Button("Delete everything about this person", variant="stop", elem_id="delete-person")
    return reason, buttons, typed, delete


def person_card(person: "Participant", sittings: "Sequence[Sitting]", findings: Sequence[Finding]) -> str:
    """Return everything there is to know of a person before deciding."""
    votes = "used" if person.votes_used else f"left out: {person.votes_reason}"
    found = "".join(
        f'<li class="{"against" if each.excludes_votes else ""}"><b>{text(each.check)}</b> {text(each.reason)}</li>'
        for each in findings
    )
    rows = [
        cells(
            f"{each.number}",
            when(each.started_at),
            "–" if each.ended_at is None else _minutes(each),
            f"{each.rated:,}",
            _screen(each.screen),
            f"<code>{text(each.completion_code or '–')}</code>",
            f"{DECIDED[each.accepted]} {text(each.accepted_reason)}",
        )
        for each in sittings
    ]
    heads = ("Sitting", "Begun", "Took", "Answers", "Screen", "Completion code", "Decision")
    return (
        f'<section class="card"><h3>Person <code>{text(person.pseudonym)}</code></h3>'
        f"<p>Joined {when(person.created_at)}; votes {text(votes)}.</p>"
        f"{f'<ul>{found}</ul>' if found else note('No check found anything.', 'good')}"
        f"{table(heads, rows, caption='Sittings') if rows else ''}</section>"
    )


def _screen(measured: Mapping[str, Any] | None) -> str:
    """Return what the screen check measured, as the page named it."""
    if not measured:
        return "–"
    return "<br>".join(f"{text(name.replace('_', ' '))} {text(value)}" for name, value in measured.items())


def _minutes(sitting: "Sitting") -> str:
    return f"{max(1, round(sitting.active_s / 60)):,} min"


def _row(row: "ParticipantRow", sittings: "Sequence[Sitting]", found: Mapping[str, Sequence[Finding]] | None) -> str:
    person = row.participant
    decisions = " ".join(DECIDED[sitting.accepted] for sitting in sittings if sitting.accepted is not None)
    against = [] if found is None else found.get(person.pseudonym, [])
    chips = " ".join(_chip(each.check, each.reason, against=each.excludes_votes) for each in against)
    return cells(
        press("look", person.pseudonym, kind="name", person=person.pseudonym),
        when(row.last_seen_at),
        f"{row.ratings:,}",
        f"{row.sittings} {decisions}",
        "…" if found is None else chips or ("nothing found" if row.ratings else "–"),
        "used" if person.votes_used else _chip("left out", person.votes_reason, against=True),
    )


def _chip(word: str, reason: str, *, against: bool) -> str:
    return f'<span class="badge {"stop" if against else ""}" title="{text(reason)}">{text(word)}</span>'


def _opened(study_id: int | None) -> int:
    if study_id is None:
        raise StudyError("Open a study first.")
    return study_id


def _looked_at(pseudonym: str | None) -> str:
    if not pseudonym:
        raise StudyError("Choose a person from the table first.")
    return pseudonym
