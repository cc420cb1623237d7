"""What the Results panel shows of several scales: a choice among them, and how far they go together."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from annotate.design.further_scales import MAIN
from annotate.design.protocol import StudyProtocol
from annotate.ui.studies.html import cells, table, text
from annotate.ui.studies.picture_table import number

if TYPE_CHECKING:
    from annotate.statistics.scale_correlation import ScaleCorrelation

HEADS = ("Scale", "With", "SRCC", "95 % interval", "PLCC", "Pictures")
MEANING = (
    "How far the MOS of two scales order the pictures alike: near 1 people see one thing, far from it each scale says "
    "something of its own."
)
CHECKED_BY = "Whom checks and screening find is decided by the first scale."


def scale_choice() -> gr.Radio:
    """Return the choice of the scale that results are shown of, for studies that have several."""
    return gr.Radio([], label="Scale", info=CHECKED_BY, visible=False, elem_id="results-scale")


def offer_scales(protocol: StudyProtocol, chosen: str) -> Any:
    """Return what the choice offers of a study."""
    titles = protocol.scale_titles("en")
    choices = [(title, name) for name, title in titles.items()]
    return gr.update(choices=choices, value=chosen, visible=len(titles) > 1)


def known_scale(protocol: StudyProtocol, wanted: object) -> str:
    """Return the wanted scale where a study has it, else its first: the choice may be that of another study."""
    return next((name for name in protocol.scale_names if name == wanted), MAIN)


def correlations_panel(correlations: "Sequence[ScaleCorrelation]", protocol: StudyProtocol) -> str:
    """Return the table of every two scales; nothing without any."""
    if not correlations:
        return ""
    titles = protocol.scale_titles("en")
    rows = (
        cells(
            text(titles[each.a]),
            text(titles[each.b]),
            f'<b class="score">{number(each.srcc)}</b>',
            f"{number(each.srcc_low)} to {number(each.srcc_high)}",
            number(each.plcc),
            f"{each.pictures:,}",
        )
        for each in correlations
    )
    listed = table(HEADS, rows, caption="Correlation of the MOS", kind="scale-correlations")
    return f'<h3>How far the scales go together</h3><p class="hint">{MEANING}</p>{listed}'
