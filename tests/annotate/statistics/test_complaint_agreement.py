"""Reasons that people give and diagnoses of a model go together as far as they do."""

import math

import pytest
from sklearn.metrics import cohen_kappa_score

from annotate.design.protocol import REASONS
from annotate.statistics.complaint_agreement import CLEAN, REASON_OF, Diagnosis, compare_complaints
from fiqa.degradation import atlas
from fiqa.degradation.synthetic import DEGRADATIONS

OFFERED = ("blur", "noise", "compression")


def test_every_degradation_that_is_diagnosed_names_a_reason_that_people_can_give() -> None:
    assert REASON_OF.keys() == DEGRADATIONS.keys()
    assert set(REASON_OF.values()) <= set(REASONS)
    assert CLEAN == atlas.CLEAN


def test_agreement_is_cohens_kappa_where_everybody_gives_one_reason() -> None:
    people = ["blur", "blur", "noise", "noise", "compression", "blur"]
    model = ["gaussian_blur", "jpeg", "poisson_noise", "gaussian_noise", "webp", "motion_blur"]
    complaints = {f"{at}.png": {reason: at + 1} for at, reason in enumerate(people)}
    diagnoses = {f"{at}.png": Diagnosis(kind, 0.5) for at, kind in enumerate(model)}
    found = compare_complaints(complaints, diagnoses, OFFERED, {}).agreement
    assert found.pictures == 6
    assert found.agreement == pytest.approx(5 / 6)
    assert found.kappa == pytest.approx(cohen_kappa_score(people, [REASON_OF[kind] for kind in model]))
    assert found.agreement_low < found.agreement <= found.agreement_high == 1
    alone = compare_complaints(complaints, diagnoses, OFFERED, dict.fromkeys(complaints, "one photo")).agreement
    assert math.isnan(alone.kappa_low)


def test_what_cannot_be_compared_is_shown_and_not_judged() -> None:
    complaints = {"tie": {"blur": 2, "noise": 2}, "clean": {"noise": 1}, "alone": {"blur": 1}, "other": {"blur": 5}}
    kinds = {"tie": "gaussian_noise", "clean": CLEAN, "quiet": "jpeg", "other": "low_light"}  # light is not offered
    found = compare_complaints(complaints, {name: Diagnosis(kind) for name, kind in kinds.items()}, OFFERED, {})
    assert [(each.stimulus, each.agrees) for each in found.pictures] == [
        ("other", None), ("tie", True), ("alone", None), ("clean", None), ("quiet", None)
    ]  # fmt: skip
    assert (found.agreement.pictures, found.agreement.clean, found.agreement.agreement) == (1, 1, 0.5)
    shares = {each.diagnosis: (each.complaints, each.shares["noise"]) for each in found.diagnoses}
    assert shares == {"gaussian_noise": (4, 0.5), CLEAN: (1, 1), "low_light": (5, 0), "jpeg": (0, 0)}
    assert found.pictures[4].row(OFFERED)["diagnosis"] == "jpeg"
    nothing = compare_complaints({}, {}, OFFERED, {})
    assert (nothing.pictures, nothing.agreement.pictures, nothing.agreement.row()["kappa"]) == ((), 0, None)
