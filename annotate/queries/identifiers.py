"""By what panels know participants: their identifiers, and completion codes. They are deleted on a study's date."""

from datetime import datetime

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from annotate.database.tables import Participant, Sitting
from annotate.design.stored_protocol import UnreadableProtocol
from annotate.queries.audit import log_event
from annotate.queries.studies import list_studies


def purge_due_identifiers(db: Session, now: datetime) -> dict[str, int]:
    """Delete identifiers of the studies whose date has come; return of how many people, by the study's name.

    Of a sitting that goes on the panel's identifier goes too; its code is not there yet.
    """
    purged = {}
    for study in list_studies(db):
        protocol = study.stored_protocol
        if isinstance(protocol, UnreadableProtocol) or not protocol.identifiers_until:
            continue
        if protocol.identifiers_until <= now and (people := purge_identifiers(db, study.id, now)):
            purged[study.name] = people
    return purged


def purge_identifiers(db: Session, study_id: int, now: datetime) -> int:
    """Delete what panels know people of a study by; return how many had any. Answers and decisions stay."""
    people = select(Participant.id).where(Participant.study_id == study_id)
    known = or_(Sitting.external_id.is_not(None), Sitting.completion_code.is_not(None))
    of_sittings = select(Sitting.participant_id).where(Sitting.participant_id.in_(people), known)
    named = and_(
        Participant.study_id == study_id, or_(Participant.external_id.is_not(None), Participant.id.in_(of_sittings))
    )
    count = db.scalar(select(func.count()).select_from(Participant).where(named)) or 0
    if count:
        of_study = Sitting.participant_id.in_(people)
        db.execute(update(Sitting).where(of_study, known).values(external_id=None, completion_code=None))
        db.execute(update(Participant).where(Participant.study_id == study_id).values(external_id=None))
        log_event(db, study_id, "identifiers", {"people": count}, now)
    return count
