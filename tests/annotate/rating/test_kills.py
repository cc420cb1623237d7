"""What a kill leaves of studies of every kind; the figures are those of `python -m benchmarks.rating_kills`."""

from typing import Any

import pytest

from annotate.database.engine import Database
from benchmarks.load_studies import PROTOCOLS, UNLIMITED
from benchmarks.rating_kills import kill_while_rating

SMALL: dict[str, dict[str, Any]] = {
    "scales": {"images": 60, "gold": 5, "traps": 5},
    "pairs": {"images": 40, "gold": 9, "training": 2},
    "active": {"images": 30, "gold": 9, "training": 2},
}


@pytest.mark.slow
@pytest.mark.usefixtures("database_url")
@pytest.mark.parametrize("kind", SMALL)
def test_people_who_come_back_after_a_kill_find_everything_as_it_was_acknowledged(
    kind: str, database: Database
) -> None:
    found = kill_while_rating(database, 3, {**SMALL[kind], **PROTOCOLS[kind], **UNLIMITED})
    assert found.acknowledged
    assert found.held > 0
    assert found.failures == 0, found
    assert found.lopsided == 0
