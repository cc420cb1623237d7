"""What a study's owner asks of the database: studies, stimuli, participants, imports, progress."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, text, update

from annotate import queries
from annotate.database.engine import Database
from annotate.database.tables import Participant, Rating, Stimulus
from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.design.states import State
from annotate.errors import ImportedRatingsError, StudyError, StudyStateError
from annotate.queries.imports import ImportedRating
from tests.annotate.rated import NOW, Person, new_study, stimuli

QUICK = {"gold_every": 0, "trap_every": 0, "repeat_every": 0, "break_every": 0}


def imported(database: Database, study_id: int, *ratings: ImportedRating) -> int:
    with database.write() as db:
        return queries.imports.import_ratings(db, study_id, ratings, NOW)


def places_of(database: Database) -> dict[str, tuple[int, int]]:
    with database.read() as db:
        return {
            name: (taken, rated)
            for name, taken, rated in db.execute(select(Stimulus.name, Stimulus.taken, Stimulus.rated))
        }


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "a\nb", "a\x00b"])
def test_a_study_needs_a_name(database: Database, name: str) -> None:
    with pytest.raises(StudyError, match="name"), database.write() as db:
        queries.studies.create_study(db, name, StudyProtocol(), NOW)


def test_two_studies_cannot_have_one_name(database: Database) -> None:
    new_study(database)
    with pytest.raises(StudyError, match="already"), database.write() as db:
        queries.studies.create_study(db, " faces ", StudyProtocol(), NOW)


def test_an_unknown_study_is_refused_with_those_there_are(database: Database) -> None:
    new_study(database)
    with database.read() as db, pytest.raises(StudyError, match=r"no study called 'cats'.*'faces'"):
        queries.studies.find_study(db, "cats")


def test_a_study_without_stimuli_cannot_be_opened(database: Database) -> None:
    with database.write() as db:
        study_id = queries.studies.create_study(db, "empty", StudyProtocol(), NOW).id
    with pytest.raises(StudyStateError, match="no pictures"), database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.OPEN, NOW)


def test_what_may_change_follows_from_the_state(database: Database) -> None:
    study_id = new_study(database)
    with pytest.raises(StudyStateError), database.write() as db:
        queries.lifecycle.change_protocol(db, study_id, NOW, ratings_wanted=5)
    with pytest.raises(StudyStateError), database.write() as db:
        queries.stimuli.add_stimuli(db, study_id, stimuli(20)[12:], NOW)
    with database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.PAUSED, NOW)
        assert queries.lifecycle.change_protocol(db, study_id, NOW, ratings_wanted=5).ratings_wanted == 5
        assert queries.stimuli.add_stimuli(db, study_id, stimuli(13), NOW) == [
            (each.name, each.name) for each in stimuli(12)
        ]
        assert queries.stimuli.count_stimuli(db, study_id) == {ItemKind.RATED: 13}
        assert [event.what for event in queries.audit.list_events(db, study_id)] == [
            "created", "stimuli", "state", "state", "protocol", "stimuli",
        ]  # fmt: skip


def draft_with_votes(database: Database, **protocol: Any) -> int:
    with database.write() as db:
        study_id = queries.studies.create_study(db, "draft", StudyProtocol.from_json(protocol), NOW).id
        queries.stimuli.add_stimuli(db, study_id, stimuli(2), NOW)
    imported(database, study_id, *(ImportedRating(f"rated-{at}.png", "anna", 5.0) for at in range(2)))
    return study_id


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"scale": "acr9"}, "The scale cannot be changed: the study holds 2 votes, .* make a new study"),
        ({"method": "pairs"}, "The method cannot be changed: the study holds 2 votes"),
        ({"more_scales": []}, "The choice of further scales cannot be changed: the study holds 2 votes"),
    ],
)
def test_what_imported_votes_of_a_draft_mean_stays_as_it_is(
    change: dict[str, Any], refusal: str, database: Database
) -> None:
    study_id = draft_with_votes(database, more_scales="piq23")
    with database.write() as db, pytest.raises(StudyStateError, match=refusal):
        queries.lifecycle.change_protocol(db, study_id, NOW, **change)
    with database.write() as db:
        protocol = queries.studies.get_study(db, study_id).protocol
        assert (protocol.scale.name, protocol.method, len(protocol.more_scales)) == ("acr5", "acr", 2)
        queries.lifecycle.change_protocol(db, study_id, NOW, scale="acr5", more_scales="piq23", ratings_wanted=5)
        for person in db.scalars(select(Participant)).all():
            queries.participants.delete_participant(db, person, NOW)
        queries.lifecycle.change_protocol(db, study_id, NOW, **change)


def test_reasons_that_votes_give_stay_on_offer(database: Database) -> None:
    study_id = draft_with_votes(database, reasons=["blur", "light"])
    with database.write() as db:
        db.execute(update(Rating).values(reasons=("blur",)))
    with database.write() as db:
        queries.lifecycle.change_protocol(db, study_id, NOW, reasons=["blur", "noise"])
        with pytest.raises(StudyStateError, match="The reason blur cannot be left out: the study holds 2 votes that"):
            queries.lifecycle.change_protocol(db, study_id, NOW, reasons=["noise"])


def test_a_name_stands_for_one_picture(database: Database) -> None:
    study_id = new_study(database)
    with database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.PAUSED, NOW)
    other = replace(stimuli(1)[0], sha256="0" * 64)
    with pytest.raises(StudyError, match=r"another picture called rated-0\.png"), database.write() as db:
        queries.stimuli.add_stimuli(db, study_id, [other], NOW)


def test_what_is_known_of_a_stimulus_is_kept(database: Database) -> None:
    told = replace(stimuli(1, ItemKind.TRAINING, 2.0)[0], feedback="Look at the eyes.", source="anna")
    with database.write() as db:
        study = queries.studies.create_study(db, "told", StudyProtocol(), NOW)
        queries.stimuli.add_stimuli(db, study.id, [told], NOW)
        (kept,) = queries.stimuli.stimuli_page(db, study.id)
        assert (kept.feedback, kept.source, kept.expected) == ("Look at the eyes.", "anna", 2.0)


def test_pages_follow_one_another(database: Database) -> None:
    study_id = new_study(database, images=25)
    with database.read() as db:
        first = queries.stimuli.stimuli_page(db, study_id, limit=10)
        rest = queries.stimuli.stimuli_page(db, study_id, after_id=first[-1].id)
        assert [each.name for each in first + rest] == [each.name for each in queries.stimuli.all_stimuli(db, study_id)]
        assert len(first) == 10
        assert len(rest) == 15


def test_progress_counts_what_counts(database: Database) -> None:
    study_id = new_study(database, images=4, **QUICK)
    done, going = Person(database, study_id), Person(database, study_id)
    done.rate_all(done.start())
    done.finish()
    going.rate(going.start())
    with database.read() as db:
        study = queries.studies.get_study(db, study_id)
        progress = queries.progress.study_progress(db, study, NOW + timedelta(minutes=5))
        assert progress.stimuli_by_ratings == {1: 3, 2: 1}
        wanted = (progress.pictures, progress.wanted, progress.complete, progress.missing)
        assert wanted == (4, 80, 0, 75)
        assert (progress.ratings, progress.participants) == (5, 2)
        assert (progress.sittings, progress.sittings_ended, progress.active_participants) == (2, 1, 1)
        rows = queries.participants.participants_page(db, study_id)
        assert [(row.ratings, row.sittings) for row in rows] == [(4, 1), (1, 1)]


def test_nobody_is_rating_in_a_study_that_is_closed(database: Database) -> None:
    study_id = new_study(database, images=4, **QUICK)
    Person(database, study_id).start()
    with database.write() as db:
        study = queries.studies.get_study(db, study_id)
        assert queries.progress.study_progress(db, study, NOW).active_participants == 1
        queries.lifecycle.change_state(db, study_id, State.CLOSED, NOW)
        assert queries.progress.study_progress(db, study, NOW).active_participants == 0


def test_a_protocol_of_the_first_version_is_read_with_its_study(database: Database) -> None:
    study_id = new_study(database, images=1)
    with database.write() as db:
        values = {"ratings_wanted": 7, "consent_text": "I agree."}
        db.execute(text("UPDATE study SET protocol = :values"), {"values": json.dumps(values)})
    with database.read() as db:
        protocol = queries.studies.get_study(db, study_id).protocol
        assert (protocol.ratings_wanted, protocol.texts["de"].consent) == (7, "I agree.")


def test_imported_ratings_fill_places(database: Database) -> None:
    study_id = new_study(database, images=3, ratings_wanted=2, **QUICK)
    count = imported(
        database,
        study_id,
        ImportedRating("rated-0.png", "anna", 5.0, 1200, NOW),
        ImportedRating("rated-1.png", "anna", None),
        ImportedRating("rated-0.png", "ben", 4.0),
    )
    assert count == 3
    assert places_of(database) == {"rated-0.png": (2, 2), "rated-1.png": (1, 1), "rated-2.png": (0, 0)}
    person = Person(database, study_id)
    assert person.rate_all(person.start()).done == 2


@pytest.mark.parametrize(
    "second",
    [ImportedRating("rated-0.png", "anna", 4.0), ImportedRating("cat.png", "anna", 4.0)],
    ids=["twice", "unknown stimulus"],
)
def test_an_import_with_one_bad_row_adds_nothing(database: Database, second: ImportedRating) -> None:
    study_id = new_study(database, images=3)
    with pytest.raises(ImportedRatingsError):
        imported(database, study_id, ImportedRating("rated-0.png", "anna", 5.0), second)
    assert set(places_of(database).values()) == {(0, 0)}
    with database.read() as db:
        assert db.scalars(select(Participant)).all() == []


def test_what_was_rated_already_cannot_be_imported_again(database: Database) -> None:
    study_id = new_study(database, images=3)
    rating = ImportedRating("rated-0.png", "anna", 5.0)
    imported(database, study_id, rating)
    with pytest.raises(ImportedRatingsError, match="has rated it in this study already"):
        imported(database, study_id, rating)
    assert imported(database, study_id, ImportedRating("rated-1.png", "anna", 5.0)) == 1
    with database.read() as db:
        assert db.scalars(select(Participant.pseudonym)).all() == ["anna"]


def test_a_closed_study_takes_no_imports(database: Database) -> None:
    study_id = new_study(database)
    with database.write() as db:
        queries.lifecycle.change_state(db, study_id, State.CLOSED, NOW)
    with pytest.raises(StudyStateError, match="closed"):
        imported(database, study_id, ImportedRating("rated-0.png", "anna", 5.0))


def test_ratings_come_as_arrays_for_the_statistics(database: Database) -> None:
    study_id = new_study(database, images=2, gold=1, training=1, training_count=1, **{**QUICK, "gold_every": 2})
    person = Person(database, study_id)
    step = person.send(person.answer(person.start(), 1.0)).step  # training
    given = []
    while step.picture:
        given.append(step.picture.pictures[0].sha256)
        step = person.send(
            person.answer(step, None, unusable=True) if len(given) == 1 else person.answer(step, 4.0)
        ).step
    with database.read() as db:
        ratings = queries.ratings.load_ratings(db, study_id)
        rows = list(queries.ratings.stream_ratings(db, study_id))
    assert [row.sha256 for row in rows if row.kind is not ItemKind.TRAINING] == given
    assert ratings.stimulus_ids == ("rated-0.png", "rated-1.png", "gold-0.png")
    names = [ratings.stimulus_ids[index] for index in ratings.stimulus]
    in_order = [row for row in rows if row.kind is not ItemKind.TRAINING]
    assert sorted(names) == sorted(row.stimulus for row in in_order)
    for position, name in enumerate(names):
        row = next(each for each in in_order if each.stimulus == name)
        assert ratings.kind[position] == row.kind
        assert ratings.sequence[position] == row.sequence
        assert ratings.response_ms[position] == 1000
        assert np.isnan(ratings.grade[position]) == row.unusable
        assert np.isnan(ratings.expected[position]) == (row.kind is ItemKind.RATED)
    assert ratings.sitting_ids == (f"{rows[0].participant}/1",)
    assert (ratings.scale_low, ratings.scale_high) == (1.0, 5.0)


def test_a_study_without_ratings_gives_empty_arrays(database: Database) -> None:
    study_id = new_study(database, images=2)
    with database.read() as db:
        ratings = queries.ratings.load_ratings(db, study_id)
    assert len(ratings) == 0
    assert len(ratings.stimulus_ids) == 2


def test_a_deleted_study_leaves_nothing(database: Database) -> None:
    study_id = new_study(database, images=2, **QUICK)
    person = Person(database, study_id)
    person.rate_all(person.start())
    with database.write() as db:
        queries.studies.delete_study(db, study_id)
        assert db.scalars(select(Participant)).all() == []
        assert db.scalars(select(Stimulus)).all() == []
