"""What the rating page may ask: a message goes in, one transaction runs, plain data comes out.

Each action checks the token of the message by itself; what it returns is to be sent only after the commit.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from annotate import queries
from annotate.database.tables import Study
from annotate.design.further_scales import MAIN, FurtherScale
from annotate.design.languages import LANGUAGES, TEXTS
from annotate.design.protocol import StudyProtocol
from annotate.design.start_questions import LONGEST_ANSWER, StartQuestion
from annotate.errors import AccessError, DatabaseError, RatingError
from annotate.methods import method_of
from annotate.methods.method import AnswerKind
from annotate.queries.records import Answer, Number
from annotate.rating import checks, links, sitting
from annotate.rating.admission import Refusal, find_refusal
from annotate.rating.reading import count_begun
from annotate.rating.steps import Panel, ShownItem, Step

Token = Annotated[str, Field(max_length=links.LONGEST_TOKEN, pattern=r"^[\w-]*$")]
Identifier = Annotated[
    str, Field(max_length=checks.LONGEST_EXTERNAL_ID, pattern=rf"^(?:[\w.@+-]*|{checks.PLACEHOLDER})$")
]
"""Or what Prolific has not filled in, which `check_external_id` refuses in words of its own."""


class Message(BaseModel):
    """What the page sends; each action reads what it needs. `panel_…` are Prolific's PROLIFIC_PID and SESSION_ID."""

    model_config = ConfigDict(extra="forbid")

    token: Token = ""
    study: Token = ""
    language: str = Field("en", pattern=r"^[a-z]{2}$")
    device: Token | None = None
    panel_participant: Identifier = ""
    panel_session: Identifier = ""
    answer: Answer | None = None
    screen: dict[str, float | bool] = Field({}, max_length=20)
    passed: bool = False
    start_answers: dict[Token, Number | Annotated[str, Field(max_length=LONGEST_ANSWER)]] = Field({}, max_length=20)

    @property
    def panel(self) -> Panel | None:
        """Who a panel says the participant is."""
        return Panel(self.panel_participant, self.panel_session) if self.panel_participant else None


Action = Callable[[Session, Message, datetime], dict[str, Any]]


def _welcome(db: Session, message: Message, now: datetime) -> dict[str, Any]:
    """Describe the study of a link; without a link that is the demo."""
    if message.token:
        participant, study = links.open_link(db, message.token)
        language = study.protocol.language_for(participant.language)
        return {**_describe(db, study), "language": language, "refusal": None}
    study_found = (
        queries.studies.study_by_join_code(db, message.study) if message.study else queries.studies.find_demo(db)
    )
    if study_found is None and not message.study:
        raise DatabaseError("The demo study is not there yet; try again in a moment.")
    if study_found is None:
        raise AccessError("This link opens no study. Open it as it was sent to you, or ask for a new one.")
    checks.check_external_id(message.panel)
    return {**_describe(db, study_found), "refusal": _refusal(db, study_found, message, now)}


def _refusal(db: Session, study: Study, message: Message, now: datetime) -> Refusal | None:
    """Return why a newcomer cannot begin; whom a panel sends again is none."""
    if message.panel and queries.participants.participant_by_external_id(db, study.id, message.panel.participant_id):
        return None
    protocol = study.protocol
    return find_refusal(study.state, protocol, count_begun(db, study.id, study.state, protocol), now)


def _join(db: Session, message: Message, now: datetime) -> dict[str, Any]:
    """Let a newcomer in who has consented; the token is theirs to keep."""
    token = sitting.join(db, message.study, now, language=message.language, panel=message.panel)
    return {"token": token, **_shown(sitting.give_consent(db, token, now, panel=message.panel))}


def _next_step(db: Session, message: Message, now: datetime) -> dict[str, Any]:
    return _shown(sitting.next_step(db, message.token, now, device=message.device))


def _consent(db: Session, message: Message, now: datetime) -> dict[str, Any]:
    return _shown(sitting.give_consent(db, message.token, now, panel=message.panel))


def _answer_questions(db: Session, message: Message, now: datetime) -> dict[str, Any]:
    return _shown(sitting.answer_questions(db, message.token, now, message.start_answers))


def _screen(db: Session, message: Message, now: datetime) -> dict[str, Any]:
    step = sitting.record_screen(
        db, message.token, now, device=message.device or "", result=message.screen, passed=message.passed
    )
    return _shown(step)


