"""Checks what a participant sends before anything is stored."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from annotate.design.protocol import StudyProtocol
from annotate.errors import (
    AccessError,
    OutsidePanelError,
    ProtocolError,
    RatingError,
    SittingError,
)
from annotate.methods import method_of
from annotate.methods.method import AnswerKind
from annotate.queries.records import LONGEST_KEY, Answer
from annotate.rating.steps import Panel

LONGEST_RESPONSE_MS = 24 * 3600 * 1000
MOST_PX = 100_000
LONGEST_EXTERNAL_ID = 200
PLACEHOLDER = r"(?:\{\{%\w+%\}\}|%7[Bb]%7[Bb]%25\w+%25%7[Dd]%7[Dd])"
"""In a link for Prolific as it is handed in there: {{%PROLIFIC_PID%}}, as it is or encoded."""


def check_start_answers(protocol: StudyProtocol, answers: Mapping[str, object]) -> dict[str, str]:
    """Return the answers to the questions at the start, each checked; raises SittingError naming a bad one."""
    questions = {question.name: question for question in protocol.questions}
    if unknown := answers.keys() - questions.keys():
        raise SittingError(f"The study does not ask {min(unknown)!r}.")
    try:
        return {name: questions[name].answer(given, protocol.language) for name, given in answers.items()}
    except ProtocolError as error:
        raise SittingError(str(error)) from None


def side_px(screen: Mapping[str, Any], side: str) -> float:
    """Return a side of the screen in pixels of CSS, 0 where the page did not tell."""
    return float(screen.get(f"screen_{side}_px", 0))


def check_external_id(panel: Panel | None) -> str | None:
    """Return the panel's id of a participant, None without a panel; raises AccessError when it cannot be one."""
    if panel is None:
        return None
    if any(re.fullmatch(PLACEHOLDER, each) for each in (panel.participant_id, panel.session_id)):
        raise OutsidePanelError(
            "This link was opened outside Prolific, which puts your ID into it; open it from there."
        )
    if not 1 <= len(panel.participant_id) <= LONGEST_EXTERNAL_ID or not panel.participant_id.isprintable():
        raise AccessError("The panel's identifier of the participant is not usable; open its link again.")
    return panel.participant_id


def check_answer(answer: Answer, protocol: StudyProtocol) -> Answer:
    """Return the answer as it is stored, its grade as a float; raise GradeError or RatingError if something is off."""
    if not 1 <= len(answer.key) <= LONGEST_KEY or not answer.key.isascii() or not answer.key.isprintable():
        raise RatingError(f"A rating's key is 1 to {LONGEST_KEY} printable ASCII characters.")
    if answer.unusable and (answer.grade is not None or not protocol.offer_unusable):
        raise RatingError("Unusable content has no grade, and is no answer in every study.")
    if answer.response_ms is not None and not 0 <= answer.response_ms <= LONGEST_RESPONSE_MS:
        raise RatingError(f"{answer.response_ms} ms is no response time.")
    for size in (answer.width_px, answer.height_px, answer.pixel_ratio):
        if size is not None and not 0 < size < MOST_PX:
            raise RatingError(f"{size!r} is no display size or pixel ratio.")
    if unknown := sorted(set(answer.reasons) - set(protocol.reasons)):
        raise RatingError(f"{unknown[0]!r} is no reason that this study offers.")
    answer = replace(answer, reasons=tuple(sorted(set(answer.reasons))))
    if method_of(protocol).answer is AnswerKind.PREFERENCE:
        return _check_preference(answer, protocol)
    if answer.preferred is not None:
        raise RatingError("This study asks for a grade, and not which of two pictures is better.")
    more_grades = _check_more_grades(answer, protocol)
    if answer.unusable:
        return replace(answer, more_grades=None)
    return replace(answer, grade=protocol.scale.check(answer.grade), more_grades=more_grades)


def _check_more_grades(answer: Answer, protocol: StudyProtocol) -> dict[str, float] | None:
    """Return the grades on the further scales, all of them; None where there are none, or the picture is unusable."""
    given = answer.more_grades or {}
    wanted = () if answer.unusable else protocol.scale_names[1:]
    if given.keys() != set(wanted):
        expected = ", ".join(wanted) or "none"
        raise RatingError(f"The further grades are of {', '.join(given) or 'nothing'}; expected {expected}.")
    return {name: protocol.scale.check(given[name]) for name in wanted} or None


def _check_preference(answer: Answer, protocol: StudyProtocol) -> Answer:
    if answer.grade is not None or answer.more_grades:
        raise RatingError("This study asks which of two pictures is better, and not for a grade.")
    offered = ("left", "none", "right") if protocol.offer_no_difference else ("left", "right")
    if answer.preferred not in offered:
        raise RatingError(f"{answer.preferred!r} is no answer to a pair here; expected {', '.join(offered)}.")
    return answer
