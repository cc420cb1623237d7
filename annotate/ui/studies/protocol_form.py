"""The form of a study's protocol: every value with what it is called, what it means, and when it may change.

The texts are shown in every language with the package's own in place of blank ones; who leaves those as they are keeps
them. Questions that come with the package are ticked, an owner's own are lines (see `annotate.design.start_questions`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import gradio as gr

from annotate.design.further_scales import PRESETS
from annotate.design.languages import LANGUAGES, texts_in
from annotate.design.protocol import CHANGEABLE_WHILE_PAUSED, REASONS, TEXTS, StudyProtocol, package_texts
from annotate.design.scales import SCALES
from annotate.design.start_questions import READY_QUESTIONS, StartQuestion, parse_questions, write_questions
from annotate.design.states import State
from annotate.errors import ProtocolError
from annotate.methods import DEFAULT, METHODS, find_method, method_of, unused_settings
from annotate.methods.method import Method, Unit
from annotate.pair_designs import DESIGNS

NO_FURTHER = "none"
FURTHER_SCALES = [("None", NO_FURTHER), ("Details and exposure, as PIQ23 has them", "piq23")]
SCALE_TITLES = {name: scale.title for name, scale in SCALES.items()}
DEADLINE_FORMAT = "%Y-%m-%d %H:%M"
FRACTIONS = ("gold_tolerance", "pair_certainty", "pair_information")
TIMES = ("closes_at", "identifiers_until")


@dataclass(frozen=True)
class Field:
    """A value of the protocol in the form. `unit` is how many of the protocol's make one of the form's."""

    name: str
    label: str
    info: str
    unit: int = 1

    def worded_for(self, method: Method) -> "Field":
        """Return the field as a study by this method calls it."""
        of_pairs = PAIR_WORDS.get(self.name) if method.unit is Unit.PAIR else None
        return self if of_pairs is None else replace(self, label=of_pairs[0], info=of_pairs[1])


@dataclass(frozen=True)
class TextField:
    """A text in one language: one of `TEXTS`, or the owner's own questions as lines."""

    name: str
    language: str
    label: str
    info: str


