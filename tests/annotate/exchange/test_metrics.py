"""Values of metrics are read from what `fiqa` writes and from anybody's tables; they belong to the pictures named."""

from pathlib import Path

import pytest

from annotate.errors import SettingError
from annotate.exchange.metrics import read_metrics

CONDITIONS = {"jpeg/a.png": None, "jpeg/b.png": None, "x/a.webp": "webp", "b.webp": "webp"}


def read(folder: Path, *tables: str) -> dict[str, dict[str, float]]:
    files = []
    for number, table in enumerate(tables):
        path = folder / f"{number}.csv"
        path.write_text(table)
        files.append((path, f"table{number}.csv"))
    return read_metrics(files, CONDITIONS)


def test_scores_are_called_after_their_file_and_failed_photos_passed_over(tmp_path: Path) -> None:
    scored = (
        "path,score,low,high,face,faces,notices,error\n/data/jpeg/a.png,0.5,0.4,0.6,1,1,,\n/data/jpeg/b.png,,,,,,,No\n"
    )
    assert read(tmp_path, scored) == {"table0": {"jpeg/a.png": 0.5}}


def test_a_comparison_names_pictures_by_method_and_name(tmp_path: Path) -> None:
    compared = (
        "name,source,method,score,error,degradation,psnr\n"
        "a,a,jpeg,0.5,,noise,30\nb,b,jpeg,0.6,,,31.5\na,a,webp,0.7,,,32\nb,b,webp,0.8,,,33\nc,c,webp,0.9,,,34\n"
    )
    found = read(tmp_path, compared, "stimulus;psnr\nb.webp;12,5\n")
    assert found["psnr"] == {"jpeg/a.png": 30, "jpeg/b.png": 31.5, "x/a.webp": 32, "b.webp": 33}
    assert found["table0"] == {"jpeg/a.png": 0.5, "jpeg/b.png": 0.6, "x/a.webp": 0.7, "b.webp": 0.8}
    assert found["table1: psnr"] == {"b.webp": 12.5}


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("stimulus,remark\nb.webp,good\n", "table0.csv has no column of numbers"),
        ("stimulus,niqe\nb.webp,inf\n", "table0.csv has no column of numbers"),
        ("picture,niqe\nb.webp,3\n", "table0.csv needs a column stimulus or path, or both name and method"),
        ("stimulus,niqe\nb.webp,3\nb.webp,4\n", "table0.csv has b.webp more than once"),
        ("stimulus,niqe\nz.png,3\n", "None of the rows is of a picture of this study"),
        ("name,method,niqe\nz,jpeg,3\n", "table0.csv knows no picture of this study: the first is z of jpeg"),
    ],
)
def test_a_table_that_says_nothing_of_the_study_is_refused(table: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=problem):
        read(tmp_path, table)
