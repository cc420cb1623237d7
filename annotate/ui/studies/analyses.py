"""Analyses of studies, kept until a vote changes: half a million votes take seconds, and several panels show them."""

import threading
from collections import OrderedDict
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from annotate import queries
from annotate.design.further_scales import MAIN
from annotate.ui.labelling import Labelling
from annotate.ui.studies.background import run_in_background
from annotate.ui.studies.html import working

if TYPE_CHECKING:
    from annotate.analysis import Analysis, PairedAnalysis
    from annotate.statistics.findings import Finding

KEPT = 4


class Analyses:
    """Hands out analyses; safe to use from any thread. Only one is computed at a time, and each only once."""

    def __init__(self, labelling: Labelling) -> None:
        self._labelling = labelling
        self._kept: OrderedDict[tuple[int, str], Analysis | PairedAnalysis] = OrderedDict()
        self._turn = threading.Lock()

    def get(self, study_id: int, scale: str = MAIN) -> "Generator[str, None, Analysis | PairedAnalysis]":
        """Return the analysis of a study as it is now, on a scale; yields panels that say what is done meanwhile."""
        kept = self._fresh(study_id, scale)
        if kept:
            return kept
        said = ["Waiting for another study"]
        return (yield from run_in_background(lambda: self._analyse(study_id, scale, said), lambda: working(said[-1])))

    def findings(self, study_id: int) -> "Sequence[Finding] | None":
        """Return what the checks found when the study was analysed last; None where it was not."""
        kept = [each for (study, _), each in self._kept.items() if study == study_id]
        return kept[-1].findings if kept else None

    def forget(self, study_id: int) -> None:
        """Keep nothing of a study: somebody in it was deleted, or all of it."""
        for key in [each for each in self._kept if each[0] == study_id]:
            self._kept.pop(key, None)

    def _fresh(self, study_id: int, scale: str) -> "Analysis | PairedAnalysis | None":
        with self._labelling.database.read() as db:
            version = queries.progress.study_version(db, study_id)
        kept = self._kept.get((study_id, scale))
        return kept if kept and kept.version == version else None

    def _analyse(self, study_id: int, scale: str, said: list[str]) -> "Analysis | PairedAnalysis":
        with self._turn:
            from annotate import analysis  # late: it loads the database's library

            fresh = self._fresh(study_id, scale)
            fresh = fresh or analysis.analyse(self._labelling.database, study_id, said.append, scale)
            self._kept[study_id, scale] = fresh
            self._kept.move_to_end((study_id, scale))
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return fresh
