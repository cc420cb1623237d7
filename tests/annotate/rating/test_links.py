"""Personal links are made, replaced, and known to nobody but their participants."""

import pytest

from annotate import queries
from annotate.database.engine import Database
from annotate.errors import AccessError
from annotate.rating.links import join_path, make_links, open_link, prolific_path, renew_link
from tests.annotate.rated import NOW, new_study


def test_personal_links_open_and_a_new_one_closes_the_old(database: Database) -> None:
    study_id = new_study(database, images=1, language="de")
    with database.write() as db:
        study = queries.studies.get_study(db, study_id)
        links = make_links(db, study, 3, NOW)
        tokens = [path.partition("&participant=")[2] for _, path in links]
        assert [open_link(db, token)[0].pseudonym for token in tokens] == [link.pseudonym for link in links]
        renewed = renew_link(db, study, links[0].pseudonym, NOW)
        assert open_link(db, renewed.path.partition("&participant=")[2])[0].language == "de"
        with pytest.raises(AccessError):
            open_link(db, tokens[0])


def test_prolific_is_given_the_link_for_everybody_with_its_own_placeholders(database: Database) -> None:
    study_id = new_study(database, images=1)
    with database.read() as db:
        study = queries.studies.get_study(db, study_id)
    assert join_path(study) == f"?study={study.join_code}"
    assert prolific_path(study).startswith(join_path(study) + "&PROLIFIC_PID={{%PROLIFIC_PID%}}&")
