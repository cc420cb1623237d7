"""The pictures of a study: how they come in, and what of them is shown to the owner."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from annotate import queries
from annotate.design.items import ItemKind
from annotate.design.review import KIND_NAMES
from annotate.design.states import State
from annotate.stimuli.files import Candidate, stimulus_path
from annotate.stimuli.sources import IMAGE_SUFFIXES, UploadedFile
from annotate.ui.studies.background import run_in_background
from annotate.ui.studies.html import pager, press, text, thumbnail, working
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.database.engine import Database
    from annotate.database.tables import Stimulus
    from annotate.stimuli.intake import Taken

FileValue = Mapping[str, Any]
"""What a page sends of an uploaded file. Gradio takes characters such as : ? ! out of the path it keeps it under."""
PICTURES_OF_A_PAGE = 24
NAMED_DUPLICATES = 3
FILE_TYPES = [*sorted(IMAGE_SUFFIXES - {".tif", ".tiff"}), ".zip", ".csv"]
HANDED_IN = (
    "Pictures, or one ZIP of them; they are kept byte for byte. A CSV beside them (or <code>stimuli.csv</code> in the "
    "ZIP) may say more, in columns: <code>path</code>, <code>kind</code> (<code>rated</code>: a picture to rate, "
    "<code>gold</code>: a known answer, <code>trap</code>: an attention check, <code>training</code>), "
    "<code>expected</code> (the right grade), <code>feedback</code> (said in training), <code>source</code> (the photo "
    "or person, so that splits keep them together), <code>condition</code> (what was done to it: a method, a codec), "
    "<code>reference</code> (the name of the undamaged picture). Where pairs are compared, two known answers or "
    "training pictures of one source make a pair, in which the one with the higher right grade is better. A file may "
    "have 25 MB; more than that, and thousands of pictures, come in from the command line: "
    "<code>python -m annotate create NAME --images FOLDER</code>."
)


def uploaded_files(files: Sequence[FileValue]) -> list[UploadedFile]:
    """Return uploaded files under the names they have on their owner's machine.

    For events with `preprocess=False`: a file of `gr.File` has lost its name. Gradio has checked the path before.
    """
    return [
        UploadedFile(path := Path(file["path"]), PurePosixPath(str(file.get("orig_name") or path.name)).name)
        for file in files
    ]


def follow_intake(
    candidates: Sequence[Candidate],
    take: "Callable[[Iterable[Candidate]], Taken]",
    shown: Callable[[str], Any],
    opened: AbstractContextManager[object] | None = None,
) -> "Generator[Any, None, Taken]":
    """Take pictures in; yields what `shown` makes of how far that is.

    `opened` is what they come from; it is closed when all are taken in, though nobody may be following any more.
    """
    done = 0

    def counted() -> Iterator[Candidate]:
        """Yield the pictures and count those that are done with."""
        nonlocal done
        for candidate in candidates:
            yield candidate
            done += 1

    def say() -> str:
        return working(f"Checking pictures: {done:,} of {len(candidates):,}", done / max(1, len(candidates)))

    def take_all() -> "Taken":
        """Take them in, and close what they came from."""
        with opened or nullcontext():
            return take(counted())

    following = run_in_background(take_all, say)
    while True:
        try:
            said = next(following)
        except StopIteration as end:
            taken: Taken = end.value
            return taken
        yield shown(said)


def said_of_intake(taken: "Taken") -> list[str]:
    """Return a sentence about pictures that were there already, if any were."""
    if not taken.duplicates:
        return []
    named = "; ".join(f"{name} is {same}" for name, same in taken.duplicates[:NAMED_DUPLICATES])
    more = len(taken.duplicates) - NAMED_DUPLICATES
    return [f"The same pictures are kept once: {named}" + (f"; and {more:,} more." if more > 0 else ".")]


def pictures_panel(database: "Database", data_dir: Path, study_id: int, first: int) -> str:
    """Return a page of the study's pictures, in the order they were added; `first` counts from 0."""
    with database.read() as db:
        editable = queries.studies.get_study(db, study_id).state is State.DRAFT
        counts = queries.stimuli.count_stimuli(db, study_id)
        shown = queries.stimuli.stimuli_page(db, study_id, skip=first, limit=PICTURES_OF_A_PAGE)
    total = sum(counts.values())
    kinds = ", ".join(
        f"{counts[kind]:,} {names[counts[kind] != 1]}" for kind, names in KIND_NAMES.items() if counts.get(kind)
    )
    figures = "".join(_figure(data_dir, each, editable=editable) for each in shown)
    return (
        f'<p class="summary">{counted(total, "picture")}{": " * bool(kinds)}{kinds}</p>'
        f'<div class="pictures">{figures}</div>'
        f"{pager(first, len(shown), total, step=PICTURES_OF_A_PAGE)}"
    )


def _figure(data_dir: Path, stimulus: "Stimulus", *, editable: bool) -> str:
    expected = "" if stimulus.expected is None else f", {stimulus.expected:g}"
    kind = "" if stimulus.kind is ItemKind.RATED else f"<b>{KIND_NAMES[stimulus.kind][0]}{expected}</b>"
    picture = thumbnail(stimulus_path(data_dir, stimulus.sha256, stimulus.format))
    caption = f"{kind}<span>{text(stimulus.name)}</span><small>{stimulus.width_px}×{stimulus.height_px}</small>"
    if editable:
        caption += press("edit", "Change", kind="small", picture=stimulus.id)
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"
