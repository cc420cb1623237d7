"""Nothing of the owner's happens without the owner's pass."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from annotate.design.roles import Role
from annotate.errors import AccessError, StudyError, TooManyGuessesError
from annotate.owners import GUESSES, OwnerAccess, hash_secret
from annotate.settings import Settings
from annotate.ui.studies.ownership import APOLOGY, Guard, Ownership
from annotate.ui.studies.users import SEE_RESULTS, Everybody, User

NOBODY: Any = SimpleNamespace(by_secret=lambda _hash: None, by_hub_name=lambda _name: None)
SECRET = "the owner's secret"  # noqa: S105
REQUEST: Any = SimpleNamespace(request=SimpleNamespace(scope={"client": ("192.0.2.1", 1)}))


def ownership(folder: Path, **variables: str) -> Ownership:
    settings = Settings.from_environment({"FIQA_DATA_DIR": str(folder), **variables})
    return Ownership(settings, lambda scope: str(scope["client"][0]), NOBODY)


def guard(owned: Ownership) -> Guard:
    return Guard(owned, gr.BrowserState(None, render=False), gr.State(None, render=False))


def event(data: Any = None) -> gr.EventData:
    return gr.EventData(None, data)


def profile(username: str) -> gr.OAuthProfile:
    return gr.OAuthProfile({"name": "A. B.", "preferred_username": username, "profile": "", "picture": ""})


def steps() -> Iterator[int]:
    yield from (1, 2)


class Members:
    """Knows one member, until they are removed or get another role."""

    def __init__(self, role: Role) -> None:
        self.roles: dict[int, Role] = {7: role}

    def by_secret(self, _hash: str) -> User | None:
        return User("Ada", roles=self.roles) if self.roles else None


def member_at_work(folder: Path, members: Any, closed: list[bool], **options: Any) -> Iterator[int]:
    """Let a reader of study 7 run what answers twice."""

    def work(_study_id: int) -> Iterator[int]:
        try:
            yield from steps()
        finally:
            closed.append(True)

    settings = Settings.from_environment({"FIQA_DATA_DIR": str(folder), "FIQA_OWNER_SECRET": SECRET})
    checked = guard(Ownership(settings, lambda _scope: "", members))
    given_pass = OwnerAccess(SECRET).member_pass(hash_secret("Ada's"), datetime.now(UTC))
    answers: Iterator[int] = checked.handler(work, SEE_RESULTS, study_at=0, **options)(None, event(), given_pass, 7)
    return answers


def test_the_secret_gives_a_pass_that_lets_in(tmp_path: Path) -> None:
    owned = ownership(tmp_path, FIQA_OWNER_SECRET=SECRET)
    assert owned.made_secret is None
    assert owned.notice("http://127.0.0.1:7860/") == ""
    handler = guard(owned).handler(lambda number: number + 1, Everybody.SIGNED_IN)
    assert handler(None, event(), owned.sign_in(SECRET, REQUEST), 1) == 2


def test_a_made_secret_is_told_once_to_whoever_started_the_app(tmp_path: Path) -> None:
    owned = ownership(tmp_path)
    assert owned.made_secret
    assert owned.notice(None).endswith(owned.made_secret)
    owned.check(owned.sign_in(owned.made_secret, REQUEST), None)


def test_the_link_of_the_start_signs_in_once(tmp_path: Path) -> None:
    owned = ownership(tmp_path)
    link = owned.notice("http://127.0.0.1:7860/").splitlines()[-1].rpartition(" ")[2]
    address, _, token = link.partition("#sign-in=")
    assert address == "http://127.0.0.1:7860/"
    assert len(token) > 40
    owned.check(owned.sign_in_by_link(token, REQUEST), None)
    for used_or_wrong in (token, "", None, "x", owned.made_secret):
        with pytest.raises(AccessError, match="signs in once"):
            owned.sign_in_by_link(used_or_wrong, REQUEST)


def test_where_a_secret_is_configured_no_link_signs_in(tmp_path: Path) -> None:
    owned = ownership(tmp_path, FIQA_OWNER_SECRET=SECRET)
    for token in ("", "None", SECRET):
        with pytest.raises(AccessError):
            owned.sign_in_by_link(token, REQUEST)


def test_tokens_of_links_cannot_be_guessed_for_long(tmp_path: Path) -> None:
    owned = ownership(tmp_path)
    for guess in range(GUESSES):
        with pytest.raises(AccessError, match="signs in once"):
            owned.sign_in_by_link(f"{guess}", REQUEST)
    with pytest.raises(TooManyGuessesError):
        owned.sign_in(str(owned.made_secret), REQUEST)


@pytest.mark.parametrize("given", [None, "", "1.x", 7, {"a": 1}, "99999999999.0", "\udcff"])
def test_without_a_pass_no_handler_runs(tmp_path: Path, given: object) -> None:
    ran: list[int] = []
    checked = guard(ownership(tmp_path, FIQA_OWNER_SECRET=SECRET))
    with pytest.raises(gr.Error, match="Sign in"):
        checked.handler(ran.append, Everybody.SIGNED_IN)(None, event(), given, 1)
    with pytest.raises(gr.Error, match="Sign in"):
        list(checked.handler(steps, Everybody.SIGNED_IN)(None, event(), given))
    assert not ran


def test_the_secret_cannot_be_guessed_for_long(tmp_path: Path) -> None:
    owned = ownership(tmp_path, FIQA_OWNER_SECRET=SECRET)
    for guess in range(GUESSES):
        with pytest.raises(AccessError, match="not the owner's secret"):
            owned.sign_in(f"{guess}", REQUEST)
    with pytest.raises(TooManyGuessesError):
        owned.sign_in(SECRET, REQUEST)


def test_an_owner_signed_in_with_hugging_face_needs_no_pass(tmp_path: Path) -> None:
    owned = ownership(tmp_path, FIQA_OWNERS="Ada, grace")
    handler = guard(owned).handler(lambda: "in", Everybody.SIGNED_IN)
    assert handler(profile("ada"), event(), None) == "in"
    with pytest.raises(gr.Error, match="Sign in"):
        handler(profile("eve"), event(), None)


def test_the_button_of_hugging_face_is_there_only_where_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "annotate.ui.studies.ownership.importlib.util.find_spec", lambda name: name == "authlib" or None
    )
    monkeypatch.delenv("OAUTH_CLIENT_ID", raising=False)
    assert not ownership(tmp_path, FIQA_OWNERS="ada").with_hugging_face
    monkeypatch.setenv("OAUTH_CLIENT_ID", "of the Space")
    assert ownership(tmp_path, FIQA_OWNERS="ada").with_hugging_face
    assert not ownership(tmp_path).with_hugging_face
    monkeypatch.setattr("annotate.ui.studies.ownership.importlib.util.find_spec", lambda _name: None)
    assert not ownership(tmp_path, FIQA_OWNERS="ada").with_hugging_face


def test_a_name_from_hugging_face_is_nobody_where_no_owner_is_named(tmp_path: Path) -> None:
    handler = guard(ownership(tmp_path)).handler(lambda: "in", Everybody.SIGNED_IN)
    with pytest.raises(gr.Error, match="Sign in"):
        handler(profile("ada"), event(), None)


def test_errors_are_sentences_without_markup(tmp_path: Path) -> None:
    owned = ownership(tmp_path, FIQA_OWNER_SECRET=SECRET)
    owner_pass = owned.sign_in(SECRET, REQUEST)

    def refuse() -> None:
        raise StudyError("There is no study called <img src=x>.")

    def break_down() -> None:
        raise ZeroDivisionError

    with pytest.raises(gr.Error, match="called &lt;img src=x&gt;"):
        guard(owned).handler(refuse, Everybody.SIGNED_IN)(None, event(), owner_pass)
    with pytest.raises(gr.Error, match=APOLOGY):
        guard(owned).handler(break_down, Everybody.SIGNED_IN)(None, event(), owner_pass)


def test_what_the_page_says_of_an_event_comes_as_a_dictionary(tmp_path: Path) -> None:
    owned = ownership(tmp_path, FIQA_OWNER_SECRET=SECRET)
    handler = guard(owned).handler(lambda details, number: (details, number), Everybody.SIGNED_IN, details=True)
    owner_pass = owned.sign_in(SECRET, REQUEST)
    assert handler(None, event({"do": "open"}), owner_pass, 1) == ({"do": "open"}, 1)
    assert handler(None, event("nonsense"), owner_pass, 1) == ({}, 1)


@pytest.mark.parametrize(
    ("roles", "said"), [({}, "you were removed"), ({8: Role.READER}, "not a member"), ({7: Role.ASSISTANT}, "may not")]
)
def test_who_is_removed_or_gets_another_role_gets_no_further_answer(
    tmp_path: Path, roles: dict[int, Role], said: str
) -> None:
    members, closed = Members(Role.READER), list[bool]()
    answers = member_at_work(tmp_path, members, closed)
    assert next(answers) == 1
    members.roles = roles
    with pytest.raises(gr.Error, match=said):
        next(answers)
    assert closed


def test_who_stays_gets_every_answer_and_who_deletes_the_study_too(tmp_path: Path) -> None:
    assert list(member_at_work(tmp_path, Members(Role.READER), [])) == [1, 2]
    members = Members(Role.READER)
    answers = member_at_work(tmp_path, members, [], checked_once=True)
    assert next(answers) == 1
    members.roles = {}
    assert list(answers) == [2]
