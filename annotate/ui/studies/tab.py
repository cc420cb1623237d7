"""The Studies tab, for the owner of studies: sign in, the list of studies, and one opened study in panels of its own.

    door     who are you?
    home     all studies, and the form for a new one
    opened   one study: Set-up, Progress, Participants, Results, Train

Nothing is asked of the database before somebody who may opens the tab; a panel asks when it is looked at. Which study
and which panel that is, the address says (#studies/12/results): who opens such a link without a pass signs in first.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from annotate import queries
from annotate.design.states import State
from annotate.design.stored_protocol import UnreadableProtocol
from annotate.errors import AccessError, StudyError
from annotate.methods import DEFAULT, METHODS, find_method, make_protocol
from annotate.stimuli.sources import open_files
from annotate.ui.labelling import Labelling
from annotate.ui.studies.analyses import Analyses
from annotate.ui.studies.diagnosing import Diagnoser
from annotate.ui.studies.downloads import build_backups
from annotate.ui.studies.html import PRESS, badge, cells, empty, meter, press, table, text, when, whole_number
from annotate.ui.studies.ownership import (
    AT_ONCE,
    FORGET_THE_PASS,
    SIGN_IN_BY_LINK,
    SLOW,
    STORED_AS,
    Guard,
    Ownership,
    Visit,
)
from annotate.ui.studies.participants import build_participants_panel
from annotate.ui.studies.pictures import (
    FILE_TYPES,
    HANDED_IN,
    FileValue,
    follow_intake,
    said_of_intake,
    uploaded_files,
)
from annotate.ui.studies.progress import build_progress_panel
from annotate.ui.studies.protocol_form import FURTHER_SCALES, NO_FURTHER, read_further_scales, scale_choices
from annotate.ui.studies.results import build_results_panel
from annotate.ui.studies.setup import build_setup_panel
from annotate.ui.studies.training import Trainer, build_training_panel
from annotate.ui.studies.users import MEMBERS, PANELS, Everybody, User

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from annotate.database.tables import Study

DOOR = (
    "<div data-address-waits><h2>Your labelling studies</h2><p>Let people rate your pictures, watch the votes come in, "
    "and get a MOS you can publish. This part is for whoever runs the studies here.</p></div>"
)
KEPT = (
    "The pictures of your studies and all that people answer are kept on this server until you delete the study. A "
    "person, too, can be deleted."
)
ADDRESS = """(...inputs) => {
    document.documentElement.dataset.askedWith = inputs[0] ? "a pass" : "nothing";
    return [...inputs.slice(0, -1), location.hash];
}"""
"""Run in the browser before a request, whose first input is the pass or the secret: the last of what is sent is the
address."""
ADDRESS_IF_REFUSED = """(...inputs) => {
    const refused = document.documentElement.dataset.askedWith === "nothing";
    return [...inputs.slice(0, -1), refused ? location.hash : null];
}"""
"""The same where the last request came without a pass; else no address, and nothing is shown anew."""
WHERE_IT_IS = "It is set as FIQA_OWNER_SECRET; where none is set, the app prints one on its terminal at each start."


class TabShown(NamedTuple):
    """What an event changes; what is left out stays as it is. `door`, `home` and `opened` are the three views.

    `hosting` is what of the home only the host has: making studies, and backups of all.
    """

    study: Any = gr.skip()
    door: Any = gr.skip()
    home: Any = gr.skip()
    opened: Any = gr.skip()
    listed: Any = gr.skip()
    hosting: Any = gr.skip()
    panels: Any = gr.skip()
    changed: Any = gr.skip()


class SignedIn(NamedTuple):
    """What signing in and out changes: the pass, the cleared secret, and what is shown then, as `TabShown`."""

    owner_pass: Any
    secret: Any
    study: Any = gr.skip()
    door: Any = gr.skip()
    home: Any = gr.skip()
    opened: Any = gr.skip()
    listed: Any = gr.skip()
    hosting: Any = gr.skip()
    panels: Any = gr.skip()
    changed: Any = gr.skip()


class Created(NamedTuple):
    """What making a study changes: what is said of it, the emptied form, and the study that is opened then."""

    busy: Any
    name: Any = gr.skip()
    pictures: Any = gr.skip()
    study: Any = gr.skip()
    door: Any = gr.skip()
    home: Any = gr.skip()
    opened: Any = gr.skip()
    panels: Any = gr.skip()


class Title(NamedTuple):
    """The head of an opened study, its state, the panels that its user sees, and that one of its owners opened it."""

    title: Any = ""
    state: Any = None
    setup: Any = gr.skip()
    progress: Any = gr.skip()
    participants: Any = gr.skip()
    results: Any = gr.skip()
    train: Any = gr.skip()
    owned: Any = gr.skip()


class Studies:
    """What the tab does."""

    def __init__(self, labelling: Labelling, ownership: Ownership) -> None:
        self.labelling, self.ownership = labelling, ownership

    def sign_in(self, visit: Visit, secret: str, address: str) -> SignedIn:
        """Give an owner or a member a pass, and show what the address asks for."""
        return self._signed_in(self.ownership.sign_in(secret, visit.request), address)

    def sign_in_by_link(self, visit: Visit, given_pass: object) -> SignedIn:
        """Give who opens the link of the start a pass, as `sign_in` does; who has one needs no other."""
        try:
            new_pass = self.ownership.sign_in_by_link(visit.details.get("token"), visit.request)
        except AccessError:
            with suppress(AccessError):
                return self._signed_in(given_pass, "")
            raise
        return self._signed_in(new_pass, "")

    def _signed_in(self, given_pass: object, address: str) -> SignedIn:
        user = self.ownership.check(given_pass, None)
        return SignedIn(given_pass, "", *self._shown(user, None, address))

    def sign_out(self) -> SignedIn:
        """Forget the pass and what was open."""
        return SignedIn(None, "", study=None, **_views("door"), listed="")

    def enter(self, visit: Visit, given_pass: object, study_id: int | None, address: str | None) -> TabShown:
        """Show who opens the tab what they may see of what the address asks for.

        The address is None where something is shown already.
        """
        if address is None:
            return TabShown()
        try:
            user = self.ownership.check(given_pass, visit.username)
        except AccessError:
            if visit.username:
                gr.Warning(f"{escape(visit.username)} is not among the owners and members of the studies here.")
            # Who came without a pass stands at the door, or signs in while this answer is on its way.
            return TabShown(study=None, **_views("door"), listed="") if given_pass else TabShown()
        return self._shown(user, study_id, address)

    def _shown(self, user: User, study_id: int | None, address: str) -> TabShown:
        """Return what the address asks for or, where it asks for nothing here, what was open."""
        asked = asked_for(address)
        wanted, panel = (study_id, None) if asked is None else asked
        if wanted is None:
            return self.leave(user)
        if not user.may(MEMBERS, wanted):
            gr.Warning("You are not a member of this study; ask its owner.")
            return self.leave(user)
        with self.labelling.database.read() as db:
            if not queries.studies.is_study(db, wanted):
                gr.Warning("There is no such study any more: it was deleted.")
                return self.leave(user)
        shown = TabShown(study=wanted, **_views("opened"))
        return shown._replace(panels=_selected(user, wanted, panel)) if panel else shown

    def refresh(self, user: User, study_id: int | None, state: State | None) -> TabShown:
        """Follow what another window did to the opened study."""
        if study_id is None:
            return TabShown()
        with self.labelling.database.read() as db:
            study = queries.studies.get_study(db, study_id) if queries.studies.is_study(db, study_id) else None
        if study is None:
            gr.Warning("This study was deleted in another window.")
            return self.leave(user)
        return TabShown() if study.state is state else TabShown(changed=time.time())

    def listed(self, user: User) -> str:
        """Return the table of all studies that the user may see something of."""
        now = datetime.now(UTC)
        with self.labelling.database.read() as db:
            studies = [each for each in queries.studies.list_studies(db) if user.may(MEMBERS, each.id)]
            rows = [_row(db, study, now) for study in studies]
        if not rows:
            return empty("No studies yet", "Make one below: a name and some pictures are enough to begin.")
        heads = ("Study", "State", "Pictures", "Ratings", "People", "Rating now", "Made")
        return table(heads, rows, caption="Studies, the newest first", kind="studies")

    def open(self, user: User, details: dict[str, Any]) -> TabShown:
        """Open a study."""
        wanted = whole_number(details.get("study"))
        user.check(MEMBERS, wanted)
        with self.labelling.database.read() as db:
            study = queries.studies.get_study(db, wanted)
        return TabShown(study=study.id, **_views("opened"), panels=_selected(user, study.id))

    def leave(self, user: User) -> TabShown:
        """Go back to the list."""
        hosting = gr.update(visible=user.is_host)
        return TabShown(study=None, **_views("home"), listed=self.listed(user), hosting=hosting)

    def create(
        self,
        name: str,
        scale: str,
        files: Sequence[FileValue] | None,
        method: str = DEFAULT,
        further: str = NO_FURTHER,
    ) -> Iterator[Created]:
        """Make a draft of the uploaded pictures; a method that does not know the scale takes its own."""
        from annotate.stimuli.intake import create_study

        if not (name or "").strip():
            raise StudyError("Give the study a name first; participants do not see it.")
        own: dict[str, Any] = {"scale": scale} if scale in find_method(method).scales else {}
        own |= {"more_scales": read_further_scales(further)} if find_method(method).scales else {}
        protocol = make_protocol({"method": method, **own})
        if not files:
            with self.labelling.database.write() as db:
                study_id = queries.studies.create_study(db, name, protocol, datetime.now(UTC)).id
        else:
            database, folder = self.labelling.database, self.labelling.settings.data_dir
            with ExitStack() as opened:
                upload = opened.enter_context(open_files(uploaded_files(files), folder))
                taken = yield from follow_intake(
                    upload.candidates,
                    lambda watched: create_study(database, folder, name, watched, protocol, datetime.now(UTC)),
                    Created,
                    opened.pop_all(),
                )
            for sentence in (*upload.notices, *said_of_intake(taken)):
                gr.Warning(text(sentence))
            study_id = taken.study_id
        setup = gr.update(selected="setup")
        yield Created("", name="", pictures=None, study=study_id, **_views("opened"), panels=setup)

    def title(self, user: User, study_id: int | None) -> Title:
        """Return the head of an opened study, and its panels."""
        if study_id is None:
            return Title()
        with self.labelling.database.read() as db:
            study = queries.studies.get_study(db, study_id)
        seen = user.panels(study_id)
        head = f'<h2 data-address="{study.id}">{text(study.name)} {badge(study.state, demo=study.demo)}</h2>'
        # Gradio leaves the button of an invisible tab where it is; the style sheet hides those that do nothing.
        panels = {name: gr.update(visible=name in seen, interactive=name in seen) for name in PANELS}
        return Title(head, study.state, **panels, owned=time.time() if "setup" in seen else gr.skip())


def asked_for(address: str) -> tuple[int | None, str | None] | None:
    """Return which study and panel an address asks for, (None, None) for the list; None where it is no address here."""
    tab, *rest = (address or "").removeprefix("#").split("/")
    if tab != "studies":
        return None
    study = whole_number(rest[0]) if rest else 0
    panel = rest[1] if len(rest) > 1 and rest[1] in PANELS else next(iter(PANELS))
    return (study, panel) if study else (None, None)


def build_studies_tab(
    labelling: Labelling, ownership: Ownership, trainer: Trainer, diagnoser: Diagnoser, tab: gr.Tab
) -> None:
    """Lay out the tab inside `tab` and connect it; `trainer` and `diagnoser` are what the app lends of its networks."""
    study, changed, state, owned = gr.State(None), gr.State(0), gr.State(None), gr.State(0)
    guard = Guard(ownership, gr.BrowserState(None, storage_key=STORED_AS, secret=STORED_AS), study)
    page = Studies(labelling, ownership)
    script = files("annotate.ui.studies").joinpath("address.js").read_text(encoding="utf-8")
    with gr.Column(elem_id="studies"):
        address = gr.HTML("", js_on_load=script, apply_default_css=False, elem_id="studies-address")
        with gr.Column(elem_classes="door") as door:
            by_link, secret, enter = _build_door(ownership)
        with gr.Column(visible=False) as home:
            with gr.Row(elem_classes="actions"):
                gr.HTML("<h2>Studies</h2>", apply_default_css=False)
                sign_out = gr.Button("Sign out", size="sm", elem_id="sign-out", scale=0)
            listed = gr.HTML("", js_on_load=PRESS, apply_default_css=False, elem_id="studies-list")
            with gr.Column(visible=False) as hosting:
                name, method, scale, further, pictures, create, busy = _build_form()
                build_backups(labelling, guard)
        with gr.Column(visible=False) as opened:
            with gr.Row(elem_classes="actions"):
                title = gr.HTML("", apply_default_css=False, elem_id="study-title")
                back = gr.Button("All studies", size="sm", elem_id="all-studies", scale=0)
            panels, seen, gone = _build_panels(labelling, guard, trainer, diagnoser, changed, owned)
    entered = [*TabShown(study, door, home, opened, listed, hosting, panels, changed)]
    signed = [*SignedIn(guard.given_pass, secret, *entered)]
    headed = [title, state, *seen, owned]
    made = [*Created(busy, name, pictures, study, door, home, opened, panels)]
    everybody: dict[str, Any] = {"who": Everybody.PUBLIC, **AT_ONCE}
    anybody: dict[str, Any] = {"who": Everybody.SIGNED_IN, "user": True, **AT_ONCE}
    members: dict[str, Any] = {"who": MEMBERS, "user": True, **AT_ONCE}
    guard.on([enter.click, secret.submit], page.sign_in, [secret, address], signed, js=ADDRESS, **everybody)
    guard.on(by_link.input, page.sign_in_by_link, [guard.given_pass], signed, **everybody)
    sign_out.click(None, None, None, js=FORGET_THE_PASS)
    sign_out.click(page.sign_out, None, signed, **AT_ONCE)
    asks = [guard.given_pass, study, address]
    late: dict[str, Any] = {"trigger_mode": "always_last", **everybody}
    guard.on([tab.select, address.input], page.enter, asks, entered, js=ADDRESS, **late)
    # The browser may read the pass of an earlier visit only after the tab was opened.
    guard.on(guard.given_pass.change, page.enter, asks, entered, js=ADDRESS_IF_REFUSED, **late)
    guard.on([address.click, panels.select], page.refresh, [study, state], entered, **members)
    guard.on(listed.click, page.open, [], entered, details=True, **anybody)
    guard.on([back.click, gone.change], page.leave, [], entered, **anybody)
    guard.on(method.input, scales_of, [method], [scale, further], who=Everybody.HOST, **AT_ONCE)
    given = [name, scale, pictures, method, further]
    guard.on(create.click, page.create, given, made, preprocess=False, who=Everybody.HOST, **SLOW)
    guard.on([study.change, changed.change], page.title, [study], headed, **members)


def _build_panels(
    labelling: Labelling, guard: Guard, trainer: Trainer, diagnoser: Diagnoser, changed: gr.State, owned: gr.State
) -> tuple[gr.Tabs, list[gr.Tab], gr.State]:
    """Lay out the panels of an opened study and connect them; returns what changes when it is deleted, too."""
    study, analyses = guard.study, Analyses(labelling)
    with gr.Tabs(selected="setup", elem_id="study-tabs") as panels:
        with gr.Tab("Set-up", id="setup") as setup:
            gone = build_setup_panel(labelling, guard, study, changed, owned, setup)
        with gr.Tab("Progress", id="progress") as progress:
            build_progress_panel(labelling, guard, study, progress)
        with gr.Tab("Participants", id="participants") as participants:
            build_participants_panel(labelling, guard, analyses, study, participants)
        with gr.Tab("Results", id="results") as results:
            build_results_panel(labelling, guard, analyses, study, diagnoser, results)
        with gr.Tab("Train", id="train") as train:
            build_training_panel(labelling, guard, study, trainer, train)
    return panels, [setup, progress, participants, results, train], gone


def _build_door(ownership: Ownership) -> tuple[gr.HTML, gr.Textbox, gr.Button]:
    """Lay out the signing in."""
    by_link = gr.HTML(DOOR, js_on_load=SIGN_IN_BY_LINK, apply_default_css=False, elem_classes="section-head")
    secret = gr.Textbox(
        label="Owner's secret, or your own as a member",
        type="password",
        info=WHERE_IT_IS,
        max_lines=1,
        elem_id="owner-secret",
    )
    enter = gr.Button("Sign in", variant="primary", elem_id="sign-in")
    if ownership.with_hugging_face:
        gr.LoginButton(elem_id="sign-in-with-hugging-face")
    return by_link, secret, enter


def _build_form() -> tuple[gr.Textbox, gr.Radio, gr.Radio, gr.Radio, gr.File, gr.Button, gr.HTML]:
    """Lay out the form for a new study."""
    gr.HTML("<h3>New study</h3>", apply_default_css=False, elem_classes="section-head")
    with gr.Row(elem_classes="workbench"):
        with gr.Column(scale=5, min_width=280):
            name = gr.Textbox(
                label="Name", info="For you; participants do not see it.", max_length=200, elem_id="study-name"
            )
            methods = [(each.title, each.name) for each in METHODS.values()]
            method = gr.Radio(methods, value=DEFAULT, label="Method", elem_id="study-method")
            scale = gr.Radio(scale_choices(find_method(DEFAULT)), value="acr5", label="Scale", elem_id="study-scale")
            further = gr.Radio(FURTHER_SCALES, value=NO_FURTHER, label="Further scales", elem_id="study-further-scales")
        with gr.Column(scale=7, min_width=280):
            files = gr.File(
                label="Pictures", file_count="multiple", file_types=FILE_TYPES, height=170, elem_id="study-files"
            )
            gr.HTML(f"<p>{HANDED_IN}</p>", apply_default_css=False, elem_classes="hint")
    busy = gr.HTML("", apply_default_css=False, elem_id="creating")
    create = gr.Button("Make a draft", variant="primary", elem_id="create-study")
    return name, method, scale, further, files, create, busy


def scales_of(method: str) -> tuple[Any, Any]:
    """Offer the scales that a method may be asked on, where there is a choice, and further ones where it has any."""
    offered = find_method(method).scales
    first = gr.update(
        choices=scale_choices(find_method(method)), value=next(iter(offered), None), visible=len(offered) > 1
    )
    return first, gr.update(visible=bool(offered))


def _selected(user: User, study_id: int, wanted: str | None = None) -> Any:
    """Return which panel is opened: the one that is wanted, if the user sees it, else the first that they see."""
    seen = user.panels(study_id)
    return gr.update(selected=wanted if wanted in seen else seen[0])


def _views(shown: str) -> dict[str, Any]:
    return {view: gr.update(visible=shown == view) for view in ("door", "home", "opened")}


def _row(db: "Session", study: "Study", now: datetime) -> str:
    name, state = press("open", study.name, kind="name", study=study.id), badge(study.state, demo=study.demo)
    if isinstance(study.stored_protocol, UnreadableProtocol):
        what = study.stored_protocol.problem.partition(";")[0]
        problem = f'<span class="badge stop">cannot be read</span> {text(what)}'
        return cells(name, state) + f'<td colspan="4">{problem}</td>' + cells(when(study.created_at))
    progress = queries.progress.study_progress(db, study, now)
    return cells(
        name,
        state,
        f"{progress.pictures:,}",
        f"{meter(progress.ratings / max(1, progress.wanted))} {progress.ratings:,} of {progress.wanted:,}",
        f"{progress.participants:,}",
        f"{progress.active_participants:,}",
        when(study.created_at),
    )
