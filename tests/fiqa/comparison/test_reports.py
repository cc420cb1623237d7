import csv
import json
from dataclasses import replace
from io import StringIO
from typing import Any

import numpy as np
import pytest

from fiqa.comparison import FORMATS as OFFERED
from fiqa.comparison.comparison import Comparison
from fiqa.comparison.reports import FORMATS, conclusion, p_value
from fiqa.comparison.scoring import ScoredVersions
from fiqa.comparison.stamp import Inputs, Stamp
from fiqa.comparison.statistics import PairFigures, compare_pairs, describe_method
from fiqa.comparison.verification import differences

INPUTS = {"a": Inputs("/x/a", 3, "1"), "b_1": Inputs("/x/b_1", 3, "2")}
STAMP = Stamp(
    checkpoint="lite",
    sha256="ab" * 32,
    version="0.1.0",
    finder="bundled",
    device="cpu",
    libraries={"torch": "2.13.0"},
    python="3.12.1",
    machine="Linux x86_64",
    date="2026-01-01T00:00:00+00:00",
    command=("fiqa", "compare", "a", "b_1"),
    inputs=INPUTS,
)


@pytest.fixture
def comparison() -> Comparison:
    """Three photos by two methods; the last has no score of b_1."""
    scores: dict[str, list[float | None]] = {"a": [0.5, 0.6, 0.7], "b_1": [0.6, 0.65, None]}
    photos = tuple(
        ScoredVersions(name, name, {method: values[index] for method, values in scores.items()})
        for index, name in enumerate(("one", "two", "three"))
    )
    arrays = {method: np.array(values, dtype=float) for method, values in scores.items()}
    sources = np.arange(3)
    methods = tuple(describe_method(name, values, sources) for name, values in arrays.items())
    return Comparison(methods, tuple(compare_pairs(arrays, sources)), photos, (0.0, 1.0), STAMP)


def test_json_has_the_documented_fields(comparison: Comparison) -> None:
    report = json.loads(FORMATS["json"](comparison))

    assert {"name", "mean", "interval", "photos", "unscored"} <= set(report["methods"][0])
    assert {"a", "b", "difference", "interval", "win_rate", "p"} <= set(report["pairs"][0])
    assert report["photos"][2]["scores"] == {"a": 0.7, "b_1": None}
    assert report["stamp"]["sha256"] == "ab" * 32
    assert report["pairs"][0]["difference"] == pytest.approx(0.075)


@pytest.mark.parametrize(
    ("difference", "interval", "p", "said"),
    [
        (0.1, (0.05, 0.15), 0.001, "b scores higher than a, by 0.100 on average"),
        (-0.1, (-0.15, -0.05), 0.001, "a scores higher than b, by 0.100 on average"),
        (0.1, (0.05, 0.15), 0.09, "it takes more photos to be certain"),
        (0.01, (-0.05, 0.07), 0.4, "No difference between b and a is shown"),
        (0.01, None, None, "too few photos"),
    ],
)
def test_a_conclusion_claims_no_more_than_the_figures_show(
    difference: float, interval: tuple[float, float] | None, p: float | None, said: str
) -> None:
    assert said in conclusion(PairFigures("a", "b", 9, difference, interval, 6, 1, 2, 0.72, p, 0.05))


def test_measures_have_columns_in_every_format(comparison: Comparison) -> None:
    methods = (replace(comparison.methods[0], measures={"psnr": 31.417, "arcface": 0.9}), comparison.methods[1])
    photos = (replace(comparison.photos[0], measures={"a": {"psnr": 31.417}}), *comparison.photos[1:])
    measured = replace(comparison, methods=methods, photos=photos)

    assert "PSNR ↑" in FORMATS["table"](measured)
    assert "31.42" in FORMATS["md"](measured)
    assert "PSNR $\\uparrow$ & arcface" in FORMATS["tex"](measured)
    assert json.loads(FORMATS["json"](measured))["methods"][0]["measures"]["arcface"] == 0.9
    assert next(csv.DictReader(StringIO(FORMATS["csv"](measured))))["psnr"] == "31.417000"


def test_csv_has_a_line_for_every_photo_and_method(comparison: Comparison) -> None:
    rows = list(csv.DictReader(StringIO(FORMATS["csv"](comparison))))

    assert [(row["name"], row["method"], row["score"]) for row in rows][-2:] == [
        ("three", "a", "0.700000"),
        ("three", "b_1", ""),
    ]


