"""Which stimulus next: the one that fewest people have, in an order of each participant's own.

What holds, whatever participants do at once, and is tested as such:

- A stimulus never has more places taken (leased, or rated by somebody whose votes are used) than ratings are wanted.
- Nobody gets a stimulus twice, but for the planned repeat, which is at least REPEAT_GAP items after the first time.
- Stimuli fill evenly: one is given only if none with fewer places taken is left for this participant.
- A lease that ran out is given to somebody else; whoever comes back before that finds theirs.
- Gold, trap and repeated items come once in every so many items (see the protocol), at places drawn per participant.

All is decided in the caller's transaction, with a handful of index look-ups however large the study is: stimuli of
one level (`taken`) stand in the random order of `shuffle`, and each choice begins at a place drawn anew.
"""

from datetime import datetime, timedelta
from random import Random

from sqlalchemy.orm import Session

from annotate import store
from annotate.ratings import ItemKind
from annotate.store import Given
from annotate.study import Protocol
from annotate.tables import Participant, Sitting, Stimulus

AHEAD = 2
"""One stimulus to show and one to fetch meanwhile."""
REPEAT_GAP = 4
RECLAIM_EVERY = 5


def assign_ahead(
    db: Session, protocol: Protocol, participant: Participant, sitting: Sitting, now: datetime
) -> list[Given]:
    """Return what the participant rates next, first to last: up to AHEAD items, none if nothing is left for them.

    The participant must be locked, so that two tabs of theirs get the same.
    """
    expires_at = now + timedelta(seconds=protocol.lease_s)
    given = [item for item in store.leased_to(db, participant.id) if item.assignment.kind is not ItemKind.TRAINING]
    store.renew_leases(given, now + timedelta(seconds=protocol.lease_s / 2), expires_at)
    places = min(AHEAD, protocol.sitting_items - sitting.rated)
    if len(given) < places:
        given += _assign(db, protocol, participant, sitting, now, places - len(given))
    return given


def _assign(
    db: Session, protocol: Protocol, participant: Participant, sitting: Sitting, now: datetime, count: int
) -> list[Given]:
    """Lease up to `count` new items."""
    # Not for every item, as that would cost as much as choosing one; but before anybody is told that none is left.
    if sitting.rated % RECLAIM_EVERY == 0:
        store.reclaim_expired(db, participant.study_id, now)
    planner = _Planner(db, protocol, participant, sitting, now + timedelta(seconds=protocol.lease_s))
    given: list[Given] = []
    while len(given) < count:
        item = planner.assign()
        if item is None and store.reclaim_expired(db, participant.study_id, now):
            item = planner.assign()
        if item is None:
            break
        given.append(item)
    return given


def assign_training(
    db: Session, protocol: Protocol, participant: Participant, sitting: Sitting, now: datetime
) -> tuple[list[Given], int, int]:
    """Return the training items to rate next, up to AHEAD, how many are rated, and how many there are in all.

    They come in the order in which they were added to the study.
    """
    given = [item for item in store.leased_to(db, participant.id) if item.assignment.kind is ItemKind.TRAINING]
    had = store.count_given(db, participant.id).get(ItemKind.TRAINING, 0)
    unseen = store.training_stimuli(db, participant)[: protocol.training_count - had]
    done, total = had - len(given), had + len(unseen)
    expires_at = now + timedelta(seconds=protocol.lease_s)
    new = unseen[: AHEAD - len(given)]
    given += [store.lease(db, sitting, stimulus, ItemKind.TRAINING, expires_at) for stimulus in new]
    return given, done, total


class _Planner:
    """Chooses a participant's next items; `counts` says how many of each kind they have or had."""

    def __init__(
        self, db: Session, protocol: Protocol, participant: Participant, sitting: Sitting, expires_at: datetime
    ) -> None:
        self.db, self.participant, self.sitting, self.expires_at = db, participant, sitting, expires_at
        self.wanted = protocol.ratings_wanted
        self.every = {
            ItemKind.GOLD: protocol.gold_every,
            ItemKind.TRAP: protocol.trap_every,
            ItemKind.REPEAT: protocol.repeat_every,
        }
        self.counts = store.count_given(db, participant.id)
        self.counts.pop(ItemKind.TRAINING, None)

    @property
    def position(self) -> int:
        return sum(self.counts.values())

    def assign(self) -> Given | None:
        """Lease the next item; None when there is nothing left for this participant."""
        due = [kind for kind, every in self.every.items() if every and self._is_due(kind, every)]
        for kind in (*due, ItemKind.RATED):
            if stimulus := self._choose(kind):
                self.counts[kind] = self.counts.get(kind, 0) + 1
                return store.lease(self.db, self.sitting, stimulus, kind, self.expires_at)
        return None

    def _is_due(self, kind: ItemKind, every: int) -> bool:
        """Return whether the block of `every` items that we are in still lacks this kind, at its drawn place."""
        block, offset = divmod(self.position, every)
        had = self.counts.get(kind, 0)
        # The last places of a block stay free, for kinds that were drawn for one place and give way to each other.
        place = self._random(kind.name, block).randrange(max(1, every - len(self.every) + 1))
        return had < block or (had == block and offset >= place)

    def _choose(self, kind: ItemKind) -> Stimulus | None:
        if kind is ItemKind.REPEAT:
            return self._choose_repeat()
        return self._least_taken(kind, below=self.wanted if kind is ItemKind.RATED else None)

    def _choose_repeat(self) -> Stimulus | None:
        candidates = store.repeatable_stimuli(self.db, self.participant.id, skip_last=REPEAT_GAP)
        if not candidates:
            return None
        return store.get_stimulus(self.db, self._random("repeat", self.position).choice(candidates))

    def _least_taken(self, kind: ItemKind, *, below: int | None) -> Stimulus | None:
        """Return, of the stimuli never seen, one with the fewest places taken."""
        start = self._random("start", self.position).randrange(store.SHUFFLES)
        level = store.fewest_taken(self.db, self.participant.study_id, kind, at_least=0)
        while level is not None and (below is None or level < below):
            for low, high in ((start, store.SHUFFLES), (0, start)):
                stimulus = store.unseen_stimulus(self.db, self.participant, kind, taken=level, low=low, high=high)
                if stimulus:
                    return stimulus
            level = store.fewest_taken(self.db, self.participant.study_id, kind, at_least=level + 1)
        return None

    def _random(self, what: str, number: int) -> Random:
        """Return a generator for one decision about this participant, the same whenever it is taken again."""
        return Random(f"{self.participant.seed}/{what}/{number}")  # noqa: S311  # an order is no secret
