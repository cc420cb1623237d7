"""What `fiqa audit FOLDER --groups groups.csv` does with its options."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fiqa.audit import FORMATS, MEASURED
from fiqa.chosen_predictor import load_chosen
from fiqa.errors import SettingError
from fiqa.output import check_writable, chosen_format, write_file
from fiqa.reports import one_line

if TYPE_CHECKING:
    from fiqa.audit.groups import GroupedPhoto, GroupTable
    from fiqa.audit.scoring import AuditedPhoto
    from fiqa.audit.summary import Audit

FIGURES = (".png", ".svg")


def run(options: argparse.Namespace) -> int:
    """Audit a checkpoint; return 1 where a photo has no score. Raises FiqaError."""
    output = options.output
    form = chosen_format(options.format, output, FORMATS)
    _check_files(output, options.figure)
    columns, measured, photos, notices = _read_inputs(options)
    audit = _audit(options, photos, columns, measured, notices)
    _write(audit, form, output, options.figure)
    return int(bool(audit.unscored))


def _check_files(output: Path | None, figure: Path | None) -> None:
    if figure and figure.suffix.lower() not in FIGURES:
        raise SettingError(f"--figure {figure} must end in .png or .svg.")
    for path in (output, figure):
        if path:
            check_writable(path)


def _read_inputs(
    options: argparse.Namespace,
) -> "tuple[list[str], list[str], list[GroupedPhoto], list[str]]":
    """Return the columns to compare by, those to measure, and the photos, with what is to be said about them."""
    from fiqa.audit.groups import join_groups

    folder: Path = options.folder
    if not folder.is_dir():
        raise SettingError(f"{folder} is no folder: name the one that holds the photos.")
    asked = _asked_columns(options.group_columns)
    measured = [name for name in MEASURED if asked is None or name in asked]
    table = _read_table(options.groups, asked, measured)
    photos, notices = join_groups(table, folder, _find_photos(folder))
    if table is None or not table.has_people:
        notices.append("Every photo counts as a person of its own: a column person would tell people apart.")
    return [*(table.columns if table else ()), *measured], measured, photos, notices


def _asked_columns(text: str | None) -> list[str] | None:
    """Return the names of columns, those that are measured also where they were written with an underscore."""
    if text is None:
        return None
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    return [next((each for each in MEASURED if each == name.replace("_", " ")), name) for name in names]


def _read_table(path: Path | None, asked: list[str] | None, measured: Sequence[str]) -> "GroupTable | None":
    """Read the table of groups; raise SettingError where columns are asked for that no table can have."""
    from fiqa.audit.groups import read_groups

    others = None if asked is None else [name for name in asked if name not in measured]
    if path is not None:
        return read_groups(path, columns=others)
    if others:
        raise SettingError(
            f"The column {others[0]} is of a table: name it with --groups, or ask for {', '.join(MEASURED)}."
        )
    return None


def _find_photos(folder: Path) -> list[str]:
    from fiqa.photos.sources import find_photos

    found = find_photos([str(folder)])
    if found.troubles:
        raise SettingError(f"{one_line(found.troubles[0])}: name a folder of photos.")
    return found.paths


def _audit(
    options: argparse.Namespace, photos: "Sequence[GroupedPhoto]", columns: Sequence[str], measured: Sequence[str],
    notices: Sequence[str],
) -> "Audit":  # fmt: skip
    from fiqa.audit.scoring import read_damage, score_photos
    from fiqa.audit.summary import summarise

    damages = list(dict.fromkeys(read_damage(each) for each in options.damage))
    predictor = load_chosen(options.settings, checkpoint=options.checkpoint, device=options.device)
    audited = list(_with_progress(score_photos(predictor, photos, damages, measured), len(photos)))
    spec = predictor.spec
    return summarise(
        audited, columns, damages,
        checkpoint=spec.name, sha256=spec.sha256, score_range=spec.score_range, notices=notices,
    )  # fmt: skip


def _with_progress(audited: "Iterable[AuditedPhoto]", total: int) -> "Iterable[AuditedPhoto]":
    """Pass photos on, with a bar on a terminal and a line for each that has no score."""
    from tqdm import tqdm

    bar = tqdm(audited, total=total, unit="photo", disable=None)  # None: only on a terminal
    for photo in bar:
        if photo.error:
            with suppress(OSError):  # standard error may be full or gone
                bar.write(f"{one_line(photo.path)}: {one_line(photo.error)}", file=sys.stderr)
        yield photo


def _write(audit: "Audit", form: str, output: Path | None, figure: Path | None) -> None:
    from fiqa.audit import reports
    from fiqa.audit.figure import draw

    data = reports.FORMATS[form](audit).encode("utf-8", errors="surrogateescape")
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        write_file(output, data)
    if figure:
        write_file(figure, draw(audit, figure.suffix.lower().removeprefix(".")))
