"""The chain: pictures in the order of a model's scores, each compared with its neighbours in it.

Where the scores are about right, what stands next to each other is what is hardest to order, and a pair far apart tells
nothing. Errors add up along a chain, so a few long links join every so many pictures, as many as the root of their
number. Neighbours at distance 1 link every two pictures.
"""

import math
from random import Random

from annotate.design.protocol import StudyProtocol
from annotate.errors import StudyStateError
from annotate.pair_designs.design import PairDesign, PairGroup, PairPlan, pair_of
from annotate.wording import counted


def _plan(group: PairGroup, protocol: StudyProtocol, _chance: Random) -> PairPlan:
    if len(group.stimuli) < 2:
        return PairPlan((), protocol.ratings_wanted)
    if missing := len(group.stimuli) - len(group.scores):
        raise StudyStateError(
            f"The chain goes by scores, which {counted(missing, 'picture lacks', 'pictures lack')}; give each one in "
            "the column score of stimuli.csv or with --scores, or choose another pair_design."
        )
    order = sorted(group.stimuli, key=lambda each: (group.scores[each], each))
    size, stride = len(order), max(2, round(math.sqrt(len(order))))
    near = [(at, at + far) for far in range(1, protocol.pair_partners // 2 + 1) for at in range(size - far)]
    long = [(at, min(at + stride, size - 1)) for at in range(0, size - 1, stride)]
    pairs = dict.fromkeys(pair_of(order[one], order[other]) for one, other in near + long)
    return PairPlan([pair for pair in pairs if pair not in group.wanted], protocol.ratings_wanted)


DESIGN = PairDesign("chain", "Neighbours by a model's score", _plan, needs_scores=True)
