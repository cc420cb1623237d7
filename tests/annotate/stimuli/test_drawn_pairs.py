"""Known pairs are drawn of a study's own pictures: the better one shows, and nothing else tells them apart."""

from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from annotate import queries
from annotate.database.engine import Database
from annotate.design.items import ItemKind
from annotate.design.review import warn
from annotate.design.scales import SCALES
from annotate.design.states import State
from annotate.errors import StimulusError
from annotate.methods import make_protocol
from annotate.queries.stimuli import summarize_stimuli
from annotate.stimuli.drawn_pairs import EQUAL_EVERY, draw_known_pairs
from annotate.stimuli.eye_traps import Original, detail
from annotate.stimuli.files import Candidate
from annotate.stimuli.intake import add_pictures, trap_candidates
from tests.annotate.studies import NOW, make_study, picture

NONE_THERE = {ItemKind.TRAINING: 0, ItemKind.GOLD: 0}


def face(left: int) -> bytes:
    buffer = BytesIO()
    Image.fromarray(astronaut()[:128, left : left + 96]).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


ORIGINALS = [Original(partial(face, left), f"s{left}") for left in (150, 180, 210)]


def test_a_pair_is_a_picture_and_its_worst_version_or_the_same_picture_twice() -> None:
    drawn = draw_known_pairs(SCALES["acr5"], {ItemKind.TRAINING: 2, ItemKind.GOLD: 5}, ORIGINALS, there=NONE_THERE)
    assert [each.kind for each in drawn] == [ItemKind.TRAINING] * 4 + [ItemKind.GOLD] * 10
    assert len({each.read() for each in drawn}) == 14  # each is a file of its own
    better = []
    for one, other in zip(drawn[::2], drawn[1::2], strict=True):
        assert one.source == other.source
        first, second = (Image.open(BytesIO(each.read())) for each in (one, other))
        assert first.size == second.size == (96, 128)
        if one.expected == other.expected:
            assert np.array_equal(np.asarray(first), np.asarray(second))
        else:
            best, worst = (first, second) if (one.expected or 0) > (other.expected or 0) else (second, first)
            assert detail(best) > 3 * detail(worst)
            better.append(best is first)
    assert len(better) == 1 + EQUAL_EVERY - 1
    assert {*better} == {True, False}


def test_blurred_pictures_are_refused() -> None:
    with pytest.raises(StimulusError, match="sharp enough"):
        draw_known_pairs(SCALES["acr5"], {ItemKind.GOLD: 1}, [Original(lambda: picture(1), None)], there=NONE_THERE)


def test_a_study_of_pairs_gets_what_its_protocol_asks_for(sqlite_database: Database, tmp_path: Path) -> None:
    protocol = make_protocol({"method": "pairs"})
    offered = [Candidate(f"{at}.jpg", each.read) for at, each in enumerate(ORIGINALS)]
    study_id = make_study(sqlite_database, tmp_path, offered, protocol=protocol)
    with sqlite_database.read() as db:
        before = summarize_stimuli(db, study_id)
    assert any("asks for 2 training pairs; the study has none" in each for each in warn(protocol, before))
    for expected in (4, 8):  # drawn again, there are more
        drawn = trap_candidates(sqlite_database, study_id, 4, data_dir=tmp_path)
        add_pictures(sqlite_database, tmp_path, "faces", drawn, NOW)
        with sqlite_database.read() as db:
            after = summarize_stimuli(db, study_id)
        assert (after[ItemKind.TRAINING], after[ItemKind.GOLD], after.unpaired) == (2, expected, 0)
    assert not any("known" in each or "training" in each for each in warn(protocol, after))
    with sqlite_database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.OPEN, NOW)
        assert queries.pairs.count_pairs(db, study_id) == 3  # what is compared is as it was
