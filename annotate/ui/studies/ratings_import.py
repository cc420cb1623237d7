"""Ratings that were given elsewhere, into the opened study, while the page is told how far that is."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from annotate import queries
from annotate.errors import ImportedRatingsError
from annotate.ui.labelling import Labelling
from annotate.ui.studies.background import run_in_background
from annotate.ui.studies.chosen import opened_study
from annotate.ui.studies.html import text, working
from annotate.ui.studies.ownership import SLOW, Guard
from annotate.ui.studies.pictures import FileValue, uploaded_files
from annotate.ui.studies.users import OWNERS
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.exchange.imports import RatingsFile

HANDED_IN = (
    "<p>A CSV with the columns <code>stimulus</code>, <code>participant</code> and <code>grade</code>; or what AVrate "
    "Voyager (its database), the P.910 toolkit (<code>…_votes_per_worker_….csv</code>), Label Studio (JSON) or potato "
    "(<code>annotated_instances.jsonl</code>) keep. Pictures are found by their names, which have to be in the study "
    "already. Repeats stay repeats and count in no MOS. All come in, or none.</p>"
)
FILE_TYPES = [".csv", ".tsv", ".txt", ".json", ".jsonl", ".db", ".sqlite", ".sqlite3"]


class Imported(NamedTuple):
    """What is said while ratings come in, the form they come in by, and that something changed."""

    busy: Any
    file: Any = gr.skip()
    more: Any = gr.skip()


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
                count, read = end.value
                break
        for warning in read.warnings:
            gr.Warning(text(warning))
        again = f", {read.repeats:,} of them repeats" if read.repeats else ""
        gr.Info(text(f"{counted(count, 'rating was', 'ratings were')} added{again}."))
        yield Imported("", file=None, more=time.time())

    def _import(
        self, study_id: int, path: Path, name: str, question: str, said: list[str]
    ) -> tuple[int, "RatingsFile"]:
        """Read and store the ratings; return how many, and what was read."""
        from annotate.exchange.foreign_ratings import questions_by_scale, read_any_ratings

        database, now = self.labelling.database, datetime.now(UTC)
        with database.read() as db:
            protocol = queries.studies.get_study(db, study_id).protocol
            names = queries.stimuli.stimulus_names(db, study_id)
        asked = questions_by_scale([question or ""], protocol)
        read = read_any_ratings(path, protocol, names, now, name=name, questions=asked)

        def counted_ratings() -> Iterator[queries.imports.ImportedRating]:
            """Yield the ratings, and tell how many have been stored."""
            total = len(read.ratings)
            for done, rating in enumerate(read.ratings):
                if not done % 1000:
                    said.append(working(f"Storing ratings: {done:,} of {total:,}", done / total))
                yield rating

        with database.write() as db:
            count = queries.imports.import_ratings(db, study_id, counted_ratings(), now)
        return count, read


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
