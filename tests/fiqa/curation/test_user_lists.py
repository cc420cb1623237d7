from pathlib import Path

import pytest

from fiqa.curation.user_lists import read_persons


@pytest.mark.parametrize(
    "table", ["path,person\na.png,Ann\n", "Path; Person\na.png;Ann\n", "PERSON\tPATH\nAnn\ta.png\n"]
)
def test_persons_are_read_with_any_delimiter_and_letter_case(tmp_path: Path, table: str) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "persons.csv").write_text(table)

    assert read_persons(tmp_path / "persons.csv", tmp_path) == {"a.png": "Ann"}
