"""One person's data as a file, for whoever asks what a study holds of them: JSON, which people and programs read."""

import json
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from annotate import queries
from annotate.errors import ExportError


def person_file(db: Session, study_id: int, pseudonym: str, now: datetime) -> str:
    """Return all that a study holds of a person as JSON, with the texts that they agreed to.

    Raises StudyError where nobody has that pseudonym.
    """
    study = queries.studies.get_study(db, study_id)
    person = queries.participants.get_participant(db, study_id, pseudonym)
    language = study.protocol.language_for(person.language)
    told = {
        "study": study.name,
        "exported_at": now,
        "texts": vars(study.protocol.texts_for(language)),
        **queries.personal.personal_data(db, person),
    }
    return json.dumps(told, ensure_ascii=False, indent=1, default=_plain) + "\n"


def write_person(content: str, file: Path) -> None:
    """Write the file, which must not exist; raise ExportError where it cannot be written."""
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(content)
    except OSError as error:
        raise ExportError(f"{file} cannot be written: {error.strerror or error}.") from None


def _plain(value: object) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
