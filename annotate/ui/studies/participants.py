"""The Participants panel: who takes part, what the checks found of them, and what the owner decides.

Two decisions are kept apart, as in `annotate.statistics.screening`: whether sittings are accepted (and paid), and
whether votes are used. Every one is stored with the reason that was given, and what speaks against somebody needs one.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Literal, NamedTuple

import gradio as gr

from annotate import queries
from annotate.errors import StudyError
from annotate.rating.links import make_links, renew_link
from annotate.statistics.findings import Finding
from annotate.ui.labelling import Labelling
from annotate.ui.studies.analyses import Analyses
from annotate.ui.studies.background import reset_on_study_change
from annotate.ui.studies.chosen import chosen_person, opened_study
from annotate.ui.studies.downloads import Downloads, build_saved
from annotate.ui.studies.html import PRESS, ROWS_OF_A_PAGE, empty, note, pager, table, text, whole_number
from annotate.ui.studies.links import MOST_LINKS, complete_links, general_links, personal_links
from annotate.ui.studies.ownership import AT_ONCE, SLOW, Guard
from annotate.ui.studies.panels import build_panel_files
from annotate.ui.studies.participant_card import HEADS, person_card, person_row, proposed_reason
from annotate.ui.studies.screening import build_screening
from annotate.ui.studies.users import OWNERS
from annotate.wording import counted

EVERYBODY, FOUND = "all", "found"
CHOICES = [
    ("Everybody", EVERYBODY),
    ("Invited, not begun", "invited"),
    ("Found by a check", FOUND),
    ("Have not taken their code", "without code"),
    ("To be decided", "undecided"),
    ("Accepted", "accepted"),
    ("Rejected", "rejected"),
    ("Votes left out", "left out"),
]
LONGEST_REASON = 500
COME_TO = files("annotate.ui.studies").joinpath("card.js").read_text(encoding="utf-8")
BUTTONS: Sequence[tuple[str, str, Literal["primary", "secondary", "stop"], str]] = (
    ("accept", "Accept", "primary", "The sittings are accepted, to be paid, and the votes count."),
    (
        "pay-only",
        "Accept, leave votes out",
        "secondary",
        "The sittings are paid, the votes do not count; the pictures are wanted again from others.",
    ),
    (
        "reject",
        "Reject",
        "stop",
        "The sittings are not accepted and the votes do not count; the pictures are wanted again from others.",
    ),
    (
        "ask-again",
        "Let them go on",
        "secondary",
        "Takes a decision back and makes a new link to send, which opens where the person left off.",
    ),
    ("renew", "New link", "secondary", "Closes the person's links and makes a new one, for who has lost theirs."),
)
"""What can be decided about a person: id, label, look, and what it does."""
GONE = (
    "All there was of this person is deleted; the log only says that somebody was. Files that were downloaded before "
    "keep what they held; backups do until they are rotated."
)
LEAVES_OUT = (
    "“Leave out whom the checks found” leaves out the votes of everybody with a red check, each with what was found as "
    "its reason; “Undo the last screening” takes it back. Whether their sittings are accepted is not decided by that."
)
NEEDS_REASON = "Give a reason first: it is kept with the decision, and is what you answer with if the person asks."


class PageShown(NamedTuple):
    """A page of the table, and the number of its first row; what is left out stays as it is."""

    listed: Any = gr.skip()
    first: Any = gr.skip()


class PanelShown(NamedTuple):
    """Everything in the panel: links, new links, a page of the table, who is looked at; the rest stays as it is."""

    links: Any = gr.skip()
    personal: Any = gr.skip()
    listed: Any = gr.skip()
    first: Any = gr.skip()
    person: Any = gr.skip()
    card: Any = gr.skip()
    decision: Any = gr.skip()


class PersonShown(NamedTuple):
    """One person: pseudonym, card, the buttons, the reason that the checks propose, and no link."""

    person: Any = gr.skip()
    card: Any = gr.skip()
    decision: Any = gr.skip()
    reason: Any = gr.skip()
    link: Any = gr.skip()


class Decided(NamedTuple):
    """What a decision changes."""

    card: str
    listed: str


class AskedAgain(NamedTuple):
    """What taking a decision back changes; `link` is to be sent."""

    card: str
    listed: str
    link: str


class Deleted(NamedTuple):
    """What is left on the page of a person who was deleted."""

    typed: Any
    person: Any
    card: Any
    decision: Any
    listed: Any


class Asked(NamedTuple):
    """What a decision is asked for with: the page of the table as it is, who is looked at, and the reason."""

    study_id: int | None
    chosen: str
    name: str
    first: int
    person: str | None
    reason: str


class Participants:
    """What the panel does. A page of the table follows from study, choice, name and the first row's number."""

    def __init__(self, labelling: Labelling, analyses: Analyses) -> None:
        self.labelling, self.analyses = labelling, analyses

    def enter(self, study_id: int | None, chosen: str, name: str) -> Iterator[PanelShown]:
        """Show links and the first page, and nobody."""
        if study_id is None:
            yield PanelShown()
            return
        with self.labelling.database.read() as db:
            links = general_links(queries.studies.get_study(db, study_id))
        shown = PanelShown(links, "", first=0, person=None, card="", decision=gr.update(visible=False))
        for panel in self._page(study_id, chosen, name, 0):
            yield shown._replace(listed=panel)
            # Once only: new links or a person may be looked at by the time that the checks are done.
            shown = PanelShown()

    def show(self, study_id: int | None, chosen: str, name: str) -> Iterator[PageShown]:
        """Return the first page."""
        for panel in self._page(opened_study(study_id), chosen, name, 0):
            yield PageShown(panel, 0)

    def turn_page(self, details: dict[str, Any], study_id: int | None, chosen: str, name: str) -> Iterator[PageShown]:
        """Return another page."""
        if details.get("do") != "page":
            yield PageShown()  # without it the table would be emptied
            return
        first = whole_number(details.get("first"))
        for panel in self._page(opened_study(study_id), chosen, name, first):
            yield PageShown(panel, first)

    def look(self, details: dict[str, Any], study_id: int | None) -> PersonShown:
        """Show one person."""
        if details.get("do") != "look":
            return PersonShown()
        pseudonym, study = str(details.get("person")), opened_study(study_id)
        proposed = proposed_reason(self._findings(study, pseudonym))
        card = self._card(study, pseudonym)
        return PersonShown(pseudonym, card, gr.update(visible=True), proposed[:LONGEST_REASON], link="")

    def accept(self, *asked: Any) -> Decided:
        """Accept the person's sittings and use their votes."""
        return self._decide(Asked(*asked), accepted=True, used=True)

    def pay_only(self, *asked: Any) -> Decided:
        """Accept the person's sittings, but leave their votes out."""
        return self._decide(Asked(*asked), accepted=True, used=False)

    def reject(self, *asked: Any) -> Decided:
        """Refuse the person's sittings and leave their votes out."""
        return self._decide(Asked(*asked), accepted=False, used=False)

    def ask_again(self, *asked: Any) -> AskedAgain:
        """Take back what was decided, and make a new link to send."""
        of = Asked(*asked)
        decided = self._decide(of, accepted=None, used=True)
        link = self._renewed(of.study_id, of.person, "Send this link: it opens where the person left off.")
        return AskedAgain(*decided, link)

    def renew(self, study_id: int | None, pseudonym: str | None) -> str:
        """Replace the person's links by a new one."""
        return self._renewed(study_id, pseudonym, "A new link; older ones of this person are closed.")

    def delete(
        self, study_id: int | None, chosen: str, name: str, first: int, pseudonym: str | None, typed: str
    ) -> Deleted:
        """Delete all there is of a person."""
        if (typed or "").strip().upper() != chosen_person(pseudonym).upper():
            raise StudyError("Type the person's code as it is above, to show that you mean it.")
        with self.labelling.database.write() as db:
            person = queries.participants.get_participant(db, opened_study(study_id), chosen_person(pseudonym))
            queries.participants.delete_participant(db, person, datetime.now(UTC))
        self.labelling.database.erase_deleted()
        self.analyses.forget(opened_study(study_id))
        said = note(GONE, "good")
        listed = self._table(opened_study(study_id), chosen, name, first)
        return Deleted("", None, said, gr.update(visible=False), listed)

    def invite(self, study_id: int | None, count: float | None) -> str:
        """Make personal links."""
        number = whole_number(count, least=1, most=MOST_LINKS)
        with self.labelling.database.write() as db:
            study = queries.studies.get_study(db, opened_study(study_id))
            made = make_links(db, study, number, datetime.now(UTC))
        return personal_links(made, "Save these now: they cannot be shown again, only replaced.")

    def leave_out(self, study_id: int | None, chosen: str, name: str) -> Iterator[PageShown]:
        """Leave out the votes of everybody whom the checks found."""
        opened = opened_study(study_id)
        for panel in self.analyses.get(opened):
            yield PageShown(panel, 0)
        findings = self.analyses.findings(opened) or ()
        with self.labelling.database.write() as db:
            limits = queries.screenings.applied_limits(db, opened)
            applied = queries.screenings.apply_screening(db, opened, findings, limits, datetime.now(UTC))
        people = counted(len(applied.falls), "more person", "more people")
        gr.Info(f"The votes of {people} are left out; the pictures are wanted again from others.")
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
        among = queries.participants.Among(EVERYBODY if chosen == FOUND else chosen)
        with self.labelling.database.read() as db:
            total = queries.participants.count_participants(db, study_id, among=among, names=names)
            page = queries.participants.participants_page(
                db, study_id, among=among, names=names, skip=first, limit=ROWS_OF_A_PAGE
            )
            sittings = queries.participants.sittings_of(db, [row.participant.id for row in page])
        if not page:
            return nobody(chosen, name)
        now = datetime.now(UTC)
        rows = [person_row(row, sittings[row.participant.id], found, now) for row in page]
        caption = counted(total, "person", "people")
        return table(HEADS, rows, caption=caption, kind="people") + pager(first, len(page), total)

    def _decide(self, asked: Asked, *, accepted: bool | None, used: bool) -> Decided:
        now, why = datetime.now(UTC), (asked.reason or "").strip()[:LONGEST_REASON]
        if not used and not why:
            raise StudyError(NEEDS_REASON)
        study_id, pseudonym = opened_study(asked.study_id), chosen_person(asked.person)
        if used and why == proposed_reason(self._findings(study_id, pseudonym)):
            why = ""  # what was proposed speaks against the person, and nobody meant it as a reason to accept
        with self.labelling.database.write() as db:
            person = queries.participants.get_participant(db, study_id, pseudonym)
            for sitting in queries.participants.list_sittings(db, person.id):
                queries.participants.set_sitting_accepted(db, sitting.id, accepted, why, now)
            if person.votes_used is not used:
                queries.participants.set_votes_used(db, person.id, used=used, reason=why, now=now)
        listed = self._table(study_id, asked.chosen, asked.name, asked.first)
        return Decided(self._card(study_id, person.pseudonym), listed)

    def _renewed(self, study_id: int | None, pseudonym: str | None, said: str) -> str:
        with self.labelling.database.write() as db:
            study = queries.studies.get_study(db, opened_study(study_id))
            link = renew_link(db, study, chosen_person(pseudonym), datetime.now(UTC))
        return personal_links([link], said)

    def _card(self, study_id: int, pseudonym: str) -> str:
        with self.labelling.database.read() as db:
            person = queries.participants.get_participant(db, study_id, pseudonym)
            sittings = queries.participants.list_sittings(db, person.id)
        return person_card(person, sittings, self._findings(study_id, pseudonym))

    def _findings(self, study_id: int, pseudonym: str) -> list[Finding]:
        return findings_of(self.analyses.findings(study_id) or ()).get(pseudonym, [])


