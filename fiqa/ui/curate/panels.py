"""What the Curate tab shows: nothing yet, the spread with the threshold on it, the photos by verdict, one example."""

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from fiqa.curation.lists import ListEntry, to_csv, to_json_lines, to_text
from fiqa.curation.rules import KEEP, VERDICTS, SortedPhoto
from fiqa.curation.thresholds import Threshold
from fiqa.errors import SettingError
from fiqa.results import Interval
from fiqa.ui.curate.state import EXAMPLES, REFERENCE, CurationState, ExaminedPhoto, SortedPage
from fiqa.ui.figures import ACR_WORDS, HISTOGRAM_BINS, png_uri, text
from fiqa.ui.progress import panel

EXAMPLE_SIDE_PX = 512
MEANINGS = {
    "keep": "reach the threshold",
    "maybe": "only their interval reaches it",
    "drop": "below, or not wanted",
    "unscored": "no score",
}


def empty_panel() -> str:
    """Invite the first photos."""
    return panel(
        "empty",
        '<p class="headline">Keep, maybe, drop.</p><p>Add the photos of a folder, or a zip of folders. They are scored '
        "once; then move the threshold and watch what stays.</p>",
    )


def error_panel(message: str) -> str:
    """Say in one sentence what was wrong and what to do."""
    return panel("error", f'<p class="headline">Nothing was sorted.</p><p role="alert">{text(message)}</p>')


def summary_panel(state: CurationState, page: SortedPage, way: str) -> str:
    """Show how many photos have each verdict, the spread with the threshold, and what there is to save."""
    photos, threshold = page.photos, page.threshold
    notices = "".join(f'<p class="notice">{text(notice)}</p>' for notice in page.notices)
    count = Counter(photo.verdict for photo in photos)
    numbers = "".join(
        f'<li class="{verdict}"><b>{count[verdict]}</b> {verdict}<small>{MEANINGS[verdict]}</small></li>'
        for verdict in VERDICTS
        if count[verdict] or verdict != "unscored"
    )
    verdicts = text(json.dumps([[photo.verdict, photo.reason or ""] for photo in photos]))
    return panel(
        "summary",
        f'<ul class="verdict-counts" aria-live="polite">{numbers}</ul>{_distribution(state, photos, threshold)}'
        f'<p class="origin">{_origin(threshold, way)}</p>{notices}{_downloads(photos)}'
        f'<div hidden class="verdicts" data-verdicts="{verdicts}"></div>',
    )


def sheet_panel(photos: Sequence[ExaminedPhoto]) -> str:
    """Show every photo small, the best first; `sheet.js` puts each below its verdict."""
    order = sorted(range(len(photos)), key=lambda index: -(photos[index].facts.score or 0.0))
    items = "".join(_item(place, index, photos[index]) for place, index in enumerate(order))
    sections = "".join(
        f'<section class="{verdict}" data-verdict="{verdict}"><h3>{verdict.capitalize()} <span></span></h3><ul></ul>'
        "</section>"
        for verdict in VERDICTS
    )
    return f'<div class="sheet">{sections}<ul class="unsorted">{items}</ul></div>'


def example_panel(state: CurationState, pixels: NDArray[np.uint8]) -> str:
    """Show the photo (H, W, 3) that is to be called good or bad."""
    return (
        f'<div class="example" data-number="{len(state.answers)}">'
        f"<p>{len(state.answers) + 1} of {len(state.examples)}: is this photo good enough?</p>"
        f'<img src="{png_uri(pixels, side_px=EXAMPLE_SIDE_PX)}" alt="Example {len(state.answers) + 1}">'
        '<div class="answers"><button type="button" value="good"><kbd>G</kbd> Good</button>'
        '<button type="button" value="bad"><kbd>B</kbd> Bad</button>'
        '<button type="button" value="skip"><kbd>S</kbd> Skip</button>'
        '<button type="button" value="back"><kbd>←</kbd> Back</button></div></div>'
    )


def examples_done(state: CurationState) -> str:
    """Say that all examples were looked at."""
    good, bad = len(state.answered(good=True)), len(state.answered(good=False))
    more = "" if good and bad else " A threshold needs at least one of each."
    return (
        f'<div class="example" data-number="{len(state.answers)}"><p>{good} good, {bad} bad.{more}</p>'
        '<div class="answers"><button type="button" value="back"><kbd>←</kbd> Back</button></div></div>'
    )


