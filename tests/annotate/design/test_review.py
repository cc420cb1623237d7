"""What a reviewer would object to, in the words of the page, and in proportion to the study."""

from datetime import UTC, datetime, timedelta

import pytest

from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol, StudyTexts
from annotate.design.review import FEWEST_FOR_CHECKS, FEWEST_OF_A_PERSON, StimulusSummary, check_ready, warn
from annotate.design.sitting_plan import ItemTime
from annotate.design.start_questions import StartQuestion
from annotate.errors import StudyStateError
from annotate.statistics.findings import ScreeningRules
from annotate.statistics.mos import FEWEST_VOTES_OF_PARTICIPANT

NOW = datetime(2026, 5, 1, tzinfo=UTC)
COUNTS = {ItemKind.RATED: 100, ItemKind.TRAINING: 5, ItemKind.GOLD: 10, ItemKind.TRAP: 10}
ENOUGH = StimulusSummary(COUNTS)


def stimuli(**counts: int) -> StimulusSummary:
    return StimulusSummary({**COUNTS, **{ItemKind[name.upper()]: count for name, count in counts.items()}})


def test_the_documented_test_is_beyond_reproach() -> None:
    assert check_ready(StudyProtocol(), ENOUGH, NOW) == ()


@pytest.mark.parametrize(("pictures", "lacks"), [(20, 0), (19, 1), (14, 2)])
def test_a_design_of_few_pictures_is_told_what_it_cannot_give(pictures: int, lacks: int) -> None:
    assert (FEWEST_VOTES_OF_PARTICIPANT, ScreeningRules().fewest_votes) == (FEWEST_OF_A_PERSON, FEWEST_FOR_CHECKS)
    said = " ".join(warn(StudyProtocol(), stimuli(rated=pictures)))
    assert ("the P.910 estimate" in said, "spread, haste or agreement" in said) == (lacks > 0, lacks > 1)


def test_a_study_without_pictures_cannot_be_opened() -> None:
    with pytest.raises(StudyStateError, match="no pictures to rate"):
        check_ready(StudyProtocol(), StimulusSummary({ItemKind.GOLD: 4}), NOW)


def test_a_study_whose_deadline_has_passed_cannot_be_opened() -> None:
    check_ready(StudyProtocol(closes_at=NOW + timedelta(minutes=1)), ENOUGH, NOW)
    with pytest.raises(StudyStateError, match="deadline has passed"):
        check_ready(StudyProtocol(closes_at=NOW), ENOUGH, NOW)


@pytest.mark.parametrize(
    ("protocol", "there", "reason"),
    [
        (StudyProtocol(), stimuli(gold=3), "A sitting asks for 10 known answers; the study has 3."),
        (StudyProtocol(), stimuli(trap=0), "A sitting asks for 10 attention checks; the study has none."),
        (StudyProtocol(), stimuli(training=0), "asks for 5 training pictures; the study has none."),
        (StudyProtocol(), StimulusSummary(COUNTS, silent_training=1), "without feedback: 1 training picture."),
        (StudyProtocol(gold_every=0, trap_every=0), stimuli(rated=5), "too few pictures for a repeated one"),
        (StudyProtocol(ratings_wanted=5), ENOUGH, "5 ratings per picture are few"),
        (StudyProtocol(sitting_limit_s=3600), ENOUGH, "60 minutes tire"),
        (
            StudyProtocol(),
            StimulusSummary(COUNTS, item=ItemTime(30, 50)),
            "At about 30 s each, people get to 60 of the 100 pictures of a sitting before its 30 minutes are over.",
        ),
        (
            StudyProtocol(),
            StimulusSummary({ItemKind.RATED: 100}, pairs=0, planned_pairs=30),
            "A sitting asks for 5 known pairs; the study has none.",
        ),
        (StudyProtocol(), StimulusSummary({ItemKind.RATED: 8}, pairs=0, planned_pairs=4), "too few pairs"),
        (StudyProtocol(), StimulusSummary(COUNTS, (1400, 500)), "needs a window of 1432×710; a small laptop"),
        (StudyProtocol(min_screen_side_px=600), StimulusSummary(COUNTS, (500, 700)), "needs a window of 532×910"),
        (StudyProtocol(), StimulusSummary(COUNTS, (512, 512)), "to leave them out, set “Smallest screen” to 600"),
        (
            StudyProtocol(languages=("en", "de", "es"), texts={"en": StudyTexts(consent="Ours.")}),
            ENOUGH,
            "The consent: yours in English, but the app's own in Deutsch and Español. Translate, or do not offer",
        ),
        (
            StudyProtocol(languages=("en", "es"), questions=(StartQuestion("lens", {"en": "?", "de": "?"}, {}),)),
            ENOUGH,
            "The question lens is missing in Español.",
        ),
    ],
)
def test_thin_designs_are_warned_of(protocol: StudyProtocol, there: StimulusSummary, reason: str) -> None:
    assert any(reason in warning for warning in warn(protocol, there))


def test_a_small_study_is_asked_for_as_many_checks_as_fit_into_a_sitting() -> None:
    twelve = StimulusSummary({ItemKind.RATED: 12, ItemKind.TRAINING: 5})
    assert warn(StudyProtocol(), twelve)[:2] == (
        "A sitting asks for 2 known answers; the study has none. Add some, or ask for none.",
        "A sitting asks for 2 attention checks; the study has none. Add some, or ask for none.",
    )


def test_languages_that_are_not_offered_need_no_words() -> None:
    own = {"en": StudyTexts(consent="Ours.")}
    assert warn(StudyProtocol(languages=("en",), texts=own), ENOUGH) == ()


def test_a_required_screen_silences_the_warning_of_phones() -> None:
    assert warn(StudyProtocol(min_screen_side_px=600), StimulusSummary(COUNTS, (512, 512))) == ()


def test_warnings_speak_as_the_form_does() -> None:
    said = " ".join(warn(StudyProtocol(ratings_wanted=2), StimulusSummary({ItemKind.RATED: 12}, (3000, 3000), 2)))
    assert not {"gold", "trap", "stimuli", "stimulus"} & set(said.lower().replace(".", " ").split())


def test_design_without_checks_asks_for_no_items() -> None:
    plain = StudyProtocol(training_count=0, gold_every=0, trap_every=0, repeat_every=0)
    assert warn(plain, StimulusSummary({ItemKind.RATED: 20})) == ()
