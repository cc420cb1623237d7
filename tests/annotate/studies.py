"""Small studies for tests: pictures of one colour, and ratings that follow their number."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path

from PIL import Image

from annotate import queries
from annotate.database.engine import Database
from annotate.design.protocol import StudyProtocol
from annotate.queries.imports import ImportedRating
from annotate.stimuli.files import Candidate
from annotate.stimuli.intake import create_study

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def picture(number: int) -> bytes:
    """Return a small PNG unlike that of every other number."""
    buffer = BytesIO()
    Image.new("RGB", (20, 16), (number % 256, number // 256, 9)).save(buffer, "PNG")
    return buffer.getvalue()


def candidates(count: int, *, per_source: int = 0) -> list[Candidate]:
    """Return pictures 000.png, 001.png … of which so many neighbours have a common source."""
    return [
        Candidate(f"{number:03}.png", partial(picture, number), f"s{number // per_source}" if per_source else None)
        for number in range(count)
    ]


def make_study(
    database: Database,
    data_dir: Path,
    offered: Sequence[Candidate],
    *,
    name: str = "faces",
    protocol: StudyProtocol | None = None,
) -> int:
    """Make a study and return its id."""
    return create_study(database, data_dir, name, offered, protocol or StudyProtocol(), NOW).study_id


def honest_ratings(names: Sequence[str], people: int, *, seed: int = 1) -> list[ImportedRating]:
    """Return a rating of every picture by everybody: the later its name, the better."""
    chance = random.Random(seed)  # noqa: S311
    return [
        ImportedRating(
            name, f"p{person:02}", float(min(5, max(1, round(1 + 4 * place / len(names) + chance.gauss(0, 0.6)))))
        )
        for person in range(people)
        for place, name in enumerate(names)
    ]


def rate(database: Database, study_id: int, ratings: Sequence[ImportedRating]) -> None:
    """Add ratings to a study."""
    with database.write() as db:
        queries.imports.import_ratings(db, study_id, ratings, NOW)
