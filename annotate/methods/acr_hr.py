"""Absolute category rating with hidden reference: references are rated like any picture (ITU-T P.910); DMOS."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from annotate.design.protocol import StudyProtocol
from annotate.design.review import StimulusSummary
from annotate.errors import StudyStateError
from annotate.methods.method import NO_REFERENCES, Method, Row

if TYPE_CHECKING:
    from annotate.statistics.ratings import Ratings


def _check_design(_protocol: StudyProtocol, stimuli: StimulusSummary) -> None:
    if not stimuli.with_reference:
        raise StudyStateError(NO_REFERENCES.format("No picture has a reference"))


def _add_dmos(rows: Sequence[Row], ratings: "Ratings", references: Mapping[str, str]) -> list[Row]:
    from annotate.statistics.dmos import differential_mos

    found = differential_mos(ratings, references)
    nothing = {"dmos": None, "dmos_ci95": None}
    return [{**row, **found.get(row["stimulus"], nothing)} for row in rows]


METHOD = Method(
    "acr-hr",
    "Rate pictures, references hidden among them (ACR-HR)",
    roles=lambda _protocol: ("picture",),
    check_design=_check_design,
    add_dmos=_add_dmos,
    references=lambda _protocol: True,
)
