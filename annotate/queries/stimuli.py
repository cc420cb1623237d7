"""Queries of a study's stimuli."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from typing import Protocol as Structure

from sqlalchemy import (
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from annotate.database.tables import (
    ROWS_AT_ONCE,
    SHUFFLES,
    Assignment,
    Pair,
    Stimulus,
    Study,
)
from annotate.design.items import ItemKind
from annotate.design.known_pairs import KNOWN
from annotate.design.protocol import StudyProtocol
from annotate.design.review import StimulusSummary
from annotate.design.states import (
    check_is_draft,
    check_takes_stimuli,
)
from annotate.errors import StudyError, StudyStateError
from annotate.methods import item_time, method_of
from annotate.methods.method import Unit
from annotate.names import normalized
from annotate.pair_designs import count_answers, needs_scores
from annotate.queries.audit import log_event
from annotate.queries.pairs import count_pairs, known_pairs
from annotate.queries.response_times import response_time
from annotate.queries.studies import get_study, locked_study


class NewStimulus(Structure):
    """What there is to know about a picture; `annotate.stimuli.files.StimulusFile` is one."""

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def format(self) -> str: ...
    @property
    def width_px(self) -> int: ...
    @property
    def height_px(self) -> int: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def source(self) -> str | None: ...
    @property
    def condition(self) -> str | None: ...
    @property
    def kind(self) -> ItemKind: ...
    @property
    def expected(self) -> float | None: ...
    @property
    def feedback(self) -> str: ...
    @property
    def reference(self) -> str | None: ...
    @property
    def score(self) -> float | None: ...


class StimulusCopy(NamedTuple):
    """A stimulus of a study as a `NewStimulus` for another."""

    name: str
    sha256: str
    format: str
    width_px: int
    height_px: int
    size_bytes: int
    source: str | None
    condition: str | None
    kind: ItemKind
    expected: float | None
    feedback: str
    score: float | None
    reference: str | None


def copy_stimuli(db: Session, study_id: int) -> list[StimulusCopy]:
    """Return every stimulus of a study, to be added to another."""
    references = reference_names(db, study_id)
    *columns, _ = StimulusCopy._fields
    return [
        StimulusCopy._make([*(getattr(each, name) for name in columns), references.get(each.name)])
        for each in all_stimuli(db, study_id)
    ]


def add_stimuli(db: Session, study_id: int, stimuli: Sequence[NewStimulus], now: datetime) -> list[tuple[str, str]]:
    """Add pictures to a study; return (name, name it is there under) of those it holds already.

    Raises StudyStateError when the state forbids it, StudyError when a name stands for another picture already.
    """
    study = locked_study(db, study_id)
    check_takes_stimuli(study.state)
    there = dict(db.execute(select(Stimulus.sha256, Stimulus.name).where(Stimulus.study_id == study_id)).all())
    new = [stimulus for stimulus in stimuli if stimulus.sha256 not in there]
    if taken := {stimulus.name for stimulus in new} & set(there.values()):
        raise StudyError(f"The study has another picture called {min(taken)} already; rename one of them.")
    if new:
        db.execute(insert(Stimulus), [_stimulus_row(study_id, stimulus) for stimulus in new])
    _link_references(db, study, stimuli)
    log_event(db, study_id, "stimuli", {"added": len(new)}, now)
    return [(stimulus.name, there[stimulus.sha256]) for stimulus in stimuli if stimulus.sha256 in there]


def _link_references(db: Session, study: Study, stimuli: Sequence[NewStimulus]) -> None:
    """Note the reference of each picture: the one named so or, where the method has references, as its source.

    A source may leave out folders and suffix. What is a reference is rated itself only where the method says so.
    """
    with_references = _has_references(study)
    rows = db.execute(select(Stimulus.id, Stimulus.name).where(Stimulus.study_id == study.id).order_by(Stimulus.id))
    ids = {normalized(name): stimulus_id for stimulus_id, name in rows}
    stems: dict[str, int] = {}
    for name, stimulus_id in ids.items():
        stems.setdefault(PurePosixPath(name).stem, stimulus_id)
        stems.setdefault(PurePosixPath(name).name, stimulus_id)
    links = []
    for each in stimuli:
        named = each.reference or (each.source if with_references else None)
        reference = ids.get(normalized(named)) or (None if each.reference else stems.get(named)) if named else None
        if each.reference and reference is None:
            raise StudyError(f"{each.name} has the reference {each.reference}, which is not in the study; add it too.")
        own = ids.get(normalized(each.name))
        if reference and own and reference != own:
            links.append({"id": own, "reference_id": reference})
    if links:
        db.execute(update(Stimulus), links)
    if with_references:
        _set_kind_of_references(db, study.id, rated=method_of(study.protocol).rates_references)


def _has_references(study: Study) -> bool:
    protocol = study.stored_protocol
    return isinstance(protocol, StudyProtocol) and method_of(protocol).references(protocol)


def link_references_again(db: Session, study: Study) -> None:
    """Do for the pictures of a draft what adding them does: its protocol now says otherwise what references are."""
    _link_references(db, study, copy_stimuli(db, study.id))
    if not _has_references(study):
        _set_kind_of_references(db, study.id, rated=True)


def _set_kind_of_references(db: Session, study_id: int, *, rated: bool) -> None:
    kinds = (ItemKind.REFERENCE, ItemKind.RATED) if rated else (ItemKind.RATED, ItemKind.REFERENCE)
    shown = select(Stimulus.reference_id).where(Stimulus.study_id == study_id, Stimulus.reference_id.is_not(None))
    chosen = (Stimulus.id.in_(shown), Stimulus.kind == kinds[0])
    db.execute(update(Stimulus).where(*chosen).values(kind=kinds[1]), execution_options={"synchronize_session": False})


def reference_names(db: Session, study_id: int) -> dict[str, str]:
    """Return the name of the reference by the name of the picture, for those that have one."""
    reference = aliased(Stimulus)
    rows = select(Stimulus.name, reference.name).join(reference, reference.id == Stimulus.reference_id)
    return dict(db.execute(rows.where(Stimulus.study_id == study_id)).all())


def _count_references(db: Session, study_id: int) -> tuple[int, int]:
    """Return how many pictures to rate have a reference, and how many of those and of gold and training have none."""
    has, kind = Stimulus.reference_id.is_not(None), Stimulus.kind
    counts = select(
        func.count().filter(has, kind == ItemKind.RATED),
        func.count().filter(~has, kind.in_((ItemKind.RATED, ItemKind.GOLD, ItemKind.TRAINING))),
    ).where(Stimulus.study_id == study_id)
    found = db.execute(counts).one()
    return found[0], found[1]


def _stimulus_row(study_id: int, stimulus: NewStimulus) -> dict[str, Any]:
    return {
        "study_id": study_id,
        "name": stimulus.name,
        "sha256": stimulus.sha256,
        "format": stimulus.format,
        "width_px": stimulus.width_px,
        "height_px": stimulus.height_px,
        "size_bytes": stimulus.size_bytes,
        "source": stimulus.source,
        "condition": stimulus.condition,
        "kind": stimulus.kind,
        "expected": stimulus.expected,
        "feedback": stimulus.feedback,
        "score": stimulus.score,
        "shuffle": secrets.randbelow(SHUFFLES),
    }


def count_stimuli(db: Session, study_id: int) -> dict[ItemKind, int]:
    """Return how many stimuli of each kind there are."""
    counts = select(Stimulus.kind, func.count()).where(Stimulus.study_id == study_id).group_by(Stimulus.kind)
    return dict(db.execute(counts).all())


def summarize_stimuli(db: Session, study_id: int, protocol: StudyProtocol | None = None) -> StimulusSummary:
    """Return what the stimuli of a study are, all together, by its own protocol or the one that is given."""
    silent = select(func.count()).where(
        Stimulus.study_id == study_id,
        Stimulus.kind == ItemKind.TRAINING,
        Stimulus.expected.is_(None),
        Stimulus.feedback == "",
    )
    chosen = protocol or get_study(db, study_id).stored_protocol
    with_reference, without = _count_references(db, study_id)
    summary = StimulusSummary(
        count_stimuli(db, study_id),
        largest_sides(db, study_id),
        db.scalar(silent) or 0,
        with_reference=with_reference,
        without_reference=without,
        without_score=(
            _count_without_score(db, study_id) if isinstance(chosen, StudyProtocol) and needs_scores(chosen) else 0
        ),
    )
    if not isinstance(chosen, StudyProtocol):
        return summary
    summary = replace(summary, item=response_time(db, study_id) or item_time(chosen))
    return _with_pairs(db, study_id, chosen, summary) if method_of(chosen).unit is Unit.PAIR else summary


def _with_pairs(db: Session, study_id: int, protocol: StudyProtocol, summary: StimulusSummary) -> StimulusSummary:
    """Return a summary with what it has of pairs; known answers and training are counted in pairs."""
    known = known_pairs(db, study_id, protocol)
    paired = {each.id for two in known for each in two}
    sizes = _group_sizes(db, study_id, across=protocol.pair_across_sources)
    return replace(
        summary,
        counts={**summary.counts, **{kind: sum(two.kind is kind for two in known) for kind in KNOWN}},
        silent_training=sum(two.is_silent for two in known if two.kind is ItemKind.TRAINING),
        pairs=count_pairs(db, study_id),
        group_sizes=sizes,
        planned_pairs=count_answers(sizes, protocol)[0],
        unpaired=sum(summary[kind] for kind in KNOWN) - len(paired),
    )


def _count_without_score(db: Session, study_id: int) -> int:
    lacking = (Stimulus.study_id == study_id, Stimulus.kind == ItemKind.RATED, Stimulus.score.is_(None))
    return db.scalar(select(func.count()).where(*lacking)) or 0


def _group_sizes(db: Session, study_id: int, *, across: bool) -> tuple[int, ...]:
    """Return how many pictures are compared with each other, of each source or of all."""
    rated = select(func.count()).where(Stimulus.study_id == study_id, Stimulus.kind == ItemKind.RATED)
    return tuple(db.scalars(rated if across else rated.group_by(Stimulus.source)))


def largest_sides(db: Session, study_id: int) -> tuple[int, int]:
    """Return the largest width and the largest height among the stimuli, in pixels; 0 where there are none."""
    sides = select(func.max(Stimulus.width_px), func.max(Stimulus.height_px)).where(Stimulus.study_id == study_id)
    width_px, height_px = db.execute(sides).one()
    return width_px or 0, height_px or 0


def pictures_bytes(db: Session, study_id: int) -> int:
    """Return how much room the pictures to be rated take."""
    chosen = (Stimulus.study_id == study_id, Stimulus.kind == ItemKind.RATED)
    return db.scalar(select(func.sum(Stimulus.size_bytes)).where(*chosen)) or 0


def stimuli_page(
    db: Session, study_id: int, *, after_id: int = 0, skip: int = 0, limit: int = 100, kind: ItemKind | None = None
) -> list[Stimulus]:
    """Return up to `limit` stimuli in the order they were added.

    Begins after the one with `after_id`, or passes over `skip` of them, which takes longer the more they are.
    """
    page = select(Stimulus).where(Stimulus.study_id == study_id, Stimulus.id > after_id)
    if kind is not None:
        page = page.where(Stimulus.kind == kind)
    return list(db.scalars(page.order_by(Stimulus.id).offset(skip).limit(limit)))


def all_stimuli(db: Session, study_id: int) -> Iterator[Stimulus]:
    """Yield every stimulus in the order they were added, a page at a time."""
    after_id = 0
    while page := stimuli_page(db, study_id, after_id=after_id, limit=ROWS_AT_ONCE):
        yield from page
        after_id = page[-1].id
        db.expunge_all()


def stimulus_names(db: Session, study_id: int) -> list[str]:
    """Return the names of all stimuli, in the order they were added."""
    return list(db.scalars(select(Stimulus.name).where(Stimulus.study_id == study_id).order_by(Stimulus.id)))


def stimuli_by_name(db: Session, study_id: int, names: Sequence[str]) -> dict[str, Stimulus]:
    """Return the stimuli of these names; those that do not exist are left out."""
    found = db.scalars(select(Stimulus).where(Stimulus.study_id == study_id, Stimulus.name.in_(names)))
    return {stimulus.name: stimulus for stimulus in found}


def get_stimulus(db: Session, study_id: int, stimulus_id: int) -> Stimulus:
    """Return a stimulus of a study; raise StudyError when there is none of that id."""
    found = db.scalar(select(Stimulus).where(Stimulus.study_id == study_id, Stimulus.id == stimulus_id))
    if found is None:
        raise StudyError("The picture is not in the study any more.")
    return found


def change_stimulus(
    db: Session, stimulus: Stimulus, now: datetime, *, kind: ItemKind, expected: float | None, feedback: str
) -> None:
    """Give a stimulus of a draft another kind, right grade or feedback; raise StudyStateError, or StudyError."""
    _check_can_change(db, stimulus)
    stimulus.kind, stimulus.expected, stimulus.feedback = kind, expected, feedback
    log_event(db, stimulus.study_id, "picture changed", {"picture": stimulus.name, "kind": kind.name.lower()}, now)


def remove_stimulus(db: Session, stimulus: Stimulus, now: datetime) -> None:
    """Take a stimulus out of a draft; its file stays, other studies may show it. Raises as `change_stimulus` does."""
    _check_can_change(db, stimulus)
    log_event(db, stimulus.study_id, "picture removed", {"picture": stimulus.name}, now)
    db.execute(delete(Stimulus).where(Stimulus.id == stimulus.id))


def _check_can_change(db: Session, stimulus: Stimulus) -> None:
    check_is_draft(locked_study(db, stimulus.study_id).state)
    of_pair = exists().where(
        or_(Pair.first_id == stimulus.id, Pair.second_id == stimulus.id), Assignment.pair_id == Pair.id
    )
    if db.scalar(select(or_(exists().where(Assignment.stimulus_id == stimulus.id), of_pair))):
        raise StudyStateError(f"{stimulus.name} has ratings already, which were imported; it stays as it is.")
