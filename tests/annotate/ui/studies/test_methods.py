"""Studies of other methods than ACR in the Studies tab."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from annotate import queries
from annotate.errors import ProtocolError
from annotate.methods import METHODS, make_protocol
from annotate.ui.previews import StudyPreviews
from annotate.ui.studies.analyses import Analyses
from annotate.ui.studies.progress import progress_panel
from annotate.ui.studies.results import Results
from tests.annotate.rated import NOW, Person, new_study, stimuli
from tests.annotate.ui.studies.handling import Labelling, last, page_of, uploaded

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
    assert "No votes yet" in last(results.enter(study_id)).summary
    person = Person(labelling.database, study_id)
    step = person.start()
    with labelling.database.read() as db:
        names = {each.sha256: each.name for each in queries.stimuli.all_stimuli(db, study_id)}
    while step.picture:  # the higher a picture's number, the better it is
        left, right = (names[each.sha256] for each in step.picture.pictures)
        step = person.rate(step, 5.0 if left > right else 1.0)
    shown = last(results.enter(study_id)).summary
    places = [shown.index(f"rated-{number}.png") for number in (2, 1, 0)]
    assert places == sorted(places)
    assert "JOD" in shown


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


def test_progress_is_told_in_pairs(labelling: Labelling) -> None:
    study_id = new_study(labelling.database, images=4, **PAIRS)
    with labelling.database.read() as db:
        study = queries.studies.get_study(db, study_id)
        panel = progress_panel(study, queries.progress.study_progress(db, study, NOW), [], 0, NOW)
    assert "Pairs complete" in panel
    assert "of 60 wanted" in panel
