"""Questions that participants may be asked once, before they rate: their age group, their device.

Nobody has to answer them. What they answer is stored in the wording of the study's first language, so that a column of
an export holds one wording of each choice, whatever language it was answered in.

In the form of a study, a question of the owner's own is one line per language:

    glasses: Do you wear glasses? | yes | no
    comment: Is there anything that we should know?
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from annotate.design.languages import DEFAULT, LANGUAGES, TEXTS
from annotate.errors import ProtocolError

MOST_QUESTIONS = 20
MOST_CHOICES = 30
LONGEST_QUESTION = 500
LONGEST_ANSWER = 200
"""Characters of an answer in the participant's own words."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class StartQuestion:
    """A question and its choices by language; without choices it is answered in the participant's own words.

    `name` is the column of exports: lower-case letters, digits and underscores.
    """

    name: str
    text: Mapping[str, str]
    choices: Mapping[str, Sequence[str]]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ProtocolError(
                f"A question is called {self.name!r}; expected a name of lower-case letters, digits and underscores, "
                "as the column of an export."
            )
        if not self.text or not all(0 < len(text) <= LONGEST_QUESTION for text in self.text.values()):
            raise ProtocolError(f"The question {self.name} needs a text of 1 to {LONGEST_QUESTION} characters.")
        counts = {len(self.choices.get(language, ())) for language in self.text}
        if len(counts) > 1 or max(counts) > MOST_CHOICES or 1 in counts:
            raise ProtocolError(
                f"The question {self.name} needs as many choices in every language: none, or 2 to {MOST_CHOICES}."
            )
        if any(len(choice) > LONGEST_ANSWER or not choice for each in self.choices.values() for choice in each):
            raise ProtocolError(f"A choice of the question {self.name} needs 1 to {LONGEST_ANSWER} characters.")

    def language_for(self, language: str, first: str) -> str:
        """Return the language in which somebody is asked: theirs, the study's first, or the only one there is."""
        return next(each for each in (language, first, *self.text) if each in self.text)

    def answer(self, given: object, first: str) -> str:
        """Return an answer as it is stored: the chosen one's wording in the study's first language, or a text.

        `given` is the number of a choice, from 0, or a text where there are no choices. Raises ProtocolError.
        """
        choices = self.choices.get(self.language_for(first, first), ())
        if choices and type(given) is int and 0 <= given < len(choices):
            return choices[given]
        if not choices and isinstance(given, str) and len(given) <= LONGEST_ANSWER:
            return " ".join(given.split())
        raise ProtocolError(f"{given!r} does not answer the question {self.name}.")

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        choices = {language: list(each) for language, each in self.choices.items() if each}
        return {"name": self.name, "text": dict(self.text), "choices": choices}

    @classmethod
    def from_json(cls, values: object) -> "StartQuestion":
        """Read what `to_json` gave; raises ProtocolError."""
        if not isinstance(values, Mapping) or not {"name", "text"} <= values.keys() <= {"name", "text", "choices"}:
            raise ProtocolError(f"A question is {values!r}; expected a name, a text and choices by language.")
        text, choices = values["text"], values.get("choices", {})
        if not _is_by_language(text, str) or not _is_by_language(choices, list):
            raise ProtocolError(f"The question {values['name']!r} needs its text and choices by language.")
        if not all(isinstance(each, str) for listed in choices.values() for each in listed):
            raise ProtocolError(f"The question {values['name']!r} has a choice that is no text.")
        return cls(str(values["name"]), dict(text), {language: tuple(each) for language, each in choices.items()})


def _is_by_language(values: object, kind: type) -> bool:
    return isinstance(values, Mapping) and all(
        language in LANGUAGES and isinstance(value, kind) for language, value in values.items()
    )


def read_questions(value: object) -> tuple[StartQuestion, ...]:
    """Read the questions of a protocol; raises ProtocolError."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MOST_QUESTIONS:
        raise ProtocolError(f"questions is {value!r}; expected a list of at most {MOST_QUESTIONS}.")
    questions = tuple(each if isinstance(each, StartQuestion) else StartQuestion.from_json(each) for each in value)
    names = [question.name for question in questions]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ProtocolError(f"There are two questions called {twice}; each needs a name of its own.")
    return questions


def parse_questions(lines: Mapping[str, str]) -> tuple[StartQuestion, ...]:
    """Read an owner's own questions from the lines of each language; see the module. Raises ProtocolError."""
    texts: dict[str, dict[str, str]] = {}
    choices: dict[str, dict[str, tuple[str, ...]]] = {}
    for language, written in lines.items():
        for line in filter(None, map(str.strip, written.splitlines())):
            name, colon, rest = line.partition(":")
            if not colon:
                raise ProtocolError(f"“{line[:60]}” is no question; write “name: question | choice | choice”.")
            text, *given = (part.strip() for part in rest.split("|"))
            if language in texts.setdefault(name.strip(), {}):
                raise ProtocolError(f"The question {name.strip()} is there twice in {LANGUAGES[language]}.")
            texts[name.strip()][language] = text
            if given:
                choices.setdefault(name.strip(), {})[language] = tuple(given)
    return tuple(StartQuestion(name, text, choices.get(name, {})) for name, text in texts.items())


def write_questions(questions: Sequence[StartQuestion], language: str) -> str:
    """Return the lines that `parse_questions` reads."""
    return "\n".join(
        " | ".join([f"{question.name}: {question.text[language]}", *question.choices.get(language, ())])
        for question in questions
        if language in question.text
    )


READY_QUESTIONS: Mapping[str, StartQuestion] = MappingProxyType({
    name: StartQuestion(
        name,
        {code: texts.ready_questions[name][0] for code, texts in TEXTS.items()},
        {code: texts.ready_questions[name][1] for code, texts in TEXTS.items()},
    )
    for name in TEXTS[DEFAULT].ready_questions
})  # fmt: skip
"""Questions that a study can ask as they are, by name."""
