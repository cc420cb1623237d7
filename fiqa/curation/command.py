"""What `fiqa curate FOLDER` does with its options. It tells first: only `--to` writes anything beside a report."""

import argparse
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fiqa.chosen_predictor import load_chosen
from fiqa.curation import FORMATS, contact_sheet, placing, reports
from fiqa.curation.curation import Curation, CurationOptions, decide, open_atlas_for
from fiqa.curation.examination import Examiner, PhotoFolder, find_folder
from fiqa.curation.lists import list_format, list_photos
from fiqa.curation.photo_facts import PhotoFacts
from fiqa.curation.placing import Placement, Step
from fiqa.curation.reports import of_verdicts
from fiqa.curation.rules import UNSCORED, SortedPhoto
from fiqa.curation.user_lists import PhotoPersons, match_persons, persons_in, read_examples
from fiqa.errors import SettingError
from fiqa.output import check_writable, chosen_format, write_file
from fiqa.reports import one_line


def run(options: argparse.Namespace) -> int:
    """Curate a folder, take up an interrupted placement, or undo one; return the exit status. Raises FiqaError."""
    if options.undo:
        return _undo(options)
    if options.folder is None:
        raise SettingError("Name the folder of the photos.")
    if options.to and options.by != "list" and (begun := placing.read_placement(options.to)):
        return _take_up(begun, options)
    return _curate(options)


def _curate(options: argparse.Namespace) -> int:
    form = chosen_format(options.format, options.output, FORMATS)
    _check_outputs(options)
    folder = find_folder(options.folder)
    wanted = _curation_options(options, folder)
    predictor = load_chosen(options.settings, checkpoint=options.checkpoint, device=options.device)
    atlas = open_atlas_for(predictor, wanted, options.settings, progress=sys.stderr.isatty())
    embeds, data_dir = wanted.persons_by_face, options.settings.data_dir
    examiner = Examiner(predictor, atlas, embeds=embeds, data_dir=data_dir, watch=_with_progress)
    command = shlex.join(["fiqa", "curate", *sys.argv[2:]]) if sys.argv[1:2] == ["curate"] else None
    curation = decide(examiner, folder, examiner.examine(folder), wanted, command=command)
    plan = _plan(curation, options)
    _report(curation, form, options)
    _tell(plan, options)
    return _place(curation, plan, options) or int(bool(curation.counts[UNSCORED]))


def _check_outputs(options: argparse.Namespace) -> None:
    """Refuse what cannot be written before anything is scored."""
    for file in (options.output, options.contact_sheet, options.to_parquet):
        if file:
            check_writable(file)
    if options.by == "list" and options.to:
        check_writable(options.to)
        list_format(options.to.suffix)
    elif options.to:
        placing.check_output(options.to, options.folder)
    elif options.by or options.take != ["keep"]:
        raise SettingError("--by and --take say what happens to photos: name a new folder with --to.")


def _curation_options(options: argparse.Namespace, folder: PhotoFolder) -> CurationOptions:
    return CurationOptions(
        keep_share=options.keep_share,
        threshold=options.threshold,
        percentile=options.percentile,
        reference=options.of,
        examples=options.examples and (read_examples(options.examples[0]), read_examples(options.examples[1])),
        best_of=options.best_of,
        persons=match_persons(folder.photos, persons_in(options.persons)) if options.persons else PhotoPersons(),
        near_duplicates=options.near_duplicates,
        without=tuple(options.without or ()),
        persons_by_face=options.persons_by_face,
    )


def _with_progress(photos: Iterator[PhotoFacts], count: int) -> Iterator[PhotoFacts]:
    from tqdm import tqdm

    yield from tqdm(photos, total=count, unit="photo", disable=None)  # None: only on a terminal


def _watch_steps(steps: Sequence[Step]) -> Iterable[Step]:
    from tqdm import tqdm

    watched: Iterable[Step] = tqdm(steps, unit="file", disable=None)
    return watched


def _watch_photos(photos: Sequence[SortedPhoto]) -> Iterable[SortedPhoto]:
    from tqdm import tqdm

    watched: Iterable[SortedPhoto] = tqdm(photos, desc="contact sheet", unit="photo", disable=None)
    return watched


def _plan(curation: Curation, options: argparse.Namespace) -> Placement | None:
    if options.to is None or options.by == "list":
        return None
    return placing.plan(curation, options.to, by=options.by or "copy", verdicts=options.take)


def _report(curation: Curation, form: str, options: argparse.Namespace) -> None:
    _write(reports.FORMATS[form](curation), options.output)
    if form == "csv":  # which has no place for them
        for notice in curation.notices:
            print(f"fiqa: {one_line(notice)}", file=sys.stderr)
    if options.contact_sheet:
        _write(contact_sheet.to_html(curation, watch=_watch_photos), options.contact_sheet)
    if options.to_parquet:
        write_file(options.to_parquet, reports.to_parquet(curation))


def _place(curation: Curation, plan: Placement | None, options: argparse.Namespace) -> int:
    if options.to and options.by == "list":
        taken = of_verdicts(curation, options.take)
        _write(list_format(options.to.suffix)(list_photos(taken, curation.folder)), options.to)
    if plan is None:
        return 0
    placing.begin(plan)
    return _finish(plan)


def _tell(plan: Placement | None, options: argparse.Namespace) -> None:
    if plan is not None:
        print(f"fiqa: placing {len(plan.steps)} files in {options.to}, by {plan.by}", file=sys.stderr)


def _take_up(begun: Placement, options: argparse.Namespace) -> int:
    """Finish a placement that was interrupted, as it was planned: what has moved is no longer there to be scored."""
    if begun.finished:
        raise SettingError(f"{options.to} holds photos that were placed before: name a new folder, or --undo it.")
    if begun.folder != options.folder.resolve() or begun.by != (options.by or "copy"):
        raise SettingError(
            f"{options.to} holds an interrupted {begun.by} of {begun.folder}: finish that first, or --undo it."
        )
    print(f"fiqa: taking up an interrupted {begun.by} of {len(begun.steps)} files", file=sys.stderr)
    return _finish(begun)


def _finish(plan: Placement) -> int:
    return _outcome(placing.carry_out(plan, watch=_watch_steps), "placed")


def _undo(options: argparse.Namespace) -> int:
    if options.folder is not None or options.to is not None:
        raise SettingError("--undo names the folder that photos were placed in: name no other.")
    begun = placing.read_placement(options.undo)
    if begun is None:
        raise SettingError(f"{options.undo} holds no {placing.LOG}: no photos were placed there.")
    return _outcome(placing.undo(begun, watch=_watch_steps), "put back")


def _outcome(outcome: placing.Outcome, done: str) -> int:
    for trouble in outcome.troubles:
        print(f"fiqa: {one_line(trouble)}", file=sys.stderr)
    print(f"fiqa: {outcome.done} files {done}", file=sys.stderr)
    return int(bool(outcome.troubles))


def _write(text: str, path: Path | None) -> None:
    data = text.encode("utf-8", errors="surrogateescape")
    if path is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        write_file(path, data)
