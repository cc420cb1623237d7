"""The Results panel shows what the votes carry, and hands out files."""

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from annotate import queries
from annotate.database.backup import verify
from annotate.database.engine import Database
from annotate.design.protocol import StudyProtocol
from annotate.errors import (
    BackupError,
    ExportError,
    SettingError,
)
from annotate.exchange.backup_archive import restore_all
from annotate.ui.studies import downloads
from annotate.ui.studies.analyses import Analyses
from annotate.ui.studies.downloads import Downloads
from annotate.ui.studies.metrics import Metrics
from annotate.ui.studies.results import Results
from tests.annotate.rated import Person, new_study
from tests.annotate.studies import candidates, honest_ratings, make_study, rate
from tests.annotate.ui.studies.handling import HOST, QUICK, Labelling, finish, last, now, packed, rated_study, sent


def test_results_show_what_the_votes_say(labelling: Labelling) -> None:
    study_id = rated_study(labelling, people=8)
    results = Results(labelling, Analyses(labelling))
    shown = last(results.enter(HOST, study_id))
    summary, conditions, table, order, disputed, complaints, people, batch, scale, diagnoses = shown
    assert diagnoses["visible"] is False  # nobody may give reasons
    assert scale["visible"] is False  # there is one
    assert complaints == people == ""  # nobody was asked for reasons, or compared
    assert summary.count("<svg") == 3
    assert conditions == ""  # nobody said what was done to the pictures
    assert "Krippendorff" in summary
    assert "missing for that" not in summary
    assert table.count("<tr>") == 13
    assert disputed.count("<figure>") > 0
    assert 'class="grades"' in disputed
    assert "144 ratings are missing" in batch
    assert "8 of 20 ratings" in batch
    assert "±" not in batch  # a picture's certainty is told in one place
    turned, order = last(results.arrange({"do": "sort", "column": "mos"}, study_id, order))
    assert order["descending"]
    assert turned.index("011.png") < turned.index("000.png")


def test_results_are_shown_of_the_scale_that_is_chosen(labelling: Labelling) -> None:
    database, protocol = labelling.database, StudyProtocol.from_json({"more_scales": "piq23"})
    study_id = make_study(database, labelling.settings.data_dir, candidates(12), protocol=protocol)
    given = honest_ratings([f"{number:03}.png" for number in range(12)], 8)
    rate(database, study_id, [each._replace(more_grades={"details": 6 - (each.grade or 0)}) for each in given])
    results = Results(labelling, Analyses(labelling))
    first, details = (last(results.enter(HOST, study_id, scale)) for scale in (None, "details"))
    assert [title for title, _ in first.scale["choices"]] == ["Overall", "Details", "Exposure"]
    assert (first.scale["value"], details.scale["value"], details.scale["visible"]) == ("overall", "details", True)
    assert "-1.00" in first.summary.partition("How far the scales go together")[2]
    sort = {"do": "sort", "column": "mos"}
    lists = [last(results.arrange(sort, study_id, None, each))[0] for each in ("overall", "details")]
    best, worst = (re.findall(r"\d{3}\.png", each)[0] for each in lists)
    assert lists[1].index(best) > lists[1].index(worst)
    assert first.disputed != details.disputed
    assert "No votes yet" in last(results.enter(HOST, study_id, "exposure")).summary


def test_figures_that_the_votes_do_not_carry_are_not_shown_and_what_is_missing_is_said(labelling: Labelling) -> None:
    study_id = rated_study(labelling, images=6, people=2)
    summary, _, table, _, disputed, *_ = last(Results(labelling, Analyses(labelling)).enter(HOST, study_id))
    assert "6 pictures have fewer than the 8 ratings" in summary
    assert "36 ratings are missing for that" in summary
    assert "<svg" not in summary
    assert "±" not in summary
    assert "Krippendorff" not in summary
    assert disputed == ""
    _, mos, ci95, sos, ratings, *_ = re.findall(r"<td>(.*?)</td>", table)
    assert re.search(r"\d\.\d\d", mos)
    assert (ci95, sos, ratings) == ("–", "–", "2")


def test_conditions_are_compared_in_figure_and_tables(labelling: Labelling) -> None:
    offered = [
        replace(each, source=f"s{number // 2}", condition=("<jpeg>", "webp")[number % 2])
        for number, each in enumerate(candidates(12))
    ]
    study_id = make_study(labelling.database, labelling.settings.data_dir, offered)
    names = [each.name for each in offered]
    rate(labelling.database, study_id, honest_ratings(names[::2], 8) + honest_ratings(names[1::2], 8, seed=2))
    conditions = last(Results(labelling, Analyses(labelling)).enter(HOST, study_id)).conditions
    assert "&lt;jpeg&gt;" in conditions
    assert "<jpeg>" not in conditions
    assert conditions.count("<svg") == 1
    assert "1 comparison, 0 of them certain" in conditions
    assert "not shown" in conditions


