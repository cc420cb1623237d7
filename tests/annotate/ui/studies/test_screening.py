"""Limits are moved, previewed, applied and taken back in the Participants panel."""

from annotate import queries
from annotate.queries.imports import ImportedRating
from annotate.statistics.findings import DEFAULT_RULES, LIMITS
from annotate.ui.studies.screening import SLIDERS, ScreeningLimits
from annotate.ui.studies.setup import Setup
from tests.annotate.studies import rate
from tests.annotate.ui.studies.handling import MARKUP, Labelling, last, rated_study

IMAGES = 30


def with_a_clicker(labelling: Labelling) -> int:
    study_id = rated_study(labelling, images=IMAGES)
    clicks = [ImportedRating(f"{number:03}.png", MARKUP, 3.0) for number in range(IMAGES)]
    rate(labelling.database, study_id, clicks)
    return study_id


def values(**moved: float) -> list[float]:
    return [moved.get(name, getattr(DEFAULT_RULES, name)) for name in SLIDERS]


def test_every_limit_has_a_slider() -> None:
    assert SLIDERS.keys() == LIMITS.keys()


def test_moving_a_limit_says_who_falls_and_how_the_mos_moves(labelling: Labelling) -> None:
    study_id, limits = with_a_clicker(labelling), ScreeningLimits(labelling)
    said = last(limits.preview(study_id, *values()))
    assert "<dt>Left out</dt><dd><b>1</b>" in said
    assert "straight-liner: 30 grades are nearly all the same" in said
    assert "<b>180</b> of 210 that count now" in said
    assert MARKUP not in said
    loose = last(limits.preview(study_id, *values(longest_run=200, least_spread=0, agreement=0)))
    assert "Nobody falls who counts now." in loose


def test_limits_are_applied_logged_kept_and_undone(labelling: Labelling) -> None:
    study_id, limits = with_a_clicker(labelling), ScreeningLimits(labelling)
    said, _, *sliders = limits.apply(study_id, *values(agreement=0.3))
    assert "Applied: 1 more person is left out, 0 people count again." in said
    assert [each["value"] for each in sliders] == values(agreement=0.3)
    assert [each["value"] for each in limits.show(study_id)[2:]] == values(agreement=0.3)
    assert "Screening 1 was applied with other limits (agreement 0.3): 1 person is left out" in str(
        Setup(labelling).overview(study_id)
    )
    assert "Undone" in limits.undo(study_id)[0]
    assert [each["value"] for each in limits.show(study_id)[2:]] == values()
    with labelling.database.read() as db:
        assert queries.participants.unused_participants(db, study_id) == set()
