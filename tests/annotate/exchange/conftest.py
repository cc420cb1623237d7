"""A rated study to export."""

from functools import partial
from pathlib import Path

import pytest

from annotate.database.engine import Database
from annotate.design.items import ItemKind
from annotate.stimuli.files import Candidate
from tests.annotate.exchange.exported import COUNT, NAMES, PEOPLE
from tests.annotate.studies import candidates, honest_ratings, make_study, picture, rate


@pytest.fixture
def study_id(database: Database, tmp_path: Path) -> int:
    """Make a study of 24 pictures of 12 sources, rated by 4 people, and an unrated gold item."""
    gold = Candidate("gold.png", partial(picture, 900), kind=ItemKind.GOLD, expected=5.0)
    study_id = make_study(database, tmp_path, [*candidates(COUNT, per_source=2), gold])
    rate(database, study_id, honest_ratings(NAMES, PEOPLE))
    return study_id
