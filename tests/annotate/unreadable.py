"""Studies whose stored protocol this version cannot read."""

import json
from typing import Any

from sqlalchemy import text

from annotate.database.engine import Database

NEWER: dict[str, Any] = {"scale": "acr5", "ratings_wanted": 9, "of_a_newer_version": True}


def make_unreadable(database: Database, study_id: int, stored: Any = NEWER) -> None:
    """Store something else as a study's protocol: as JSON, or a text that is none as it is."""
    value = stored if isinstance(stored, str) else json.dumps(stored)
    with database.write() as db:
        db.execute(text("UPDATE study SET protocol = :value WHERE id = :id"), {"value": value, "id": study_id})
