"""What `benchmarks.degradation` measured, as it stands on the terminal and in a block of the model card."""

from collections.abc import Iterator, Mapping
from typing import Any

from fiqa.degradation.atlas import TYPES
from fiqa.degradation.synthetic import DEGRADATIONS
from training.report.tables import markdown_table

BLOCK = "figures of benchmarks.degradation"
Figures = Mapping[str, Any]
GOALS = {
    "type_right": "type of a single degradation right, severity 2 of 5 and more",
    "severity_within_a_level": "its severity within one level of five",
    "clean_called_clean": "clean called clean",
    "one_of_two_named_first": "one of two stacked degradations named first",
}


def report(figures: Figures) -> str:
    """Return the tables and what the embedding and its map keep."""
    return "\n\n".join(_sections(figures))


def _sections(figures: Figures) -> Iterator[str]:
    nearest, views = figures["nearest_references"], figures["views"]
    yield f"On {sum(views.values()):,} views of {figures['identities']} photos:"
    counts = {"clean_called_clean": views["clean"], "one_of_two_named_first": views["stack"]}
    rows = [
        (
            f"{words} ({counts[name]} views)" if name in counts else words,
            percent(figures[name]),
            percent(nearest[name]) if name in nearest else "",
        )
        for name, words in GOALS.items()
    ]
    yield markdown_table(("", "classifier of the atlas", "majority of 5 nearest references"), rows)
    kept = figures["neighbours_kept"]
    yield (
        f"The silhouette of the embedding is {figures['silhouette_by_degradation']:.2f} by degradation and "
        f"{figures['silhouette_by_identity']:.2f} by identity: it follows what was done and not who is shown. "
        f"On the map {percent(kept['references, t-SNE'])} of the 15 nearest references stay nearest "
        f"(two principal components keep {percent(kept['references, two components'])}), of new faces "
        f"{percent(kept['new faces, median of neighbours'])}."
    )
    yield "Taken for, in % of single degradations at severity 2 of 5 and more:"
    lines = [
        (label(name), *(f"{100 * share:.0f}" if share else "" for share in row))
        for name, row in zip(TYPES, figures["confusion"], strict=True)
    ]
    yield markdown_table(("done, taken for", *map(label, TYPES)), lines)


def label(name: str) -> str:
    """Return what a type is called."""
    return DEGRADATIONS[name].label if name in DEGRADATIONS else name


def percent(share: float) -> str:
    """Return a share as people write it."""
    return f"{100 * share:.1f} %"
