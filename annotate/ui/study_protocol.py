"""The form of a study's protocol: every value with what it is called, what it means, and when it may change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from annotate.errors import ProtocolError
from annotate.ratings import ItemKind
from annotate.scales import LANGUAGES
from annotate.study import CHANGEABLE_WHILE_PAUSED, Protocol, State

S_PER_ANSWER = 5
"""What looking and answering usually takes, for an estimate."""
SCALE_CHOICES = [
    ("Five grades, Bad to Excellent (ACR)", "acr5"),
    ("Nine grades", "acr9"),
    ("Slider from 0 to 100", "continuous"),
]


@dataclass(frozen=True)
class Field:
    """A value of the protocol in the form. `unit` is how many of the protocol's make one of the form's."""

    name: str
    label: str
    info: str
    unit: int = 1


GROUPS: Mapping[str, Sequence[Field]] = {
    "What is asked": (
        Field("scale", "Scale", "How people answer. Five grades are the usual choice, and the easiest to compare."),
        Field("ratings_wanted", "Ratings per picture", "Accepted ones; BT.500 asks for 15, CGFIQA-40k has 20."),
        Field("offer_unusable", "Offer “unusable”", "For pictures without a face, or with nothing to see."),
        Field("training_count", "Training pictures", "Shown first, with feedback; they never count."),
        Field("sight_check", "Check sight", "Acuity rings and colour plates; refuses nobody, the result is kept."),
    ),
    "Checks": (
        Field("gold_every", "A known answer in every … pictures", "Gold items, which you provide; 0 for none."),
        Field("gold_tolerance", "Tolerance of known answers", "Steps of the five-grade scale that still pass."),
        Field("trap_every", "An attention check in every … pictures", "Cards that say what to answer; 0 for none."),
        Field("repeat_every", "A repeated picture in every … pictures", "How consistent is a person? 0 for none."),
    ),
    "Sittings and breaks": (
        Field("sitting_items", "Pictures per sitting", "Checks and repeats included."),
        Field("max_sittings", "Sittings per person", "0 for as many as they like."),
        Field("sitting_limit_s", "Longest sitting, minutes", "BT.500: half an hour at most.", unit=60),
        Field("break_every", "Break after … pictures", "0 for no breaks."),
        Field("break_s", "Shortest break, seconds", "People may rest longer."),
        Field("lease_s", "Give up an unanswered picture after … minutes", "It then goes to somebody else.", unit=60),
    ),
    "Words": (
        Field("language", "First language", "Participants may choose another."),
        Field("consent_text", "Consent", "What people agree to before they rate. Empty: the app's own text."),
        Field("eligibility", "Who may take part", "What people confirm about themselves. Empty: the app's own text."),
        Field("completion_code", "Completion code", "For Prolific, the one it gave you. Empty: one per sitting."),
    ),
}  # fmt: skip
FIELDS = tuple(field for group in GROUPS.values() for field in group)


def build_form() -> list[Any]:
    """Lay out the form in accordions; returns a component for each of FIELDS."""
    inputs = []
    for title, group in GROUPS.items():
        with gr.Accordion(title, open=title == "What is asked"), gr.Row(elem_classes="fields"):
            inputs += [_build_field(field) for field in group]
    return inputs


def _build_field(field: Field) -> Any:
    default = getattr(Protocol(), field.name)
    about: dict[str, Any] = {"label": field.label, "info": field.info, "elem_id": f"protocol-{field.name}"}
    if field.name == "scale":
        return gr.Radio(SCALE_CHOICES, value=default.name, **about)
    if field.name == "language":
        return gr.Dropdown([(name, code) for code, name in LANGUAGES.items()], value=default, **about)
    if isinstance(default, bool):
        return gr.Checkbox(value=default, **about)
    if isinstance(default, str):
        return gr.Textbox(default, lines=1 if field.name == "completion_code" else 4, max_lines=12, **about)
    return gr.Number(default / field.unit, precision=None if isinstance(default, float) else 0, min_width=200, **about)


def shown_values(protocol: Protocol, state: State) -> list[Any]:
    """Return updates of the form: the protocol's values, locked where the state forbids to change them."""
    values = protocol.to_json()
    return [
        gr.update(
            value=values[field.name] / field.unit if field.unit > 1 else values[field.name],
            interactive=state is State.DRAFT or (state is State.PAUSED and field.name in CHANGEABLE_WHILE_PAUSED),
        )
        for field in FIELDS
    ]


def read_values(values: Sequence[Any]) -> dict[str, Any]:
    """Return the form's values as those of a protocol, which checks them itself."""
    return {
        field.name: value * field.unit if isinstance(value, int | float) and field.unit > 1 else value
        for field, value in zip(FIELDS, values, strict=True)
    }


def in_words(error: ProtocolError) -> ProtocolError:
    """Return the error with a value called as the form calls it."""
    found = next((field for field in FIELDS if str(error).startswith(f"{field.name} is ")), None)
    return ProtocolError(f"“{found.label}”{str(error).removeprefix(found.name)}") if found else error


@dataclass(frozen=True)
class Effort:
    """What a design asks of people: how many are needed, and how long a sitting takes each, in minutes."""

    ratings: int
    people: int
    minutes: float


def effort(protocol: Protocol, counts: Mapping[ItemKind, int]) -> Effort:
    """Estimate what a study takes, at `S_PER_ANSWER` and if everybody sits as often as they may."""
    pictures, items = counts.get(ItemKind.RATED, 0), protocol.sitting_items
    every = (protocol.gold_every, protocol.trap_every, protocol.repeat_every)
    new = max(1, items - sum(items // each for each in every if each))
    each_rates = min(new * protocol.max_sittings if protocol.max_sittings else pictures, pictures)
    ratings = pictures * protocol.ratings_wanted
    people = max(protocol.ratings_wanted, -(-ratings // each_rates)) if each_rates else 0
    breaks = (items - 1) // protocol.break_every if protocol.break_every else 0
    return Effort(ratings, people, (min(items, pictures) * S_PER_ANSWER + breaks * protocol.break_s) / 60)
