"""A panel, such as Prolific: files that say whom to approve, reject and pay, and places that were given back."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from annotate import queries
from annotate.errors import PanelError
from annotate.ui.labelling import Labelling
from annotate.ui.studies.background import reset_on_study_change
from annotate.ui.studies.chosen import opened_study
from annotate.ui.studies.downloads import build_saved, file_stem, new_folder, offer, zip_folder
from annotate.ui.studies.html import note
from annotate.ui.studies.ownership import SLOW, Guard
from annotate.ui.studies.pictures import FileValue, uploaded_files
from annotate.ui.studies.users import OWNERS

if TYPE_CHECKING:
    from annotate.exchange.panels import PanelExport

WHAT_IT_DOES = (
    "<p>When you have decided whose sittings are accepted: a ZIP with whom to approve, whom to reject and why (at "
    "least 100 characters, as Prolific asks), bonuses, and a table of every sitting. With the panel’s own list of "
    "submissions (Prolific: Export data; Mechanical Turk: Download CSV) the table has its states, Mechanical Turk’s "
    "batch is filled in, and places of those who returned or timed out can be freed. These files hold the panel’s "
    "identifiers.</p>"
)


class PanelFiles:
    """What the buttons do."""

    def __init__(self, labelling: Labelling) -> None:
        self.labelling = labelling

    def pack(self, study_id: int | None, file: FileValue | None, bonus: str) -> Iterator[str]:
        """Pack what the panel is to be told; yields what is done, and at the end the link that the browser follows."""
        from annotate.exchange.panels import read_amount, write_panel_files

        study, amount = opened_study(study_id), read_amount(bonus or "0")
        export = _read(file) if file else None
        with self.labelling.database.read() as db:
            stem = f"{file_stem(queries.studies.get_study(db, study).name)}-panel"

        def make() -> Path:
            """Write the files, and pack them."""
            target = new_folder() / f"{stem}.zip"
            with tempfile.TemporaryDirectory(dir=target.parent) as folder:
                with self.labelling.database.read() as db:
                    write_panel_files(db, study, Path(folder, stem), export=export, bonus=amount)
                zip_folder(Path(folder, stem), target)
            return target

        yield from offer(make, "Packing what the panel is to be told")

    def release(self, study_id: int | None, file: FileValue | None) -> str:
        """Free the places of those who returned their submission or timed out."""
        from annotate.exchange.panels import give_places_back

        if not file:
            raise PanelError("Choose the panel's list of submissions first.")
        export = _read(file)
        with self.labelling.database.write() as db:
            freed = give_places_back(db, opened_study(study_id), export, datetime.now(UTC))
        return note(freed.in_words(), "good" if freed.released else "")


def _read(file: FileValue) -> "PanelExport":
    """Read an uploaded list of submissions."""
    from annotate.exchange.panels import read_panel_export

    (given,) = uploaded_files([file])
    return read_panel_export(given.path, given.name)


def build_panel_files(labelling: Labelling, guard: Guard, study: gr.State) -> gr.HTML:
    """Lay out what is for a panel and connect it; returns where it is said who gave a place back."""
    panels = PanelFiles(labelling)
    with gr.Accordion("Pay a panel", open=False, elem_id="pay-panel"):
        gr.HTML(WHAT_IT_DOES, apply_default_css=False, elem_classes="hint")
        with gr.Row(elem_classes="fields"):
            files = gr.File(
                label="The panel's list of submissions", file_types=[".csv"], height=120, elem_id="panel-submissions"
            )
            bonus = gr.Textbox(
                "0",
                label="Bonus",
                info="In the panel's currency, for each accepted sitting of people whom no check found.",
                max_lines=1,
                elem_id="panel-bonus",
            )
        with gr.Row(elem_classes="actions"):
            pack = gr.Button("Download the panel's files", elem_id="pack-panel", scale=0, min_width=220)
            release = gr.Button("Free places given back", elem_id="release-places", scale=0, min_width=220)
        saved = build_saved("panel-files")
        said = gr.HTML("", apply_default_css=False, elem_id="places-freed")
    running = [guard.on(pack.click, panels.pack, [study, files, bonus], saved, preprocess=False, who=OWNERS, **SLOW)]
    guard.on(release.click, panels.release, [study, files], said, preprocess=False, who=OWNERS, **SLOW)
    reset_on_study_change(study, [saved, said], running)
    return said
