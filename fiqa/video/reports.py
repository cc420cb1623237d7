"""Scores of a clip as table, CSV, JSON and a figure, and the best frames as files."""

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path
from statistics import fmean
from typing import Any

from PIL import Image

from fiqa.errors import SettingError
from fiqa.output import write_file
from fiqa.reports import one_line
from fiqa.results import Interval
from fiqa.video.frames import Clip
from fiqa.video.scoring import BestFrame, ClipScores, FaceSample

COLUMNS = ("time_s", "person", "score", "interval_low", "interval_high", "x0", "y0", "x1", "y1", "reason")
FIGURES = (".png", ".svg")
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb")
"""Paul Tol's bright scheme, which people with colour-blindness tell apart."""


@dataclass(frozen=True)
class ClipReport:
    """A clip and its scores, with what they were computed with."""

    clip: Clip
    scores: ClipScores
    score_range: Interval
    stamp: dict[str, str | None]

    @property
    def people(self) -> dict[int, list[FaceSample]]:
        """The samples of each person."""
        found: dict[int, list[FaceSample]] = {}
        for sample in self.scores.samples:
            if sample.person is not None:
                found.setdefault(sample.person, []).append(sample)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return {
            "clip": str(self.clip.path),
            "duration_s": round(self.clip.duration_s, 3),
            "every_s": self.clip.every_s,
            "persons": [_person(number, samples) for number, samples in self.people.items()],
            "samples": [dict(zip(COLUMNS, _cells(sample), strict=True)) for sample in self.scores.samples],
            "score_range": list(self.score_range),
            "notices": self.clip.notices,
            "stamp": self.stamp,
        }


def to_json(report: ClipReport) -> str:
    """Return persons, samples and stamp as one object."""
    return json.dumps(report.to_dict(), indent=1) + "\n"


def to_csv(report: ClipReport) -> str:
    """Return a line for every sampled frame and person under `COLUMNS`; one without a score where there is nobody."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(sample) for sample in report.scores.samples)
    return buffer.getvalue()


def to_table(report: ClipReport) -> str:
    """Return a line a person, then what to know about the clip."""
    lines = [f"{'person':>6}  {'samples':>7}  {'from':>8}  {'to':>8}  {'mean':>6}  {'best':>6}  {'at':>8}"]
    for number, samples in report.people.items():
        told = _person(number, samples)
        lines.append(
            f"{number:6}  {told['samples']:7}  {clock(told['from_s']):>8}  {clock(told['to_s']):>8}  "
            f"{told['mean']:6.3f}  {told['best']:6.3f}  {clock(told['best_s']):>8}"
        )
    sampled = len({sample.time_s for sample in report.scores.samples})
    empty = sum(sample.person is None for sample in report.scores.samples)
    nobody = f"; {empty} without a face" if empty else ""
    told_of = f"{sampled} frames of {clock(report.clip.duration_s)}, one every {report.clip.every_s:g} s{nobody}."
    return "\n".join([*lines, "", told_of, *map(one_line, report.clip.notices)]) + "\n"


FORMATS: dict[str, Callable[[ClipReport], str]] = {"table": to_table, "json": to_json, "csv": to_csv}


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds."""
    return f"{int(seconds) // 60}:{seconds % 60:04.1f}" if seconds % 60 < 59.95 else f"{int(seconds) // 60 + 1}:00.0"


def timeline(report: ClipReport, suffix: str) -> bytes:
    """Draw the score of every person over time, with its interval as a band, as PNG or SVG."""
    from matplotlib.figure import Figure

    if suffix.lower() not in FIGURES:
        raise SettingError(f"A timeline ends in {' or '.join(FIGURES)}, not in {suffix or 'nothing'!r}.")
    figure = Figure((9, 3.6), layout="constrained")
    axes = figure.subplots()
    for number, samples in report.people.items():
        colour = COLOURS[(number - 1) % len(COLOURS)]
        times = [sample.time_s for sample in samples]
        low, high = zip(*(sample.interval or (0.0, 0.0) for sample in samples), strict=True)
        axes.fill_between(times, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(times, [sample.score or 0.0 for sample in samples], ".-", color=colour, label=f"person {number}")
    axes.set(xlim=(0, max(report.clip.duration_s, report.clip.every_s)), ylim=report.score_range)
    axes.set(xlabel="time, s", ylabel="score")
    if report.people:
        axes.legend(loc="lower left", fontsize="small")
    buffer = BytesIO()
    figure.savefig(buffer, format=suffix[1:].lower(), dpi=150)
    return buffer.getvalue()


def save_best(best: list[BestFrame], folder: Path) -> list[Path]:
    """Write frames as PNG into a folder, their rank, time, person and score in the name; raises SettingError."""
    paths = []
    for rank, frame in enumerate(best, start=1):
        sample = frame.sample
        name = f"{rank:02}-at-{sample.time_s:08.3f}s-person-{sample.person}-score-{sample.score:.3f}.png"
        buffer = BytesIO()
        Image.fromarray(frame.pixels).save(buffer, "PNG")
        write_file(folder / name, buffer.getvalue())
        paths.append(folder / name)
    return paths


def _person(number: int, samples: list[FaceSample]) -> dict[str, Any]:
    scores = [(sample.score or 0.0, sample.time_s) for sample in samples]
    best, best_s = max(scores, key=lambda each: (each[0], -each[1]))
    return {
        "person": number,
        "samples": len(samples),
        "from_s": round(samples[0].time_s, 3),
        "to_s": round(samples[-1].time_s, 3),
        "mean": round(fmean(score for score, _ in scores), 6),
        "best": round(best, 6),
        "best_s": round(best_s, 3),
    }


def _cells(sample: FaceSample) -> tuple[Any, ...]:
    low, high = sample.interval or (None, None)
    box = sample.box_xyxy or (None,) * 4
    numbers = [None if value is None else round(value, 6) for value in (sample.score, low, high)]
    pixels = [None if value is None else round(value, 1) for value in box]
    return (round(sample.time_s, 3), sample.person, *numbers, *pixels, sample.reason)
