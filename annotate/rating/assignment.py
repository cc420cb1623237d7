"""Which stimulus next: the one that fewest people have, in an order of each participant's own.

What holds, whatever participants do at once, and is tested as such:

- A stimulus never has more slots taken (leased, or rated by somebody whose votes are used) than ratings are wanted.
- Nobody gets a stimulus twice, but for the planned repeat, which is at least REPEAT_GAP items after the first time.
- Stimuli fill evenly: one is given only if none with fewer slots taken is left for this participant.
- A lease that ran out is given to somebody else; whoever comes back before that finds theirs.
- All this holds of pairs as of stimuli, and of known pairs as of gold. Each picture of a pair stands on the left as
  often as the other, or once more or less but for leases that came back late; a repeated pair changes sides.
- Pairs that are planned by the answers are planned when somebody finds nothing left, from those they never had.
- Gold, trap and repeated items come once in every so many items (see the protocol), at places drawn per participant.

All happens in the caller's transaction, with a handful of index look-ups however large the study is: stimuli of one
level (`taken`) stand in the random order of `shuffle`, and each choice begins at a place drawn anew. A stimulus is
leased as soon as it is found, as it is locked from then on.
"""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from annotate.database.tables import SHUFFLES
from annotate.design.items import ItemKind
from annotate.design.sitting_plan import REPEAT_GAP, CheckSchedule, count_sitting
from annotate.methods.method import Unit
from annotate.queries import live, pair_batches, pairs, slots
from annotate.queries.records import PairRow, StimulusRow
from annotate.queries.units import ANY_NUMBER
from annotate.rating import rules
from annotate.rating.state import RaterState

RECLAIM_EVERY = 5


def assign_training(connection: Connection, state: RaterState) -> RaterState:
    """Return the state in which the participant holds the training items to rate next."""
    sitting = state.open_sitting()
    for unit in rules.next_training(state):
        shown = _with_side(connection, state, unit, ItemKind.TRAINING)
        item = live.lease(connection, state.participant, sitting, shown, ItemKind.TRAINING, state.lease_until)
        state = replace(state.with_item(item), training=state.training[1:])
    return state


def assign_ahead(connection: Connection, state: RaterState) -> RaterState:
    """Return the state in which the participant holds what they rate next, if anything is left for them.

    The participant must be locked, so that two tabs of theirs get the same.
    """
    half = timedelta(seconds=state.protocol.lease_s) / 2
    live.renew_leases(connection, state.items, state.now + half, state.lease_until)
    missing = rules.count_missing(state)
    # Not for every item, as that would cost as much as choosing one; but before anybody is told that none is left.
    if missing and state.open_sitting().rated % RECLAIM_EVERY == 0:
        live.reclaim_expired(connection, state.participant.study_id, state.now, state.unit)
    others_plan = False
    for _ in range(missing):
        following = _assign(connection, state)
        if following is None and live.reclaim_expired(connection, state.participant.study_id, state.now, state.unit):
            following = _assign(connection, state)
        if following is None and state.plans_pairs:
            planned = pair_batches.plan_batch(connection, state.participant, state.protocol)
            following, others_plan = _assign(connection, state) if planned.answers else None, planned.busy
        if following is None:
            break
        state = following
    if state.items:
        return state
    others_lease = slots.others_hold_slots(connection, state.participant, state.protocol.ratings_wanted)
    return replace(state, others_lease=others_lease or others_plan)


def _assign(connection: Connection, state: RaterState) -> RaterState | None:
    """Lease the next item; None when there is nothing left for this participant."""
    for kind in rules.kinds_to_give(state):
        if unit := _choose(connection, state, kind):
            sitting, shown = state.open_sitting(), _with_side(connection, state, unit, kind)
            return state.with_item(live.lease(connection, state.participant, sitting, shown, kind, state.lease_until))
    return None


def _choose(connection: Connection, state: RaterState, kind: ItemKind) -> StimulusRow | PairRow | None:
    """Return a stimulus or a pair for an item of that kind, locked; None where there is none."""
    if kind is ItemKind.REPEAT:
        candidates = slots.repeatable_units(connection, state.participant, skip_last=REPEAT_GAP)
        chosen = rules.draw(state, "repeat").choice(candidates) if candidates else None
        return None if chosen is None else slots.unit_by_id(connection, state.participant, chosen)
    single = kind is ItemKind.RATED and state.unit is Unit.STIMULUS
    below = state.protocol.ratings_wanted if single else None  # a pair says itself how many it takes
    start = rules.draw(state, "start").randrange(SHUFFLES)
    return slots.least_taken(connection, state.participant, kind, below=below, start=start)


def _with_side(
    connection: Connection, state: RaterState, unit: StimulusRow | PairRow, kind: ItemKind
) -> StimulusRow | PairRow:
    """Return a pair as it stood less often so far, and a repeat as the participant did not see it before."""
    if not isinstance(unit, PairRow):
        return unit
    if kind is ItemKind.REPEAT:
        return unit._replace(turned=not pairs.was_turned(connection, state.participant.id, unit.id))
    if kind is ItemKind.TRAINING:  # others were chosen with a lock, which a lease takes here
        pairs.lock_pair(connection, unit.id)
    straight, turned = pairs.count_turned(connection, unit.id)
    either = rules.draw(state, f"side of {unit.id}").random() < 0.5
    return unit._replace(turned=either if straight == turned else turned < straight)


def plan_sitting(connection: Connection, state: RaterState) -> int:
    """Return how many items the participant's next sitting will have, checks and repeats included.

    More or fewer come only where others take or give back slots meanwhile.
    """
    limit = state.protocol.sitting_items
    wanted = {ItemKind.RATED: state.protocol.ratings_wanted, ItemKind.GOLD: ANY_NUMBER, ItemKind.TRAP: ANY_NUMBER}
    available = {
        kind: slots.count_unseen(connection, state.participant, kind, wanted=most, limit=limit)
        for kind, most in wanted.items()
    }
    if state.plans_pairs:
        to_come = pair_batches.count_to_come(connection, state.participant, state.protocol)
        available[ItemKind.RATED] = min(limit, max(available[ItemKind.RATED], to_come))
    held = sum(item.kind is not ItemKind.TRAINING for item in state.held)
    schedule = CheckSchedule(state.protocol, state.participant.seed)
    return held + sum(count_sitting(schedule, available, items=limit - held, before=state.main_counts).values())
