"""What `benchmarks.accuracy` measured, as tables, as a block of the model card, and drawn.

Everything is made of the figures as they stand in the JSON, so that tables, card and drawings cannot differ.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fiqa.degradation.synthetic import DEGRADATIONS
from fiqa.evaluation.metrics import AGREEMENT
from training.report.agreement import show_estimate
from training.report.drawings import draw_bars, draw_scatter
from training.report.tables import markdown_table

BLOCK = "figures of benchmarks.accuracy"
Figures = Mapping[str, Any]


def report(figures: Figures) -> str:
    """Return every table, each under a sentence that says what it shows."""
    return "\n\n".join(_sections(figures))


def draw_figures(folder: Path, figures: Figures) -> None:
    """Draw scores against pseudo-MOS, and the SRCC of every measure, as PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = figures["scatter"]
    axes = ("pseudo-MOS", f"score of {figures['checkpoint']}")
    draw_scatter(folder / "scatter.png", pairs["pseudo_mos"], pairs["score"], labels=axes)
    bars = {name: each["srcc"] for name, each in figures["measures"].items()}
    draw_bars(folder / "measures.png", bars, label="SRCC to pseudo-MOS, same views")


def _sections(figures: Figures) -> Iterator[str]:
    data = figures["data"]
    yield (
        f"Measured on {data['views']:,} views of {data['photos']} photos of other sources than those of training "
        f"(split {data['split']}). Their pseudo-MOS is the rank among {data['train_views']:,} degraded views of the "
        f"{data['train_photos']} training photos. In brackets: 95 % intervals from resampling photos."
    )
    yield _size(figures["size"])
    yield _titled("Agreement with pseudo-MOS", _agreement("views", figures["agreement"]))
    yield _titled("The same views against the measures one would pick offline", _measures(figures["measures"]))
    yield _titled("Pairs of neighbouring severities (clean and five levels) ranked right", _levels(figures["levels"]))
    if figures["small"]:
        yield _titled("The same on faces that were small when they were damaged", _small(figures["small"]))
    if figures["held_out"]:
        yield _titled("Types that a training never saw", _held_out(figures["held_out"]))
    yield _titled("Degradation type by its nearest neighbours in the encoder's embedding", _types(figures["types"]))
    yield _titled("Change of score (0 to 1) when the picture is", _invariance(figures["invariance"]))
    yield _titled("By pose", _agreement("faces", figures["poses"]))


def _titled(title: str, table: str) -> str:
    return f"**{title}**\n\n{table}"


def _size(size: Figures) -> str:
    rows = [
        ("parameters", f"{size['parameters']:,}"),
        ("GFLOPs a face, a multiply-add counted once, as papers and challenges do", f"{size['gflops'] / 2:.2f}"),
        ("GFLOPs a face, multiplications and additions counted apart", f"{size['gflops']:.2f}"),
    ]
    return markdown_table(("size", ""), rows)


def _agreement(heading: str, subjects: Figures) -> str:
    rows = [(name, *_counts(each), *(show_estimate(each[key]) for key in AGREEMENT)) for name, each in subjects.items()]
    photos = ("photos",) if any("photos" in each for each in subjects.values()) else ()
    return markdown_table((heading, *photos, "n", *AGREEMENT), rows)


def _counts(each: Figures) -> tuple[int, ...]:
    return tuple(each[key] for key in ("photos", "n") if key in each)


def _measures(measures: Figures) -> str:
    rows = [
        (name, each["n"] - each["refused"], show_estimate(each["srcc"]), show_estimate(each["srcc_paper"]), _ms(each))
        for name, each in measures.items()
    ]
    return markdown_table(("measure", "n", "SRCC, all types", "SRCC, the paper's types", "CPU ms a view"), rows)


def _ms(each: Figures) -> str:
    return f"{each['ms']:.0f}" if "ms" in each else "–"


def _levels(levels: Figures) -> str:
    rows = [(DEGRADATIONS[name].label, each["n"], show_estimate(each["share"])) for name, each in levels.items()]
    return markdown_table(("type", "pairs", "ranked right"), rows)


def _small(small: Figures) -> str:
    return f"{_agreement('views', small['agreement'])}\n\n{_levels(small['levels'])}"


def _held_out(held_out: Figures) -> str:
    rows = [
        (name, subject, each["n"], *(show_estimate(each[key]) for key in AGREEMENT))
        for subject, models in held_out.items()
        if subject != "types"
        for name, each in models.items()
    ]
    return markdown_table(("model", "views", "n", *AGREEMENT), rows)


def _types(encoders: Figures) -> str:
    names = list(encoders)
    total = ("all", *(show_estimate(encoders[name]["accuracy"]) for name in names))
    each = next(iter(encoders.values()))["by_type"]
    rows = [
        (
            DEGRADATIONS[kind].label if kind in DEGRADATIONS else kind,
            *(encoders[name]["by_type"][kind] for name in names),
        )
        for kind in each
    ]
    return markdown_table(("type", *names), [total, *rows])


def _invariance(invariance: Figures) -> str:
    changes = {name: each for name, each in invariance.items() if name != "n"}
    rows = [(name, invariance["n"], show_estimate(each["mean"]), each["largest"]) for name, each in changes.items()]
    return markdown_table(("", "views", "mean change", "largest"), rows)
