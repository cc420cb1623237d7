"""Tables are read as spreadsheets write them, and no cell of an exported one is a formula."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.csv_files import CsvFile, read_cell, safe_cell
from annotate.errors import StimulusError

TABLE = "name;grade\nMüller;3,5\n"


def rows(data: bytes) -> list[tuple[int, dict[str, str]]]:
    table = CsvFile(data, "x.csv", required=["name", "grade"], numbers=["grade"], error=StimulusError)
    return list(table.rows())


@pytest.mark.parametrize(
    "data",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        b"\xef\xbb\xbf" + TABLE.encode("utf-8-sig"),
        TABLE.encode("cp1252"),
        TABLE.encode("utf-16"),
        TABLE.replace("\n", "\r\n").encode(),
    ],
    ids=["UTF-8", "byte order mark", "two of them", "cp1252", "UTF-16", "line ends of Windows"],
)
def test_table_is_read_as_excel_writes_it(data: bytes) -> None:
    assert rows(data) == [(2, {"name": "Müller", "grade": "3.5"})]


@pytest.mark.parametrize("first", ["sep=;\n", "SEP=;\r\n", '"sep=;"\n', "\ufeffsep=;\n"])
def test_first_line_may_say_the_separator(first: str) -> None:
    assert rows((first + TABLE).encode()) == [(3, {"name": "Müller", "grade": "3.5"})]


def test_comma_is_no_decimal_point_where_it_separates_fields_or_in_other_columns() -> None:
    assert rows(b'name,grade\n"1,5","1,234"\n') == [(2, {"name": "1,5", "grade": "1,234"})]
    assert rows(b"name;grade\n1,5;2\n") == [(2, {"name": "1,5", "grade": "2"})]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1.png", "@me", "\tx", "\r=1"])
def test_text_that_a_spreadsheet_would_compute_is_made_harmless(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@settings(deadline=None)  # the machine may be busy
@given(text=st.text(st.sampled_from("'=+-@a1\t"), max_size=6))
def test_what_an_export_writes_is_read_as_it_was(text: str) -> None:
    assert read_cell(safe_cell(text)) == text
    assert safe_cell(text)[:1] not in tuple("=+-@\t")