GROUPS: Mapping[str, Sequence[Field]] = {
    "What is asked": (
        Field("scale", "Scale", "How people answer. Five grades are the usual choice, and the easiest to compare."),
        Field("ratings_wanted", "Ratings per picture", "Accepted ones; BT.500 asks for 15, CGFIQA-40k has 20."),
        Field("offer_no_difference", "Offer “no difference”", "Without it, people must prefer one of two."),
        Field("reference_beside", "Reference beside the picture", "Where both fit; else, and without it, one by one."),
        Field("pair_reference", "Reference between the pictures", "The undamaged one; it is not compared itself."),
        Field("pair_design", "Which pairs", "Neighbours need scores, in the column score of stimuli.csv."),
        Field("pair_partners", "Others that a picture meets", "Of the same source; every two are linked."),
        Field("pair_certainty", "Certainty of the order", "By the answers: from it on nothing more is asked."),
        Field("pair_information", "Least information of an answer", "By the answers, in bits, 0 to 1."),
        Field("pair_across_sources", "Compare across sources", "Pictures of different photos or people, too."),
        Field("more_scales", "Further scales", "Graded in one answer, one under the other; your own come by a file."),
        Field("reasons", "Offer reasons", "People may tick them with an answer: what is wrong, or was worse."),
        Field("offer_unusable", "Offer “unusable”", "For pictures without a face, or with nothing to see."),
        Field("training_count", "Training pictures", "Shown first, with feedback; they never count."),
    ),
    "Checks": (
        Field("gold_every", "A known answer in every … pictures", "You add pictures whose grade is known; 0: none."),
        Field("gold_tolerance", "Tolerance of known answers", "Steps of the five-grade scale that still pass."),
        Field("trap_every", "An attention check in every … pictures", "Cards that say what to answer; 0: none."),
        Field("repeat_every", "A repeated picture in every … pictures", "How consistent is a person? 0: none."),
    ),
    "Sittings and breaks": (
        Field("sitting_items", "Pictures per sitting", "At most, with checks and repeats."),
        Field("max_sittings", "Sittings per person", "0: as many as they like."),
        Field("sitting_limit_s", "Longest sitting, minutes", "BT.500: half an hour at most.", unit=60),
        Field("break_every", "Break after … pictures", "None in the last tenth of a sitting; 0: no breaks."),
        Field("break_s", "Shortest break, seconds", "People may rest longer."),
        Field("lease_s", "Give up an unanswered picture after … minutes", "It then goes to somebody else.", unit=60),
    ),
    "Who takes part": (
        Field("max_people", "Most people", "Who may begin; 0: no limit. Whose votes are left out frees a seat."),
        Field("closes_at", "Deadline (UTC)", "As 2026-12-31 18:00. Nobody begins later; who is rating may finish."),
        Field(
            "identifiers_until",
            "Delete identifiers on (UTC)",
            "Of panels, and completion codes; as 2026-12-31 18:00. Participants are told. Nobody begins later.",
        ),
        Field("min_screen_side_px", "Smallest screen", "Shorter side in CSS pixels; 0: any. 600 leaves phones out."),
        Field("sight_check", "Check sight", "Acuity rings and colour plates; refuses nobody, the result is kept."),
        Field("completion_code", "Completion code", "For Prolific, the one it gave you. Empty: one per sitting."),
        Field("ready_questions", "Ask before the first picture", "Nobody has to answer. Answers are in the export."),
    ),
    "Languages and texts": (
        Field("languages", "Languages offered", "Participants choose among them."),
        Field("language", "First language", "For whom none of the offered ones is their own."),
    ),
}  # fmt: skip
PAIR_WORDS: Mapping[str, tuple[str, str]] = {
    "ratings_wanted": ("Answers per pair", "Accepted ones, each of another person."),
    "repeat_every": (
        "A repeated pair in every … pairs",
        "Sides exchanged. How consistent is a person? 0: none.",
    ),
    "training_count": ("Training pairs", "Shown first, with feedback; they never count."),
    "gold_every": (
        "A known pair in every … pairs",
        "Two known answers of one source: which is better is known; 0: none.",
    ),
    "sitting_items": ("Pairs per sitting", "At most, with checks and repeats."),
    "break_every": ("Break after … pairs", "None in the last tenth of a sitting; 0: no breaks."),
    "lease_s": ("Give up an unanswered pair after … minutes", "It then goes to somebody else."),
}
"""What fields are called where pairs are compared."""
LABELS = {
    "instructions": ("Instructions", "What to judge, and what not to."),
    "consent": ("Consent", "What people agree to before they rate."),
    "eligibility": ("Who may take part", "What people confirm about themselves."),
    "data_protection": (
        "Data protection",
        "Below the consent, to be opened: who is responsible, what is stored, why, how long, and the rights of people.",
    ),
    "own_questions": (
        "Your own questions",
        "A line each: name: question | choice | choice. Without choices: a text field.",
    ),
}
TEXT_FIELDS = tuple(TextField(name, language, *LABELS[name]) for language in LANGUAGES for name in LABELS)
FIELDS: tuple[Field | TextField, ...] = (*(field for group in GROUPS.values() for field in group), *TEXT_FIELDS)


def build_form() -> list[Any]:
    """Lay out the form in accordions; returns a component for each of FIELDS."""
    inputs = []
    for title, group in GROUPS.items():
        with gr.Accordion(title, open=title == "What is asked"):
            with gr.Row(elem_classes="fields"):
                inputs += [_build_field(field) for field in group]
            if title == "Languages and texts":
                inputs += _build_texts()
    return inputs


def _build_texts() -> list[Any]:
    """Lay out a tab of texts per language."""
    boxes = []
    with gr.Tabs(elem_classes="texts"):
        for language, name in LANGUAGES.items():
            with gr.Tab(name, render_children=True):
                boxes += [_build_text(field) for field in TEXT_FIELDS if field.language == language]
    return boxes


def _build_text(field: TextField) -> gr.Textbox:
    elem_id = f"protocol-{field.name}-{field.language}"
    return gr.Textbox("", label=field.label, info=field.info, lines=3, max_lines=14, elem_id=elem_id)


