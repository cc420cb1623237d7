"""Files to take away: a study's tables, its pictures and labels to train on, and backups of everything.

One press makes a file and hands it to the browser. It is made in the folder of uploads, which is swept after minutes,
below a name nobody can guess: whoever knows the address of a file there can fetch it.
"""

import re
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

import gradio as gr
from gradio.utils import get_upload_folder

from annotate import database, exchange, queries
from annotate.errors import BackupError, ExportError
from annotate.ui.labelling import Labelling
from annotate.ui.studies.background import reset_on_study_change, run_in_background
from annotate.ui.studies.chosen import chosen_person, opened_study
from annotate.ui.studies.html import text, working
from annotate.ui.studies.ownership import SLOW, Guard
from annotate.ui.studies.users import OWNERS, SEE_RESULTS, Everybody, User

LARGEST_BYTES = 2 * 2**30
"""Of pictures that a ZIP is made of; more are exported on the command line, without a copy in between."""
NEEDED = 2.2
"""How much room a ZIP needs while it is made, as a multiple of the pictures: a folder first, then the ZIP."""
SAVE = files("annotate.ui.studies").joinpath("download.js").read_text(encoding="utf-8")
"""Hands a file to the browser as soon as it is there; the link stays, for whom that did not reach."""
IN_A_BACKUP = (
    "<p>A backup holds all studies with every vote, person and decision. The pictures are only in the one with "
    "pictures; they never change, so any copy of the folder <code>stimuli</code> in the data folder will do as well. "
    "To restore either, stop the app, run <code>python -m annotate restore FILE</code> on the server, and start it "
    "again: what was there before is kept beside the database.</p>"
)


class Downloads:
    """What the buttons do: each yields what is being done, and at the end the link that the browser follows."""

    def __init__(self, labelling: Labelling) -> None:
        self.labelling = labelling

    def tables(self, user: User, study_id: int | None) -> Iterator[str]:
        """Pack the tables, the protocol, and what every column says; those of people are for owners."""
        yield from self._packed(user, study_id, "tables", with_pictures=False)

    def training(self, user: User, study_id: int | None) -> Iterator[str]:
        """Pack the same with pictures and labels, divided for training."""
        yield from self._packed(user, study_id, "training", with_pictures=True)

    def person(self, study_id: int | None, pseudonym: str | None) -> Iterator[str]:
        """Write everything there is of one person, as they may ask for it."""
        opened, chosen = opened_study(study_id), chosen_person(pseudonym)
        yield from offer(lambda: self._write_person(opened, chosen), "Collecting")

    def _write_person(self, study_id: int, pseudonym: str) -> Path:
        with self.labelling.database.read() as db:
            content = exchange.person.person_file(db, study_id, pseudonym, datetime.now(UTC))
        file = new_folder() / f"{re.sub(r'[^A-Za-z0-9-]+', '-', pseudonym)}.json"
        exchange.person.write_person(content, file)
        return file

    def backup(self) -> Iterator[str]:
        """Copy the whole database, with all studies."""
        path = self._sqlite_path()
        now = datetime.now(UTC)
        yield from offer(lambda: Path(database.backup.back_up(path, new_folder(), now).path), "Copying the database")

    def backup_all(self) -> Iterator[str]:
        """Copy the whole database and every picture."""
        path, data_dir, now = self._sqlite_path(), self.labelling.settings.data_dir, datetime.now(UTC)
        size = sum(each.stat().st_size for each in exchange.backup_archive.pictures_of(path, data_dir))
        _check_room(size, "python -m annotate backup --pictures")
        yield from offer(
            lambda: Path(exchange.backup_archive.back_up_all(path, data_dir, new_folder(), now).path),
            "Copying everything",
        )

    def _sqlite_path(self) -> Path:
        path = self.labelling.database.sqlite_path
        if path is None:
            raise BackupError(
                "This database is on a PostgreSQL server; pg_dump makes its backups. The pictures are in the folder "
                f"{self.labelling.settings.stimuli_dir}."
            )
        return path

    def _packed(self, user: User, study_id: int | None, what: str, *, with_pictures: bool) -> Iterator[str]:
        opened = opened_study(study_id)
        with_people = user.may(OWNERS, opened)
        with self.labelling.database.read() as db:
            name = queries.studies.get_study(db, opened).name
            size = queries.stimuli.pictures_bytes(db, opened) if with_pictures else 0
        _check_room(size, f"python -m annotate export {name!r} FOLDER")
        stem = file_stem(name)
        yield from offer(lambda: self._pack(opened, f"{stem}-{what}", with_pictures, with_people), f"Packing {what}")

    def _pack(self, study_id: int, stem: str, with_pictures: bool, with_people: bool) -> Path:
        target = new_folder() / f"{stem}.zip"
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            target_folder = Path(folder, stem)
            database, data_dir = self.labelling.database, self.labelling.settings.data_dir
            exchange.export.export_study(
                database,
                study_id,
                data_dir,
                target_folder,
                label="mos" if with_pictures else None,
                with_people=with_people,
            )
            zip_folder(target_folder, target)
        return target


