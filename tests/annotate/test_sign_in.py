import pytest

from annotate.errors import AccessError
from annotate.owners import check_owner, owner_names
from annotate.settings import Settings


def test_owners_are_let_in_whatever_the_case() -> None:
    owners = Settings.from_environment({"FIQA_OWNERS": " Anna, ben ,"}).owners
    assert owners == {"anna", "ben"}
    check_owner("ANNA", owners)
    check_owner("ben", owners)


@pytest.mark.parametrize("name", [None, "", "annab", "ann", "carl", "anna,ben"])
def test_nobody_else_is(name: str | None) -> None:
    with pytest.raises(AccessError):
        check_owner(name, owner_names("anna,ben"))


@pytest.mark.parametrize("value", ["", " , "])
def test_without_a_list_nobody_is(value: str) -> None:
    owners = Settings.from_environment({"FIQA_OWNERS": value}).owners
    for name in (None, "", "anna"):
        with pytest.raises(AccessError, match="FIQA_OWNERS"):
            check_owner(name, owners)