def test_metrics_are_compared_with_people(labelling: Labelling, tmp_path: Path) -> None:
    study_id = rated_study(labelling)
    file = tmp_path / "upload"
    file.write_text("stimulus,niqe,<sharp>\n" + "".join(f"{n:03}.png,{-n},{n % 5}\n" for n in range(12)))
    shown = last(Metrics(labelling).compare(study_id, [sent(file, "values.csv")], "other, x"))
    assert "<svg" in shown
    assert "&lt;sharp&gt;" in shown
    assert shown.index("niqe <small>(lower is better)") < shown.index("for certain")
    with pytest.raises(SettingError, match="Choose a CSV"):
        last(Metrics(labelling).compare(study_id, None, ""))


def test_results_without_a_vote_say_so(labelling: Labelling) -> None:
    study_id = make_study(labelling.database, labelling.settings.data_dir, candidates(2))
    summary, *_ = last(Results(labelling, Analyses(labelling)).enter(HOST, study_id))
    assert "No votes yet" in summary


@pytest.mark.parametrize("details", [{}, {"do": "sort", "column": "participant_ids"}, {"do": "page", "first": "-1"}])
def test_nonsense_about_the_table_changes_nothing(labelling: Labelling, details: dict[str, Any]) -> None:
    study_id = rated_study(labelling)
    _, order = last(Results(labelling, Analyses(labelling)).arrange(details, study_id, "nonsense"))
    assert order == {"column": "mos", "descending": False, "first": 0}


def test_an_analysis_is_computed_again_only_when_a_vote_changed(database: Database, labelling: Labelling) -> None:
    study_id, analyses = rated_study(labelling), Analyses(labelling)
    first = finish(analyses.get(study_id))
    assert finish(analyses.get(study_id)) is first
    with database.write() as db:
        person = queries.participants.get_participant(db, study_id, "p00")
        queries.participants.set_votes_used(db, person.id, used=False, reason="", now=now())
    second = finish(analyses.get(study_id))
    assert second is not first
    assert int(second.table.ratings.max()) == 5


def test_an_undone_and_a_new_answer_change_the_version(database: Database, labelling: Labelling) -> None:
    study_id = new_study(database, images=2, **QUICK)
    person = Person(database, study_id)
    step, seen = person.start(), set()
    for act in (lambda: person.rate(step, 2.0), person.undo, lambda: person.rate(person.look(), 4.0), person.withdraw):
        act()
        with database.read() as db:
            seen.add(queries.progress.study_version(db, study_id))
    assert len(seen) == 4


def test_downloads_lie_where_nobody_can_guess(labelling: Labelling, tmp_path: Path) -> None:
    study_id = rated_study(labelling, name="fa/ces …")
    downloads = Downloads(labelling)
    tables, training = (packed(last(pack(HOST, study_id))) for pack in (downloads.tables, downloads.training))
    for file in (tables, training):
        assert file.parent.parent == tmp_path / "uploads"
        assert len(file.parent.name) >= 40
        assert file.parent.stat().st_mode & 0o077 == 0
        assert list(file.parent.iterdir()) == [file]
    assert min(zipfile.ZipFile(tables).namelist()) == "fa-ces-tables/README.md"
    label = json.loads(zipfile.ZipFile(training).read("fa-ces-training/train/label.json"))
    assert len(label["Image"]) == len(label["MOS"]) > 0


def test_a_backup_is_a_whole_copy_with_or_without_the_pictures(labelling: Labelling, tmp_path: Path) -> None:
    rated_study(labelling)
    downloads = Downloads(labelling)
    if labelling.database.sqlite_path is None:
        with pytest.raises(BackupError, match="pg_dump"):
            last(downloads.backup())
        with pytest.raises(BackupError, match="stimuli"):
            last(downloads.backup_all())
        return
    assert verify(packed(last(downloads.backup()))).ratings == 72
    everything = restore_all(packed(last(downloads.backup_all())), tmp_path / "new.sqlite3", tmp_path / "new", now())
    assert (everything.ratings, everything.pictures) == (72, 12)


def test_more_pictures_than_a_browser_takes_are_sent_to_the_command_line(
    labelling: Labelling, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_id = rated_study(labelling)
    monkeypatch.setattr(downloads, "LARGEST_BYTES", 10)
    with pytest.raises(ExportError, match="python -m annotate export 'faces' FOLDER"):
        last(Downloads(labelling).training(HOST, study_id))
