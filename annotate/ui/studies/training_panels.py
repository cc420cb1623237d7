"""What the Train panel of the Studies tab shows: how far a training is, and how far the result agrees with people."""

import csv
import shlex
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from annotate.csv_files import safe_cell
from annotate.training_runs import Training
from annotate.ui.studies.figures import Axes
from annotate.ui.studies.html import as_csv_link, cells, empty, note, table, text, thumbnail, working

if TYPE_CHECKING:
    from annotate.statistics.planning import Candidate

LIVE = "data-live"
"""Marks a panel that goes on by itself: the page asks again."""
SHOWN_SURPRISES = 12
FIGURES = (
    ("SRCC", "Rank correlation with people: 1 is the same order."),
    ("PLCC", "Linear correlation with people: 1 is a straight line."),
    ("RMSE", "Typical error in units of the scale: smaller is better."),
    ("PAIRS", "Share of people's preferences that the scores have in order: 0.5 is chance."),
)
VERDICTS = {"better": "good", "worse": "warning", "unclear": ""}


def not_trained() -> str:
    """Say what training does, before the first time."""
    return empty(
        "Not trained yet",
        "Training fits the bundled network to these people's ratings, holds photos out to measure the result honestly, "
        "and adds a checkpoint to the Score tab. It goes on when you close this page.",
    )


def training_panel(training: Training) -> str:
    """Show the last training on a study."""
    if training.is_running:
        # While it prepares, the history may still be that of the training before.
        curves = "" if training.state == "preparing" else _curves(training.history)
        return f"<div {LIVE}>{_progress(training)}{curves}</div>"
    if training.state == "failed":
        return note(str(training.status.get("message", "")), "warning") + _log(training.log)
    if training.state == "stopped":
        said = f"The training of {training.name} was stopped. Train it again and it goes on where it was."
        return note(said, "warning") + _log(training.log)
    return note(f"{training.name} is trained: choose it in the Score tab.", "good") + _curves(training.history)


def result_panel(result: Mapping[str, Any], pictures: Mapping[str, Path], scale: str = "") -> str:
    """Show how far a checkpoint agrees with people on photos held out.

    `pictures` are the files by name, `scale` the title of the further scale that was learnt, if it was one.
    """
    name, start = text(result["name"]), text(result["start"])
    held_out = (
        f"Each of the {result['photos']:,} photos was scored with weights that were fitted to others only "
        f"({result['sources']:,} sources, none on both sides), so this is what to expect on new photos. Only the "
        "scale, two numbers that leave the order as it is, was set on all of them."
    )
    on = f" on “{text(scale)}”" if scale else ""
    head = (
        f"<h3>Does {name} agree with people{on}?</h3>{note(result['sentence'], VERDICTS[result['verdict']])}"
        f'<p class="hint">{held_out}</p>'
    )
    if "SRCC" not in result["after"]:  # pictures that were compared have no MOS to be drawn against
        return head + _comparison(result, name, start)
    return (
        f'{head}<div class="figures"><figure>{agreement_figure(result)}'
        f"<figcaption>Each point is a photo; on the line, the network and people agree.</figcaption></figure></div>"
        f"{_comparison(result, name, start)}<h3>Most surprising pictures</h3>"
        '<p class="hint">Where the network and people differ most. Look for a kind of picture: label more of it.</p>'
        f"{_surprises(result, pictures)}"
    )


def agreement_figure(result: Mapping[str, Any]) -> str:
    """Draw held-out scores against MOS."""
    low, high = result["data"]["mos_range"]
    mos, score = (np.array([each[key] for each in result["predictions"]], float) for key in ("mos", "after"))
    axes = Axes("MOS", f"Score of {text(result['name'])}", (low, high), (low, high))
    marks = axes.line((low, high), (low, high), "fitted") + axes.dots(mos, score)
    return axes.draw(marks, f"Held-out scores of {len(mos)} photos against their MOS")


def batch_panel(candidates: "Sequence[Candidate]", pictures: Mapping[str, Path], scores: Mapping[str, float]) -> str:
    """Show which pictures to have rated next, with a CSV of all of them to take away."""
    if not candidates:
        return empty("Nothing is missing", "Every picture has its ratings: add pictures in Set-up.")
    rows = [
        cells(
            _picture(pictures, each.stimulus), text(each.stimulus),
            f"{scores[each.stimulus]:.2f}" if each.stimulus in scores else "–", text(each.reason),
        )
        for each in candidates[:SHOWN_SURPRISES]
    ]  # fmt: skip
    more = len(candidates) - len(rows)
    rest = f" The list shows the first {len(rows)}." if more else ""
    link = as_csv_link("next-batch.csv", batch_csv(candidates))
    return (
        table(("Picture", "Name", "Score", "Why"), rows, caption=f"The next {len(candidates)} to have rated")
        + f'<p class="hint">Save all {len(candidates)} {link}.{rest}</p>'
    )


