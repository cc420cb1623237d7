"""The active design: the pairs whose answers are expected to tell most, chosen anew after every few answers.

It begins with a circle through all pictures of a group, so that every two are linked. Each batch after it is a spanning
forest of the pairs with the most information under the scale so far (`annotate.statistics.pair_planning`, which names
the paper); answers that are to come count for how certain the scale is. A group is done when

    certain      the order of every two neighbours is known with the wanted probability
    uninformed   no answer is expected to tell as much as the protocol asks for
    complete     there are as many answers as the balanced design would have asked for
"""

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from annotate.design.protocol import StudyProtocol
from annotate.errors import StudyStateError
from annotate.pair_designs.balanced import plan_balanced
from annotate.pair_designs.design import Pair, PairDesign, PairGroup, PairPlan, pair_of

if TYPE_CHECKING:
    from annotate.statistics.comparisons import Comparisons

MOST_PICTURES = 100
"""Of a group: planning takes the time of their number cubed, while somebody waits."""


def _plan(group: PairGroup, protocol: StudyProtocol, chance: Random) -> PairPlan:
    if len(group.stimuli) > MOST_PICTURES:
        raise StudyStateError(
            f"The active design takes {MOST_PICTURES} pictures of one source at most, and here are "
            f"{len(group.stimuli):,}; divide them into sources, or choose another pair_design."
        )
    if unlinked := plan_balanced(group.stimuli, 2, chance, group.wanted):
        return PairPlan(unlinked, 1)
    if not group.answers:
        return PairPlan((), 1)  # nobody has answered yet, or waits for more
    left = most_answers(len(group.stimuli), protocol) - sum(group.wanted.values())
    if left <= 0:
        return PairPlan((), 1, "complete")
    return _next_batch(group, protocol, left)


def most_answers(pictures: int, protocol: StudyProtocol) -> int:
    """Return how many answers the balanced design wants of a group of so many pictures."""
    partners = min(pictures - 1, protocol.pair_partners + protocol.pair_partners % 2)
    return pictures * partners * protocol.ratings_wanted // 2


def _next_batch(group: PairGroup, protocol: StudyProtocol, most: int) -> PairPlan:
    from annotate.statistics import pair_planning  # late: loading SciPy takes a second
    from annotate.statistics.paired_scale import fit_paired_scale

    place = {each: index for index, each in enumerate(group.stimuli)}
    scale = fit_paired_scale(_comparisons(group, place))
    if pair_planning.order_certainty(scale) >= protocol.pair_certainty:
        return PairPlan((), 1, "certain")
    if pair_planning.expected_information(scale).max() < protocol.pair_information:
        return PairPlan((), 1, "uninformed")
    to_come = {
        (place[one], place[other]): answers.to_come
        for (one, other), answers in group.answers.items()
        if answers.to_come
    }
    information = pair_planning.expected_information(pair_planning.with_answers_to_come(scale, to_come))
    for one, other in group.excluded:
        information[place[one], place[other]] = information[place[other], place[one]] = pair_planning.NO_PAIR
    batch = pair_planning.plan_batch(information)
    worth = [(a, b) for a, b in batch if information[a, b] >= protocol.pair_information][:most]
    return PairPlan(_as_ids(worth, group.stimuli), 1, information=[float(information[a, b]) for a, b in worth])


def _as_ids(batch: Sequence[tuple[int, int]], stimuli: Sequence[int]) -> list[Pair]:
    return [pair_of(stimuli[one], stimuli[other]) for one, other in batch]


def _comparisons(group: PairGroup, place: dict[int, int]) -> "Comparisons":
    """Return the answers, whoever gave them, to pairs of all pictures of the group."""
    import numpy as np

    from annotate.statistics.comparisons import LEFT, NONE, RIGHT, Comparisons

    rows = [
        (place[one], place[other], preferred)
        for (one, other), answers in group.answers.items()
        for preferred, count in zip((LEFT, NONE, RIGHT), answers, strict=False)
        for _ in range(count)
    ]
    left, right, preferred = np.array(rows, np.int64).reshape(-1, 3).T
    return Comparisons(
        left, right, np.zeros_like(left), preferred, np.full(left.size, np.nan), tuple(map(str, group.stimuli)), ("",)
    )


DESIGN = PairDesign("active", "What tells most, by the answers so far", _plan, most_answers=most_answers)
