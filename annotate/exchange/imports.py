"""Ratings that were given elsewhere, from a CSV; those of other tools: `annotate.exchange.foreign_ratings`.

    stimulus      the name it has in the study (needed)
    participant   any name; people are told apart by it (needed)
    grade         on the study's scale; blank where the answer was "unusable" (needed)
    grade_NAME    on a further scale of the study, as an export writes it; blank where none was given
    response_ms   from the picture's display to the answer
    rated_at      ISO 8601 with a time zone
    kind          as an export writes it; rows of repeated items (repeat) are kept as such, and count in no MOS

Other columns are ignored, and named where a scale of the study got no grades. Everything is checked before anything is
added.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from annotate.csv_files import CsvFile
from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.errors import GradeError, ImportedRatingsError
from annotate.names import control_character, normalized
from annotate.queries.imports import ImportedRating
from annotate.wording import listed

REQUIRED = ("stimulus", "participant", "grade")
_OPTIONAL = ("response_ms", "rated_at", "kind")
LONGEST_PSEUDONYM = 64
MOST_NAMED = 12
"""Columns or questions that a warning names."""
GRADE = "grade_"
"""Before the name of a further scale: its column."""
_REPEAT = ItemKind.REPEAT.name.lower()


@dataclass(frozen=True)
class RatingsFile:
    """Checked ratings, and sentences about what the file lacks."""

    ratings: tuple[ImportedRating, ...]
    warnings: tuple[str, ...] = ()

    @property
    def repeats(self) -> int:
        """How many are of pictures that their participant had rated before."""
        return sum(rating.repeat for rating in self.ratings)


def read_ratings(path: Path, protocol: StudyProtocol, now: datetime, *, name: str | None = None) -> RatingsFile:
    """Read and check a CSV of ratings, called by another `name` where its owner knows it by that.

    Raises ImportedRatingsError naming the line that cannot be used.
    """
    file = CsvFile.read(
        path,
        required=REQUIRED,
        numbers=("grade", "response_ms", *(GRADE + each.name for each in protocol.more_scales)),
        error=ImportedRatingsError,
        name=name,
    )
    ratings: list[ImportedRating] = []
    lines: dict[tuple[str, str], int] = {}
    for line, row in file.rows():
        try:
            rating = _rating(row, protocol, now)._replace(line=line)
            _check_first(rating, line, lines)
        except (ValueError, GradeError) as error:
            raise file.problem(line, str(error).removesuffix(".")) from None
        ratings.append(rating)
    if not ratings:
        raise ImportedRatingsError(f"{file.name} holds no ratings.")
    known = {*REQUIRED, *_OPTIONAL, *(GRADE + each.name for each in protocol.more_scales)}
    unused = [column for column in file.columns if column and column not in known]
    return RatingsFile(tuple(ratings), scales_without_grades(file.name, ratings, protocol, unused))


def scales_without_grades(
    name: str, ratings: Iterable[ImportedRating], protocol: StudyProtocol, unused: Sequence[str]
) -> tuple[str, ...]:
    """Return a warning where further scales of the study got no grades, with what was `unused` of the file."""
    graded = {scale for rating in ratings for scale in rating.more_grades or ()}
    without = [each.name for each in protocol.more_scales if each.name not in graded]
    if not without:
        return ()
    left_out = f" Not used of the file: {', '.join(unused[:MOST_NAMED])}." if unused else ""
    return (f"{name} has no grades on {listed(without)}, which this study asks for.{left_out}",)


def _rating(row: dict[str, str], protocol: StudyProtocol, now: datetime) -> ImportedRating:
    """Return a row as a rating; raise ValueError or GradeError, to go on after "line 3"."""
    return ImportedRating(
        check_name("stimulus", row["stimulus"]),
        check_name("participant", row["participant"]),
        _grade(row["grade"], protocol),
        _milliseconds(row.get("response_ms", "")),
        _time(row.get("rated_at", ""), now),
        row.get("kind", "").lower() == _REPEAT,
        more_grades=_more_grades(row, protocol),
    )


@lru_cache(maxsize=2**17)  # a table has each name many times
def check_name(column: str, text: str) -> str:
    """Return the name of a stimulus or participant in NFC; raise ValueError where it is none."""
    if not text:
        raise ValueError(f"names no {column}")
    if control := control_character(text):
        raise ValueError(f"has the control character {control} in the name of the {column}")
    if column == "participant" and len(text) > LONGEST_PSEUDONYM:
        raise ValueError(f"has a participant's name of more than {LONGEST_PSEUDONYM} characters")
    return normalized(text)


def _check_first(rating: ImportedRating, line: int, lines: dict[tuple[str, str], int]) -> None:
    """Refuse a second rating of one stimulus by one participant that is not said to be a repeat."""
    if rating.repeat:
        return
    key = (rating.stimulus, rating.participant)
    if key in lines:
        raise ValueError(f"rates {key[0]} by {key[1]} once more; line {lines[key]} does already")
    lines[key] = line


def _grade(text: str, protocol: StudyProtocol) -> float | None:
    if text:
        return protocol.scale.check(text)
    if not protocol.offer_unusable:
        raise ValueError('has no grade; the protocol offers no "unusable"')
    return None


def _more_grades(row: dict[str, str], protocol: StudyProtocol) -> dict[str, float] | None:
    given = {each.name: text for each in protocol.more_scales if (text := row.get(GRADE + each.name, ""))}
    if given and not row["grade"]:
        raise ValueError("has a further grade, but no grade")
    return {name: protocol.scale.check(text) for name, text in given.items()} or None


def _milliseconds(text: str) -> int | None:
    try:
        value = round(float(text)) if text else None
    except (ValueError, OverflowError):
        value = -1
    if value is not None and not 0 <= value < 2**31:
        raise ValueError(f"has the response time {text!r}; expected milliseconds")
    return value


def _time(text: str, now: datetime) -> datetime | None:
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"has the time {text!r}; expected ISO 8601") from None
    if time.tzinfo is None:
        raise ValueError(f"has the time {text!r} without a time zone")
    if time > now:
        raise ValueError(f"was rated in the future ({text})")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"has the time {text!r}, which is before the year 1 in UTC") from None
