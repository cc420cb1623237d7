"""Which pictures of a study are trained on, with what label, in which split, and under which file name.

Left out are pictures without enough ratings, and those that at least half of the people called unusable, as CGFIQA-40k
left out its.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

from annotate.design.scales import Scale
from annotate.exchange.splits import SHARES, Labelled, split
from annotate.stimuli.files import FORMATS

Label = Literal["mos", "mos_p910", "jod"]
"""The figure that pictures are labelled with: of grades the MOS or its P.910 estimate, of pairs the position in JOD."""
LONGEST_STEM = 100
DECIMALS = 6


@dataclass(frozen=True)
class LabelledStimulus:
    """A stimulus to be rated, and its row of the table of the MOS or of the scale."""

    name: str
    sha256: str
    format: str
    size_bytes: int
    source: str | None
    condition: str | None
    figures: Mapping[str, Any]


@dataclass(frozen=True)
class Layout:
    """What goes where: `labels` and `files` (relative to the export) by the pictures' names."""

    label: Label
    scale: Scale
    seed: int
    pictures: Sequence[LabelledStimulus] = ()
    labels: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[str, PurePosixPath] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Return how many pictures each split has; nothing when there are none at all."""
        counts = Counter(file.parts[0] for file in self.files.values())
        return {name: counts[name] for name in SHARES} if counts else {}

    @property
    def column(self) -> str:
        """What label.json calls the labels."""
        return "JOD" if self.label == "jod" else "MOS"

    def describe(self) -> dict[str, Any]:
        """Return what dataset.json says, JSON-ready."""
        sources = [picture.source for picture in self.pictures]
        return {
            "label": self.label,
            **({} if self.label == "jod" else self._describe_grades()),
            "split_by": "source" if any(sources) else "stimulus",
            "sources": len(set(sources) - {None}),
            "seed": self.seed,
            "splits": self.counts(),
            "left_out": self.left_out,
        }

    def _describe_grades(self) -> dict[str, Any]:
        return {
            "mos_range": [self.scale.low, self.scale.high],
            "scale": self.scale.name,
            "ratings": sum(picture.figures["ratings"] for picture in self.pictures),
        }


def lay_out(
    pictures: Sequence[LabelledStimulus], scale: Scale, *, label: Label | None, min_ratings: int, seed: int
) -> Layout:
    """Label pictures with a column of their figures and deal them out; without a label there is no layout."""
    if label is None:
        return Layout("mos", scale, seed)
    reasons = {picture.name: _why_left_out(picture, label, min_ratings) for picture in pictures}
    kept = [picture for picture in pictures if not reasons[picture.name]]
    labels = {each.name: _label(each, label, scale) for each in kept}
    splits = split([Labelled(each.name, labels[each.name], each.source) for each in kept], seed=seed)
    names = dict(zip((each.name for each in pictures), _file_names(pictures), strict=True))
    files = {each.name: PurePosixPath(splits[each.name], "img", names[each.name]) for each in kept}
    left_out = dict(Counter(reason for reason in reasons.values() if reason))
    return Layout(label, scale, seed, kept, labels, files, left_out)


def _label(picture: LabelledStimulus, label: Label, scale: Scale) -> float:
    """Return the label; an estimate of a MOS may lie a little beyond the ends of its scale, and is put on them."""
    value: float = picture.figures[label]
    return round(value if label == "jod" else min(max(value, scale.low), scale.high), DECIMALS)


def _why_left_out(picture: LabelledStimulus, label: Label, min_ratings: int) -> str:
    figures = picture.figures
    answers, unusable = figures["comparisons" if label == "jod" else "ratings"], figures.get("unusable", 0)
    if unusable and unusable >= answers:
        return "unusable"
    return "too_few_ratings" if answers < min_ratings or figures[label] is None else ""


def _file_names(pictures: Iterable[LabelledStimulus]) -> Iterator[str]:
    """Yield a file name for each picture: its own, without folders, where that is free.

    Landmarks are found by the name without suffix, so that must be unique; and on some disks case makes no difference.
    A picture keeps its name when others are added later.
    """
    taken: set[str] = set()
    for picture in pictures:
        stem = re.sub(r"[^\w.-]", "_", PurePosixPath(picture.name).stem).lstrip(".")[:LONGEST_STEM] or "picture"
        if stem.casefold() in taken:
            stem = f"{stem}-{picture.sha256[:16]}"
        taken.add(stem.casefold())
        yield stem + FORMATS[picture.format]