def build_downloads(labelling: Labelling, guard: Guard, study: gr.State) -> None:
    """Lay out the downloads of a study and connect them."""
    downloads = Downloads(labelling)
    gr.HTML("<h3>Downloads</h3>", apply_default_css=False, elem_classes="section-head")
    with gr.Row(elem_classes="actions"):
        tables = gr.Button("Download the tables", elem_id="pack-tables", scale=0, min_width=200)
        training = gr.Button("Download pictures and labels", elem_id="pack-training", scale=0, min_width=240)
    gr.HTML(
        "<p>The tables: every answer, the MOS or the scale of pairs, people, sittings, decisions with reasons, and the "
        "texts as shown, as CSV and JSON with a README that explains every column. With pictures: the same, and the "
        "pictures with their MOS or place on the scale, divided for training. "
        "Readers of the results get both without the tables of people.</p>",
        apply_default_css=False,
        elem_classes="hint",
    )
    saved = build_saved("packing")
    running = [
        guard.on(tables.click, downloads.tables, [study], saved, who=SEE_RESULTS, user=True, **SLOW),
        guard.on(training.click, downloads.training, [study], saved, who=SEE_RESULTS, user=True, **SLOW),
    ]
    reset_on_study_change(study, [saved], running)


def build_backups(labelling: Labelling, guard: Guard) -> None:
    """Lay out the backups of all studies and connect them."""
    downloads = Downloads(labelling)
    gr.HTML("<h3>Backup</h3>", apply_default_css=False, elem_classes="section-head")
    with gr.Row(elem_classes="actions"):
        everything = gr.Button("Back up all, with pictures", elem_id="back-up-all", scale=0, min_width=220)
        votes = gr.Button("Back up all, without pictures", elem_id="back-up", scale=0, min_width=240)
    gr.HTML(IN_A_BACKUP, apply_default_css=False, elem_classes="hint")
    saved = build_saved("backing-up")
    guard.on(everything.click, downloads.backup_all, [], saved, who=Everybody.HOST, **SLOW)
    guard.on(votes.click, downloads.backup, [], saved, who=Everybody.HOST, **SLOW)


def build_saved(elem_id: str) -> gr.HTML:
    """Return where a file is announced, and from where the browser fetches it."""
    return gr.HTML("", js_on_load=SAVE, apply_default_css=False, elem_id=elem_id)


def saved_link(file: Path) -> str:
    """Return the link to a packed file, which the page follows by itself."""
    address = f"gradio_api/file={quote(str(file))}"
    return (
        f'<p class="note good">{text(file.name)} ({_size(file.stat().st_size)}) goes to your downloads. '
        f'<a download="{text(file.name)}" href="{text(address)}">Fetch it again</a>, for a few minutes.</p>'
    )


def offer(make: Callable[[], Path], said: str) -> Iterator[str]:
    """Make a file while the page is told that; yields at the end the link that the page follows by itself."""
    yield working(said)
    following = run_in_background(make, lambda: working(said))
    while True:
        try:
            panel = next(following)
        except StopIteration as end:
            file: Path = end.value
            break
        yield panel
    yield saved_link(file)


def _check_room(size: int, command: str) -> None:
    if size > LARGEST_BYTES:
        raise ExportError(f"The pictures take {_size(size)}, too much for a browser; on the server, run: {command}")
    if NEEDED * size > shutil.disk_usage(Path(get_upload_folder()).parent).free:
        raise ExportError(f"There is no room on the server's disk to pack {_size(size)}; free some, and try again.")


def file_stem(name: str) -> str:
    """Return a study's name as the beginning of a file's."""
    return re.sub(r"[^\w-]+", "-", name).strip("-")[:60] or "study"


def new_folder() -> Path:
    """Make a folder below a name nobody can guess, among those that are swept."""
    folder = Path(get_upload_folder(), secrets.token_urlsafe(32))
    folder.mkdir(mode=0o700, parents=True)
    return folder


def zip_folder(folder: Path, target: Path) -> None:
    """Pack a folder; pictures are compressed already."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            table = path.suffix in (".csv", ".json", ".md")
            archive.write(path, path.relative_to(folder.parent), zipfile.ZIP_DEFLATED if table else None)


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MB" if size >= 2**20 else f"{max(1, size // 2**10)} KB"
