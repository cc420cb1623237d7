"""Where the rows of an export's tables come from; their columns are said in `annotate.exchange.export_tables`."""

import json
from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from annotate import queries
from annotate.database.tables import Participant, Sitting
from annotate.design.decisions import DECISIONS
from annotate.design.items import ItemKind
from annotate.design.protocol import REASONS, StudyProtocol
from annotate.design.protocol import TEXTS as PROTOCOL_TEXTS
from annotate.design.start_questions import StartQuestion
from annotate.exchange.export_tables import ANSWER, COMPARISONS, RATINGS, SCREEN, SITTINGS, Row
from annotate.exchange.imports import GRADE


def rating_rows(db: Session, study_id: int, scales: Sequence[str]) -> Iterator[Row]:
    """Yield a row of RATINGS per answer, with grades on further scales; memory does not grow with the study."""
    for row in queries.ratings.stream_ratings(db, study_id):
        given = row.more_grades or {}
        yield {
            **{f"{GRADE}{name}": given.get(name) for name in scales},
            "more_grades": json.dumps(given) if given else None,
            **{column: getattr(row, column) for column in RATINGS.columns if column != "used"},
            "kind": row.kind.name.lower(),
            "reasons": " ".join(row.reasons),
            "used": row.votes_used and row.kind is ItemKind.RATED,
        }


def comparison_rows(db: Session, study_id: int) -> Iterator[Row]:
    """Yield a row of COMPARISONS per answer; memory does not grow with the study."""
    for row in queries.ratings.stream_comparisons(db, study_id):
        yield {
            **{column: getattr(row, column) for column in COMPARISONS.columns if column != "used"},
            "kind": row.kind.name.lower(),
            "reasons": " ".join(row.reasons),
            "used": row.votes_used and row.kind is ItemKind.RATED,
        }


def complaint_rows(db: Session, study_id: int, offered: Sequence[str]) -> Iterator[Row]:
    """Yield a row of COMPLAINTS per picture, in the order in which they were added."""
    counts = queries.reasons.count_reasons(db, study_id)
    for each in queries.stimuli.all_stimuli(db, study_id):
        if each.name in counts:
            named = {"stimulus": each.name, "source": each.source, "condition": each.condition}
            yield {**named, **{reason: counts[each.name][reason] if reason in offered else None for reason in REASONS}}


def participant_rows(db: Session, study_id: int, questions: Sequence[StartQuestion]) -> Iterator[Row]:
    """Yield a row of PARTICIPANTS, with their answers to the study's questions, per person."""
    for person, sittings in queries.participants.all_participants(db, study_id):
        answers = person.start_answers or {}
        yield {
            **{f"{ANSWER}{question.name}": answers.get(question.name) for question in questions},
            "start_answers": json.dumps(answers, ensure_ascii=False) if answers else None,
            "participant": person.pseudonym,
            "language": person.language,
            "joined_at": person.created_at,
            "consented_at": person.consented_at,
            "trained_at": person.trained_at,
            "sittings": len(sittings),
            "votes_used": person.votes_used,
            "votes_reason": person.votes_reason,
        }


def sitting_rows(db: Session, study_id: int) -> Iterator[Row]:
    """Yield a row of SITTINGS per sitting, those of a person one after the other."""
    for person, sittings in queries.participants.all_participants(db, study_id):
        yield from (_sitting_row(person, each) for each in sittings)


def _sitting_row(person: Participant, sitting: Sitting) -> Row:
    screen = sitting.screen or {}
    named = {"participant": person.pseudonym, "sitting": sitting.number}
    measured = {name: screen.get(name) for name in SCREEN}
    return {
        column: named.get(column, measured.get(column) if column in SCREEN else getattr(sitting, column, None))
        for column in SITTINGS.columns
    }


def decision_rows(db: Session, study_id: int) -> Iterator[Row]:
    """Yield a row of DECISION_TABLE per decision."""
    for event in queries.audit.list_events(db, study_id):
        if event.what in DECISIONS:
            yield {
                "at": event.at,
                "participant": event.detail["participant"],
                "sitting": event.detail.get("number"),
                "decision": DECISIONS[event.what][event.detail["accepted" if event.what == "sitting" else "used"]],
                "reason": event.detail["reason"],
                "by": event.actor or None,
            }


def text_rows(protocol: StudyProtocol) -> Iterator[Row]:
    """Yield a row of TEXTS per language and text."""
    for language in protocol.languages:
        shown_texts = protocol.texts_for(language)
        texts = {name: getattr(shown_texts, name) for name in PROTOCOL_TEXTS}
        for question in protocol.questions:
            asked_in = question.language_for(language, protocol.language)
            texts[f"question {question.name}"] = question.text[asked_in]
        words = {f"grade {grade:g}": word for grade, word in protocol.scale.words(language).items()}
        for further in protocol.more_scales:
            words[f"scale {further.name}"] = further.title[language]
            own = further.words_on(protocol.scale, language)
            words |= {f"grade {grade:g} {further.name}": word for grade, word in own.items()}
        for text, shown in {**texts, **words}.items():
            yield {"language": language, "text": text, "shown": shown}
