"""The studies that are put under load, and the databases that they are put in.

single  a grade for each picture, with gold, trap and repeated ones
scales  four grades for each picture and reasons, with the same
pairs   which of two pictures is better and why, with training, known and repeated pairs
active  the same, of pairs that are chosen by the answers
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from annotate.database.engine import Database, open_database
from annotate.design.further_scales import PRESETS, FurtherScale
from tests.annotate import postgresql

CGFIQA_IMAGES = 39_312
CHECKS = {"gold": 200, "traps": 200}
KNOWN_PAIRS = {"gold": 200, "training": 2}
UNLIMITED = {"sitting_items": 10_000, "sitting_limit_s": 14_400, "break_every": 0}
REASONS = ("blur", "noise", "light", "compression")
FOUR_SCALES = (*PRESETS["piq23"], FurtherScale("colour", {"en": "Colour", "de": "Farbe", "es": "Color"}))
PAIRS: Mapping[str, Any] = {"method": "pairs", "gold_every": 5, "reasons": REASONS}
"""Protocols, without what says how many there are of everything."""
PROTOCOLS: Mapping[str, Mapping[str, Any]] = {
    "single": {},
    "scales": {"method": "acr", "more_scales": FOUR_SCALES, "reasons": REASONS},
    "pairs": PAIRS,
    "active": {**PAIRS, "pair_design": "active", "pair_information": 0.0, "pair_certainty": 0.9999},
}
STUDIES: Mapping[str, Mapping[str, Any]] = {
    "single": {"images": CGFIQA_IMAGES, **CHECKS, **UNLIMITED},
    "scales": {"images": CGFIQA_IMAGES, **CHECKS, **PROTOCOLS["scales"], **UNLIMITED},
    "pairs": {"images": 2000, **KNOWN_PAIRS, **PROTOCOLS["pairs"], **UNLIMITED},
    "active": {"images": 100, "ratings_wanted": 100, **KNOWN_PAIRS, **PROTOCOLS["active"], **UNLIMITED},
}
"""As `tests.annotate.rated.new_study` takes them."""
DATABASES = ("sqlite", "postgresql")


@contextmanager
def temporary_url(database: str, folder: Path) -> Iterator[str]:
    """Give the address of a new database: a file in the folder, or of a PostgreSQL that runs there and is durable."""
    if database == "sqlite":
        yield f"sqlite:///{folder}/ratings.sqlite3"
        return
    programs = postgresql.find_programs()
    if programs is None:
        raise FileNotFoundError("PostgreSQL is not installed; leave it out of --databases.")
    folder.chmod(0o755)  # the server runs as another user
    with postgresql.serve(programs, folder, durable=True) as server:
        yield server.url(server.new_database())


@contextmanager
def temporary_database(database: str = "sqlite") -> Iterator[tuple[Database, Path]]:
    """Give a new database and its folder."""
    with tempfile.TemporaryDirectory() as folder, temporary_url(database, Path(folder)) as url:
        opened = open_database(url)
        yield opened, Path(folder)
        opened.close()
