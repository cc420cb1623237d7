"""Which pairs a study asks next, as the Results and the Train panel show them."""

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from annotate.csv_files import safe_cell
from annotate.ui.studies.html import as_csv_link, cells, empty, table, text, thumbnail
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.queries.next_pairs import NextPair

SHOWN = 12
SIDE_PX = 64
ORDER = "In the order in which somebody new gets them: what fewest people have comes first, and of equal ones any."
BY_INFORMATION = "Chosen by the answers so far, source by source: what is expected to tell most comes first."
BOTH = f"{ORDER} Then come those that are chosen by the answers so far, what is expected to tell most first."


def next_pairs_panel(pairs: "Sequence[NextPair]", missing: int, pictures: Mapping[str, Path]) -> str:
    """Show which pairs come next, with a CSV of all of them; `pictures` are the files by name."""
    if not pairs:
        return empty("Nothing is to be compared", "Every pair has its answers.")
    rows = [
        cells(
            "".join(thumbnail(pictures[name], SIDE_PX) for name in (each.stimulus, each.other) if name in pictures),
            f"{text(each.stimulus)}<br>{text(each.other)}",
            text(each.reason),
        )
        for each in pairs[:SHOWN]
    ]
    lack = f"{counted(missing, 'answer is', 'answers are')} missing in all. " if missing else ""
    listed = table(("Pair", "Names", "Why"), rows, caption=f"The next {len(pairs)} to compare", kind="next-pairs")
    link = as_csv_link("next-pairs.csv", pairs_csv(pairs))
    rest = f" The list shows the first {len(rows)}." if len(pairs) > len(rows) else ""
    said = f'<p class="hint">{lack}{_order(pairs)}</p>'
    return f'{said}{listed}<p class="hint">Save all {len(pairs)} {link}.{rest}</p>'


def _order(pairs: "Sequence[NextPair]") -> str:
    by_information = sum(each.information is not None for each in pairs)
    return ORDER if not by_information else BY_INFORMATION if by_information == len(pairs) else BOTH


def pairs_csv(pairs: "Sequence[NextPair]") -> str:
    """Return the pairs as a CSV, in their order."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("stimulus", "other", "answers", "wanted", "information"))
    for each in pairs:
        writer.writerow((safe_cell(each.stimulus), safe_cell(each.other), *each[2:]))
    return buffer.getvalue()