def batch_csv(candidates: "Sequence[Candidate]") -> str:
    """Return the batch as a CSV, the picture that gains most first."""
    buffer = StringIO()
    writer = csv.DictWriter(buffer, list(candidates[0].row()), lineterminator="\n")
    writer.writeheader()
    writer.writerows({**each.row(), "stimulus": safe_cell(each.stimulus)} for each in candidates)
    return buffer.getvalue()


def command_panel(export: str, command: Sequence[str]) -> str:
    """Show how to do the same on the command line."""
    return f"<pre><code>{text(export)}\n{text(shlex.join(command))}</code></pre>"


def _progress(training: Training) -> str:
    message = str(training.status.get("message") or "Starting; the first seconds are spent loading")
    step, steps = (int(training.status.get(key) or 0) for key in ("step", "steps"))
    if training.state == "training":
        step = max((int(row["step"]) for row in training.history), default=0)
    return working(f"{training.name}: {message}", step / steps if steps else None)


def _curves(history: Sequence[Mapping[str, Any]]) -> str:
    """Draw what is made small while fitting, and how well photos held out do."""
    drawn = [
        _curve(history, "error", "Squared error, fitting", ""),
        _curve(history, "surprise", "Surprise at an answer, fitting", ""),
        _curve(history, "srcc", "SRCC, photos held out", "held-out"),
        _curve(history, "pairs", "Preferences in order, photos held out", "held-out"),
    ]
    return f'<div class="figures curves">{"".join(drawn)}</div>' if any(drawn) else ""


def _curve(history: Sequence[Mapping[str, Any]], key: str, label: str, kind: str) -> str:
    points = [(row["step"], row[key]) for row in history if row.get(key) is not None]
    if len(points) < 2:
        return ""
    steps, values = zip(*points, strict=True)
    low, high = min(values), max(values)
    room = max(0.02, (high - low) / 10)
    axes = Axes("Step", label, (0, max(steps)), (low - room, high + room))
    marks = axes.line(steps, values, f"fitted {kind}")
    return f"<figure>{axes.draw(marks, f'{label}: {values[0]:.3f} at first, {values[-1]:.3f} now')}</figure>"


def _comparison(result: Mapping[str, Any], name: str, start: str) -> str:
    rows = [
        cells(
            f'<abbr title="{text(what)}">{key}</abbr>',
            _estimate(result["before"][key]),
            _estimate(result["after"][key]),
        )
        for key, what in FIGURES
        if key in result["after"]
    ]
    gain = cells(f"Gain in {result.get('measure', 'SRCC')}", "", _estimate(result["gain"], signed=True))
    heads = ("Figure", f"{start}, before", f"{name}, held out")
    return table(heads, [*rows, gain], caption="With 95 % intervals, resampled by source", kind="agreement")


def _estimate(figure: Mapping[str, float | None], *, signed: bool = False) -> str:
    if figure["value"] is None:
        return "–"
    form = "{:+.3f}" if signed else "{:.3f}"
    value = f"<b>{form.format(figure['value'])}</b>"
    if figure["low"] is None or figure["high"] is None:
        return value
    return f"{value} <small>{form.format(figure['low'])} to {form.format(figure['high'])}</small>"


def _surprises(result: Mapping[str, Any], pictures: Mapping[str, Path]) -> str:
    ordered = sorted(result["predictions"], key=lambda each: -abs(each["after"] - each["mos"]))
    rows = [
        cells(
            _picture(pictures, each["stimulus"]), text(each["stimulus"]), f"{each['mos']:.2f}", f"{each['after']:.2f}",
            f"{each['after'] - each['mos']:+.2f}",
        )
        for each in ordered[:SHOWN_SURPRISES]
    ]  # fmt: skip
    return table(
        ("Picture", "Name", "MOS", "Score", "Off by"), rows, caption="The largest differences first", kind="surprises"
    )


def _picture(pictures: Mapping[str, Path], stimulus: str) -> str:
    return thumbnail(pictures[stimulus]) if stimulus in pictures else ""


def _log(log: str) -> str:
    return f"<details><summary>What it printed</summary><pre>{text(log)}</pre></details>" if log else ""
