"""Ratings as other tools keep them, read into one shape: who gave which value to which picture, in answer to what.

    AVrate Voyager   its SQLite database: table `ratings` (`user_playlist` and `info` hold no answers)
    P.910 toolkit    CSV `…_votes_per_worker_….csv`: columns workerid, file, vote (as P.808's)
    Label Studio     JSON or JSON_MIN, as exported: ratings, numbers, and choices that name a grade
    potato           `annotated_instances.jsonl`: one file, or the folder that has one for each person

What a tool asked has a name there (`question`): a form field, a control tag, a schema. What somebody answered at a
time, to several questions, has one `answer`: an annotation, an instance. Times without a zone are taken
as UTC. Who rated a picture again has given a repeat.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from annotate.csv_files import CsvFile
from annotate.errors import ImportedRatingsError


class ForeignRating(NamedTuple):
    """A value that somebody gave a picture, as the tool has it: a number, or the word of a grade.

    `pictures` are the names by which the tool knows the picture, the likeliest first. `answer` numbers what this person
    answered about this picture at a time; None where the tool does not say what goes together.
    """

    pictures: tuple[str, ...]
    participant: str
    question: str
    value: str
    response_ms: int | None = None
    rated_at: datetime | None = None
    answer: int | None = None


class Tool(NamedTuple):
    """A tool: its name, whether a file or folder is of its making, and what reads it."""

    name: str
    wrote: Callable[[Path], bool]
    read: Callable[[Path, str], Iterator[ForeignRating]]


def find_tool(path: Path) -> Tool | None:
    """Return the tool that wrote a file or folder; None for any other, such as our own table."""
    return next((tool for tool in TOOLS if tool.wrote(path)), None)


# AVrate Voyager

_SQLITE = b"SQLite format 3\0"
_AVRATE_EVENTS = frozenset({"user_registered", "user_done"})
"""What stands among its ratings and is none."""


def _is_sqlite(path: Path) -> bool:
    return _begins(path, len(_SQLITE)) == _SQLITE


def _read_avrate(path: Path, name: str) -> Iterator[ForeignRating]:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "ratings" not in tables:
                raise ImportedRatingsError(f"{name} has no table ratings; expected the database of AVrate Voyager.")
            rows = connection.execute(
                "SELECT user_ID, stimuli_file, rating_type, rating, timestamp FROM ratings ORDER BY rowid"
            ).fetchall()
    except sqlite3.Error as error:
        raise ImportedRatingsError(f"{name} cannot be read as a database of AVrate Voyager: {error}.") from None
    for person, picture, question, value, time in rows:
        if picture and question not in _AVRATE_EVENTS and str(value) != "-1":
            yield ForeignRating((str(picture),), f"user-{person}", str(question), str(value), None, _avrate_time(time))


def _avrate_time(text: object) -> datetime | None:
    try:
        return datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S %f").replace(tzinfo=UTC)
    except ValueError:
        return None


# The toolkit of P.910

_P910_COLUMNS = ("workerid", "file", "vote")


def _is_p910(path: Path) -> bool:
    first = _begins(path, 2**12).decode("utf-8", "ignore").lower().splitlines()[:1]
    return bool(first) and set(_P910_COLUMNS) <= {column.strip('" \ufeff') for column in re.split("[,;\t]", first[0])}


def _read_p910(path: Path, name: str) -> Iterator[ForeignRating]:
    file = CsvFile.read(path, required=_P910_COLUMNS, numbers=("vote",), error=ImportedRatingsError, name=name)
    for line, row in file.rows():
        pictures = _names_of(row["file"])
        if not row["workerid"] or not pictures:
            raise file.problem(line, "names no workerid or no file")
        if row["vote"]:
            yield ForeignRating(pictures, row["workerid"], "vote", row["vote"])


# Label Studio

_CONTROLS = {"rating": "rating", "number": "number", "choices": "choices"}
"""Kinds of result that can be a grade, with the key of their value."""
_NO_CONTROLS = frozenset({
    "annotation_id", "annotator", "created_at", "id", "inner_id", "lead_time", "total_annotations", "updated_at",
})  # fmt: skip
"""Columns of JSON_MIN that are no answers."""
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")


def _is_json_list(path: Path) -> bool:
    return path.is_file() and _begins(path, 2**10).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def _read_label_studio(path: Path, name: str) -> Iterator[ForeignRating]:
    for number, task in enumerate(_json_values(path, name)):
        where = f"{name}, task {number + 1}"
        if "annotations" in task and isinstance(task.get("data"), Mapping):
            yield from _of_task(task, where)
        else:
            yield from _of_flat_task(task, number, where)


def _of_task(task: Mapping[str, Any], where: str) -> Iterator[ForeignRating]:
    pictures = tuple(name for value in task["data"].values() if isinstance(value, str) for name in _names_of(value))
    for number, each in enumerate(_list(task["annotations"], "annotations", where)):
        annotation = _object(each, "an annotation", where)
        if annotation.get("was_cancelled"):
            continue
        who = _person(annotation.get("completed_by"), "completed_by", where)
        took, when = _milliseconds(annotation.get("lead_time")), _iso_time(annotation.get("created_at"))
        for result in _list(annotation.get("result", []), "result", where):
            if (answer := _answer_of(_object(result, "a result", where), where)) is not None:
                yield ForeignRating(pictures, who, *answer, took, when, number)


def _answer_of(result: Mapping[str, Any], where: str) -> tuple[str, str] | None:
    """Return a question and the value that answers it; None for a result of another kind, such as a box."""
    value = _object(result.get("value", {}), "a value", where).get(_CONTROLS.get(str(result.get("type")), ""))
    value = value[0] if isinstance(value, list) and len(value) == 1 else value
    return (str(result.get("from_name", "rating")), str(value)) if isinstance(value, str | int | float) else None


def _of_flat_task(task: Mapping[str, Any], number: int, where: str) -> Iterator[ForeignRating]:
    """Yield the ratings of a row of JSON_MIN: texts that look like files are pictures, the rest are answers."""
    answers = {name: value for name, value in task.items() if name not in _NO_CONTROLS}
    files = [value for value in answers.values() if isinstance(value, str) and _is_file(value)]
    pictures = tuple(name for value in files for name in _names_of(value))
    who = _person(task.get("annotator"), "annotator", where)
    for question, value in answers.items():
        if isinstance(value, str | int | float) and value not in files:
            took, when = _milliseconds(task.get("lead_time")), _iso_time(task.get("created_at"))
            yield ForeignRating(pictures, who, question, str(value), took, when, number)


def _person(who: object, key: str, where: str) -> str:
    """Return how Label Studio knows an annotator: by a number or by an address, which is not kept."""
    number = who.get("id") if isinstance(who, Mapping) else who
    if not isinstance(number, int | str) or number == "":
        raise ImportedRatingsError(f"{where}, does not say who rated; expected the annotator's number in {key}.")
    return f"annotator-{number}"


# potato

_POTATO_FILE = "annotated_instances.jsonl"
_TIME_SPENT = re.compile(r"(\d{1,5})d (\d{1,5})h (\d{1,5})m (\d{1,5})s")
_SOURCE = re.compile(r"""src=["']([^"']+)""")


def _is_potato(path: Path) -> bool:
    if path.is_dir():
        return any(path.rglob(_POTATO_FILE))
    return b'"label_annotations"' in _begins(path, 2**16) and not _is_json_list(path)


def _read_potato(path: Path, name: str) -> Iterator[ForeignRating]:
    files = sorted(path.rglob(_POTATO_FILE)) if path.is_dir() else [path]
    for file in files:
        called = name if file == path else str(file.relative_to(path))
        for line, instance in _json_lines(file, called):
            person = instance.get("user_id") or instance.get("user") or (file.parent.name if path.is_dir() else None)
            if not person:
                raise ImportedRatingsError(f"{name} does not say who rated: name potato's folder, annotation_output.")
            yield from _of_instance(instance, str(person), line, f"{called}, line {line}")


def _of_instance(instance: Mapping[str, Any], person: str, number: int, where: str) -> Iterator[ForeignRating]:
    shown = str(instance.get("displayed_text", ""))
    pictures = [str(instance.get("id") or instance.get("instance_id") or ""), *(_SOURCE.findall(shown) or [shown])]
    names = tuple(name for picture in pictures if picture for name in _names_of(picture))
    took = _time_spent(_object(instance.get("behavioral_data", {}), "behavioral_data", where).get("time_string"))
    for question, labels in _object(instance.get("label_annotations", {}), "label_annotations", where).items():
        if isinstance(labels, Mapping) and len(labels) == 1:
            ((label, value),) = labels.items()
            given = label if str(value).lower() == "true" else value
            yield ForeignRating(names, person, str(question), str(given), took, answer=number)


def _time_spent(text: object) -> int | None:
    """Return the milliseconds of "Time spent: 0d 0h 1m 2s "."""
    if (spent := _TIME_SPENT.search(str(text))) is None:
        return None
    days, hours, minutes, seconds = map(int, spent.groups())
    return _milliseconds(seconds + 60 * (minutes + 60 * (hours + 24 * days)))


TOOLS = (
    Tool("AVrate Voyager", _is_sqlite, _read_avrate),
    Tool("Label Studio", _is_json_list, _read_label_studio),
    Tool("potato", _is_potato, _read_potato),
    Tool("the P.910 toolkit", _is_p910, _read_p910),
)


def _begins(path: Path, count: int) -> bytes:
    """Return the first bytes of a file, nothing of what is no file or cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError:
        return b""


def _json_values(path: Path, name: str) -> list[Mapping[str, Any]]:
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ImportedRatingsError(f"{name} cannot be read as JSON: {error}.") from None
    if not all(isinstance(value, Mapping) for value in values):
        raise ImportedRatingsError(f"{name} is no list of tasks; export them from Label Studio as JSON.")
    found: list[Mapping[str, Any]] = values
    return found


def _json_lines(path: Path, name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the objects of a file with the numbers of their lines."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise ImportedRatingsError(f"{name} cannot be read: {error}.") from None
    for number, line in enumerate(lines, 1):
        try:
            value = json.loads(line) if line.strip() else {}
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, Mapping):
            raise ImportedRatingsError(f"{name}, line {number}, is no JSON object.")
        yield number, value


def _object(value: object, what: str, where: str) -> Mapping[str, Any]:
    """Return what has to be a JSON object; raise ImportedRatingsError naming `where` it is none."""
    if not isinstance(value, Mapping):
        raise ImportedRatingsError(f"{where}, has {what} that is no JSON object; export the file again.")
    return value


def _list(value: object, what: str, where: str) -> list[Any]:
    """Return what has to be a JSON list; raise ImportedRatingsError naming `where` it is none."""
    if not isinstance(value, list):
        raise ImportedRatingsError(f"{where}, has no JSON list as its {what}; export the file again.")
    return value


def _is_file(text: str) -> bool:
    return "/" in text or bool(PurePosixPath(text).suffix)


def _names_of(text: str) -> tuple[str, ...]:
    """Return the names that a path or address may stand for: without its server, and without an upload's prefix."""
    path = PurePosixPath(_path_of(text))
    if not path.name:  # such as "/"
        return ()
    stored = _UPLOADED.sub("", path.name) or path.name
    return tuple(dict.fromkeys((path.as_posix(), path.with_name(stored).as_posix())))


def _path_of(text: str) -> str:
    """Return the path within an address; any other text as it is."""
    try:
        address = urlsplit(text)
    except ValueError:  # such as "http://[a"
        return text
    within = parse_qs(address.query).get("d") if address.query else None  # Label Studio's local files
    return unquote(within[0] if within else address.path if address.scheme else text)


def _milliseconds(seconds: object) -> int | None:
    return round(1000 * seconds) if isinstance(seconds, int | float) and 0 <= seconds < 2**20 else None


def _iso_time(text: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(str(text))
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # which of the year 1 a zone may raise
        return None
