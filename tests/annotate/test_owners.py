from datetime import timedelta

import pytest
from sqlalchemy import select

from annotate import owners
from annotate.database.engine import Database
from annotate.database.tables import Link
from annotate.errors import AccessError, TooManyGuessesError
from annotate.owners import GUESSES, GuessLimit, OwnerAccess
from annotate.queries.records import Answer
from annotate.rating import links, sitting
from annotate.rating.links import hash_token
from tests.annotate.rated import NOW, Person, new_study

SECRET = "swordfish"  # noqa: S105


def test_the_database_holds_no_token(database: Database) -> None:
    person = Person(database, new_study(database))
    with database.read() as db:
        assert db.scalars(select(Link.token_hash)).all() == [hash_token(person.token)]
    assert len(person.token) >= 43  # 256 bits
    assert person.token not in hash_token(person.token)


@pytest.mark.parametrize("token", ["", "guess", "x" * 10_000, "\x00", "\ud800", "' OR 1=1 --"])
def test_every_function_of_a_sitting_refuses_a_token_that_is_nobodys(database: Database, token: str) -> None:
    Person(database, new_study(database)).start()
    calls = [
        lambda db: sitting.next_step(db, token, NOW),
        lambda db: sitting.give_consent(db, token, NOW),
        lambda db: sitting.start_another(db, token, NOW),
        lambda db: sitting.record_screen(db, token, NOW, device="x", result={}, passed=True),
        lambda db: sitting.rate(db, token, Answer("key", 1, 3.0), NOW),
        lambda db: sitting.undo(db, token, NOW),
        lambda db: sitting.end_break(db, token, NOW),
        lambda db: sitting.finish(db, token, NOW),
        lambda db: sitting.withdraw(db, token, NOW),
        lambda db: sitting.find_picture(db, token, 1, "picture"),
        lambda db: sitting.join(db, token, NOW),
    ]
    for call in calls:
        with pytest.raises(AccessError, match=r"link"):
            database.transact(call)


def test_a_person_may_have_links_on_several_devices(database: Database) -> None:
    person = Person(database, new_study(database))
    with database.write() as db:
        participant, _ = links.open_link(db, person.token)
        second = links.issue_link(db, participant.id, NOW)
    with database.read() as db:
        assert links.open_link(db, second)[0].id == links.open_link(db, person.token)[0].id


def test_the_owner_goes_on_with_a_pass_until_it_expires() -> None:
    owner = OwnerAccess(SECRET)
    given = owner.sign_in(SECRET, NOW)
    owner.check_pass(given, NOW + timedelta(hours=11))
    with pytest.raises(AccessError, match="Sign in"):
        owner.check_pass(given, NOW + timedelta(hours=13))


def test_a_restarted_app_with_the_same_secret_takes_the_pass() -> None:
    given = OwnerAccess(SECRET).sign_in(SECRET, NOW)
    OwnerAccess(SECRET).check_pass(given, NOW)
    with pytest.raises(AccessError):
        OwnerAccess("another").check_pass(given, NOW)


@pytest.mark.parametrize("secret", ["", "Swordfish", "swordfish ", "\ud800"])
def test_a_wrong_secret_lets_nobody_in(secret: str) -> None:
    with pytest.raises(AccessError, match="not the owner's secret"):
        OwnerAccess(SECRET).sign_in(secret, NOW)


@pytest.mark.parametrize(
    "forged", [None, "", ".", "99999999999.", "99999999999.0000", "²." + "0" * 64, "\ud800.x", "x"]
)
def test_a_pass_cannot_be_forged(forged: str | None) -> None:
    with pytest.raises(AccessError, match="Sign in"):
        OwnerAccess(SECRET).check_pass(forged, NOW)


def test_a_pass_cannot_be_prolonged() -> None:
    owner = OwnerAccess(SECRET)
    expiry, _, signature = owner.sign_in(SECRET, NOW).partition(".")
    with pytest.raises(AccessError):
        owner.check_pass(f"{int(expiry) + 1}.{signature}", NOW)


def test_without_a_secret_one_is_made_for_this_start() -> None:
    first, second = OwnerAccess(None), OwnerAccess(None)
    assert first.made
    assert first.made != second.made
    first.check_pass(first.sign_in(first.made, NOW), NOW)
    assert OwnerAccess(SECRET).made is None
    with pytest.raises(AccessError):
        first.sign_in("", NOW)


def guess(limit: GuessLimit, client: str, seconds: float = 0) -> None:
    with pytest.raises(AccessError), limit.counted(client, NOW + timedelta(seconds=seconds)):
        OwnerAccess(SECRET).sign_in("guess", NOW)


def test_guessing_is_stopped_for_a_while() -> None:
    limit = GuessLimit()
    for number in range(GUESSES):
        guess(limit, "1.2.3.4", number)
    with pytest.raises(TooManyGuessesError, match="5 minutes"), limit.counted("1.2.3.4", NOW + timedelta(seconds=30)):
        OwnerAccess(SECRET).sign_in(SECRET, NOW)
    with limit.counted("1.2.3.4", NOW + timedelta(seconds=301)):
        OwnerAccess(SECRET).sign_in(SECRET, NOW)


def test_those_who_guess_shut_nobody_else_out() -> None:
    limit = GuessLimit()
    for _ in range(GUESSES + 5):
        guess(limit, "1.2.3.4")
    with limit.counted("5.6.7.8", NOW):
        OwnerAccess(SECRET).sign_in(SECRET, NOW)


def test_many_addresses_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owners, "REMEMBERED_CLIENTS", 5)
    limit = GuessLimit()
    for number in range(50):
        guess(limit, f"10.0.0.{number}")
    assert len(limit._wrong) == 5
