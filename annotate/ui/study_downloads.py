"""Files of a study to take away: its tables, its pictures and labels to train on, and a copy of the database.

They are made in the folder of uploads, which is swept after minutes, below a name nobody can guess: whoever knows the
address of a file there can fetch it.
"""

import re
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from annotate.errors import BackupError, ExportError, StudyError
from annotate.ui.labelling import Labelling
from annotate.ui.late import backup, export, store
from annotate.ui.ownership import SLOW, Guard
from annotate.ui.study_html import working
from annotate.ui.study_work import follow, leave_behind

LARGEST_BYTES = 2 * 2**30
"""Of pictures that a ZIP is made of; more are exported on the command line, without a copy in between."""
NEEDED = 2.2
"""How much room a ZIP needs while it is made, as a multiple of the pictures: a folder first, then the ZIP."""


class Downloads:
    """What the buttons do: each yields what is being done, and at the end a button that downloads the file."""

    def __init__(self, labelling: Labelling) -> None:
        self.labelling = labelling

    def tables(self, study_id: int | None) -> Iterator[tuple[Any, ...]]:
        """Pack ratings, MOS and protocol."""
        yield from self._packed(study_id, "tables", with_pictures=False)

    def training(self, study_id: int | None) -> Iterator[tuple[Any, ...]]:
        """Pack the same with pictures and labels, divided for training."""
        yield from self._packed(study_id, "training", with_pictures=True)

    def backup(self) -> Iterator[tuple[Any, ...]]:
        """Copy the whole database, with all studies."""
        path = self.labelling.database.sqlite_path
        if path is None:
            raise BackupError("This database is on a PostgreSQL server; pg_dump makes its backups.")
        yield from self._offered(lambda: _back_up(path), "Copying the database")

    def _packed(self, study_id: int | None, what: str, *, with_pictures: bool) -> Iterator[tuple[Any, ...]]:
        if study_id is None:
            raise StudyError("Open a study first.")
        with self.labelling.database.read() as db:
            name = store.get_study(db, study_id).name
            size = store.pictures_bytes(db, study_id) if with_pictures else 0
        _check_room(name, size)
        stem = re.sub(r"[^\w-]+", "-", name).strip("-")[:60] or "study"
        yield from self._offered(lambda: self._pack(study_id, f"{stem}-{what}", with_pictures), f"Packing {what}")

    def _pack(self, study_id: int, stem: str, with_pictures: bool) -> Path:
        target = _new_folder() / f"{stem}.zip"
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            target_folder = Path(folder, stem)
            database, data_dir = self.labelling.database, self.labelling.settings.data_dir
            export.export_study(database, study_id, data_dir, target_folder, label="mos" if with_pictures else None)
            _zip(target_folder, target)
        return target

    def _offered(self, make: Callable[[], Path], said: str) -> Iterator[tuple[Any, ...]]:
        hidden = gr.update(visible=False)
        yield working(said), hidden
        following = follow(make, lambda: working(said))
        while True:
            try:
                panel = next(following)
            except StopIteration as end:
                file: Path = end.value
                break
            yield panel, hidden
        label = f"Download {file.name} ({_size(file.stat().st_size)})"
        yield "", gr.update(value=str(file), label=label, visible=True)


def build_downloads(labelling: Labelling, guard: Guard, study: gr.State) -> gr.DownloadButton:
    """Lay out the buttons and connect them; returns the one that downloads, to be hidden for another study."""
    downloads = Downloads(labelling)
    with gr.Row(elem_classes="actions"):
        tables = gr.Button("Ratings, MOS, protocol", elem_id="pack-tables", scale=0, min_width=200)
        training = gr.Button("Pictures and labels to train on", elem_id="pack-training", scale=0, min_width=240)
        backup = gr.Button("Backup of all studies", elem_id="pack-backup", scale=0, min_width=200)
    busy = gr.HTML("", apply_default_css=False, elem_id="packing")
    file = gr.DownloadButton("Download", visible=False, variant="primary", elem_id="download")
    running = [
        guard.on(tables.click, downloads.tables, [study], [busy, file], **SLOW),
        guard.on(training.click, downloads.training, [study], [busy, file], **SLOW),
    ]
    leave_behind(study, [busy, file], running)
    guard.on(backup.click, downloads.backup, [], [busy, file], **SLOW)
    return file


def _check_room(name: str, size: int) -> None:
    if size > LARGEST_BYTES:
        raise ExportError(
            f"The pictures take {_size(size)}, too much for a browser; on the server, run: "
            f"python -m annotate export {name!r} FOLDER"
        )
    if NEEDED * size > shutil.disk_usage(Path(get_upload_folder()).parent).free:
        raise ExportError(f"There is no room on the server's disk to pack {_size(size)}; free some, and try again.")


def _new_folder() -> Path:
    folder = Path(get_upload_folder(), secrets.token_urlsafe(32))
    folder.mkdir(mode=0o700, parents=True)
    return folder


def _back_up(path: Path) -> Path:
    return Path(backup.back_up(path, _new_folder(), datetime.now(UTC)).path)


def _zip(folder: Path, target: Path) -> None:
    """Pack a folder; pictures are compressed already."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            table = path.suffix in (".csv", ".json")
            archive.write(path, path.relative_to(folder.parent), zipfile.ZIP_DEFLATED if table else None)


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MB" if size >= 2**20 else f"{max(1, size // 2**10)} KB"
