"""The audit trail of a study in words: what was done to it, when, and by which reason."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from annotate.design.decisions import DECISIONS
from annotate.design.review import KIND_NAMES
from annotate.ui.studies.html import text, when
from annotate.ui.studies.protocol_form import told_value
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.database.tables import Event

Detail = Mapping[str, Any]


def log_panel(events: "Sequence[Event]") -> str:
    """List what was done to the study, the newest first."""
    lines = "".join(
        f"<li>{when(each.at)} {text(in_words(each.what, each.detail))}{_by(each.actor)}</li>" for each in events
    )
    return f"<details><summary>What was done</summary><ul>{lines}</ul></details>"


def _by(actor: str) -> str:
    return f" <small>by {text(actor)}</small>" if actor else ""


def in_words(what: str, detail: Detail) -> str:
    """Return an entry of the audit trail as a sentence."""
    tell = _SENTENCES.get(what)
    return tell(detail) if tell else what


def _because(sentence: str, detail: Detail) -> str:
    reason = str(detail.get("reason") or "")
    return f"{sentence}: {reason}" if reason else f"{sentence}."


def _sitting(detail: Detail) -> str:
    decided = DECISIONS["sitting"][detail["accepted"]]
    return _because(f"Sitting {detail['number']} of {detail['participant']} is {decided}", detail)


def _votes(detail: Detail) -> str:
    used = "are used" if detail["used"] else "are left out"
    return _because(f"The votes of {detail['participant']} {used}", detail)


def _protocol(detail: Detail) -> str:
    values = "; ".join(told_value(name, value) for name, value in detail.items())
    return f"The protocol was saved. {values}." if values else "The protocol was saved."


def _message(detail: Detail) -> str:
    message = detail["message"]
    return (
        f"Those who are rating are told: {message}" if message else "The message to those who are rating was removed."
    )


def _screening(detail: Detail) -> str:
    limits = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in detail["limits"].items())
    by = f" with other limits ({limits})" if limits else ""
    return f"Screening {detail['run']} was applied{by}: {_moved(detail)}."


def _moved(detail: Detail) -> str:
    falls = counted(detail["falls"], "person is", "people are")
    return f"{falls} left out, {counted(detail['returns'], 'person counts', 'people count')} again"


_KINDS = {kind.name.lower(): names[0] for kind, names in KIND_NAMES.items()}
_SENTENCES: Mapping[str, Callable[[Detail], str]] = {
    "created": lambda _: "The study was made.",
    "stimuli": lambda detail: f"{counted(detail['added'], 'picture was', 'pictures were')} added.",
    "state": lambda detail: f"The study went from {detail['from']} to {detail['to']}.",
    "protocol": _protocol,
    "sitting": _sitting,
    "votes": _votes,
    "picture changed": lambda detail: f"{detail['picture']} is now: {_KINDS[detail['kind']]}.",
    "picture removed": lambda detail: f"{detail['picture']} was removed.",
    "link": lambda detail: f"{detail['participant']} got a new link; older ones are closed.",
    "imported": lambda detail: f"{counted(detail['ratings'], 'rating was', 'ratings were')} imported.",
    "withdrawn": lambda _: "Somebody was deleted, with everything there was of them.",
    "message": _message,
    "screening": _screening,
    "screening undone": lambda detail: f"Screening {detail['run']} was undone: {_moved(detail)}.",
    "identifiers": lambda detail: (
        f"The identifiers of {counted(detail['people'], 'person', 'people')} were deleted, as the protocol says."
    ),
    "member": lambda detail: f"{detail['name']} was let in as {detail['role']}.",
    "member removed": lambda detail: f"{detail['name']} was removed.",
}
