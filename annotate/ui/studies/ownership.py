"""Who may do what with studies in the app: whoever brings a pass, or is signed in with Hugging Face under a known name.

Events of Gradio answer anybody who sends HTTP, private ones too. So all handlers of the Studies tab are connected
through `Guard.on`, which says who may run each and checks that first, whatever the page shows. A handler for members of
a study has the opened study among its inputs; whoever lacks one of the roles in that study is refused:

    guard.on(save.click, self.save, [study, name], panel, who=OWNERS, **AT_ONCE)

The pass, in `guard.given_pass`, lives in the browser, so that neither a reload nor a restart of the server with the
same secret asks for a new sign-in.
"""

import importlib.util
import inspect
import logging
import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from html import escape
from importlib.resources import files
from typing import Any

import gradio as gr
from starlette.types import Scope

from annotate.errors import AccessError, AnnotateError
from annotate.owners import GuessLimit, OwnerAccess, acting_as, check_owner, hash_secret
from annotate.settings import Settings
from annotate.ui.gradio_internals import told
from annotate.ui.studies.users import HOST, Everybody, StudyMembers, User, Who

logger = logging.getLogger(__name__)

STORED_AS = "fiqa-owner"
"""Under which name, and scrambled with what, the browser keeps the pass: it must outlive the server's process."""
FORGET_THE_PASS = f"() => {{ localStorage.removeItem({STORED_AS!r}); }}"
"""Run in the browser the moment somebody signs out: whoever loads the page right after must not be signed in."""
LINK = "sign-in"
_SIGN_IN = files("annotate.ui.studies").joinpath("sign_in.js").read_text(encoding="utf-8")
SIGN_IN_BY_LINK = f"const LINK = {LINK!r};\n{_SIGN_IN}"
"""Run in the browser when the door is drawn: takes the token out of the address, and signs in with it."""
APOLOGY = "Something went wrong on the server; its log says what."
UNSEEN: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "show_progress_on": []}
"""For events that draw their own progress. Gradio looks through the page for all that it may show some on, at each step
of every event, even where it shows none: a click would take the browser several times as long."""
AT_ONCE: dict[str, Any] = {"concurrency_limit": None, **UNSEEN}
"""Options of events that take no time: any number of them run together."""
SLOW: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "studies", **UNSEEN}
"""Options of events that read or write a whole study."""
LAST: dict[str, Any] = {**SLOW, "checked_once": True}
"""Options of an event that deletes the study, and with it the role of whoever does that."""

Handler = Callable[..., Any]


class Ownership:
    """Signs owners and members in and checks them.

    `visitor_of` tells whose request it is, to refuse who guesses secrets.
    """

    def __init__(self, settings: Settings, visitor_of: Callable[[Scope], str], members: StudyMembers) -> None:
        self.owners, self._members = settings.owners, members
        self._access = OwnerAccess(settings.owner_secret)
        self._visitor_of = visitor_of
        self._guesses = GuessLimit()

    @property
    def made_secret(self) -> str | None:
        """The secret that was made because none is configured, to be printed once; None where one is."""
        return self._access.made

    def notice(self, url: str | None) -> str:
        """Return further lines for the terminal of whoever starts the app; nothing where a secret is configured.

        `url` is where a browser on this machine finds the app, None where there is none.
        """
        if not self.made_secret:
            return ""
        secret = f"\nThe secret for the Studies tab, until the app ends: {self.made_secret}"
        return (
            f"{secret}\nOr open this link, which signs in once: {url}#{LINK}={self._access.link_token}"
            if url
            else secret
        )

    @property
    def with_hugging_face(self) -> bool:
        """Whether owners may sign in with Hugging Face: somebody is named, and the Space and Gradio are set up for it.

        Without a Space's client Gradio would not start the page, or let in whoever is logged in on the machine.
        """
        ready = "OAUTH_CLIENT_ID" in os.environ and importlib.util.find_spec("authlib") is not None
        return bool(self.owners) and ready

    def sign_in(self, secret: object, request: gr.Request) -> str:
        """Return a pass for the owner's secret or a member's.

        Raises AccessError for a wrong one, or after too many of them.
        """
        given = secret if isinstance(secret, str) else ""
        visitor = self._visitor_of(request.request.scope) if request.request else ""
        with self._guesses.counted(visitor, _now()):
            try:
                return self._access.sign_in(given, _now())
            except AccessError:
                if given and self._members.by_secret(hash_secret(given)):
                    return self._access.member_pass(hash_secret(given), _now())
                raise

    def sign_in_by_link(self, token: object, request: gr.Request) -> str:
        """Return a pass for the token of the link of the start, once; raises AccessError as `sign_in` does."""
        visitor = self._visitor_of(request.request.scope) if request.request else ""
        with self._guesses.counted(visitor, _now()):
            return self._access.sign_in_by_link(token if isinstance(token, str) else "", _now())

    def check(self, given_pass: object, username: str | None) -> User:
        """Return whose valid pass it is, or who is called so, signed in with Hugging Face; else raise AccessError.

        Names count only where FIQA_OWNERS names somebody: elsewhere Gradio may let in who is logged in on the machine.
        """
        named = username if self.owners else None
        if named:
            with suppress(AccessError):
                check_owner(named, self.owners)
                return User(named, is_host=True)
        try:
            secret_hash = self._access.check_pass(given_pass if isinstance(given_pass, str) else None, _now())
        except AccessError:
            if named and (member := self._members.by_hub_name(named)):
                return member
            raise
        if not secret_hash:
            return User(HOST, is_host=True)
        if member := self._members.by_secret(secret_hash):
            return member
        raise AccessError("Nothing here is open to you any more: you were removed. Sign in anew, or ask the owner.")