def _build_field(field: Field) -> Any:
    about: dict[str, Any] = {"label": field.label, "info": field.info, "elem_id": f"protocol-{field.name}"}
    default = shown_value(StudyProtocol(), field)
    if field.name == "scale":
        return gr.Radio(scale_choices(find_method(DEFAULT)), value=default, **about)
    if field.name == "more_scales":
        return gr.Radio(FURTHER_SCALES, value=default, **about)
    if field.name == "pair_design":
        return gr.Radio([(design.title, name) for name, design in DESIGNS.items()], value=default, **about)
    if field.name == "language":
        return gr.Dropdown([(name, code) for code, name in LANGUAGES.items()], value=default, **about)
    if field.name == "languages":
        return gr.CheckboxGroup([(name, code) for code, name in LANGUAGES.items()], value=default, **about)
    if field.name == "reasons":
        wording = texts_in("en").wording
        return gr.CheckboxGroup([(wording[f"reason_{name}"], name) for name in REASONS], value=default, **about)
    if field.name == "ready_questions":
        return gr.CheckboxGroup([(name.replace("_", " "), name) for name in READY_QUESTIONS], value=default, **about)
    if isinstance(default, bool):
        return gr.Checkbox(value=default, **about)
    if isinstance(default, str):
        return gr.Textbox(default, max_lines=1, **about)
    return gr.Number(default, precision=None if field.name in FRACTIONS else 0, min_width=200, **about)


def scale_choices(method: Method) -> list[tuple[str, str]]:
    """Return the scales that a method may be asked on, as a choice of the form."""
    return [(SCALE_TITLES[name], name) for name in method.scales]


def _further_scales(protocol: StudyProtocol) -> list[tuple[str, str]]:
    """Return the choice of further scales, with a study's own, as JSON, where they are no preset."""
    own = shown_value(protocol, next(field for field in FIELDS if field.name == "more_scales"))
    if own in (NO_FURTHER, *PRESETS):
        return FURTHER_SCALES
    titles = list(protocol.scale_titles("en").values())[1:]
    return [*FURTHER_SCALES, (", ".join(titles), own)]


def read_further_scales(value: object) -> Any:
    """Return the chosen further scales as those of a protocol, which checks them itself."""
    if value in (None, "", NO_FURTHER):
        return []
    try:
        return value if value in PRESETS else json.loads(str(value))
    except (ValueError, TypeError):
        return value


def shown_values(protocol: StudyProtocol, state: State) -> list[Any]:
    """Return updates of the form: the protocol's values, locked where the state forbids to change them.

    What means nothing in a study by its method is hidden.
    """
    method = method_of(protocol)
    unused = unused_settings(method)
    return [_shown(field, protocol, method, state, visible=field.name not in unused) for field in FIELDS]


def _shown(
    field: Field | TextField, protocol: StudyProtocol, method: Method, state: State, *, visible: bool
) -> dict[str, Any]:
    worded = field.worded_for(method) if isinstance(field, Field) else field
    update: dict[str, Any] = gr.update(
        value=shown_value(protocol, field),
        interactive=field.name in changeable(state),
        visible=visible,
        label=worded.label,
        info=worded.info,
    )
    if field.name == "more_scales":
        return {**update, "choices": _further_scales(protocol)}
    if field.name != "scale":
        return update
    # What is sent back is checked against the choices, also where it is hidden: pairs have a scale that nobody uses.
    return {**update, "choices": scale_choices(method) or [(protocol.scale.title, protocol.scale.name)]}


def shown_value(protocol: StudyProtocol, field: Field | TextField) -> Any:
    """Return what the form shows of a protocol in a field."""
    if isinstance(field, TextField):
        if field.name == "own_questions":
            own = [question for question in protocol.questions if not _is_ready(question)]
            return write_questions(own, field.language)
        return getattr(protocol.texts_for(field.language), field.name)
    if field.name == "ready_questions":
        return [question.name for question in protocol.questions if _is_ready(question)]
    if field.name in TIMES:
        time: datetime | None = getattr(protocol, field.name)
        return time.strftime(DEADLINE_FORMAT) if time else ""
    value = protocol.to_json()[field.name]
    if field.name == "more_scales":
        preset = next((name for name, scales in PRESETS.items() if scales == protocol.more_scales), None)
        return preset or (json.dumps(value) if value else NO_FURTHER)
    return value / field.unit if field.unit > 1 else value


def changeable(state: State) -> frozenset[str]:
    """Return the names of the form's fields that may be changed."""
    if state is State.DRAFT:
        return frozenset(field.name for field in FIELDS)
    return CHANGEABLE_WHILE_PAUSED if state is State.PAUSED else frozenset()


