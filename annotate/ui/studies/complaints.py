"""What the Results panel shows of reasons: what people complain about, picture by picture."""

from collections.abc import Mapping

from annotate.design.languages import texts_in
from annotate.design.protocol import REASONS
from annotate.ui.studies.html import cells, note, table, text
from annotate.wording import counted

SHOWN = 50
EXPLAINED = (
    "How often each reason was given with an answer that counts. What is said of a pair is about the picture that was "
    "not preferred, or about both where there was no difference."
)


def complaints_panel(complaints: Mapping[str, Mapping[str, int]]) -> str:
    """Return a table of the pictures that people complain about, the most complained of first; nothing without any."""
    if not complaints:
        return ""
    wording = texts_in("en").wording
    given = [reason for reason in REASONS if any(counts.get(reason) for counts in complaints.values())]
    pictures = sorted(complaints, key=lambda name: (-sum(complaints[name].values()), name))
    heads = ("Picture", *(wording[f"reason_{reason}"] for reason in given))
    rows = (
        cells(text(name), *(f"{count:,}" if (count := complaints[name].get(reason, 0)) else "" for reason in given))
        for name in pictures[:SHOWN]
    )
    listed = table(heads, rows, caption=counted(len(pictures), "picture"), kind="mos")
    more = len(pictures) - SHOWN
    rest = note(f"The other {more:,} are in complaints.csv of the tables.") if more > 0 else ""
    return f'<h3>What people complain about</h3><p class="hint">{EXPLAINED}</p>{listed}{rest}'
