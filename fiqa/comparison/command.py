"""What `fiqa compare A B [C …]` does with its options."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fiqa.chosen_predictor import load_chosen
from fiqa.comparison import FORMATS, reports
from fiqa.comparison.comparison import Comparison, score_with_journal, summarise
from fiqa.comparison.examples import Example, choose_examples, show_example
from fiqa.comparison.inputs import match_inputs, name_inputs
from fiqa.comparison.matching import MatchedPhotos
from fiqa.comparison.measures import OwnMeasures, add_measures, read_measures
from fiqa.comparison.scoring import decode_versions
from fiqa.comparison.verification import differences, inputs_of, read_report
from fiqa.errors import FiqaError, SettingError
from fiqa.output import check_writable, chosen_format, write_file
from fiqa.settings import Settings

if TYPE_CHECKING:
    from fiqa.degradation.atlas import Atlas
    from fiqa.predictor import QualityPredictor


def run(options: argparse.Namespace) -> int:
    """Compare, or verify a report; return the exit status. Raises FiqaError."""
    return _verify(options) if options.verify else _compare(options)


def _compare(options: argparse.Namespace) -> int:
    form = chosen_format(options.format, options.output, FORMATS)
    if options.output:
        check_writable(options.output)
    inputs = name_inputs(options.inputs)
    if len(inputs) < 2:
        raise SettingError("A comparison needs at least two methods: name two folders or zips, or a CSV of more.")
    reference = None if options.reference is None else str(options.reference.resolve())
    matched = match_inputs(inputs, reference=reference)
    own = read_measures(options.measures) if options.measures else {}
    predictor = load_chosen(options.settings, checkpoint=options.checkpoint, device=options.device)
    atlas = None if options.no_diagnosis else _open_atlas(predictor, options.settings)
    comparison = _scored(predictor, matched, inputs, reference, atlas, own, options.settings.data_dir)
    write = reports.FORMATS.get(form)  # a page needs the network, too
    _write(write(comparison) if write else _page(predictor, matched, comparison), options.output)
    return int(any(method.unscored for method in comparison.methods))


def _scored(
    predictor: "QualityPredictor",
    matched: MatchedPhotos,
    inputs: dict[str, str],
    reference: str | None,
    atlas: "Atlas | None",
    own: OwnMeasures,
    data_dir: Path,
) -> Comparison:
    """Score what was matched, with a bar on a terminal, and return the figures."""
    from tqdm import tqdm

    scored = score_with_journal(predictor, matched, data_dir, atlas=atlas)
    photos = add_measures(list(tqdm(scored, total=len(matched.photos), unit="photo", disable=None)), own)
    places = dict.fromkeys(inputs.values())  # a CSV has several methods
    command = ("fiqa", "compare", *places, *(("--reference", reference) if reference else ()))
    return summarise(predictor, matched, photos, inputs, reference=reference, command=command)


def _page(predictor: "QualityPredictor", matched: MatchedPhotos, comparison: Comparison) -> str:
    """Return the HTML page, with examples of every pair."""
    from fiqa.comparison.page import to_html

    versions = {photo.name: photo for photo in matched.photos}
    examples: list[Example] = []
    for pair in comparison.pairs:
        for photo in choose_examples(pair, comparison.photos):
            try:
                examples.append(show_example(predictor, pair, photo.name, decode_versions(versions[photo.name])))
            except FiqaError as error:
                print(f"fiqa: {photo.name} is not shown: {error}", file=sys.stderr)
    return to_html(comparison, examples)


def _verify(options: argparse.Namespace) -> int:
    if options.output:
        check_writable(options.output)
    report = read_report(options.verify)
    inputs = inputs_of(report, options.inputs)
    reference = str(options.reference.resolve()) if options.reference else report["stamp"].get("reference")
    matched = match_inputs(inputs, reference=reference)
    options.checkpoint = options.checkpoint or report["stamp"]["checkpoint"]
    predictor = load_chosen(options.settings, checkpoint=options.checkpoint, device=options.device)
    told = list(
        differences(report, _scored(predictor, matched, inputs, reference, None, {}, options.settings.data_dir))
    )
    confirmed = f"{options.verify} is confirmed: {len(matched.photos)} photos, {len(inputs)} methods."
    _write("".join(f"{line}\n" for line in told or [confirmed]), options.output)
    return int(bool(told))


def _open_atlas(predictor: "QualityPredictor", settings: Settings) -> "Atlas":
    from fiqa.degradation.atlas_building import open_atlas

    return open_atlas(predictor, settings, progress=sys.stderr.isatty())


def _write(text: str, path: Path | None) -> None:
    data = text.encode("utf-8", errors="surrogateescape")
    if path is None:
        sys.stdout.buffer.write(data)
    else:
        write_file(path, data)
