"""Ratings of other tools come in as they were given, on the study's scale, repeats as repeats."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from annotate.design.protocol import StudyProtocol
from annotate.design.scales import SCALES
from annotate.errors import ImportedRatingsError
from annotate.exchange.foreign_ratings import questions_by_scale, read_any_ratings
from annotate.queries.imports import ImportedRating
from tests.annotate.studies import NOW

STIMULI = ["a.png", "faces/b.png", "c.png"]


def read(path: Path, *, scale: str = "acr5", question: str | None = None) -> list[ImportedRating]:
    protocol = StudyProtocol(scale=SCALES[scale])
    questions = questions_by_scale([question or ""], protocol)
    return list(read_any_ratings(path, protocol, STIMULI, NOW, questions=questions).ratings)


def short(ratings: list[ImportedRating]) -> list[tuple[Any, ...]]:
    return [(each.stimulus, each.participant, each.grade, each.repeat) for each in ratings]


def avrate(path: Path, *, rows: list[tuple[Any, ...]] | None = None) -> Path:
    """Write a database as AVrate Voyager does."""
    time = "2026-01-31 10:00:00 000250"
    rated = [
        (1, "0", "./stimuli/a.png", "rating", "4", time),
        (1, "1", "./stimuli/b.png", "rating", "2", time),
        (1, "0", "./stimuli/a.png", "rating", "5", time),
        (2, "0", "./stimuli/a.png", "rating", "3", "9999-01-31 10:00:00 000250"),
    ]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE user_playlist (user_ID INTEGER PRIMARY KEY, playlist TEXT, timestamp TEXT)")
        connection.execute("CREATE TABLE info (user_ID INTEGER, info TEXT)")
        connection.execute(
            "CREATE TABLE ratings (user_ID INTEGER, stimuli_ID TEXT, stimuli_file TEXT, rating_type TEXT, rating TEXT, "
            "timestamp TEXT)"
        )
        connection.execute("INSERT INTO user_playlist VALUES (1, '[0, 1]', ?)", (time,))
        events = [(1, "-1", "", "user_registered", "-1", time), (1, "-1", "", "user_done", "-1", time)]
        connection.executemany("INSERT INTO ratings VALUES (?, ?, ?, ?, ?, ?)", [*events, *(rows or rated)])
    return path


def test_a_database_of_avrate_voyager_keeps_who_rated_what_and_again(tmp_path: Path) -> None:
    ratings = read(avrate(tmp_path / "ratings.db"))
    assert short(ratings) == [
        ("a.png", "user-1", 4, False),
        ("faces/b.png", "user-1", 2, False),
        ("a.png", "user-1", 5, True),
        ("a.png", "user-2", 3, False),
    ]
    assert ratings[0].rated_at
    assert ratings[0].rated_at.isoformat() == "2026-01-31T10:00:00.000250+00:00"
    assert ratings[-1].rated_at == NOW  # a clock that was wrong


def test_one_of_several_questions_is_named(tmp_path: Path) -> None:
    rows = [(1, "0", "./stimuli/a.png", question, value, "") for question, value in (("quality", "4"), ("noise", "1"))]
    path = avrate(tmp_path / "ratings.db", rows=[*rows, (1, "0", "./stimuli/a.png", "mouse", "[1, 2]", "")])
    with pytest.raises(ImportedRatingsError, match=r"several questions \(quality, noise\)"):
        read(path)
    assert short(read(path, question="noise")) == [("a.png", "user-1", 1, False)]
    with pytest.raises(ImportedRatingsError, match="has no question 'blur'; it has quality, noise, mouse"):
        read(path, question="blur")


def test_votes_of_the_p910_toolkit_come_with_their_workers(tmp_path: Path) -> None:
    path = tmp_path / "batch_votes_per_worker_.csv"
    path.write_text("HITId,workerid,file,vote,condition\nH,w1,https://host/x/a.png,4,c\nH,w2,faces/b.png,5,c\n")
    assert short(read(path)) == [("a.png", "w1", 4, False), ("faces/b.png", "w2", 5, False)]


def label_studio(path: Path, *, flat: bool = False) -> Path:
    """Write tasks as Label Studio does: stars, the word of a grade, and an annotation that was skipped."""
    who = {"id": 7, "email": "anna@example.org"}
    annotations = [
        _annotation(who, "rating", {"rating": 4}),
        _annotation(8, "choices", {"choices": ["Good"]}),
        {**_annotation(9, "rating", {"rating": 1}), "was_cancelled": True},
    ]
    tasks = [{"id": 1, "data": {"image": "/data/upload/3/0a1b2c3d-a.png", "note": "x"}, "annotations": annotations}]
    flattened = [
        {"image": "/data/local-files/?d=in/faces/b.png", "quality": 2, "id": 1, "annotator": 7, "lead_time": 2.5}
    ]
    path.write_text(json.dumps(flattened if flat else tasks))
    return path


def _annotation(who: Any, kind: str, value: dict[str, Any]) -> dict[str, Any]:
    result = [{"type": kind, "from_name": "quality", "value": value}]
    return {"completed_by": who, "result": result, "lead_time": 3.25, "created_at": "2026-01-31T10:00:00Z"}


def test_stars_and_words_of_label_studio_are_grades_and_addresses_are_not_kept(tmp_path: Path) -> None:
    ratings = read(label_studio(tmp_path / "tasks.json"))
    assert short(ratings) == [("a.png", "annotator-7", 4, False), ("a.png", "annotator-8", 4, False)]
    assert ratings[0].response_ms == 3250
    flat = read(label_studio(tmp_path / "flat.json", flat=True))
    assert short(flat) == [("faces/b.png", "annotator-7", 2, False)]


def several(tool: str, path: Path) -> Path:
    """Write two answers of one person to questions of three scales as a tool does; the second lacks one."""
    given = [{"overall": 4, "Sharpness": 5, "Exposure": 2}, {"overall": 3, "Sharpness": 1}]
    if tool == "Label Studio":
        results = [
            [{"type": "rating", "from_name": name, "value": {"rating": grade}} for name, grade in each.items()]
            for each in given
        ]
        annotations = [{"completed_by": 7, "result": result} for result in results]
        path.write_text(json.dumps([{"id": 1, "data": {"image": "a.png"}, "annotations": annotations}]))
    elif tool == "Label Studio, flat":
        path.write_text(json.dumps([{"image": "x/a.png", "annotator": 7, **each} for each in given]))
    else:
        lines = [
            {"id": "a.png", "user_id": 7, "label_annotations": {name: {"scale": str(v)} for name, v in each.items()}}
            for each in given
        ]
        path.write_text("\n".join(map(json.dumps, lines)))
    return path


@pytest.mark.parametrize("tool", ["Label Studio", "Label Studio, flat", "potato"])
def test_answers_on_several_scales_stay_together(tool: str, tmp_path: Path) -> None:
    protocol = StudyProtocol.from_json({"more_scales": "piq23"})
    path = several(tool, tmp_path / "file.json")
    with pytest.raises(ImportedRatingsError, match="has no question 'noise'; it has overall, Sharpness, Exposure"):
        read_any_ratings(path, protocol, STIMULI, NOW, questions={"details": "noise"})
    asked = questions_by_scale(["overall=overall, details=Sharpness"], protocol)
    ratings = read_any_ratings(path, protocol, STIMULI, NOW, questions=asked).ratings
    assert [(each.grade, each.more_grades, each.repeat) for each in ratings] == [
        (4, {"details": 5, "exposure": 2}, False),
        (3, {"details": 1}, True),
    ]
    with pytest.raises(ImportedRatingsError, match=r"to Sharpness about .*a\.png, and none to Exposure, which every"):
        read_any_ratings(path, protocol, STIMULI, NOW, questions={"overall": "Exposure", "details": "Sharpness"})
    assert questions_by_scale(["how good, really"], protocol) == {"overall": "how good, really"}


def test_people_of_potato_are_its_folders(tmp_path: Path) -> None:
    instances = [("c", "", {"scale_4": "4"}), ("1", "<img src='data/a.png'>", {"2": "true"})]
    for person in ("anna", "bert"):
        (tmp_path / "annotation_output" / person).mkdir(parents=True)
        lines = [
            json.dumps({
                "id": name, "displayed_text": shown,
                "label_annotations": {"quality": labels, "why": {"text_box": "blur"}},
                "behavioral_data": {"time_string": "Time spent: 0d 0h 1m 2s "},
            })
            for name, shown, labels in instances
        ]  # fmt: skip
        (tmp_path / "annotation_output" / person / "annotated_instances.jsonl").write_text("\n".join(lines))
    ratings = read(tmp_path / "annotation_output")
    expected = [("c.png", 4), ("a.png", 2)]
    assert short(ratings) == [(name, who, grade, False) for who in ("anna", "bert") for name, grade in expected]
    assert ratings[0].response_ms == 62_000
    with pytest.raises(ImportedRatingsError, match="does not say who rated"):
        read(tmp_path / "annotation_output" / "anna" / "annotated_instances.jsonl")


def _studio(**annotation: Any) -> str:
    """Return tasks of Label Studio, one with an annotation."""
    return json.dumps([{"data": {"image": "a.png"}, "annotations": [{"completed_by": 7} | annotation]}])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("workerid,file,vote\nw,z.png,4\n", "rates z.png, which is not in this study"),
        ("workerid,file,vote\nw,x/a.png,4\nw,y/a.png,5\n", "rates x/a.png and y/a.png; in this study both are a.png"),
        ("workerid,file,vote\nw,a.png,7\n", "has the value '7'; expected a whole number from 1 to 5"),
        ("workerid,file,vote\n,a.png,4\n", "line 2, names no workerid"),
        ("workerid,file,vote\n", "holds no ratings"),
        (f"workerid,file,vote\n{'w' * 65},a.png,4\n", "more than 64 characters"),
        ("[1, 2]", "is no list of tasks"),
        ("[{", "cannot be read as JSON"),
        ('{"user_id": "a", "label_annotations": {}}\nnonsense', "line 2, is no JSON object"),
        ("SQLite format 3\0nonsense", "cannot be read as a database of AVrate Voyager"),
        ("workerid,file,vote\nw,/,4\n", "line 2, names no workerid or no file"),
        ("workerid,file,vote\nw,http://[x,4\n", r"rates http:/\[x, which is not in this study"),
        ("[" * 200_000, "cannot be read as JSON"),
        ('{"label_annotations": ' + "[" * 200_000, "line 1, is no JSON object"),
        ('[{"data": {}, "annotations": null}]', "file, task 1, has no JSON list as its annotations"),
        ('[{"data": {}, "annotations": [[5]]}]', "task 1, has an annotation that is no JSON object"),
        (_studio(result=None), "task 1, has no JSON list as its result"),
        (_studio(result=5), "task 1, has no JSON list as its result"),
        (_studio(result=[[5]]), "task 1, has a result that is no JSON object"),
        (_studio(result=[{"type": "rating", "value": 5}]), "task 1, has a value that is no JSON object"),
        (_studio(result=[], completed_by=None), "task 1, does not say who rated; .* in completed_by"),
        (_studio(result=[], completed_by={"email": "a@b"}), "task 1, does not say who rated"),
        ('[{"image": "a.png", "quality": 2}]', "task 1, does not say who rated; .* in annotator"),
        *(
            (
                f'{{"user_id": "p"}}\n{{"user_id": "p", "label_annotations": {value}}}',
                "line 2, has label_annotations that is no",
            )
            for value in ("null", "[1]", '"x"', "3")
        ),
        ('{"user_id": "p", "label_annotations": {}, "behavioral_data": 3}', "line 1, has behavioral_data that is no"),
    ],
)
def test_what_cannot_be_used_is_named(content: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(content)
    with pytest.raises(ImportedRatingsError, match=problem):
        read(path)


@pytest.mark.parametrize("other", ["/", ".", "http://[oops", "abcdef12-", "[::1"])
def test_texts_beside_a_picture_need_be_no_paths(other: str, tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    annotations = [_annotation(7, "rating", {"rating": 4})]
    path.write_text(json.dumps([{"data": {"text": other, "image": "x/a.png"}, "annotations": annotations}]))
    assert short(read(path)) == [("a.png", "annotator-7", 4, False)]


def test_a_time_that_cannot_be_told_in_utc_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    annotation = _annotation(7, "rating", {"rating": 4}) | {"created_at": "0001-01-01T00:00:00+14:00"}
    path.write_text(json.dumps([{"data": {"image": "a.png"}, "annotations": [annotation]}]))
    assert [rating.rated_at for rating in read(path)] == [None]


def test_scales_without_grades_and_questions_that_were_not_used_are_named(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    asked = {"overall": 4, "det": 3, "exposure": 2}
    results = [{"type": "rating", "from_name": name, "value": {"rating": grade}} for name, grade in asked.items()]
    path.write_text(json.dumps([{"data": {"image": "a.png"}, "annotations": [{"completed_by": 7, "result": results}]}]))
    protocol = StudyProtocol.from_json({"more_scales": "piq23"})
    assert read_any_ratings(path, protocol, STIMULI, NOW).warnings == (
        "tasks.json has no grades on details, which this study asks for. Not used of the file: det.",
    )
    assert read_any_ratings(path, protocol, STIMULI, NOW, questions={"details": "det"}).warnings == ()


def test_any_other_file_is_our_own_table(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("stimulus,participant,grade,kind\na.png,p,3,rated\na.png,p,4,repeat\n")
    assert short(read(path)) == [("a.png", "p", 3, False), ("a.png", "p", 4, True)]
