"""Which stimulus next: the one that fewest people have, in an order of each participant's own.

What holds, whatever participants do at once, and is tested as such:

- A stimulus never has more slots taken (leased, or rated by somebody whose votes are used) than ratings are wanted.
- Nobody gets a stimulus twice, but for the planned repeat, which is at least REPEAT_GAP items after the first time.
- Stimuli fill evenly: one is given only if none with fewer slots taken is left for this participant.
- A lease that ran out is given to somebody else; whoever comes back before that finds theirs.
- Gold, trap and repeated items come once in every so many items (see the protocol), at places drawn per participant.

All is decided in the caller's transaction, with a handful of index look-ups however large the study is: stimuli of
one level (`taken`) stand in the random order of `shuffle`, and each choice begins at a place drawn anew.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from annotate.database.tables import SHUFFLES
from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.design.sitting_plan import AHEAD, REPEAT_GAP, CheckSchedule, count_sitting
from annotate.queries import live, slots
from annotate.queries.live import AssignedStimulus, CurrentParticipant, OpenSitting, StimulusRow

RECLAIM_EVERY = 5
_ANY_NUMBER = 2**31 - 1  # of slots: gold and trap items may be given to everybody


def assign_ahead(
    connection: Connection,
    protocol: StudyProtocol,
    participant: CurrentParticipant,
    sitting: OpenSitting,
    now: datetime,
) -> list[AssignedStimulus]:
    """Return what the participant rates next, first to last: up to AHEAD items, none if nothing is left for them.

    The participant must be locked, so that two tabs of theirs get the same.
    """
    lease = timedelta(seconds=protocol.lease_s)
    assigned = [item for item in live.leased_to(connection, participant.id) if item.kind is not ItemKind.TRAINING]
    live.renew_leases(connection, assigned, now + lease / 2, now + lease)
    missing = min(AHEAD, protocol.sitting_items - sitting.rated) - len(assigned)
    return assigned + _assign(connection, protocol, participant, sitting, now, missing) if missing > 0 else assigned


def _assign(
    connection: Connection,
    protocol: StudyProtocol,
    participant: CurrentParticipant,
    sitting: OpenSitting,
    now: datetime,
    count: int,
) -> list[AssignedStimulus]:
    """Lease up to `count` new items."""
    # Not for every item, as that would cost as much as choosing one; but before anybody is told that none is left.
    if sitting.rated % RECLAIM_EVERY == 0:
        live.reclaim_expired(connection, participant.study_id, now)
    planner = _Planner(connection, protocol, participant, sitting, now + timedelta(seconds=protocol.lease_s))
    assigned: list[AssignedStimulus] = []
    while len(assigned) < count:
        item = planner.assign()
        if item is None and live.reclaim_expired(connection, participant.study_id, now):
            item = planner.assign()
        if item is None:
            break
        assigned.append(item)
    return assigned


def assign_training(
    connection: Connection,
    protocol: StudyProtocol,
    participant: CurrentParticipant,
    sitting: OpenSitting,
    now: datetime,
) -> tuple[list[AssignedStimulus], int, int]:
    """Return the training items to rate next, up to AHEAD, how many are rated, and how many there are in all.

    They come in the order in which they were added to the study.
    """
    assigned = [item for item in live.leased_to(connection, participant.id) if item.kind is ItemKind.TRAINING]
    had = live.count_assigned(connection, participant.id).get(ItemKind.TRAINING, 0)
    unseen = slots.training_stimuli(connection, participant)[: protocol.training_count - had]
    done, total = had - len(assigned), had + len(unseen)
    until = now + timedelta(seconds=protocol.lease_s)
    new = unseen[: AHEAD - len(assigned)]
    assigned += [live.lease(connection, participant, sitting, stimulus, ItemKind.TRAINING, until) for stimulus in new]
    return assigned, done, total


def plan_sitting(connection: Connection, protocol: StudyProtocol, participant: CurrentParticipant) -> int:
    """Return how many items the participant's next sitting will have, checks and repeats included.

    More or fewer come only where others take or give back slots meanwhile.
    """
    limit = protocol.sitting_items
    wanted = {ItemKind.RATED: protocol.ratings_wanted, ItemKind.GOLD: _ANY_NUMBER, ItemKind.TRAP: _ANY_NUMBER}
    available = {
        kind: slots.count_unseen(connection, participant, kind, wanted=most, limit=limit)
        for kind, most in wanted.items()
    }
    before = live.count_assigned(connection, participant.id)
    before.pop(ItemKind.TRAINING, None)
    held = sum(item.kind is not ItemKind.TRAINING for item in live.leased_to(connection, participant.id))
    schedule = CheckSchedule(protocol, participant.seed)
    return held + sum(count_sitting(schedule, available, items=limit - held, before=before).values())


class _Planner:
    """Chooses a participant's next items; `counts` says how many of each kind they have or had."""

    def __init__(
        self,
        connection: Connection,
        protocol: StudyProtocol,
        participant: CurrentParticipant,
        sitting: OpenSitting,
        until: datetime,
    ) -> None:
        self.connection, self.participant, self.sitting, self.until = connection, participant, sitting, until
        self.wanted = protocol.ratings_wanted
        self.schedule = CheckSchedule(protocol, participant.seed)
        self.counts = live.count_assigned(connection, participant.id)
        self.counts.pop(ItemKind.TRAINING, None)

    @property
    def position(self) -> int:
        return sum(self.counts.values())

    def assign(self) -> AssignedStimulus | None:
        """Lease the next item; None when there is nothing left for this participant."""
        for kind in (*self.schedule.due(self.counts), ItemKind.RATED):
            if stimulus := self._choose(kind):
                self.counts[kind] = self.counts.get(kind, 0) + 1
                return live.lease(self.connection, self.participant, self.sitting, stimulus, kind, self.until)
        return None

    def _choose(self, kind: ItemKind) -> StimulusRow | None:
        if kind is ItemKind.REPEAT:
            return self._choose_repeat()
        return self._least_taken(kind, below=self.wanted if kind is ItemKind.RATED else None)

    def _choose_repeat(self) -> StimulusRow | None:
        candidates = slots.repeatable_stimuli(self.connection, self.participant.id, skip_last=REPEAT_GAP)
        if not candidates:
            return None
        return slots.stimulus_by_id(self.connection, self.schedule.draw("repeat", self.position).choice(candidates))

    def _least_taken(self, kind: ItemKind, *, below: int | None) -> StimulusRow | None:
        """Return, of the stimuli never seen, one with the fewest slots taken."""
        start = self.schedule.draw("start", self.position).randrange(SHUFFLES)
        level = slots.fewest_taken(self.connection, self.participant.study_id, kind, at_least=0)
        while level is not None and (below is None or level < below):
            for low, high in ((start, SHUFFLES), (0, start)):
                found = slots.unseen_stimulus(self.connection, self.participant, kind, taken=level, low=low, high=high)
                if found:
                    return found
            level = slots.fewest_taken(self.connection, self.participant.study_id, kind, at_least=level + 1)
        return None
