"""What every design holds to: all pictures linked, nobody compared with themselves, nothing planned twice."""

from random import Random

import pytest

from annotate.design.protocol import StudyProtocol
from annotate.errors import ProtocolError, StudyStateError
from annotate.methods import make_protocol
from annotate.pair_designs import DESIGNS, find_design
from annotate.pair_designs.active import MOST_PICTURES
from annotate.pair_designs.design import Pair, PairGroup, PairPlan
from tests.annotate.pair_designs.test_balanced import is_connected, partners


def plan(design: str, ids: list[int], made: dict[Pair, int] | None = None) -> PairPlan:
    scores = {each: float(-each % 7) for each in ids}
    return DESIGNS[design].plan(PairGroup(ids, made or {}, scores), StudyProtocol(ratings_wanted=4), Random(len(ids)))  # noqa: S311


@pytest.mark.parametrize("size", [2, 3, 4, 7, 30])
@pytest.mark.parametrize("design", DESIGNS)
def test_every_two_pictures_are_linked_by_pairs_that_come_once(design: str, size: int) -> None:
    ids = [7 * number + 2 for number in range(size)]
    planned = plan(design, ids)
    assert set(partners(list(planned.pairs), ids)) == set(ids)
    assert is_connected(list(planned.pairs), ids)
    again = plan(design, ids, dict.fromkeys(planned.pairs, 4))
    assert not again.pairs


@pytest.mark.parametrize("design", DESIGNS)
def test_pictures_that_come_later_are_linked_by_new_pairs(design: str) -> None:
    early, ids = list(range(1, 9)), list(range(1, 13))
    made = dict.fromkeys(plan(design, early).pairs, 4)
    new = list(plan(design, ids, made).pairs)
    assert not made.keys() & set(new)
    assert is_connected([*made, *new], ids)


@pytest.mark.parametrize("design", DESIGNS)
def test_of_one_picture_there_are_no_pairs(design: str) -> None:
    assert not plan(design, [5]).pairs


def test_neighbours_by_score_are_compared_and_a_few_far_apart() -> None:
    ids = list(range(1, 26))
    group = PairGroup(ids, scores={each: float((each * 7) % 26) for each in ids})
    place = {each: at for at, each in enumerate(sorted(ids, key=lambda each: group.scores[each]))}
    planned = DESIGNS["chain"].plan(group, StudyProtocol(pair_partners=4), Random(1))  # noqa: S311
    far = sorted(abs(place[one] - place[other]) for one, other in planned.pairs)
    assert far == [1] * 24 + [2] * 23 + [4] + [5] * 4


def test_a_chain_says_which_scores_are_missing() -> None:
    with pytest.raises(StudyStateError, match=r"scores, which 2 pictures lack; give each one in the column score"):
        DESIGNS["chain"].plan(PairGroup([1, 2, 3], scores={2: 0.5}), StudyProtocol(), Random(1))  # noqa: S311


def test_the_active_design_refuses_more_pictures_than_it_can_plan_for_while_somebody_waits() -> None:
    with pytest.raises(StudyStateError, match="100 pictures of one source at most, and here are 101"):
        plan("active", list(range(MOST_PICTURES + 1)))


def test_a_protocol_names_a_design_that_there_is_and_that_its_method_has() -> None:
    assert next(iter(DESIGNS)) == "balanced"
    with pytest.raises(ProtocolError, match="pair_design is 'random'; expected one of balanced, active, chain"):
        make_protocol({"method": "pairs", "pair_design": "random"})
    with pytest.raises(ProtocolError, match="a study by acr compares no pairs"):
        make_protocol({"pair_design": "chain"})
    assert find_design("active").adaptive