def test_the_table_says_aloud_what_has_no_score(comparison: Comparison) -> None:
    table = FORMATS["table"](comparison)

    assert "1 of 3 photos of b_1 have no score" in table
    assert "1 (33%)" in table
    assert "+0.075" in table


def test_markdown_is_a_table_with_a_rule_below_its_head(comparison: Comparison) -> None:
    lines = FORMATS["md"](comparison).splitlines()

    assert lines[0].startswith("| method | mean |")
    assert lines[1] == "| --- | ---: | ---: | ---: | ---: | ---: |"


def test_the_best_mean_and_those_not_shown_to_be_lower_are_bold(comparison: Comparison) -> None:
    third = replace(comparison.methods[0], name="c", mean=0.61)
    lower = PairFigures("a", "b_1", 9, 0.1, (0.05, 0.15), 6, 1, 2, 0.72, 0.01, 0.05)
    alike = PairFigures("b_1", "c", 9, -0.01, (-0.05, 0.03), 6, 1, 2, 0.72, 0.4, 0.05)
    three = replace(comparison, methods=(*comparison.methods, third), pairs=(lower, alike))

    rows = FORMATS["md"](three).splitlines()[2:5]

    assert [row.split("|")[2].strip() for row in rows] == ["0.600", "**0.625**", "**0.610**"]
    assert "Bold: the best mean" in FORMATS["md"](three)


def test_long_names_are_shortened_for_the_terminal_alone(comparison: Comparison) -> None:
    names = [f"{'long' * 60}{end}" for end in ("a", "b", "a")]
    names[2] = f"long{names[2]}"
    methods = tuple(replace(comparison.methods[0], name=name) for name in names)
    pairs = (replace(comparison.pairs[0], a=names[0], b=names[2]),)
    long = replace(comparison, methods=methods, pairs=pairs)

    table = FORMATS["table"](long)

    assert max(map(len, table.splitlines()[:6])) < 160
    assert len({line.split("  ")[0] for line in table.splitlines()[1:4]}) == 3
    assert json.loads(FORMATS["json"](long))["methods"][0]["name"] == names[0]


def test_latex_escapes_names_and_marks_the_best_mean(comparison: Comparison) -> None:
    latex = FORMATS["tex"](comparison)

    assert "b\\_1" in latex
    assert "\\textbf{0.625}" in latex
    assert "95 \\% interval" in latex


@pytest.mark.parametrize(("p", "text"), [(None, "–"), (0.0004, "< 0.001"), (0.04, "0.040")])
def test_p_values_are_printed_as_papers_do(p: float | None, text: str) -> None:
    assert p_value(p) == text


def test_a_report_is_confirmed_by_the_same_comparison(comparison: Comparison) -> None:
    report: dict[str, Any] = json.loads(FORMATS["json"](comparison))

    assert list(differences(report, comparison)) == []


def test_a_changed_score_file_and_checkpoint_are_told(comparison: Comparison) -> None:
    report: dict[str, Any] = json.loads(FORMATS["json"](comparison))
    stamp = replace(STAMP, sha256="cd" * 32, inputs={**STAMP.inputs, "a": Inputs("/x/a", 3, "other")})
    photos = (replace(comparison.photos[0], scores={"a": 0.51, "b_1": 0.6}), *comparison.photos[1:])

    told = list(differences(report, replace(comparison, stamp=stamp, photos=photos)))

    assert told == [
        f"The SHA-256 of the weights was {'ab' * 32} and is {'cd' * 32}.",
        "The photos of a in /x/a are not the same files.",
        "1 score differs; the first: one of a was 0.5000 and is 0.5100.",
    ]


def test_a_frame_has_a_row_for_every_photo_and_method(comparison: Comparison) -> None:
    frame = comparison.to_frame()

    assert list(frame.columns) == ["name", "source", "method", "score", "error", "degradation"]
    assert frame.groupby("method").score.mean().to_dict() == pytest.approx({"a": 0.6, "b_1": 0.625})


def test_every_format_that_is_offered_is_made() -> None:
    assert set(OFFERED) == {*FORMATS, "html"}
