"""The Set-up panel: what was chosen is checked, saved and locked when it must be."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from annotate import queries
from annotate.design.items import ItemKind
from annotate.design.languages import LANGUAGES
from annotate.design.protocol import StudyProtocol, StudyTexts
from annotate.design.start_questions import READY_QUESTIONS, StartQuestion
from annotate.design.states import State
from annotate.errors import (
    ImportedRatingsError,
    ProtocolError,
    StimulusError,
    StudyError,
    StudyStateError,
)
from annotate.methods import make_protocol
from annotate.ui.studies import background
from annotate.ui.studies.links import complete_links
from annotate.ui.studies.protocol_form import FIELDS, read_values, shown_values
from annotate.ui.studies.ratings_import import RatingsImport
from annotate.ui.studies.setup import Setup, SetupShown
from annotate.ui.studies.stimulus import StimulusEditor
from tests.annotate.studies import candidates, make_study
from tests.annotate.ui.studies.handling import (
    HOST,
    MARKUP,
    Labelling,
    form,
    last,
    page_of,
    rated_study,
    sent,
    toasts,
    uploaded,
)


def test_names_with_markup_show_as_text(labelling: Labelling) -> None:
    study_id = rated_study(labelling, name=MARKUP)
    page, setup = page_of(labelling), Setup(labelling)
    everything = page.listed(HOST) + page.title(HOST, study_id)[0] + str(setup.show(study_id))
    assert MARKUP not in everything
    assert everything.count("&lt;img src=x onerror=alert(1)&gt;") == 2


def test_a_draft_is_opened_paused_and_closed_for_good(labelling: Labelling) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)
    setup.open(study_id, *form(labelling, study_id))
    assert "can rate now" in setup.show(study_id)[0]
    setup.pause(study_id)
    setup.open(study_id, *form(labelling, study_id))
    with pytest.raises(StudyStateError, match="name exactly"):
        setup.end(study_id, "Faces")
    setup.end(study_id, "faces")
    with pytest.raises(StudyStateError, match="cannot become open"):
        setup.open(study_id, *form(labelling, study_id))


def test_a_study_without_pictures_says_so_and_does_not_open(labelling: Labelling) -> None:
    study_id = last(page_of(labelling).create("empty", "acr5", None))[3]
    setup = Setup(labelling)
    assert "no pictures to rate" in setup.show(study_id)[0]
    with pytest.raises(StudyStateError, match="add some"):
        setup.open(study_id, *form(labelling, study_id))


def test_deleting_needs_the_name_and_leaves_nothing(labelling: Labelling, monkeypatch: pytest.MonkeyPatch) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)
    with pytest.raises(StudyStateError, match="name exactly"):
        last(setup.delete(study_id, ""))
    with toasts(monkeypatch):
        steps = list(setup.delete(study_id, "faces"))
    assert "Deleting the votes of 6 people" in steps[0][0]
    with pytest.raises(StudyError, match="not exist"):
        setup.show(study_id)
    assert "No studies yet" in page_of(labelling).listed(HOST)


def test_the_form_holds_every_value_of_the_protocol(labelling: Labelling, monkeypatch: pytest.MonkeyPatch) -> None:
    protocol = StudyProtocol(
        ratings_wanted=7,
        sitting_limit_s=900,
        gold_tolerance=0.5,
        closes_at=datetime(2030, 1, 1, 12, tzinfo=UTC),
        languages=("en", "de"),
        texts={"de": StudyTexts(consent="Ja?")},
        questions=(READY_QUESTIONS["device"], StartQuestion("lens", {"en": "Lenses?"}, {"en": ("yes", "no")})),
    )
    values = [update["value"] for update in shown_values(protocol, State.DRAFT)]
    assert StudyProtocol.from_json(read_values(values)) == protocol
    study_id, setup = rated_study(labelling), Setup(labelling)
    with toasts(monkeypatch):
        setup.save(study_id, *values)
    with labelling.database.read() as db:
        assert queries.studies.get_study(db, study_id).protocol == protocol


def test_a_bad_value_is_called_as_the_form_calls_it(labelling: Labelling) -> None:
    study_id = rated_study(labelling)
    values = form(labelling, study_id)
    values[1] = 0
    with pytest.raises(ProtocolError, match="“Ratings per picture” is 0; expected 1 to 1000"):
        Setup(labelling).save(study_id, *values)


def test_the_scale_of_a_draft_with_imported_votes_is_not_changed_by_the_form(
    labelling: Labelling, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)
    with pytest.raises(StudyStateError, match="The scale cannot be changed: the study holds 72 votes"):
        setup.save(study_id, *form(labelling, study_id, scale="acr9"))
    with toasts(monkeypatch) as said:
        setup.save(study_id, *form(labelling, study_id, ratings_wanted=7))
    assert said == ["The protocol is saved."]


def test_what_must_not_change_while_paused_is_locked() -> None:
    locked = {
        field.name
        for field, update in zip(FIELDS, shown_values(StudyProtocol(), State.PAUSED), strict=True)
        if not update["interactive"]
    }
    assert {"scale", "gold_every", "consent", "languages", "own_questions"} <= locked
    assert not {"ratings_wanted", "sitting_items"} & locked
    assert not any(update["interactive"] for update in shown_values(StudyProtocol(), State.OPEN))


def test_attention_checks_are_drawn_and_added(labelling: Labelling, monkeypatch: pytest.MonkeyPatch) -> None:
    study_id = rated_study(labelling)
    with toasts(monkeypatch) as said:
        last(Setup(labelling).draw_traps(study_id, 3))
    assert said == ["3 pictures were added."]
    with labelling.database.read() as db:
        assert queries.stimuli.count_stimuli(db, study_id)[ItemKind.TRAP] == 3


def test_the_same_picture_handed_in_twice_is_told(
    labelling: Labelling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_id = rated_study(labelling, images=2)
    with toasts(monkeypatch) as said:
        last(Setup(labelling).add(study_id, uploaded(tmp_path / "more", 3)))
    assert said[0].startswith("The same pictures are kept once: 000.png is 000.png")
    assert said[1] == "1 picture was added."


def test_opening_says_what_it_fixes_and_saves_what_was_changed(labelling: Labelling) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)
    changed = form(labelling, study_id, ratings_wanted=3, closes_at="2090-01-01 12:00")
    said, asked = setup.ask(study_id, *changed)
    assert asked["visible"]
    assert "stay as they are" in said
    assert "3 ratings per picture are few" in said  # of the form, and not of what is saved
    with labelling.database.read() as db:
        study = queries.studies.get_study(db, study_id)
        assert (study.state, study.protocol.ratings_wanted) == (State.DRAFT, 20)
    setup.open(study_id, *changed)
    with labelling.database.read() as db:
        study = queries.studies.get_study(db, study_id)
        assert (study.state, study.protocol.ratings_wanted) == (State.OPEN, 3)
        assert study.protocol.closes_at == datetime(2090, 1, 1, 12, tzinfo=UTC)
        assert study.protocol.texts.keys() == LANGUAGES.keys()  # as participants read them from now on


def test_a_form_that_makes_no_sense_opens_nothing(labelling: Labelling) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)
    for name, value, reason in (
        ("ratings_wanted", 0, "“Ratings per picture” is 0"),
        ("closes_at", "next week", "“Deadline"),
        ("ratings_wanted", None, "“Ratings per picture” is empty; expected a whole number"),
        ("languages", [], "tick at least one under “Languages offered”"),
        ("languages", ["de", "es"], "“First language” is English, which is not offered; offer it, or choose Deutsch"),
        ("own_questions", "Glasses?", "is no question"),
    ):
        bad = form(labelling, study_id, **{name: value})
        for act in (setup.ask, setup.open, setup.save, setup.try_out):
            with pytest.raises(ProtocolError, match=reason):
                act(study_id, *bad)
    with labelling.database.read() as db:
        assert queries.studies.get_study(db, study_id).state is State.DRAFT


def test_what_was_changed_while_paused_is_saved_by_opening_again(labelling: Labelling) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)
    setup.open(study_id, *form(labelling, study_id))
    setup.pause(study_id)
    setup.open(study_id, *form(labelling, study_id, max_people=7))
    with labelling.database.read() as db:
        study = queries.studies.get_study(db, study_id)
        assert (study.state, study.protocol.max_people) == (State.OPEN, 7)


def test_after_opening_the_links_are_there(labelling: Labelling) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)
    links = SetupShown._fields.index("links")
    assert not setup.show(study_id)[links]["visible"]
    setup.open(study_id, *form(labelling, study_id))
    shown = setup.show(study_id)[links]
    assert shown["visible"]
    assert "?study=" in shown["value"]
    assert "FIQA_PUBLIC_URL" in shown["value"]  # shown by the page where only this computer reaches it


def test_links_begin_with_the_public_address() -> None:
    assert 'const PUBLIC_URL = "https://faces.example.org/";' in complete_links("https://faces.example.org/")
    assert "const PUBLIC_URL = null;" in complete_links(None)


def test_new_pictures_leave_the_form_as_it_stands(labelling: Labelling) -> None:
    study_id, setup = rated_study(labelling), Setup(labelling)
    overview, pictures, editor = setup.refresh(study_id)
    assert "ratings wanted" in overview
    assert "12 pictures to rate" in pictures
    assert not editor["visible"]


def test_a_picture_of_a_draft_is_changed_and_removed(labelling: Labelling) -> None:
    study_id = make_study(labelling.database, labelling.settings.data_dir, candidates(3))
    editor, setup = StimulusEditor(labelling), Setup(labelling)
    with labelling.database.read() as db:
        first, second, _ = (each.id for each in queries.stimuli.all_stimuli(db, study_id))
    picked, opened, head, kind, expected, feedback = editor.open({"do": "edit", "picture": str(first)}, study_id)
    fields = [each["value"] for each in (kind, expected, feedback)]
    assert (picked, opened["visible"], *fields) == (first, True, "RATED", None, "")
    assert {name for _, name in kind["choices"]} == {"RATED", "GOLD", "TRAP", "TRAINING"}
    assert "000.png" in head
    with pytest.raises(StimulusError, match="Say the right grade: known answers need one"):
        editor.save(study_id, first, "GOLD", None, "")
    with pytest.raises(StimulusError, match="The right grade cannot be given"):
        editor.save(study_id, first, "TRAINING", 7, "")
    editor.save(study_id, first, "TRAINING", 2, " Look at the eyes. ")
    editor.remove(study_id, second)
    assert "1 picture to rate, 1 training picture" in setup.pictures(study_id)
    with labelling.database.read() as db:
        changed = queries.stimuli.get_stimulus(db, study_id, first)
        assert (changed.kind, changed.expected, changed.feedback) == (ItemKind.TRAINING, 2, "Look at the eyes.")
        assert [event.what for event in queries.audit.list_events(db, study_id)][-2:] == [
            "picture changed",
            "picture removed",
        ]
    with pytest.raises(StudyError, match="not in the study any more"):
        editor.remove(study_id, second)


def test_a_picture_stays_as_it_is_once_the_study_is_open_or_it_was_rated(labelling: Labelling) -> None:
    rated = rated_study(labelling)
    editor, setup = StimulusEditor(labelling), Setup(labelling)
    with labelling.database.read() as db:
        first = next(queries.stimuli.all_stimuli(db, rated)).id
    assert 'data-do="edit"' in setup.pictures(rated)
    with pytest.raises(StudyStateError, match="has ratings already"):
        editor.remove(rated, first)
    setup.open(rated, *form(labelling, rated))
    assert 'data-do="edit"' not in setup.pictures(rated)
    with pytest.raises(StudyStateError, match="only be changed or removed in a draft"):
        editor.remove(rated, first)
    with pytest.raises(StudyStateError, match="only be changed or removed in a draft"):
        editor.save(rated, first, "TRAINING", None, "")


def test_preferences_given_elsewhere_come_into_a_study_of_pairs_and_grades_do_not(
    labelling: Labelling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paired = make_protocol({"method": "pairs"})
    study_id = make_study(labelling.database, labelling.settings.data_dir, candidates(3), protocol=paired)
    imports, file = RatingsImport(labelling), tmp_path / "upload"
    file.write_text("left,right,participant,preferred,reasons\n000.png,001.png,p,left,blur\n000.png,002.png,p,none,\n")
    with toasts(monkeypatch) as said:
        last(imports.add(study_id, sent(file, "votes.csv"), ""))
    assert said == [
        "votes.csv gives reasons with 1 comparison; imports take in none, so they are left out.",
        "2 comparisons were added.",
    ]
    file.write_text("stimulus,participant,grade\n000.png,p,3\n")
    with pytest.raises(ImportedRatingsError, match=r"votes\.csv lacks .*left"):
        last(imports.add(study_id, sent(file, "votes.csv"), ""))


def test_ratings_given_elsewhere_come_in_and_the_page_is_told(
    labelling: Labelling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_id = make_study(labelling.database, labelling.settings.data_dir, candidates(3))
    imports, file = RatingsImport(labelling), tmp_path / "upload"
    file.write_text("stimulus,participant,grade,kind\n000.png,p,3,rated\n000.png,p,4,repeat\n")
    monkeypatch.setattr(background, "TOLD_EVERY_S", 0.001)
    with toasts(monkeypatch) as said:
        *steps, end = imports.add(study_id, sent(file, "votes.csv"), "")
    assert said == ["2 ratings were added, 1 of them repeats."]
    assert (end.busy, end.file) == ("", None)
    assert all("Reading" in step.busy or "Storing" in step.busy for step in steps)
    file.write_text("stimulus,participant,grade\nz.png,p,3\n")
    with pytest.raises(ImportedRatingsError, match=r"Line 2 rates 'z.png', which is not in the study"):
        last(imports.add(study_id, sent(file, "votes.csv"), ""))
    with pytest.raises(ImportedRatingsError, match="Choose a file"):
        last(imports.add(study_id, None, ""))
