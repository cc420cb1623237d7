"""Whatever owners, raters and files name is shown as text, in every panel of the Studies tab."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from annotate.database.tables import Event, Member, Participant, Sitting, Stimulus
from annotate.design.items import ItemKind
from annotate.design.protocol import REASONS
from annotate.design.roles import Role
from annotate.design.scales import SCALES
from annotate.queries.next_pairs import NextPair
from annotate.queries.progress import Active
from annotate.rating.links import PersonalLink
from annotate.statistics.complaint_agreement import Diagnosis, compare_complaints
from annotate.statistics.conditions import ConditionFigures, ConditionPair
from annotate.statistics.findings import Check, Finding
from annotate.statistics.metric_agreement import MetricAgreement
from annotate.statistics.paired_conditions import PairedCondition, PairedConditions
from annotate.statistics.planning import Candidate
from annotate.ui.studies import (
    complaints,
    conditions,
    diagnoses,
    html,
    links,
    log,
    members,
    metrics,
    next_pairs,
    participant_card,
    picture_table,
    pictures,
    progress,
    scale,
    screening,
    training_panels,
)
from tests.markup import MARKUP, times_shown_as_text

NOW = datetime(2026, 1, 2, tzinfo=UTC)
UNUSED: Any = None
FOUND = Finding(Check.GOLD, MARKUP, None, 0.0, 1.0, MARKUP, rejects_sitting=False, excludes_votes=True)
PERSON = Participant(pseudonym=MARKUP, created_at=NOW, votes_used=False, votes_reason=MARKUP)
SITTING = Sitting(
    number=1, rated=4, planned=4, active_s=40.0, accepted=False, accepted_reason=MARKUP, completion_code=MARKUP,
    started_at=NOW, last_seen_at=NOW, ended_at=NOW,
)  # fmt: skip
METRIC = MetricAgreement(MARKUP, False, 2, 0.5, 0.4, 0.6, 1, 0.5, 0.4, 0.6, 0.0, 0.0, 0.0)
CONDITION = ConditionFigures(MARKUP, 2, 2, 4, 3.0, 0.1)
PAIRED_CONDITION = PairedCondition(MARKUP, 2, 2, 4, 0.5, 0.1)
PAIR = ConditionPair(MARKUP, MARKUP, 2, shared=True, difference=1.0, ci95=0.1, p=0.01, p_corrected=0.01)
EVENTS: dict[str, dict[str, Any]] = {
    "sitting": {"participant": MARKUP, "number": 1, "accepted": False, "reason": MARKUP},
    "votes": {"participant": MARKUP, "used": False, "reason": MARKUP},
    "picture changed": {"picture": MARKUP, "kind": "gold"},
    "picture removed": {"picture": MARKUP},
    "link": {"participant": MARKUP},
    "message": {"message": MARKUP},
    "member": {"name": MARKUP, "role": "reader"},
    "member removed": {"name": MARKUP},
    MARKUP: {},
}


def _row() -> str:
    row: Any = SimpleNamespace(participant=PERSON, last_seen_at=NOW, ratings=4, sittings=1)
    return participant_card.person_row(row, [SITTING], {MARKUP: [FOUND]}, NOW)


def _conditions() -> str:
    found: Any = SimpleNamespace(figures=(CONDITION, CONDITION), pairs=(PAIR,))
    return conditions.conditions_panel(found, SCALES["acr5"])


def _paired_conditions() -> str:
    found = PairedConditions((PAIRED_CONDITION,) * 2, (PAIR,), problem="")
    problem = PairedConditions(problem=MARKUP)
    return "".join(map(conditions.paired_conditions_panel, (found, problem)))


def _diagnosed() -> str:
    found = compare_complaints({MARKUP: {REASONS[0]: 1}}, {MARKUP: Diagnosis(MARKUP)}, REASONS, {})
    return diagnoses.compared_panel(found, "")


def _compared() -> str:
    row = {"participant": MARKUP, "comparisons": 4, "agreement": 0.5, "circular": 0.1, "left_share": 0.5}
    people: Any = SimpleNamespace(rows=lambda: [{**row, "response_ms": 900}])
    return scale.people_panel(people, [FOUND])


def _falling() -> str:
    preview: Any = SimpleNamespace(screening=SimpleNamespace(findings=(FOUND,)), falls=(MARKUP,))
    return screening._who(preview) + screening._most({"mos_shift_most": 1.0, "moved_most": MARKUP, "mos_srcc": None})


def _picture() -> str:
    stimulus = Stimulus(
        id=1, name=MARKUP, kind=ItemKind.RATED, expected=None, width_px=9, height_px=9, sha256="0" * 64, format="PNG"
    )
    return pictures._figure(Path("nowhere"), stimulus, editable=True)


def _table() -> str:
    columns = {"mos": picture_table.Column("MOS", np.array([3.0]))}
    order = {"column": picture_table.PICTURE, "descending": False, "first": 0}
    return picture_table.PictureTable((MARKUP,), columns, order, "").panel(order)


def _logged(what: str) -> str:
    return log.log_panel([Event(at=NOW, what=what, detail=EVENTS[what], actor=MARKUP)])


PANELS: dict[str, tuple[int, Callable[[], str]]] = {
    "a note": (1, lambda: html.note(MARKUP)),
    "nothing yet": (2, lambda: html.empty(MARKUP, MARKUP)),
    "at work": (1, lambda: html.working(MARKUP)),
    "a button": (2, lambda: html.press("open", MARKUP, study=MARKUP)),
    "complaints": (1, lambda: complaints.complaints_panel({MARKUP: {REASONS[0]: 1}})),
    "conditions": (5, _conditions),
    "conditions of pairs": (6, _paired_conditions),
    "metrics": (2, lambda: metrics.agreement_panel([METRIC])),
    "members": (
        3,
        lambda: members.members_panel([Member(name=MARKUP, role=Role.READER, hub_name=MARKUP, created_at=NOW)]),
    ),
    "a member's secret": (2, lambda: members._secret_panel(MARKUP, MARKUP)),
    "a person's card": (5, lambda: participant_card.person_card(PERSON, [SITTING], [FOUND])),
    "a person's row": (4, _row),
    "personal links": (4, lambda: links.personal_links([PersonalLink(MARKUP, MARKUP)], MARKUP)),
    "who rates now": (1, lambda: progress._people_table([Active(MARKUP, NOW, 1, 2, 1)], UNUSED, NOW)),
    "complaints beside diagnoses": (3, _diagnosed),
    "what to compare next": (
        2,
        lambda: next_pairs.next_pairs_panel([NextPair(MARKUP, MARKUP, 1, 2)], 1, {}),
    ),
    "who compared": (1, _compared),
    "who falls": (3, _falling),
    "a picture": (1, _picture),
    "a table of pictures": (1, _table),
    "what to rate next": (2, lambda: training_panels.batch_panel([Candidate(MARKUP, 1, 0.5, 0.4, MARKUP)], {}, {})),
    **{f"the log: {what}": (2, partial(_logged, what)) for what in EVENTS},
}


@pytest.mark.parametrize("panel", PANELS)
def test_names_and_reasons_show_as_text(panel: str) -> None:
    least, draw = PANELS[panel]
    assert times_shown_as_text(draw()) >= least
