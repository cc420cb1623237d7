"""What a network finds wrong with the pictures of a study: one after the other, each looked at once."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from annotate.stimuli.files import stimulus_path
from annotate.ui.labelling import Labelling

if TYPE_CHECKING:
    from annotate.database.tables import Stimulus
    from annotate.statistics.complaint_agreement import Diagnosis

MOST_KEPT = 50_000
"""Diagnoses kept, of all studies together: some hundred bytes each."""


class Network(NamedTuple):
    """Which network diagnoses: its name, and what changes whenever its answers may, such as the hash of its weights."""

    name: str
    version: str


@dataclass(frozen=True)
class Diagnoser:
    """What the app lends: which network diagnoses now, and `find`, which maps a picture's bytes to what may be wrong.

    That is a `type`, a `probability` and a `severity` each, 0 to 1; nothing of a picture without a face. Both raise
    DiagnosisError where the network cannot be used.
    """

    network: Callable[[], Network]
    find: Callable[[bytes], Sequence[Mapping[str, Any]]]


class PictureDiagnoses:
    """Diagnoses pictures, and keeps what was found until the app ends; safe to use from any thread."""

    def __init__(self, labelling: Labelling, diagnoser: Diagnoser) -> None:
        self._labelling, self.diagnoser = labelling, diagnoser
        self._kept: dict[tuple[str, str], Diagnosis | None] = {}

    def find_all(self, study_id: int) -> "Generator[tuple[int, int, dict[str, Diagnosis]], None, None]":
        """Diagnose the pictures to be rated; yields how many of how many are done, and the diagnoses by stimulus.

        The last one yielded is all. Raises DiagnosisError.
        """
        version, found = self.diagnoser.network().version, dict[str, "Diagnosis"]()
        pictures = self._pictures(study_id)
        for done, picture in enumerate(pictures):
            yield done, len(pictures), found
            if diagnosis := self._find(version, picture):
                found[picture.name] = diagnosis
        yield len(pictures), len(pictures), found

    def count_done(self, study_id: int) -> tuple[int, int]:
        """Return how many of how many pictures the network has looked at."""
        version, pictures = self.diagnoser.network().version, self._pictures(study_id)
        return sum((version, each.sha256) in self._kept for each in pictures), len(pictures)

    def _find(self, version: str, picture: "Stimulus") -> "Diagnosis | None":
        key = (version, picture.sha256)
        if key in self._kept:
            return self._kept[key]
        from annotate.statistics.complaint_agreement import Diagnosis, likeliest

        path = stimulus_path(self._labelling.settings.data_dir, picture.sha256, picture.format)
        try:
            data = path.read_bytes()
        except OSError:  # deleted meanwhile, or lost; not kept, as it may be brought back
            return None
        found = likeliest([Diagnosis(**each) for each in self.diagnoser.find(data)])
        while len(self._kept) >= MOST_KEPT:
            self._kept.pop(next(iter(self._kept)), None)
        self._kept[key] = found
        return found

    def _pictures(self, study_id: int) -> "list[Stimulus]":
        from annotate import queries  # late, as above: the page is laid out without the database's library
        from annotate.design.items import ItemKind

        with self._labelling.database.read() as db:
            return [each for each in queries.stimuli.all_stimuli(db, study_id) if each.kind is ItemKind.RATED]
