"""Degradation category rating: how visible a picture's impairment is against its reference (ITU-T P.910); DMOS."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from annotate.design.protocol import StudyProtocol
from annotate.design.review import StimulusSummary
from annotate.errors import StudyStateError
from annotate.methods.method import NO_REFERENCES, Method, Row, Show

if TYPE_CHECKING:
    from annotate.statistics.ratings import Ratings


def _check_design(_protocol: StudyProtocol, stimuli: StimulusSummary) -> None:
    if count := stimuli.without_reference:
        raise StudyStateError(NO_REFERENCES.format(f"Pictures without a reference: {count}"))


def _add_dmos(rows: Sequence[Row], _ratings: "Ratings", _references: Mapping[str, str]) -> list[Row]:
    """Add the DMOS, which is the mean of grades of impairment."""
    return [{**row, "dmos": row["mos"], "dmos_ci95": row["ci95"]} for row in rows]


METHOD = Method(
    "dcr",
    "Rate impairment against a reference (DCR)",
    roles=lambda _protocol: ("reference", "picture"),
    show=lambda protocol: Show.BESIDE if protocol.reference_beside else Show.IN_TURN,
    check_design=_check_design,
    add_dmos=_add_dmos,
    scales=("impairment5",),
    settings=("reference_beside",),
    references=lambda _protocol: True,
    rates_references=False,
)