@dataclass(frozen=True)
class Visit:
    """What is known of who runs a handler that everybody may run."""

    request: gr.Request
    username: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Guard:
    """Connects the handlers of one page; `study` is the opened study, which the page cannot set by itself."""

    ownership: Ownership
    given_pass: gr.BrowserState
    study: gr.State

    def on(self, triggers: Any, work: Handler, inputs: Sequence[Any], outputs: Any, *, who: Who, **options: Any) -> Any:
        """Run `work` with the inputs' values when a trigger (one, or several) fires; see `gr.on` for the options.

        Handlers for everybody get a `Visit` first, and no pass. For the others, with the option `user`, the `User`
        comes first; then, with the option `details`, what the page says of the event, as a dictionary.

        Whoever gets several answers of one run is checked again before each. The option `checked_once` is for work that
        takes away the right to its own answer.
        """
        triggers = triggers if isinstance(triggers, list) else [triggers]
        if who is Everybody.PUBLIC:
            return gr.on(triggers, _public(work), [*inputs], outputs, **options)
        study_at = (
            None if isinstance(who, Everybody) else next(at for at, each in enumerate(inputs) if each is self.study)
        )
        wanted = {name: options.pop(name, False) for name in ("details", "user", "checked_once")}
        handler = self.handler(work, who, study_at=study_at, **wanted)
        return gr.on(triggers, handler, [self.given_pass, *inputs], outputs, **options)

    def handler(
        self,
        work: Handler,
        who: Who,
        *,
        study_at: int | None = None,
        details: bool = False,
        user: bool = False,
        checked_once: bool = False,
    ) -> Handler:
        """Return `work` as an event takes it: its first input is the pass, and its errors are sentences.

        `study_at` is where the opened study is among the inputs that follow.
        """

        def check(profile: gr.OAuthProfile | None, given: object, inputs: Sequence[Any]) -> User:
            """Return who it is, if they may."""
            found = self.ownership.check(given, profile.username if profile else None)
            found.check(who, None if study_at is None else inputs[study_at])
            return found

        def admit(
            profile: gr.OAuthProfile | None, event: gr.EventData, given: object, inputs: Sequence[Any]
        ) -> tuple[str, list[Any]]:
            """Return in whose name the work is done, and what it takes."""
            found = check(profile, given, inputs)
            return found.name, [*([found] if user else []), *([told(event)] if details else []), *inputs]

        def stepwise(
            profile: gr.OAuthProfile | None, event: gr.EventData, given: object, *inputs: Any
        ) -> Iterator[Any]:
            """Let in who may, and pass on what the work yields as long as they may: it may take minutes."""
            with translate_errors():
                name, taken = admit(profile, event, given, inputs)
                again = None if checked_once else partial(check, profile, given, inputs)
                yield from _in_the_name_of(name, work(*taken), again)

        def at_once(profile: gr.OAuthProfile | None, event: gr.EventData, given: object, *inputs: Any) -> Any:
            """Let in who may, and return what the work returns."""
            with translate_errors():
                name, taken = admit(profile, event, given, inputs)
                with acting_as(name):
                    return work(*taken)

        return _called_as(work, stepwise if inspect.isgeneratorfunction(work) else at_once)


def _public(work: Handler) -> Handler:
    """Return `work` as an event takes it that everybody may run."""

    def handler(profile: gr.OAuthProfile | None, event: gr.EventData, request: gr.Request, *inputs: Any) -> Any:
        with translate_errors():
            return work(Visit(request, profile.username if profile else None, told(event)), *inputs)

    return _called_as(work, handler)


def _called_as(work: Handler, handler: Handler) -> Handler:
    handler.__name__ = getattr(work, "__name__", "handler")
    return handler


def _in_the_name_of(name: str, steps: Generator[Any, None, Any], check: Callable[[], object] | None) -> Iterator[Any]:
    """Take each step in somebody's name, and nothing between the steps, which other events may share a thread with.

    `check` raises AccessError once they may not get any more.
    """
    try:
        while True:
            with acting_as(name):
                try:
                    step = next(steps)
                except StopIteration:
                    return
            if check:
                check()
            yield step
    finally:
        steps.close()


@contextmanager
def translate_errors() -> Iterator[None]:
    """Let out `gr.Error`s of one sentence only; what was not foreseen goes to the log."""
    try:
        yield
    except AnnotateError as error:
        raise gr.Error(escape(str(error)), print_exception=False) from None
    except gr.Error:
        raise
    except Exception:
        logger.exception("Unexpected error")
        raise gr.Error(APOLOGY, print_exception=False) from None


def _now() -> datetime:
    return datetime.now(UTC)
