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
        f"Measured on {data['views']:,} views of {data['photos']} photos, one each of people who are in no training "
        f"photo (split {data['split']}). Their pseudo-MOS is the rank among the degraded of {data['train_views']:,} "
        f"views of the {data['train_photos']} training photos. In brackets: 95 % intervals from resampling photos; "
        f"where all pairs are right, the bound of Clopper and Pearson for as many photos."
    )
    yield _size(figures["size"])
    yield _titled("Agreement with pseudo-MOS", _agreement("views", figures["agreement"]))
    if "types_alone" in figures:  # figures that were kept before these were measured
        yield _titled("Views of each type alone, and the clean ones", _types_alone(figures["types_alone"]))
        yield _within(figures["within_photos"])
    if figures.get("robustness"):
        yield from _robustness(figures["robustness"])
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
        ("GFLOPs a face, a multiply-add counted once", f"{size['gflops']:.2f}"),
    ]
    return markdown_table(("size", ""), rows)


def _agreement(heading: str, subjects: Figures) -> str:
    rows = [(name, *_counts(each), *(show_estimate(each[key]) for key in AGREEMENT)) for name, each in subjects.items()]
    photos = ("photos",) if any("photos" in each for each in subjects.values()) else ()
    return markdown_table((heading, *photos, "n", *AGREEMENT), rows)


def _counts(each: Figures) -> tuple[int, ...]:
    return tuple(each[key] for key in ("photos", "n") if key in each)


def _types_alone(types: Figures) -> str:
    rows = [(DEGRADATIONS[name].label, each["n"], show_estimate(each["srcc"])) for name, each in types.items()]
    return markdown_table(("type", "n", "SRCC"), rows)


def _within(photos: Figures) -> str:
    return (
        f"Over the views of one photo alone, the SRCC has a median of {show_estimate(photos['median'])}; the lowest of "
        f"the {photos['n']} photos has {photos['lowest']:.3f}."
    )


def _robustness(figures: Figures) -> Iterator[str]:
    """Return what `benchmarks.robustness` measured, as tables."""
    yield _titled("Scores of clean photos", _clean(figures["clean"]))
    yield _titled("What damage costs where, as a share of damage all over", _parts(figures["parts"]))
    yield _titled("Change of score by what does no harm, the face being found anew", _changes(figures["changes"]))
    yield _titled("Change of score without landmarks, and with wrong ones", _landmarks(figures["landmarks"]))
    if "wrong" in figures:
        yield _titled("Faces that are sharp but wrong, imitated on clean photos", _wrong(figures["wrong"]))
    rows = [(name, show_estimate(each)) for name, each in figures["maps"].items() if name != "n"]
    yield _titled(f"Maps of the contribution, of {figures['maps']['n']} people", markdown_table(("", "mean"), rows))


def _clean(figures: Figures) -> str:
    rows = [
        (name, each["n"], show_estimate(each["10th percentile"]), show_estimate(each["median"]))
        for name, each in figures.items()
    ]
    return markdown_table(("photos", "n", "10th percentile", "median"), rows)


def _parts(figures: Figures) -> str:
    rows = [
        (name, each["n"], f"{each['fall']:.3f}", _percent(each["face"]), _percent(each["surroundings"]))
        for name, each in figures.items()
    ]
    return markdown_table(("damage", "people", "fall of the score", "on the face alone", "around it alone"), rows)


def _changes(figures: Figures) -> str:
    rows = [
        (name, each["n"], show_estimate(each["mean"]), f"{each['largest']:.3f}", f"{each['largest gain']:+.3f}")
        for name, each in figures.items()
    ]
    return markdown_table(("a clean photo is", "people", "mean change", "largest", "largest gain"), rows)


def _landmarks(figures: Figures) -> str:
    rows = [(name, each["n"], show_estimate(each["mean"]), f"{each['largest']:.3f}") for name, each in figures.items()]
    return markdown_table(("landmarks are", "people", "mean change", "largest"), rows)


def _wrong(figures: Figures) -> str:
    rows = [(name, each["n"], show_estimate(each["fall"]), _percent(each["falls"])) for name, each in figures.items()]
    return markdown_table(("a clean photo is", "people", "fall of the score", "falls by more than 0.01"), rows)


def _percent(share: Mapping[str, float]) -> str:
    return f"{100 * share['value']:.0f} % ({100 * share['low']:.0f} to {100 * share['high']:.0f})"


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
