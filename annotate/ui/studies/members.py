"""Who is let into a study, with which role: the list, and the forms to let somebody in and to remove them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from annotate import queries
from annotate.design.roles import ROLE_NAMES, Role
from annotate.owners import hash_secret, make_secret
from annotate.ui.labelling import Labelling
from annotate.ui.studies.chosen import opened_study
from annotate.ui.studies.html import PRESS, cells, note, press, table, text, when
from annotate.ui.studies.ownership import AT_ONCE, Guard
from annotate.ui.studies.users import OWNERS

if TYPE_CHECKING:
    from annotate.database.tables import Member

ALONE = "Nobody else is let into this study. Whoever runs this app owns it."
OF_ITS_OWN = "a secret"


class MembersShown(NamedTuple):
    """The list, the new secret, and the emptied form."""

    listed: Any
    secret: Any = ""
    name: Any = ""
    hub_name: Any = ""


class Members:
    """What the panel does."""

    def __init__(self, labelling: Labelling) -> None:
        self.labelling = labelling

    def show(self, study_id: int | None) -> MembersShown:
        """List who is let in."""
        if study_id is None:
            return MembersShown("")
        with self.labelling.database.read() as db:
            return MembersShown(members_panel(queries.members.list_members(db, study_id)))

    def add(self, study_id: int | None, name: str, role: str, hub_name: str) -> MembersShown:
        """Let somebody in: by their Hugging Face name, or without one by a secret, which is shown once."""
        known = (hub_name or "").strip() or None
        secret = None if known else make_secret()
        with self.labelling.database.write() as db:
            member = queries.members.add_member(
                db, opened_study(study_id), name, Role(role), datetime.now(UTC),
                secret_hash=hash_secret(secret) if secret else None, hub_name=known,
            )  # fmt: skip
        return self.show(study_id)._replace(secret=_secret_panel(member.name, secret))

    def remove(self, details: dict[str, Any], study_id: int | None) -> Any:
        """Let somebody in no more."""
        if details.get("do") != "remove-member":
            return gr.skip()
        with self.labelling.database.write() as db:
            queries.members.remove_member(db, opened_study(study_id), str(details.get("member", "")), datetime.now(UTC))
        return self.show(study_id).listed


def build_members(labelling: Labelling, guard: Guard, study: gr.State, owned: gr.State) -> None:
    """Lay out the panel and connect it."""
    members = Members(labelling)
    with gr.Accordion("Who else works on this study", open=False, elem_id="members"):
        listed = gr.HTML("", js_on_load=PRESS, apply_default_css=False, elem_id="members-list")
        with gr.Row(elem_classes="fields"):
            name = gr.Textbox(
                label="Name", info="By which the log knows them.", max_lines=1, max_length=64, elem_id="member-name"
            )
            hub_name = gr.Textbox(
                label="Hugging Face name", info="Empty: a secret is made.", max_lines=1, elem_id="member-hub-name"
            )
        role = gr.Radio([(label, each.value) for each, label in ROLE_NAMES.items()], value=Role.ASSISTANT.value,
                        label="Role", elem_id="member-role")  # fmt: skip
        add = gr.Button("Let them in", elem_id="add-member")
        secret = gr.HTML("", apply_default_css=False, elem_id="member-secret")
    shown = [*MembersShown(listed, secret, name, hub_name)]
    guard.on(owned.change, members.show, [study], shown, who=OWNERS, **AT_ONCE)
    guard.on(add.click, members.add, [study, name, role, hub_name], shown, who=OWNERS, **AT_ONCE)
    guard.on(listed.click, members.remove, [study], listed, who=OWNERS, details=True, **AT_ONCE)


def members_panel(members: "Sequence[Member]") -> str:
    """List who is let in, each with a button to remove them."""
    if not members:
        return note(ALONE)
    rows = [
        cells(
            text(each.name), each.role, text(each.hub_name or OF_ITS_OWN), when(each.created_at),
            press("remove-member", "Remove", kind="small", member=each.name),
        )
        for each in members
    ]  # fmt: skip
    return table(("Name", "Role", "Signs in with", "Since", ""), rows, caption="Members", kind="members")


def _secret_panel(name: str, secret: str | None) -> str:
    if secret is None:
        return note(f"{name} signs in with Hugging Face.", "good")
    said = note(
        f"The secret of {name}: send it to them now, it cannot be shown again. They sign in with it here.", "good"
    )
    return f"{said}<p><code>{text(secret)}</code></p>"