def nobody(chosen: str, name: str) -> str:
    """Say that no person is to be shown, and why."""
    if name and name.strip():
        return empty("Nobody has this code", "Look whether it is typed as in your list, or show everybody.")
    if chosen == EVERYBODY:
        return empty("Nobody is here yet", "Hand out a link; whoever follows it appears here.")
    return empty("Nobody of this kind", "Choose other people to show.")


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
    script = complete_links(labelling.settings.public_url)
    links, count, invite, personal = _build_invitation(script)
    gr.HTML("<h3>Who takes part</h3>", apply_default_css=False, elem_classes="section-head")
    with gr.Row(elem_classes="actions"):
        chosen = gr.Dropdown(CHOICES, value=EVERYBODY, label="Show", filterable=False, elem_id="people-shown")
        name = gr.Textbox(label="Find a person", placeholder="code, then Enter", max_lines=1, elem_id="people-name")
        leave_out = gr.Button("Leave out whom the checks found", size="sm", elem_id="apply-screening", scale=0)
    gr.HTML(f'<p class="hint">{LEAVES_OUT}</p>', apply_default_css=False)
    applied = build_screening(labelling, guard, study, tab)
    card = gr.HTML("", js_on_load=COME_TO, apply_default_css=False, elem_id="study-person")
    with gr.Column(visible=False, elem_id="decision") as decision:
        reason, buttons, data, saved, typed, delete = _build_decision()
        link = gr.HTML("", js_on_load=script, apply_default_css=False, elem_id="renewed-link")
    listed = gr.HTML("", js_on_load=PRESS, apply_default_css=False, elem_id="study-people")
    freed = build_panel_files(labelling, guard, study)
    page = [study, chosen, name]
    entered = [*PanelShown(links, personal, listed, first, person, card, decision)]
    turned = [*PageShown(listed, first)]
    looked_at = [*PersonShown(person, card, decision, reason, link)]
    running = [
        guard.on(tab.select, people.enter, page, entered, who=OWNERS, **SLOW),
        guard.on([chosen.input, name.submit], people.show, page, turned, who=OWNERS, **SLOW),
        guard.on(listed.click, people.turn_page, page, turned, details=True, who=OWNERS, **SLOW),
        guard.on(listed.click, people.look, [study], looked_at, details=True, who=OWNERS, **AT_ONCE),
    ]
    running.append(guard.on(data.click, Downloads(labelling).person, [study, person], saved, who=OWNERS, **SLOW))
    reset_on_study_change(study, [links, personal, listed, card, saved], running)
    guard.on(invite.click, people.invite, [study, count], personal, who=OWNERS, **SLOW)
    # Who is invited or left out is shown at once.
    guard.on([personal.change, applied.change], people.show, page, turned, who=OWNERS, **SLOW)
    guard.on(freed.change, people.show, page, turned, who=OWNERS, **SLOW)
    guard.on(leave_out.click, people.leave_out, page, turned, who=OWNERS, **SLOW)
    decided = [*page, first, person]
    for name_, decide in (("accept", people.accept), ("pay-only", people.pay_only), ("reject", people.reject)):
        guard.on(buttons[name_].click, decide, [*decided, reason], [card, listed], who=OWNERS, **AT_ONCE)
    guard.on(
        buttons["ask-again"].click, people.ask_again, [*decided, reason], [card, listed, link], who=OWNERS, **AT_ONCE
    )
    guard.on(buttons["renew"].click, people.renew, [study, person], link, who=OWNERS, **AT_ONCE)
    guard.on(
        delete.click, people.delete, [*decided, typed], [typed, person, card, decision, listed], who=OWNERS, **AT_ONCE
    )


