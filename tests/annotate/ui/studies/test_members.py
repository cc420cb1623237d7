"""An owner lets others in, who sign in by themselves and see what their role is for."""

import re

import gradio as gr
import pytest

from annotate import queries
from annotate.design.roles import Role
from annotate.errors import AccessError, StudyError
from annotate.ui.studies.members import Members
from annotate.ui.studies.ownership import Guard
from annotate.ui.studies.setup import Setup
from annotate.ui.studies.users import MEMBERS, OWNERS, SEE_PROGRESS, SEE_RESULTS, Everybody, StudyMembers, User, Who
from tests.annotate.ui.studies.handling import MARKUP, VISIT, Labelling, last, page_of, rated_study


def secret_in(panel: str) -> str:
    return str(re.findall(r"<code>(.+)</code>", panel)[0])


def test_a_member_signs_in_with_the_secret_that_is_shown_once(labelling: Labelling) -> None:
    study_id, page, members = rated_study(labelling), page_of(labelling), Members(labelling)
    rated_study(labelling, name="not theirs")
    shown = members.add(study_id, "Ada", "assistant", "")
    secret = secret_in(shown.secret)
    assert secret not in members.show(study_id).listed
    given_pass, _, _, _, home, _, listed, hosting, *_ = page.sign_in(VISIT, secret, "")
    assert home["visible"]
    assert not hosting["visible"]
    assert "faces" in listed
    assert "not theirs" not in listed
    user = page.ownership.check(given_pass, None)
    assert (user.name, user.roles) == ("Ada", {study_id: Role.ASSISTANT})
    assert page.open(user, {"study": str(study_id)}).panels["selected"] == "progress"
    title = page.title(user, study_id)
    assert [title.setup["visible"], title.progress["visible"], title.results["visible"]] == [False, True, False]

    members.remove({"do": "remove-member", "member": "Ada"}, study_id)
    with pytest.raises(AccessError, match="removed"):
        page.ownership.check(given_pass, None)
    with pytest.raises(AccessError, match="not the owner's secret"):
        page.sign_in(VISIT, secret, "")


def test_a_member_of_the_hub_is_let_in_where_the_app_names_owners(labelling: Labelling) -> None:
    study_id, ownership = rated_study(labelling), page_of(labelling).ownership
    assert "Hugging Face" in Members(labelling).add(study_id, "Grace", "reader", "Hopper").secret
    with pytest.raises(AccessError):
        ownership.check(None, "hopper")  # no owner is named: the name may be that of who is logged in on the machine
    ownership.owners = frozenset({"somebody"})
    assert ownership.check(None, "Hopper").roles == {study_id: Role.READER}
    assert ownership.check(None, "Somebody").is_host


def test_what_a_member_does_is_logged_under_their_name_also_in_the_background(labelling: Labelling) -> None:
    study_id, page = rated_study(labelling), page_of(labelling)
    secret = secret_in(Members(labelling).add(study_id, "Ada", "owner", "").secret)
    given_pass = page.sign_in(VISIT, secret, "").owner_pass
    guard = Guard(page.ownership, gr.BrowserState(None, render=False), gr.State(None, render=False))
    draw = guard.handler(Setup(labelling).draw_traps, OWNERS, study_at=0)
    last(draw(None, gr.EventData(None, None), given_pass, study_id, 1))
    with labelling.database.read() as db:
        newest = queries.audit.latest_events(db, study_id, 1)[0]
    assert (newest.what, newest.actor) == ("stimuli", "Ada")
    assert "1 picture was added. <small>by Ada</small>" in Setup(labelling).overview(study_id).replace("</time> ", "")


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.OWNER, [OWNERS, SEE_PROGRESS, SEE_RESULTS, MEMBERS, Everybody.SIGNED_IN]),
        (Role.ASSISTANT, [SEE_PROGRESS, MEMBERS, Everybody.SIGNED_IN]),
        (Role.READER, [SEE_RESULTS, MEMBERS, Everybody.SIGNED_IN]),
    ],
)
def test_each_role_may_what_it_is_for_in_its_study_only(role: Role, may: list[Who]) -> None:
    user = User("Ada", roles={7: role})
    everything: list[Who] = [OWNERS, SEE_PROGRESS, SEE_RESULTS, MEMBERS, Everybody.SIGNED_IN, Everybody.HOST]
    assert [who for who in everything if user.may(who, 7)] == may
    assert [who for who in everything if user.may(who, 8)] == [Everybody.SIGNED_IN]
    assert all(User("host", is_host=True).may(who, 8) for who in everything)


def test_names_are_no_markup_and_two_of_a_name_are_refused(labelling: Labelling) -> None:
    study_id, members = rated_study(labelling), Members(labelling)
    assert MARKUP not in members.add(study_id, MARKUP, "reader", "").listed
    with pytest.raises(StudyError, match="in this study already"):
        members.add(study_id, MARKUP, "reader", "")
    assert StudyMembers(labelling).by_secret("none") is None