def read_values(values: Sequence[Any]) -> dict[str, Any]:
    """Return the form's values as those of a protocol, which checks them itself."""
    given = dict(zip(FIELDS, values, strict=True))
    plain: dict[str, Any] = {
        field.name: value * field.unit if isinstance(value, int | float) and field.unit > 1 else value
        for field, value in given.items()
        if isinstance(field, Field)
    }
    plain["more_scales"] = read_further_scales(plain["more_scales"])
    ready = [READY_QUESTIONS[name] for name in plain.pop("ready_questions") or () if name in READY_QUESTIONS]
    own = parse_questions({each.language: given[each] or "" for each in TEXT_FIELDS if each.name == "own_questions"})
    plain.update({name: _read_time(name, plain[name]) for name in TIMES})
    _check_languages(plain["languages"] or (), plain["language"])
    return {**plain, "texts": _read_texts(given), "questions": [each.to_json() for each in (*ready, *own)]}


def read_changes(values: Sequence[Any], state: State) -> dict[str, Any]:
    """Return of the form's values those that the state allows to change."""
    parts = {"texts": "consent", "questions": "ready_questions"}
    return {name: value for name, value in read_values(values).items() if parts.get(name, name) in changeable(state)}


def _read_texts(given: Mapping[Field | TextField, Any]) -> dict[str, dict[str, str]]:
    """Return the texts that are not the package's own."""
    texts: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
    for field in TEXT_FIELDS:
        text = (given[field] or "").strip()
        packaged = [getattr(package_texts(field.language, method), field.name, None) for method in METHODS]
        if field.name in TEXTS and text not in packaged:
            texts[field.language][field.name] = text
    return texts


def _check_languages(offered: Sequence[str], first: str) -> None:
    """Raise ProtocolError, in the form's words, unless the first language is among those offered."""
    names = [LANGUAGES[each] for each in offered if each in LANGUAGES]
    if not names:
        raise ProtocolError("No language is offered; tick at least one under “Languages offered”.")
    if first not in offered:
        chosen = LANGUAGES.get(first, "empty")
        raise ProtocolError(f"“First language” is {chosen}, which is not offered; offer it, or choose {names[0]}.")


def _read_time(name: str, value: object) -> str | None:
    text = str(value or "").strip()
    if not text:
        return None
    try:
        return datetime.strptime(text, DEADLINE_FORMAT).replace(tzinfo=UTC).isoformat()
    except ValueError:
        label = next(each.label for group in GROUPS.values() for each in group if each.name == name)
        raise ProtocolError(f"“{label}” is {text!r}; expected a day and time as 2026-12-31 18:00.") from None


def _is_ready(question: StartQuestion) -> bool:
    return question == READY_QUESTIONS.get(question.name)


def in_words(error: ProtocolError, method: Method) -> ProtocolError:
    """Return the error with a value called as the form of a study by this method calls it."""
    found = next((field for field in FIELDS if str(error).startswith(f"{field.name} is ")), None)
    if found is None:
        return error
    said = str(error).removeprefix(f"{found.name} is ")
    label = found.worded_for(method).label if isinstance(found, Field) else found.label
    return ProtocolError(f"“{label}” is {said.replace('None;', 'empty;', 1)}")


def told_value(name: str, value: Any) -> str:
    """Return a value of a protocol's JSON under its label in the form, in the form's unit, for the log."""
    field = next((each for group in GROUPS.values() for each in group if each.name == name), None)
    if field is None:  # texts and questions would fill the page
        return f"{name.capitalize()} changed"
    return f"{field.label}: {_shown_in_words(field, value)}"


def _shown_in_words(field: Field, value: Any) -> str:
    if field.name == "pair_design":
        return DESIGNS[value].title if value in DESIGNS else str(value)
    if field.name == "scale":
        return SCALE_TITLES.get(value, str(value))
    if field.name == "more_scales":
        return ", ".join(each["name"] for each in value) or "none"
    if field.name in ("language", "languages", "reasons"):
        codes = [value] if isinstance(value, str) else value
        return ", ".join(LANGUAGES.get(code, code) for code in codes) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value in (None, ""):
        return "none"
    if field.name in TIMES:
        return datetime.fromisoformat(value).strftime(DEADLINE_FORMAT)
    return f"{value / field.unit:g}" if isinstance(value, int | float) else str(value)
