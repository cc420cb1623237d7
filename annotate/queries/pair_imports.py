"""Answers to pairs that were given elsewhere, into a study of pairs."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from random import Random
from typing import Any, NamedTuple, NoReturn

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotate.database.tables import ROWS_AT_ONCE, Assignment, Rating, Study
from annotate.design.items import ItemKind
from annotate.design.states import AssignmentState, check_takes_imports
from annotate.errors import ImportedRatingsError
from annotate.names import find_by_name
from annotate.pair_designs import find_design
from annotate.pair_designs.design import Pair
from annotate.queries import pairs as pair_queries
from annotate.queries.bulk import insert_columns
from annotate.queries.importees import (
    ImportedSitting,
    Importees,
    Repeats,
    finish_import,
    in_table,
    make_room,
    reserve_ids,
    stimulus_keys,
)
from annotate.queries.studies import locked_study
from annotate.wording import listed

_ASSIGNMENT, _RATING = Assignment.metadata.tables["assignment"], Rating.metadata.tables["rating"]


class ImportedComparison(NamedTuple):
    """An answer to a pair that was given elsewhere: by names of the stimuli, by pseudonym, left and right as shown.

    `line` is where its table has it, 0 where it comes from no table.
    """

    left: str
    right: str
    participant: str
    preferred: str
    response_ms: int | None = None
    line: int = 0


def import_comparisons(
    db: Session,
    study_id: int,
    comparisons: Iterable[ImportedComparison],
    now: datetime,
    *,
    repeats: bool = False,
    across_sources: bool = False,
) -> tuple[int, int]:
    """Add comparisons from elsewhere, all or none; return how many, and how many of them are repeats.

    Pairs and participants who are not there yet are added. What somebody answers to a pair after their first answer is
    a repeat; of a pair that they had answered in the study before, only where `repeats` are asked for. Pairs of two
    sources, where the study has none, only with `across_sources`: nobody is asked for more answers to them.

    Raises:
        StudyStateError: The study is closed.
        ImportedRatingsError: A stimulus is not in it, or a comparison is one of those.
    """
    study = locked_study(db, study_id)
    check_takes_imports(study.state)
    make_room(db)
    writer = _Writer(db, study, now, across_sources=across_sources)
    rest = iter(comparisons)
    while part := list(islice(rest, ROWS_AT_ONCE)):
        writer.write(part)
    if writer.again and not repeats:
        raise ImportedRatingsError(
            f"{len(writer.again):,} of {writer.count:,} comparisons are of people who have answered that pair in this "
            f"study already{_in_line(writer.again[0])}; nothing was added. If it is not the same table once more, add "
            "them as repeats (--repeats)."
        )
    finish_import(db, study_id, writer.people, writer.count, now)
    return writer.count, writer.repeats


def _in_line(line: int) -> str:
    return f", the first in line {line}" if line else ""


class _Writer:
    """Writes comparisons part by part; `count` is how many were written, `repeats` how many of them are no first.

    `again` has the lines of those whose participant had answered the pair before the import.
    """

    def __init__(self, db: Session, study: Study, now: datetime, *, across_sources: bool) -> None:
        self._db, self._study, self._now = db, study, now
        keys = {name: key for name, key in stimulus_keys(db, study.id).items() if not key.kind}
        self._stimuli = {name: key.id for name, key in keys.items()}
        self._sources = {} if study.protocol.pair_across_sources else {key.id: key.source for key in keys.values()}
        self._across_sources, self.again = across_sources, list[int]()
        self._pairs = pair_queries.pair_ids(db, study.id)
        answered = select(Assignment.participant_id, Assignment.pair_id).where(Assignment.study_id == study.id)
        self._before = frozenset((person, pair) for person, pair in db.execute(answered))
        self._answered: set[tuple[int, int]] = set()
        self._numbers = Repeats(db, study.id, Assignment.pair_id)
        self.people, self.count, self.repeats = Importees(db, study.id, now), 0, 0

    def write(self, part: Sequence[ImportedComparison]) -> None:
        """Write some comparisons, with an assignment each."""
        shown = [(self._stimulus(each.left, each), self._stimulus(each.right, each)) for each in part]
        pairs = [(left, right) if left < right else (right, left) for left, right in shown]
        self._add_missing(part, pairs)
        sittings = self.people.sittings_of([each.participant for each in part])
        ids = reserve_ids(self._db, len(part))
        connection = self._db.connection()
        pair_ids = [self._pairs[pair] for pair in pairs]
        occurrences = [
            self._occurrence(sitting.participant_id, pair_id, each.line)
            for each, sitting, pair_id in zip(part, sittings, pair_ids, strict=True)
        ]
        insert_columns(connection, _ASSIGNMENT, self._assignments(ids, shown, pair_ids, occurrences, sittings))
        insert_columns(connection, _RATING, self._ratings(ids, part, sittings))
        self.count += len(part)

    def _stimulus(self, name: str, of: ImportedComparison) -> int:
        if (found := self._stimuli.get(name)) is not None:
            return found
        if (spelled := find_by_name(self._stimuli, name)) is None:
            raise ImportedRatingsError(
                f"{in_table(of.line)} compares {name!r}, which is no picture to compare in the study; add it first."
            )
        return spelled[1]

    def _add_missing(self, part: Sequence[ImportedComparison], pairs: Sequence[Pair]) -> None:
        """Add the pairs that there are not yet; raise ImportedRatingsError for one of two sources."""
        missing = sorted(set(pairs) - self._pairs.keys())
        if not missing:
            return
        across = {pair for pair in missing if self._sources.get(pair[0]) != self._sources.get(pair[1])}
        if across and not self._across_sources:
            self._refuse(*next((each, pair) for each, pair in zip(part, pairs, strict=True) if pair in across))
        chance = Random(len(self._pairs))  # noqa: S311  an order is no secret
        inside, protocol = [pair for pair in missing if pair not in across], self._study.protocol
        wanted = 0 if find_design(protocol.pair_design).adaptive else protocol.ratings_wanted
        pair_queries.add_pairs(self._db.connection(), self._study.id, inside, wanted, chance)
        pair_queries.add_pairs(self._db.connection(), self._study.id, sorted(across), 0, chance)
        self._pairs = pair_queries.pair_ids(self._db, self._study.id)

    def _refuse(self, each: ImportedComparison, pair: Pair) -> NoReturn:
        sources = listed([repr(self._sources[one] or "none") for one in pair])
        raise ImportedRatingsError(
            f"{in_table(each.line)} compares {each.left} with {each.right}, whose sources are {sources}; the study "
            "compares pictures of one source. Correct the sources, set pair_across_sources=true, or take such pairs in "
            "without asking for more answers to them (--across-sources)."
        )

    def _assignments(
        self,
        ids: Sequence[int],
        shown: Sequence[Pair],
        pair_ids: Sequence[int],
        occurrences: Sequence[int],
        sittings: Sequence[ImportedSitting],
    ) -> dict[str, Sequence[Any]]:
        return {
            "id": ids,
            "study_id": [self._study.id] * len(ids),
            "participant_id": [sitting.participant_id for sitting in sittings],
            "pair_id": pair_ids,
            "turned": [left > right for left, right in shown],
            "sitting_id": [sitting.id for sitting in sittings],
            "kind": [ItemKind.REPEAT if number else ItemKind.RATED for number in occurrences],
            "occurrence": occurrences,
            "state": [AssignmentState.RATED] * len(ids),
            "expires_at": [self._now] * len(ids),
        }

    def _occurrence(self, participant_id: int, pair_id: int, line: int) -> int:
        """Return 0 for somebody's first answer to a pair, the number of the repeat for a later one."""
        key = participant_id, pair_id
        if key in self._before:
            self.again.append(line)
        elif key not in self._answered:
            self._answered.add(key)
            return 0
        self.repeats += 1
        return self._numbers.next(*key)

    def _ratings(
        self, ids: Sequence[int], part: Sequence[ImportedComparison], sittings: Sequence[ImportedSitting]
    ) -> dict[str, Sequence[Any]]:
        return {
            "key": [f"imported-{number:012}" for number in ids],
            "assignment_id": ids,
            "sequence": [sitting.count() for sitting in sittings],
            "preferred": [each.preferred for each in part],
            "unusable": [False] * len(part),
            "response_ms": [each.response_ms for each in part],
            "rated_at": [self._now] * len(part),
        }