def _rate(db: Session, message: Message, now: datetime) -> dict[str, Any]:
    if message.answer is None:
        raise RatingError("There is no answer in this message.")
    outcome = sitting.rate(db, message.token, message.answer, now)
    return {**_shown(outcome.step), "feedback": asdict(outcome.feedback) if outcome.feedback else None}


def _undo(db: Session, message: Message, now: datetime) -> dict[str, Any]:
    return _shown(sitting.undo(db, message.token, now))


def _end_break(db: Session, message: Message, now: datetime) -> dict[str, Any]:
    return _shown(sitting.end_break(db, message.token, now))


def _finish(db: Session, message: Message, now: datetime) -> dict[str, Any]:
    return _shown(sitting.finish(db, message.token, now))


def _start_another(db: Session, message: Message, now: datetime) -> dict[str, Any]:
    return _shown(sitting.start_another(db, message.token, now, panel=message.panel))


def _take_code(db: Session, message: Message, now: datetime) -> dict[str, Any]:
    sitting.take_code(db, message.token, now)
    return {}


def _withdraw(db: Session, message: Message, now: datetime) -> dict[str, Any]:
    sitting.withdraw(db, message.token, now)
    return {}


ACTIONS: Mapping[str, Action] = {
    "welcome": _welcome,
    "join": _join,
    "look": _next_step,
    "consent": _consent,
    "questions": _answer_questions,
    "screen": _screen,
    "rate": _rate,
    "undo": _undo,
    "end-break": _end_break,
    "finish": _finish,
    "start-another": _start_another,
    "take-code": _take_code,
    "withdraw": _withdraw,
}


def _describe(db: Session, study: Study) -> dict[str, Any]:
    """Return what the page must know of a study, in every language."""
    protocol = study.protocol
    scale = protocol.scale
    width_px, height_px = queries.stimuli.largest_sides(db, study.id)
    return {
        "method": _describe_method(protocol),
        "join_code": study.join_code,
        "demo": study.demo,
        "language": protocol.language,
        "width_px": width_px,
        "height_px": height_px,
        "offer_unusable": protocol.offer_unusable,
        "sight_check": protocol.sight_check,
        "identifiers_until": protocol.identifiers_until.isoformat() if protocol.identifiers_until else None,
        "min_screen_side_px": protocol.min_screen_side_px,
        "languages": {language: LANGUAGES[language] for language in protocol.languages},
        "texts": {language: asdict(protocol.texts_for(language)) for language in protocol.languages},
        "questions": [_describe_question(question, protocol) for question in protocol.questions],
        "scale": {
            "grades": scale.grades(),
            "low": scale.low,
            "high": scale.high,
            "words": {language: list(scale.words(language).items()) for language in LANGUAGES},
            "title": {language: texts.scale_titles[MAIN] for language, texts in TEXTS.items()},
        },
        "more_scales": [_describe_scale(each, protocol) for each in protocol.more_scales],
    }


def _describe_scale(further: FurtherScale, protocol: StudyProtocol) -> dict[str, Any]:
    words = {each: list(further.words_on(protocol.scale, each).items()) for each in protocol.languages}
    return {"name": further.name, "title": dict(further.title), "words": words}


def _describe_method(protocol: StudyProtocol) -> dict[str, Any]:
    """Return what the page must know of how things are shown and asked."""
    method = method_of(protocol)
    return {
        "name": method.name,
        "answer": method.answer,
        "show": method.show(protocol),
        "roles": method.roles(protocol),
        "no_difference": method.answer is AnswerKind.PREFERENCE and protocol.offer_no_difference,
        "reasons": list(protocol.reasons),
    }


def _describe_question(question: StartQuestion, protocol: StudyProtocol) -> dict[str, Any]:
    """Return a question in every language that is offered, in another where one is missing."""
    asked = {language: question.language_for(language, protocol.language) for language in protocol.languages}
    return {
        "name": question.name,
        "text": {language: question.text[found] for language, found in asked.items()},
        "choices": {language: list(question.choices.get(found, ())) for language, found in asked.items()},
    }


def _shown(step: Step) -> dict[str, Any]:
    """Return a step as the page sees it: of an item its number, of its pictures what they are and their size."""
    return {"step": {**asdict(step), "picture": _shown_item(step.picture), "upcoming": _shown_item(step.upcoming)}}


def _shown_item(item: ShownItem | None) -> dict[str, Any] | None:
    if item is None:
        return None
    pictures = [{"role": each.role, "width_px": each.width_px, "height_px": each.height_px} for each in item.pictures]
    return {"number": item.assignment_id, "pictures": pictures}
