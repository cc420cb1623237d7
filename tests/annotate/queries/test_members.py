"""Members of a study: added once, found by secret or name, removed at once; what each did is in the log."""

import pytest
from sqlalchemy import func, select

from annotate import queries
from annotate.database.engine import Database
from annotate.database.tables import Member
from annotate.design.roles import Role
from annotate.errors import StudyError
from annotate.owners import acting_as, hash_secret, make_secret
from tests.annotate.rated import NOW, new_study


def test_a_member_is_found_by_secret_or_by_name_and_no_secret_is_stored(database: Database) -> None:
    study_id, secret = new_study(database, images=1), make_secret()
    with database.write() as db:
        known = hash_secret(secret)
        queries.members.add_member(db, study_id, " Ada ", Role.ASSISTANT, NOW, secret_hash=known)
        queries.members.add_member(db, study_id, "Grace", Role.READER, NOW, hub_name="Hopper")
    with database.read() as db:
        (ada,) = queries.members.memberships(db, secret_hash=hash_secret(secret))
        (grace,) = queries.members.memberships(db, hub_name="HOPPER")
        assert (ada.name, ada.role, grace.name, grace.role) == ("Ada", Role.ASSISTANT, "Grace", Role.READER)
        assert queries.members.memberships(db, secret_hash=hash_secret("guess")) == []
        assert secret not in str(db.execute(select(Member.__table__)).all())


@pytest.mark.parametrize(
    ("name", "hub_name"),
    [("", None), ("x" * 65, None), ("a\x07b", None), ("Ada", None), ("Ada the second", "LOVELACE")],
)
def test_a_name_that_is_none_or_taken_is_refused(database: Database, name: str, hub_name: str | None) -> None:
    study_id = new_study(database, images=1)
    with database.write() as db:
        queries.members.add_member(db, study_id, "Ada", Role.OWNER, NOW, hub_name="lovelace")
    with database.write() as db, pytest.raises(StudyError):
        queries.members.add_member(db, study_id, name, Role.OWNER, NOW, hub_name=hub_name or "other")


def test_members_go_when_removed_and_with_their_study(database: Database) -> None:
    study_id = new_study(database, images=1)
    with database.write() as db:
        for name in ("Ada", "Grace"):
            queries.members.add_member(db, study_id, name, Role.READER, NOW, hub_name=name)
        queries.members.remove_member(db, study_id, "Ada", NOW)
        with pytest.raises(StudyError, match="called 'Ada'"):
            queries.members.remove_member(db, study_id, "Ada", NOW)
        assert [each.name for each in queries.members.list_members(db, study_id)] == ["Grace"]
        queries.studies.delete_study(db, study_id)
        assert db.scalar(select(func.count()).select_from(Member)) == 0


def test_the_log_says_who_did_what(database: Database) -> None:
    study_id = new_study(database, images=1)
    with database.write() as db, acting_as("Ada"):
        queries.studies.set_message(db, study_id, "Soon over.", NOW)
    with database.write() as db:
        queries.studies.set_message(db, study_id, "", NOW)
    with database.read() as db:
        assert [each.actor for each in queries.audit.latest_events(db, study_id, 2)] == ["", "Ada"]
