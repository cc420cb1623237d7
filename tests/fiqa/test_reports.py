"""Tables of scores: the same for pandas, CSV and JSON."""

import subprocess
import sys
from io import StringIO

import numpy as np
import pandas as pd
import pytest

from fiqa import to_frame
from fiqa.errors import PhotoError
from fiqa.reports import CSV_COLUMNS, ScoredPhoto, to_csv
from fiqa.results import FaceResult, QualityResult

FACE = FaceResult((0.0, 0.0, 9.0, 9.0), np.zeros((68, 2), np.float32), 0.71236, (0.5, 0.9))
SCORED = QualityResult(0.71236, (0.5, 0.9), (FACE, FACE), "lite", (0.0, 1.0), "bundled", ("Taken upright.", "Grey."))
PHOTOS = [ScoredPhoto("a, b.png", SCORED), ScoredPhoto("c.png", PhotoError("It is no photo."))]


def test_results_and_errors_make_one_row_each() -> None:
    frame = to_frame([SCORED, PhotoError("It is no photo.")], ["a.png", "c.png"])
    assert tuple(frame.columns) == CSV_COLUMNS
    assert frame["path"].tolist() == ["a.png", "c.png"]
    assert frame["score"].tolist() == pytest.approx([0.7124, float("nan")], nan_ok=True)
    assert frame.loc[0, ["face", "faces", "notices"]].tolist() == [1, 2, "Taken upright. Grey."]
    assert frame.loc[1, "error"] == "It is no photo."
    assert frame["face"].isna().tolist() == [False, True]


def test_photos_without_names_are_numbered() -> None:
    assert to_frame([SCORED, SCORED])["path"].tolist() == ["0", "1"]
    with pytest.raises(ValueError, match="zip"):
        to_frame([SCORED], ["a.png", "b.png"])


def test_no_results_make_a_table_without_rows() -> None:
    frame = to_frame([])
    assert (len(frame), tuple(frame.columns)) == (0, CSV_COLUMNS)
    assert frame["score"].dtype == float


def test_csv_is_the_table_and_reads_back() -> None:
    lines = to_csv(PHOTOS).splitlines()
    assert lines == [
        "path,score,interval_low,interval_high,face,faces,notices,error",
        '"a, b.png",0.7124,0.5,0.9,1,2,Taken upright. Grey.,',
        "c.png,,,,,0,,It is no photo.",
    ]
    again = pd.read_csv(StringIO(to_csv(PHOTOS)))
    assert again["score"].tolist() == pytest.approx(to_frame(PHOTOS)["score"].tolist(), nan_ok=True)


def test_pandas_is_loaded_for_a_table_and_not_before() -> None:
    code = "import sys, fiqa.reports, fiqa.__main__; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
