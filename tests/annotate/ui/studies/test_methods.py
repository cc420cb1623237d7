"""Studies of other methods than ACR in the Studies tab."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest

from annotate import queries
from annotate.database.engine import Database
from annotate.design.roles import Role
from annotate.design.states import State
from annotate.errors import ProtocolError, StudyStateError
from annotate.exchange.export import export_study
from annotate.methods import METHODS, make_protocol
from annotate.statistics.comparisons import Comparisons
from annotate.statistics.findings import Check
from annotate.statistics.paired_checks import check_participants, find_odd
from annotate.statistics.paired_scale import fit_paired_scale
from annotate.ui.previews import StudyPreviews
from annotate.ui.studies.analyses import Analyses
from annotate.ui.studies.diagnoses import DiagnosesPanel
from annotate.ui.studies.progress import progress_panel
from annotate.ui.studies.protocol_form import FIELDS, shown_values
from annotate.ui.studies.results import Results
from annotate.ui.studies.scale import people_panel, scale_summary
from annotate.ui.studies.setup import Setup, SetupShown
from annotate.ui.studies.stimulus import StimulusEditor
from annotate.ui.studies.tab import scales_of
from annotate.ui.studies.users import User
from tests.annotate.paired import simulate
from tests.annotate.rated import NOW, Person, new_study, stimuli
from tests.annotate.studies import candidates, honest_ratings, make_study, rate
from tests.annotate.ui.studies.handling import HOST, QUICK, Labelling, form, last, page_of, sent, toasts, uploaded

PAIRS: dict[str, Any] = {"method": "pairs", "repeat_every": 0, "break_every": 0}


@pytest.mark.parametrize("method", METHODS)
def test_a_study_of_every_method_can_be_made(method: str, labelling: Labelling, tmp_path: Path) -> None:
    last(page_of(labelling).create("faces", "acr5", uploaded(tmp_path / "files", 3), method))
    with labelling.database.read() as db:
        protocol = queries.studies.find_study(db, "faces").protocol
    assert protocol.method == method
    assert protocol.scale.name in (METHODS[method].scales or ("acr5",))


def test_a_method_that_there_is_not_is_refused(labelling: Labelling) -> None:
    with pytest.raises(ProtocolError, match="expected one of acr"):
        last(page_of(labelling).create("faces", "acr5", None, "acrr"))


def test_the_result_of_pairs_is_their_scale_best_first(labelling: Labelling) -> None:
    study_id = new_study(labelling.database, images=3, **PAIRS)
    results = Results(labelling, Analyses(labelling))
    empty = last(results.enter(HOST, study_id))
    assert "No votes yet" in empty.summary
    assert "30 answers are missing in all" in empty.batch
    assert empty.batch.count("no-picture") == 6  # whose files are not there
    assert "0 of 10 answers" in empty.batch
    assert list(results.arrange({"do": "sort", "column": "jod"}, study_id, None)) == []
    person = Person(labelling.database, study_id)
    step = person.start()
    with labelling.database.read() as db:
        names = {each.sha256: each.name for each in queries.stimuli.all_stimuli(db, study_id)}
    while step.picture:  # the higher a picture's number, the better it is
        left, right = (names[each.sha256] for each in step.picture.pictures)
        step = person.rate(step, 5.0 if left > right else 1.0)
    shown = last(results.enter(HOST, study_id))
    for listed in (shown.summary, shown.listed):  # the figure, and the table
        places = [listed.index(f"rated-{number}.png") for number in (2, 1, 0)]
        assert places == sorted(places)
        assert "JOD" in listed
    assert "1 person, 0 worth a look" in shown.people
    assert last(results.enter(User("reader", roles={study_id: Role.READER}), study_id)).people == ""
    turned, order = last(results.arrange({"do": "sort", "column": "jod"}, study_id, None))
    assert (order["column"], order["descending"]) == ("jod", False)
    assert turned.index("rated-0.png") < turned.index("rated-2.png")


def test_who_answers_unlike_the_others_is_worth_a_look() -> None:
    honest = simulate(np.array([0.0, 2.0, 4.0, 6.0, 8.0]), people=6).to_frame()
    against = honest[honest["participant"] == "p0"].assign(participant="<odd>")
    against["preferred"] = against["preferred"].map({"left": "right", "right": "left", "none": "none"})
    people = check_participants(Comparisons.from_frame(pd.concat([honest, against])))
    (finding,) = find_odd(people)
    assert (finding.participant, finding.check, finding.excludes_votes) == ("<odd>", Check.AGREEMENT, False)
    shown = people_panel(people, [finding])
    assert "7 people, 1 worth a look" in shown
    assert shown.index("&lt;odd&gt;") < shown.index("p1")


def test_of_many_pictures_the_scale_is_drawn_by_rank() -> None:
    shown = scale_summary(fit_paired_scale(simulate(np.linspace(0, 6, 45), people=2)))
    assert "JOD of 45 pictures by rank" in shown
    assert "003.png" not in shown


def test_grades_against_a_hidden_reference_have_a_dmos_in_the_table(labelling: Labelling) -> None:
    offered = [replace(each, reference=None if at == 0 else "000.png") for at, each in enumerate(candidates(4))]
    made = make_study(
        labelling.database, labelling.settings.data_dir, offered, protocol=make_protocol({"method": "acr-hr"})
    )
    rate(labelling.database, made, honest_ratings([each.name for each in offered], 9))
    listed = last(Results(labelling, Analyses(labelling)).enter(HOST, made)).listed
    assert listed.index("DMOS") < listed.index("SOS")
    assert '<td>000.png</td><td><b class="score">–</b></td>' in listed  # the reference has none
    assert listed.index("001.png") < listed.index("000.png")


@pytest.mark.parametrize("method", ["acr", "pairs"])
def test_what_people_complain_about_is_counted_by_picture(method: str, labelling: Labelling, tmp_path: Path) -> None:
    protocol: dict[str, Any] = {**QUICK, "method": method, "reasons": ["blur", "noise"]}
    study_id = new_study(labelling.database, images=2, **protocol)
    for grade in (5.0, 5.0, 3.0):
        person = Person(labelling.database, study_id)
        step = person.start()
        while step.picture:
            step = person.send(person.answer(step, grade, reasons=("noise",))).step
    with labelling.database.read() as db:
        counts = queries.reasons.count_reasons(db, study_id)
    # Of a pair what is wrong is about the one that was not preferred, or about both.
    assert sum(count["noise"] for count in counts.values()) == {"acr": 6, "pairs": 4}[method]
    assert counts.keys() == {"rated-0.png", "rated-1.png"}
    complaints = last(Results(labelling, Analyses(labelling)).enter(HOST, study_id)).complaints
    assert "Noise" in complaints
    assert "Blur" not in complaints  # nobody said so
    given = tmp_path / "diagnoses.csv"
    given.write_text("path,type,probability\nrated-0.png,gaussian_noise,0.8\nrated-1.png,jpeg,0.6\n")
    beside = last(DiagnosesPanel(labelling, Mock()).compare(study_id, sent(given)))
    assert "Noise 3</td><td>gaussian noise (80%)</td><td>yes</td>" in beside or method == "pairs"
    assert "Of 1 picture with complaints and a diagnosis that names a reason" in beside  # JPEG names none of those
    assert 'download="complaints-and-diagnoses.csv"' in beside
    export_study(labelling.database, study_id, tmp_path, tmp_path / "out", label=None)
    with (tmp_path / "out" / "complaints.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["stimulus"]: int(row["noise"]) for row in rows} == {name: c["noise"] for name, c in counts.items()}
    assert {(row["blur"], row["face"]) for row in rows} == {("0", "")}  # offered and not given; not offered


@pytest.mark.parametrize("method", METHODS)
def test_the_form_shows_what_a_study_by_its_method_can_be_told(method: str) -> None:
    protocol = make_protocol({"method": method})
    updates = {each.name: update for each, update in zip(FIELDS, shown_values(protocol, State.DRAFT), strict=True)}
    shown = {name for name, update in updates.items() if update["visible"]}
    assert ("pair_partners" in shown) is (method == "pairs")
    assert ("reference_beside" in shown) is (method == "dcr")
    assert ("gold_tolerance" in shown) is (method != "pairs")
    assert ("scale" in shown) is (method in {"acr", "acr-hr"})
    assert "reasons" in shown
    assert updates["ratings_wanted"]["label"] == ("Answers per pair" if method == "pairs" else "Ratings per picture")
    offered = {name for _, name in updates["scale"]["choices"]}
    assert offered == {*METHODS[method].scales} or method == "pairs"
    assert updates["scale"]["value"] in offered  # or the form could not be sent
    first, further = scales_of(method)
    assert first["visible"] is ("scale" in shown)
    assert further["visible"] is ("more_scales" in shown)


def test_a_study_of_pairs_is_set_up_in_the_form(labelling: Labelling, monkeypatch: pytest.MonkeyPatch) -> None:
    with labelling.database.write() as db:
        study_id = queries.studies.create_study(db, "faces", make_protocol({"method": "pairs"}), NOW).id
        pictures = [replace(each, source=f"s{at // 4}") for at, each in enumerate(stimuli(8))]
        queries.stimuli.add_stimuli(db, study_id, pictures, NOW)
    setup = Setup(labelling)
    overview = setup.show(study_id)[0]
    assert "Compare two pictures" in overview
    assert "<b>120</b> ratings wanted of <b>12</b> pairs" in overview
    chosen: dict[str, Any] = {"pair_across_sources": True, "pair_partners": 3, "reasons": ["light"]}
    with toasts(monkeypatch):
        setup.save(study_id, *form(labelling, study_id, **chosen))
    with labelling.database.read() as db:
        protocol = queries.studies.get_study(db, study_id).protocol
    assert (protocol.pair_across_sources, protocol.pair_partners, protocol.reasons) == (True, 3, ("light",))
    assert "<b>16</b> pairs" in setup.overview(study_id)  # 8 in a circle, at two distances
    assert "Others that a picture meets: 3" in setup.overview(study_id)
    with pytest.raises(ProtocolError, match="“Answers per pair” is 0"):
        setup.save(study_id, *form(labelling, study_id, ratings_wanted=0))
    said = form(labelling, study_id, pair_reference=True)
    with pytest.raises(StudyStateError, match="Pictures without a reference: 8"):
        setup.ask(study_id, *said)
    setup.open(study_id, *form(labelling, study_id))
    with labelling.database.read() as db:
        assert queries.pairs.count_pairs(db, study_id) == 16


def test_a_reference_stands_between_two_pictures_and_is_not_compared(database: Database) -> None:
    pictures = stimuli(4)
    pictures[1:] = [replace(each, reference=pictures[0].name) for each in pictures[1:]]
    with database.write() as db:
        study_id = queries.studies.create_study(db, "faces", make_protocol({**PAIRS, "ratings_wanted": 1}), NOW).id
        queries.stimuli.add_stimuli(db, study_id, pictures, NOW)
        queries.lifecycle.change_protocol(db, study_id, NOW, pair_reference=True)
        queries.lifecycle.change_state(db, study_id, State.OPEN, NOW)
        assert queries.pairs.count_pairs(db, study_id) == 3
    step = Person(database, study_id).start()
    assert step.picture
    reference, left, right = step.picture.pictures
    assert [each.role for each in step.picture.pictures] == ["reference", "left", "right"]
    assert reference.sha256 == pictures[0].sha256
    assert {left.sha256, right.sha256} <= {each.sha256 for each in pictures[1:]}


def test_a_reference_that_is_shown_no_more_is_compared_again(database: Database) -> None:
    pictures = stimuli(3)
    pictures[1:] = [replace(each, reference=pictures[0].name) for each in pictures[1:]]
    with database.write() as db:
        made = make_protocol({**PAIRS, "pair_reference": True})
        study_id = queries.studies.create_study(db, "faces", made, NOW).id
        queries.stimuli.add_stimuli(db, study_id, pictures, NOW)
        assert queries.stimuli.summarize_stimuli(db, study_id).group_sizes == (2,)
        queries.lifecycle.change_protocol(db, study_id, NOW, pair_reference=False)
        assert queries.stimuli.summarize_stimuli(db, study_id).group_sizes == (3,)


@pytest.mark.parametrize("method", METHODS)
def test_a_study_of_every_method_can_be_tried_with_its_references(method: str, labelling: Labelling) -> None:
    pictures = stimuli(3)
    pictures[1:] = [replace(each, reference=pictures[0].name) for each in pictures[1:]]
    protocol = make_protocol({"method": method})
    with labelling.database.write() as db:
        study_id = queries.studies.create_study(db, "faces", protocol, NOW).id
        queries.stimuli.add_stimuli(db, study_id, pictures, NOW)
        copies = queries.stimuli.copy_stimuli(db, study_id)
    previews = StudyPreviews()
    with previews.database(previews.start("faces", protocol, copies).code).read() as db:
        assert set(queries.stimuli.reference_names(db, 1).values()) == {pictures[0].name}
    previews.close()


def test_pictures_of_pairs_are_to_be_compared_or_of_known_pairs_which_are_drawn(labelling: Labelling) -> None:
    with labelling.database.write() as db:
        study_id = queries.studies.create_study(db, "faces", make_protocol({"method": "pairs"}), NOW).id
        queries.stimuli.add_stimuli(db, study_id, stimuli(1), NOW)
        (picture,) = queries.stimuli.all_stimuli(db, study_id)
    _, _, _, kind, expected, feedback = StimulusEditor(labelling).open(
        {"do": "edit", "picture": str(picture.id)}, study_id
    )
    assert [name for _, name in kind["choices"]] == ["RATED", "GOLD", "TRAINING"]
    assert expected["visible"]
    assert feedback["visible"]
    shown = SetupShown(*Setup(labelling).show(study_id)[: len(SetupShown._fields)])
    assert (shown.checks["visible"], shown.kind["visible"], shown.draw["value"]) == (True, False, "Draw known pairs")


def test_progress_is_told_in_pairs(labelling: Labelling) -> None:
    study_id = new_study(labelling.database, images=4, **PAIRS)
    with labelling.database.read() as db:
        study = queries.studies.get_study(db, study_id)
        panel = progress_panel(study, queries.progress.study_progress(db, study, NOW), [], 0, NOW)
    assert "Pairs complete" in panel
    assert "0 ratings: 6 pairs" in panel
    assert "of 60 wanted" in panel