def _item(place: int, index: int, photo: ExaminedPhoto) -> str:
    facts = photo.facts
    picture = f'<img src="{photo.thumbnail}" alt="">' if photo.thumbnail else '<span class="none"></span>'
    score = "" if facts.score is None else f"<b>{facts.score:.2f}</b>"
    return (
        f'<li data-place="{place}" data-index="{index}">{picture}{score}<small>{text(facts.name)}</small>'
        '<small class="why"></small></li>'
    )


def _distribution(state: CurationState, photos: Sequence[SortedPhoto], threshold: Threshold | None) -> str:
    """Draw the scores in bins, coloured by verdict, the threshold as a line, the reference set as an outline."""
    scored = [(photo.facts.score, photo.verdict) for photo in photos if photo.facts.score is not None]
    if not scored:
        return ""
    counts = {
        verdict: _bins([score for score, given in scored if given == verdict], state.score_range)
        for verdict in VERDICTS[:3]
    }
    highest = max(1, int(np.sum([*counts.values()], axis=0).max()))
    bars = "".join(
        f"<i>{_stack({verdict: bins[index] / highest for verdict, bins in counts.items()})}</i>"
        for index in range(HISTOGRAM_BINS)
    )
    words = "".join(f'<span class="word">{word}</span>' for word in ACR_WORDS)
    said = f"How {len(scored)} scores spread" + ("" if threshold is None else f"; threshold {threshold.value:.2f}")
    return (
        f'<div class="histogram" role="img" aria-label="{said}"><div class="bins">{_reference(state)}{bars}'
        f'{_line(threshold, state.score_range)}</div><div class="words">{words}</div></div>{_legend(state)}'
    )


def _stack(shares: dict[str, float]) -> str:
    return "".join(f'<u class="{verdict}" style="height:{100 * share:.1f}%"></u>' for verdict, share in shares.items())


def _reference(state: CurationState) -> str:
    """Draw the reference set as bars behind, on a scale of its own."""
    if not state.reference:
        return ""
    bins = _bins(state.reference, state.score_range)
    bars = "".join(f'<i style="height:{100 * each / max(1, int(bins.max())):.1f}%"></i>' for each in bins)
    return f'<div class="reference" title="Reference set, {len(state.reference)} photos">{bars}</div>'


def _legend(state: CurationState) -> str:
    count = len(state.reference)
    return f'<p class="origin">Grey, behind: the reference set of {count} photos.</p>' if count else ""


def _line(threshold: Threshold | None, score_range: Interval) -> str:
    if threshold is None:
        return ""
    low, high = score_range
    place = 100 * min(1.0, max(0.0, (threshold.value - low) / (high - low)))
    return f'<span class="threshold" style="left:{place:.2f}%"><b>{threshold.value:.2f}</b></span>'


def _bins(scores: Sequence[float], score_range: Interval) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.histogram(np.clip(scores, *score_range), HISTOGRAM_BINS, range=score_range)[0]
    return counts


def _origin(threshold: Threshold | None, way: str) -> str:
    if threshold is None:
        missing = {
            REFERENCE: "Add a reference set to take the threshold from.",
            EXAMPLES: "Say of some examples which are good and which are bad.",
        }
        return missing.get(way, "")
    agreement = ""
    if (told := threshold.agreement) is not None:
        agreement = f" It agrees with {told.right} of {told.examples} examples"
        agreement += f"; found without each of them in turn, with {told.left_out}."
    return f"Threshold {threshold.value:.3f}: {text(threshold.origin)}.{agreement}"


def _downloads(photos: Sequence[SortedPhoto]) -> str:
    """Return links that save the list of what is kept, without a file on the server."""
    kept = [ListEntry(photo.name, photo.verdict, photo.facts.score) for photo in photos if photo.verdict == KEEP]
    every = [ListEntry(photo.name, photo.verdict, photo.facts.score) for photo in photos]
    links = _link("kept.csv", "text/csv", to_csv(kept), "CSV") + _link(
        "kept.jsonl", "application/jsonl", to_json_lines(kept), "JSON Lines"
    )
    with suppress(SettingError):  # a name holds a line end
        links += _link("kept.txt", "text/plain", to_text(kept), "Text")
    return (
        f'<p class="downloads">Save what is kept {links}</p>'
        f'<p class="downloads">Save all verdicts {_link("verdicts.csv", "text/csv", to_csv(every), "CSV")}</p>'
    )


def _link(name: str, media_type: str, content: str, label: str) -> str:
    data = b64encode(content.encode("utf-8", errors="replace")).decode("ascii")
    return f'<a class="save" download="{name}" href="data:{media_type};base64,{data}">{label}</a>'
