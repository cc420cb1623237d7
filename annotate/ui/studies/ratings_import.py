"""Ratings that were given elsewhere, into the opened study, while the page is told how far that is."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import gradio as gr

from annotate import queries
from annotate.errors import ImportedRatingsError
from annotate.methods import method_of
from annotate.methods.method import Unit
from annotate.ui.labelling import Labelling
from annotate.ui.studies.background import run_in_background
from annotate.ui.studies.chosen import opened_study
from annotate.ui.studies.html import text, working
from annotate.ui.studies.ownership import SLOW, Guard
from annotate.ui.studies.pictures import FileValue, uploaded_files
from annotate.ui.studies.users import OWNERS
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.design.protocol import StudyProtocol

Vote = TypeVar("Vote")
HANDED_IN = (
    "<p>A CSV with the columns <code>stimulus</code>, <code>participant</code> and <code>grade</code>; or what AVrate "
    "Voyager (its database), the P.910 toolkit (<code>…_votes_per_worker_….csv</code>), Label Studio (JSON) or potato "
    "(<code>annotated_instances.jsonl</code>) keep. Pictures are found by their names, which have to be in the study "
    "already. Repeats stay repeats and count in no MOS. Into a study of pairs comes a CSV with the columns "
    "<code>left</code>, <code>right</code>, <code>participant</code> and <code>preferred</code> (left, right or none). "
    "All come in, or none.</p>"
)
FILE_TYPES = [".csv", ".tsv", ".txt", ".json", ".jsonl", ".db", ".sqlite", ".sqlite3"]


class Imported(NamedTuple):
    """What is said while ratings come in, the form they come in by, and that something changed."""

    busy: Any
    file: Any = gr.skip()
    more: Any = gr.skip()


class Stored(NamedTuple):
    """How many votes were added, what one is called, how many of them are repeats, and what they lack."""

    added: int
    noun: str
    repeats: int
    warnings: Sequence[str]


class RatingsImport:
    """What the form does."""

    def __init__(self, labelling: Labelling) -> None:
        self.labelling = labelling

    def add(self, study_id: int | None, file: FileValue | None, question: str) -> Iterator[Imported]:
        """Add the ratings of an uploaded file."""
        if not file:
            raise ImportedRatingsError("Choose a file with ratings first.")
        (given,) = uploaded_files([file])
        opened, said = opened_study(study_id), [working("Reading the ratings")]

        def say() -> str:
            """Return how far it is."""
            return said[-1]

        following = run_in_background(lambda: self._import(opened, given.path, given.name, question, said), say)
        while True:
            try:
                yield Imported(next(following))
            except StopIteration as end:
                stored: Stored = end.value
                break
        for warning in stored.warnings:
            gr.Warning(text(warning))
        again = f", {stored.repeats:,} of them repeats" if stored.repeats else ""
        gr.Info(text(f"{counted(stored.added, f'{stored.noun} was', f'{stored.noun}s were')} added{again}."))
        yield Imported("", file=None, more=time.time())

    def _import(self, study_id: int, path: Path, name: str, question: str, said: list[str]) -> Stored:
        """Read and store what people said: grades, or which of two they prefer."""
        with self.labelling.database.read() as db:
            protocol = queries.studies.get_study(db, study_id).protocol
            names = queries.stimuli.stimulus_names(db, study_id)
        if method_of(protocol).unit is Unit.PAIR:
            return self._import_comparisons(study_id, path, name, protocol, said)
        return self._import_grades(study_id, path, name, protocol, names, question, said)

    def _import_grades(
        self,
        study_id: int,
        path: Path,
        name: str,
        protocol: "StudyProtocol",
        names: Sequence[str],
        question: str,
        said: list[str],
    ) -> Stored:
        from annotate.exchange.foreign_ratings import questions_by_scale, read_any_ratings

        now, asked = datetime.now(UTC), questions_by_scale([question or ""], protocol)
        read = read_any_ratings(path, protocol, names, now, name=name, questions=asked)
        with self.labelling.database.write() as db:
            count = queries.imports.import_ratings(db, study_id, _told(read.ratings, "ratings", said), now)
        return Stored(count, "rating", read.repeats, read.warnings)

    def _import_comparisons(
        self, study_id: int, path: Path, name: str, protocol: "StudyProtocol", said: list[str]
    ) -> Stored:
        from annotate.exchange.comparisons import comparisons_to_import

        read = comparisons_to_import(path, protocol, name=name)
        with self.labelling.database.write() as db:
            count, repeats = queries.pair_imports.import_comparisons(
                db, study_id, _told(read.comparisons, "comparisons", said), datetime.now(UTC)
            )
        return Stored(count, "comparison", repeats, read.warnings)


def _told(votes: Sequence[Vote], noun: str, said: list[str]) -> Iterator[Vote]:
    """Yield votes, and tell how many have been stored."""
    for done, vote in enumerate(votes):
        if not done % 1000:
            said.append(working(f"Storing {noun}: {done:,} of {len(votes):,}", done / len(votes)))
        yield vote


def build_ratings_import(labelling: Labelling, guard: Guard, study: gr.State, more: gr.State) -> None:
    """Lay out the form and connect it; `more` changes when ratings were added."""
    ratings = RatingsImport(labelling)
    with gr.Accordion("Import ratings given elsewhere", open=False, elem_id="import-ratings"):
        gr.HTML(HANDED_IN, apply_default_css=False, elem_classes="hint")
        with gr.Row(elem_classes="fields"):
            file = gr.File(label="Ratings", file_types=FILE_TYPES, height=120, elem_id="ratings-file")
            question = gr.Textbox(
                "",
                label="Question",
                info="Of those that another tool asked, the one that is rated; may be blank where there is only one. "
                "Of several scales: overall=quality, details=sharpness; those called like a scale are found.",
                max_lines=1,
                elem_id="ratings-question",
            )
        add = gr.Button("Import these ratings", elem_id="add-ratings", scale=0, min_width=200)
        busy = gr.HTML("", apply_default_css=False, elem_id="importing")
    added = [*Imported(busy, file, more)]
    guard.on(add.click, ratings.add, [study, file, question], added, preprocess=False, who=OWNERS, **SLOW)
