"""All that decides on a participant's next step, as plain values; nothing here changes, a step gives a new state."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.design.states import State
from annotate.design.stored_protocol import readable
from annotate.errors import SittingError, StudyStateError
from annotate.methods import method_of
from annotate.methods.method import Unit
from annotate.pair_designs import find_design
from annotate.queries.records import AssignedItem, CurrentParticipant, LastSitting, OpenSitting, PairRow, StimulusRow


@dataclass(frozen=True)
class RaterState:
    """A participant at `now`, with everything that is known of them and of what they may do.

    held:             what they have to rate, in the order in which it was given
    counts:           items of each kind that they have or had
    training:         training stimuli or pairs that they never had; read until the training is over
    begun:            people who began, of those whose votes are used; read where the protocol limits them, before
                      this one begins
    last:             how their last sitting ended; read where none is open
    others_lease:     whether a slot that others lease could come back; read where nothing is left to be given
    """

    now: datetime
    participant: CurrentParticipant
    held: tuple[AssignedItem, ...] = ()
    counts: Mapping[ItemKind, int] = field(default_factory=dict)
    training: tuple[StimulusRow | PairRow, ...] = ()
    begun: int = 0
    last: LastSitting | None = None
    others_lease: bool = False

    @property
    def protocol(self) -> StudyProtocol:
        """How the study is run."""
        return readable(self.participant.protocol)

    @property
    def unit(self) -> Unit:
        """What is rated at a time."""
        return method_of(self.protocol).unit

    @property
    def plans_pairs(self) -> bool:
        """Whether which pairs are compared goes by the answers, and so is decided while people rate."""
        return self.unit is Unit.PAIR and find_design(self.protocol.pair_design).adaptive

    @property
    def sitting(self) -> OpenSitting | None:
        """The sitting that the participant is in."""
        return self.participant.sitting

    @property
    def asked(self) -> bool:
        """Whether the questions before the first rating were answered, or there are none."""
        return self.participant.asked or not self.protocol.questions

    @property
    def items(self) -> tuple[AssignedItem, ...]:
        """What the participant holds of the part they are in: the training, or what comes after it."""
        training = not self.participant.trained
        return tuple(item for item in self.held if (item.kind is ItemKind.TRAINING) is training)

    @property
    def main_counts(self) -> dict[ItemKind, int]:
        """Items of each kind without training."""
        return {kind: count for kind, count in self.counts.items() if kind is not ItemKind.TRAINING}

    @property
    def has_rated(self) -> bool:
        """Whether anything was rated in this sitting, outside training."""
        return self.sitting is not None and self.sitting.rated > 0

    @property
    def left_s(self) -> float:
        """Rating time that is left in the sitting."""
        active_s = self.sitting.active_s if self.sitting else 0.0
        return max(0.0, self.protocol.sitting_limit_s - active_s)

    @property
    def break_left_s(self) -> float:
        """How long the break still lasts, at most as long as a break does, whatever happened to the clock."""
        since = min((self.sitting and self.sitting.break_since) or self.now, self.now)
        return max(0.0, self.protocol.break_s - (self.now - since).total_seconds())

    @property
    def lease_until(self) -> datetime:
        """When what is given now goes to somebody else."""
        return self.now + timedelta(seconds=self.protocol.lease_s)

    def check_open(self) -> None:
        """Raise StudyStateError unless people may begin or go on."""
        if self.participant.state is not State.OPEN:
            raise StudyStateError(f"The study is {self.participant.state}; nothing can be rated at the moment.")

    def open_sitting(self) -> OpenSitting:
        """Return the sitting, if one runs in which something can be rated; raise otherwise."""
        # What was shown before a pause may still be answered: nothing that somebody did is thrown away.
        if self.participant.state not in (State.OPEN, State.PAUSED):
            raise StudyStateError(f"The study is {self.participant.state}; no rating can be added any more.")
        if self.sitting is None or not self.participant.votes_used:
            raise SittingError("This sitting is over; nothing in it can be changed any more.")
        return self.sitting

    def with_participant(self, **values: Any) -> "RaterState":
        """Return the state with other values of the participant."""
        return replace(self, participant=replace(self.participant, **values))

    def with_sitting(self, **values: Any) -> "RaterState":
        """Return the state with other values of the open sitting; raises as `open_sitting`."""
        return self.with_participant(sitting=replace(self.open_sitting(), **values))

    def with_item(self, item: AssignedItem) -> "RaterState":
        """Return the state in which the participant holds one item more."""
        counts = {**self.counts, item.kind: self.counts.get(item.kind, 0) + 1}
        return replace(self, held=(*self.held, item), counts=counts)
