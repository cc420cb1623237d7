"""Pictures into a study: what making a study and adding to one have in common, on the command line and in the app."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from annotate import queries
from annotate.database.engine import Database
from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.design.review import warn
from annotate.design.scales import Scale
from annotate.design.sitting_plan import Effort
from annotate.design.states import State, check_takes_stimuli
from annotate.errors import GradeError, StimulusError, StudyError
from annotate.methods import method_of, study_effort
from annotate.methods.method import Unit
from annotate.names import normalized
from annotate.stimuli.drawn_pairs import draw_known_pairs
from annotate.stimuli.eye_traps import Original, draw_eye_traps
from annotate.stimuli.files import Candidate, Intake, StimulusFile, stimulus_path, take_in
from annotate.stimuli.traps import draw_traps

MOST_LOOKED_AT = 200
"""Pictures among which the sharpest are looked for."""
TRAP_SIZE_PX = (512, 512)
"""Where there is no picture yet to take the size of."""


@dataclass(frozen=True)
class Taken:
    """What came of it: how many pictures are new in the study, which were in it already, what to warn of.

    `duplicates` pairs a name with that of the same picture. `effort` is what the study now takes, None where nothing is
    to be rated.
    """

    study: str
    study_id: int
    state: State
    added: int
    duplicates: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    effort: Effort | None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return {
            "study": self.study,
            "state": self.state,
            "added": self.added,
            "duplicates": [{"stimulus": name, "same_as": same} for name, same in self.duplicates],
            "warnings": list(self.warnings),
            "effort": self.effort and self.effort.to_dict(),
        }


def create_study(
    database: Database,
    data_dir: Path,
    name: str,
    candidates: Iterable[Candidate],
    protocol: StudyProtocol,
    now: datetime,
) -> Taken:
    """Make a study of pictures, wholly or not at all.

    Raises StudyError when the name is taken, StimulusError when a picture cannot be used.
    """
    with database.read() as db:  # before thousands of pictures are looked at
        if normalized(name.strip()) in {normalized(study.name) for study in queries.studies.list_studies(db)}:
            raise StudyError(f"There is a study called {name!r} already; choose another name.")
    intake = take_in(_on_scale(candidates, protocol.scale), data_dir)
    with database.write() as db:
        study = queries.studies.create_study(db, name, protocol, now)
        queries.stimuli.add_stimuli(db, study.id, _with_references(intake), now)
        stimuli = queries.stimuli.summarize_stimuli(db, study.id)
        needed, warnings = study_effort(protocol, stimuli), warn(protocol, stimuli)
        return Taken(study.name, study.id, study.state, len(intake.stimuli), intake.duplicates, warnings, needed)


def add_pictures(
    database: Database, data_dir: Path, name: str, candidates: Iterable[Candidate], now: datetime
) -> Taken:
    """Add pictures to a study that is a draft or paused, all or none; those it has already are named.

    Raises StudyStateError in another state, StimulusError when a picture cannot be used.
    """
    with database.read() as db:
        study = queries.studies.find_study(db, name)
        check_takes_stimuli(study.state)
    protocol = study.protocol
    intake = take_in(_on_scale(candidates, protocol.scale), data_dir)
    with database.write() as db:
        there = queries.stimuli.add_stimuli(db, study.id, _with_references(intake), now)
        stimuli = queries.stimuli.summarize_stimuli(db, study.id)
    added, warnings = len(intake.stimuli) - len(there), warn(protocol, stimuli)
    duplicates = (*intake.duplicates, *there)
    return Taken(study.name, study.id, study.state, added, duplicates, warnings, study_effort(protocol, stimuli))


def _with_references(intake: Intake) -> list[StimulusFile]:
    """Return the pictures; a reference that is there under another name already is called by that."""
    kept = dict(intake.duplicates)
    return [replace(each, reference=kept.get(each.reference or "", each.reference)) for each in intake.stimuli]


def trap_candidates(
    database: Database, study_id: int, count: int, *, data_dir: Path, with_pictures: bool = False
) -> list[Candidate]:
    """Return `count` attention checks that fit a study: on its scale, in the size of its first picture to rate.

    They say the grade or, `with_pictures`, have a picture of the study beside its worst version. In a study of pairs
    they are known pairs, and training pairs as many as its protocol asks for and it lacks.
    """
    with database.read() as db:
        study = queries.studies.get_study(db, study_id)
        shown = queries.stimuli.stimuli_page(db, study_id, limit=MOST_LOOKED_AT, kind=ItemKind.RATED)
        references = queries.stimuli.reference_names(db, study_id)
        there = queries.stimuli.summarize_stimuli(db, study_id)
    files = [(stimulus_path(data_dir, each.sha256, each.format), each) for each in shown]
    originals = [
        Original(path.read_bytes, each.source, references.get(each.name)) for path, each in files if path.is_file()
    ]
    if method_of(study.protocol).unit is Unit.PAIR:
        lacking = max(0, study.protocol.training_count - there[ItemKind.TRAINING])
        wanted = {ItemKind.TRAINING: lacking, ItemKind.GOLD: count}
        return draw_known_pairs(study.protocol.scale, wanted, originals, there={kind: there[kind] for kind in wanted})
    size_px = (shown[0].width_px, shown[0].height_px) if shown else TRAP_SIZE_PX
    if not with_pictures:
        return draw_traps(study.protocol.scale, count, size_px)
    return draw_eye_traps(study.protocol.scale, count, size_px, originals)


def _on_scale(candidates: Iterable[Candidate], scale: Scale) -> Iterator[Candidate]:
    """Pass candidates on whose right grade can be given at all."""
    for candidate in candidates:
        if candidate.expected is not None:
            try:
                scale.check(candidate.expected)
            except GradeError as error:
                raise StimulusError(f"The expected grade of {candidate.name} cannot be given: {error}") from None
        yield candidate