def _build_invitation(script: str) -> tuple[gr.HTML, gr.Number, gr.Button, gr.HTML]:
    """Lay out the links to hand out."""
    gr.HTML("<h3>Invite people</h3>", apply_default_css=False, elem_classes="section-head")
    links = gr.HTML("", js_on_load=script, apply_default_css=False, elem_id="study-links")
    with gr.Row(elem_classes="actions"):
        count = gr.Number(
            20, label="Personal links", precision=0, minimum=1, maximum=MOST_LINKS, scale=0, elem_id="link-count"
        )
        invite = gr.Button("Make personal links", elem_id="make-links", scale=0, min_width=180)
    personal = gr.HTML("", js_on_load=script, apply_default_css=False, elem_id="personal-links")
    return links, count, invite, personal


def _build_decision() -> tuple[gr.Textbox, dict[str, gr.Button], gr.Button, gr.HTML, gr.Textbox, gr.Button]:
    """Lay out what can be decided about a person."""
    reason = gr.Textbox(
        label="Reason",
        info="Needed to reject somebody or to leave their votes out; kept as you write it, and exported. What the "
        "checks found is proposed.",
        max_lines=3,
        max_length=LONGEST_REASON,
        elem_id="decision-reason",
    )
    with gr.Row(elem_classes="actions"):
        buttons = {
            name: gr.Button(label, elem_id=name, scale=0, min_width=120, variant=variant)
            for name, label, variant, _ in BUTTONS
        }
    does = "".join(f"<div><dt>{label}</dt><dd>{text(what)}</dd></div>" for _, label, _, what in BUTTONS)
    gr.HTML(f'<dl class="does">{does}</dl>', apply_default_css=False)
    with gr.Row(elem_classes="actions"):
        data = gr.Button("Download everything about this person", size="sm", elem_id="person-data", scale=0)
        saved = build_saved("person-saved")
    with gr.Accordion("Delete this person", open=False):
        typed = gr.Textbox(
            label="Type the person's code to confirm",
            info="Deletes everything about them, as they may ask for: answers, sittings, decisions, and what the log "
            "says of them. It cannot be taken back.",
            max_lines=1,
            elem_id="typed-person",
        )
        delete = gr.Button("Delete everything about this person", variant="stop", elem_id="delete-person")
    return reason, buttons, data, saved, typed, delete
