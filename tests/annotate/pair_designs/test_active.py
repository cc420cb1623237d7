"""The active design asks where an answer tells most, and knows when to stop."""

from collections.abc import Collection
from random import Random

import pytest

from annotate.design.protocol import StudyProtocol
from annotate.pair_designs.active import DESIGN, most_answers
from annotate.pair_designs.design import Pair, PairAnswers, PairGroup, PairPlan

IDS = [3, 5, 8, 9]
LONG = StudyProtocol(ratings_wanted=1000)
RING = [(3, 5), (5, 8), (8, 9), (3, 9)]


def plan(
    answers: dict[Pair, PairAnswers], protocol: StudyProtocol | None = None, excluded: Collection[Pair] = ()
) -> PairPlan:
    wanted = {pair: sum(counts) for pair, counts in answers.items()}
    group = PairGroup(IDS, wanted, answers=answers, excluded=excluded)
    return DESIGN.plan(group, protocol or StudyProtocol(), Random(1))  # noqa: S311


def test_close_pictures_are_compared_again_and_far_ones_are_not() -> None:
    far = PairAnswers(1, 0, 20)
    planned = plan({(3, 5): far, (5, 8): PairAnswers(1, 0, 1), (8, 9): far, (3, 9): far})
    assert (5, 8) in planned.pairs
    assert planned.answers == 1
    assert not planned.stopped


def test_what_the_waiting_person_has_had_and_what_waits_for_anybody_is_left_out() -> None:
    answers = dict.fromkeys(RING, PairAnswers(1, 0, 1))
    planned = plan(answers, excluded=((3, 5), (5, 8), (8, 9)))
    assert planned.pairs
    assert not {(3, 5), (5, 8), (8, 9)} & set(planned.pairs)


def test_answers_that_are_to_come_make_a_pair_less_worth_asking() -> None:
    answers = dict.fromkeys(RING, PairAnswers(2, 0, 2))
    waiting = {**answers, (3, 5): PairAnswers(2, 0, 2, 60)}
    assert (3, 5) in plan(answers, LONG).pairs
    assert (3, 5) not in plan(waiting, LONG).pairs


@pytest.mark.parametrize(
    ("counts", "protocol", "why"),
    [
        (PairAnswers(0, 0, 40), LONG, "certain"),
        (PairAnswers(60, 0, 60), LONG, "uninformed"),
        (PairAnswers(8, 0, 7), StudyProtocol(ratings_wanted=10), "complete"),
    ],
)
def test_it_stops_when_the_order_is_known_or_nothing_is_to_be_learnt(
    counts: PairAnswers, protocol: StudyProtocol, why: str
) -> None:
    rising = {(3, 5): counts, (5, 8): counts, (8, 9): counts, (3, 9): counts}
    planned = plan(rising, protocol)
    assert (list(planned.pairs), planned.stopped) == ([], why)


def test_it_asks_for_no_more_answers_than_the_balanced_design() -> None:
    assert most_answers(4, StudyProtocol(pair_partners=6, ratings_wanted=10)) == 60
    assert most_answers(20, StudyProtocol(pair_partners=6, ratings_wanted=10)) == 600
    nearly = dict.fromkeys(RING, PairAnswers(2, 0, 2))  # 16 answers of 18
    assert len(plan(nearly, StudyProtocol(ratings_wanted=3)).pairs) == 2
