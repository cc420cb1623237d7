"""What goes to a panel and comes from it: whom to approve, reject and pay, and who gave their place back.

People of a panel are known by the identifier that it puts into the study's link. Where it cannot (Mechanical Turk), a
submission is found by the completion code that was handed in. These files hold panel identifiers; exports never do.

    approve.csv    one identifier a line, as Prolific's bulk approval takes it
    reject.csv     who is rejected, with Prolific's category and a reason of at least 100 characters
    bonuses.csv    identifier and amount a line, as Prolific's bulk bonus takes it
    payments.csv   every sitting: what was done, what is decided and why, and the bonus
    mturk.csv      the batch that was read, with Approve and Reject filled in, to be uploaded again
"""

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy.orm import Session

from annotate import queries
from annotate.analysis import find_all
from annotate.csv_files import CsvFile, safe_cell
from annotate.errors import ExportError, PanelError
from annotate.statistics.findings import Check, Finding
from annotate.wording import counted

if TYPE_CHECKING:
    from annotate.database.tables import Participant, Sitting

LARGEST_BONUS = 1000
SHORTEST_REASON = 100
"""Characters that Prolific asks of a reason for rejecting somebody."""
HOW_CHECKED = (
    "The answers were compared with known answers, with attention checks, and with the answers of other participants "
    "to the same pictures."
)
CATEGORIES: Mapping[Check, str] = {
    Check.GOLD: "FAILED_CHECK",
    Check.TRAP: "FAILED_CHECK",
    Check.STRAIGHT_LINER: "LOW_EFFORT",
    Check.RESPONSE_TIME: "TOO_QUICKLY",
    Check.REPEATS: "LOW_EFFORT",
    Check.AGREEMENT: "LOW_EFFORT",
    Check.BT500: "LOW_EFFORT",
    Check.CIRCLES: "LOW_EFFORT",
    Check.SIDE: "LOW_EFFORT",
}
"""Prolific's name for what each check finds."""
GIVEN_BACK = frozenset({"returned", "timed-out", "timed out", "timed_out", "abandoned", "expired"})
"""States of a submission whose place goes to somebody else."""
PAYMENT_COLUMNS = (
    "participant", "panel_id", "session", "sitting", "panel_status", "started_at", "ended_at", "minutes", "rated",
    "planned", "completion_code", "code_taken", "decision", "reason", "bonus",
)  # fmt: skip
_DECISIONS = {True: "approve", False: "reject", None: "undecided"}


class Submission(NamedTuple):
    """A line of a panel's export; `codes` are what may be the completion code that was handed in."""

    participant: str
    session: str
    status: str
    codes: tuple[str, ...]


@dataclass(frozen=True)
class PanelExport:
    """What a panel says of its submissions; of Mechanical Turk the file itself, which goes back to it."""

    submissions: tuple[Submission, ...] = ()
    mturk: Path | None = None


@dataclass(frozen=True)
class Payment:
    """One sitting and what is decided of it; `bonus` is nothing unless it was earned."""

    person: "Participant"
    sitting: "Sitting"
    submission: Submission | None
    reason: str = ""
    category: str = ""
    bonus: Decimal = Decimal(0)

    @property
    def panel_id(self) -> str:
        """How the panel knows the person, blank where it does not."""
        return self.person.external_id or (self.submission.participant if self.submission else "")

    def row(self) -> dict[str, Any]:
        """Return a row of payments.csv."""
        sitting = self.sitting
        return {
            "participant": self.person.pseudonym,
            "panel_id": self.panel_id,
            "session": sitting.external_id or (self.submission.session if self.submission else ""),
            "sitting": sitting.number,
            "panel_status": self.submission.status if self.submission else "",
            "started_at": sitting.started_at.isoformat(timespec="seconds"),
            "ended_at": sitting.ended_at.isoformat(timespec="seconds") if sitting.ended_at else "",
            "minutes": f"{sitting.active_s / 60:.1f}",
            "rated": sitting.rated,
            "planned": sitting.planned,
            "completion_code": sitting.completion_code or "",
            "code_taken": int(sitting.code_taken_at is not None),
            "decision": _DECISIONS[sitting.accepted],
            "reason": self.reason,
            "bonus": self.bonus or "",
        }


@dataclass
class PanelReport:
    """How much was written, and the files."""

    path: str
    approved: int = 0
    rejected: int = 0
    undecided: int = 0
    bonuses: str = "0"
    unknown: int = 0
    """Submissions of the panel of which the study knows nothing."""
    files: list[str] = field(default_factory=list)


def read_amount(text: str) -> Decimal:
    """Return an amount of money, 0 to LARGEST_BONUS with two decimals at most; raises PanelError."""
    try:
        amount = Decimal(text.strip() or "0")
    except InvalidOperation:
        amount = Decimal(-1)
    if amount.is_nan() or not 0 <= amount <= LARGEST_BONUS or amount != round(amount, 2):
        raise PanelError(f"A bonus of {text} cannot be paid; write an amount from 0 to {LARGEST_BONUS}, as 0.50.")
    return round(amount, 2)


def read_panel_export(path: Path, name: str | None = None) -> PanelExport:
    """Read the CSV that Prolific, Mechanical Turk or anybody's table says of submissions.

    Prolific's has the columns Participant id and Status, MTurk's WorkerId and AssignmentStatus, any other participant
    and status. Raises PanelError naming what is wrong.
    """
    file = CsvFile.read(path, required=(), error=PanelError, name=name)
    kind = next((kind for kind in _KINDS if set(kind[:2]) <= set(file.columns)), None)
    if kind is None:
        raise PanelError(
            f"{file.name} is no list of submissions: it needs the columns Participant id and Status (Prolific), "
            "WorkerId and AssignmentStatus (Mechanical Turk), or participant and status."
        )
    who, status, session = kind
    codes = [column for column in file.columns if column == "completion code" or column.startswith("answer.")]
    submissions = tuple(
        Submission(row[who], row.get(session, ""), row[status].lower(), tuple(row[column] for column in codes))
        for _, row in file.rows()
    )
    return PanelExport(submissions, path if who == "workerid" else None)


_KINDS = (
    ("participant id", "status", "submission id"),
    ("workerid", "assignmentstatus", "assignmentid"),
    ("participant", "status", "session"),
)
"""Columns of who, of the status and of the session, by panel."""


def write_panel_files(
    db: Session, study_id: int, out: Path, *, export: PanelExport | None = None, bonus: Decimal = Decimal(0)
) -> PanelReport:
    """Write what a panel is to be told, in a folder.

    Args:
        db: An open transaction; nothing is changed.
        study_id: Which study.
        out: The folder, which is made; files of the same names are replaced.
        export: What the panel says of its submissions, for their states and, on Mechanical Turk, to fill in.
        bonus: For every accepted sitting of somebody whose votes are used and whom no check found.

    Raises:
        ExportError: the folder cannot be written.
    """
    export = export or PanelExport()
    payments, unknown = _payments(db, study_id, export, bonus)
    approved = [each for each in payments if each.sitting.accepted]
    rejected = [each for each in payments if each.sitting.accepted is False]
    undecided = sum(each.sitting.accepted is None and each.sitting.ended_at is not None for each in payments)
    earned = [each for each in payments if each.bonus and each.panel_id]
    report = PanelReport(
        str(out), len(approved), len(rejected), undecided, str(sum(each.bonus for each in earned)), unknown
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
        _write(out / "approve.csv", ((each.panel_id,) for each in approved if each.panel_id))
        heads = ("participant_id", "rejection_category", "message")
        rows = ((each.panel_id, each.category, each.reason) for each in rejected)
        _write(out / "reject.csv", [heads, *rows])
        _write(out / "bonuses.csv", ((each.panel_id, each.bonus) for each in earned))
        _write(out / "payments.csv", [PAYMENT_COLUMNS, *(each.row().values() for each in payments)])
        report.files = ["approve.csv", "reject.csv", "bonuses.csv", "payments.csv"]
        if export.mturk:
            _write_mturk(export, payments, out / "mturk.csv")
            report.files.append("mturk.csv")
    except OSError as error:
        raise ExportError(f"{out} cannot be written: {error.strerror or error}.") from error
    return report


class PlacesFreed(NamedTuple):
    """Whose places are free again, by pseudonym, and how many submissions that were given back are of nobody here."""

    released: list[str]
    unknown: int

    def in_words(self) -> str:
        """Say so."""
        people = counted(len(self.released), "person", "people")
        said = "Nobody of this list gave a place back that is still taken."
        if self.released:
            said = f"The places of {people} are free again, and their votes are left out."
        if self.unknown:
            said += f" Of nobody in this study: {counted(self.unknown, 'submission')} of those given back."
        return said


def give_places_back(db: Session, study_id: int, export: PanelExport, now: datetime) -> PlacesFreed:
    """Leave out the votes of those who returned their submission or ran out of time; their places are free again.

    Who has an accepted sitting, or another submission that was not given back, stays.
    """
    people = _People(db, study_id)
    matched = [(each, people.find(each)) for each in export.submissions]
    stay = {found[0].id for each, found in matched if found and each.status not in GIVEN_BACK}
    returned = [found for each, found in matched if each.status in GIVEN_BACK]
    released = []
    for each, found in matched:
        if found is None or each.status not in GIVEN_BACK:
            continue
        person = found[0]
        paid = any(sitting.accepted for sitting in people.sittings[person.id])
        if person.id in stay or paid or not person.votes_used:
            continue
        queries.participants.set_votes_used(db, person.id, used=False, reason=f"{each.status} on the panel", now=now)
        released.append(person.pseudonym)
    return PlacesFreed(released, returned.count(None))


def reason_to_reject(given: str, findings: Sequence[Finding]) -> str:
    """Return a reason of at least SHORTEST_REASON characters: the owner's, what the checks found, how they work."""
    found = [each.reason for each in findings if each.excludes_votes and each.reason not in given]
    said = "; ".join(filter(None, [given.strip().rstrip("."), *dict.fromkeys(found)]))
    reason = f"{said[:1].upper()}{said[1:]}." if said else "The checks of this study were not passed."
    return reason if len(reason) >= SHORTEST_REASON else f"{reason} {HOW_CHECKED}"


def _payments(db: Session, study_id: int, export: PanelExport, bonus: Decimal) -> tuple[list[Payment], int]:
    """Return every sitting of people who began, and how many submissions are of nobody here."""
    people = _People(db, study_id)
    by_sitting: dict[int, Submission] = {}
    unknown = 0
    for submission in export.submissions:
        found = people.find(submission)
        unknown += found is None
        if found and found[1]:
            by_sitting[found[1].id] = submission
    findings: dict[str, list[Finding]] = {}
    for finding in find_all(db, study_id):
        findings.setdefault(finding.participant, []).append(finding)
    payments = [
        _payment(person, sitting, by_sitting.get(sitting.id), findings.get(person.pseudonym, ()), bonus)
        for person in people.all
        for sitting in people.sittings[person.id]
    ]
    return payments, unknown


def _payment(
    person: "Participant",
    sitting: "Sitting",
    submission: Submission | None,
    findings: Sequence[Finding],
    bonus: Decimal,
) -> Payment:
    against = [each for each in findings if each.excludes_votes]
    if sitting.accepted is False:
        category = CATEGORIES[against[0].check] if against else "OTHER"
        return Payment(person, sitting, submission, reason_to_reject(sitting.accepted_reason, against), category)
    earned = bonus if sitting.accepted and person.votes_used and not against else Decimal(0)
    return Payment(person, sitting, submission, sitting.accepted_reason, bonus=earned)


class _People:
    """The people of a study, as a panel may know them."""

    def __init__(self, db: Session, study_id: int) -> None:
        everybody = list(queries.participants.all_participants(db, study_id))
        self.all = [person for person, _ in everybody]
        self.sittings = {person.id: sittings for person, sittings in everybody}
        self._by_id = {person.external_id: person for person in self.all if person.external_id}
        self._by_session = {
            sitting.external_id: (person, sitting)
            for person, sittings in everybody
            for sitting in sittings
            if sitting.external_id
        }
        self._by_code = _unique(
            (sitting.completion_code, (person, sitting))
            for person, sittings in everybody
            for sitting in sittings
            if sitting.completion_code
        )

    def find(self, submission: Submission) -> "tuple[Participant, Sitting | None] | None":
        """Return whose submission it is and of which sitting, by session, identifier or completion code."""
        if found := self._by_session.get(submission.session):
            return found
        if person := self._by_id.get(submission.participant):
            sittings = self.sittings[person.id]
            return person, sittings[-1] if sittings else None
        return next((self._by_code[code.strip()] for code in submission.codes if code.strip() in self._by_code), None)


def _unique(
    items: "Iterable[tuple[str, tuple[Participant, Sitting]]]",
) -> "dict[str, tuple[Participant, Sitting]]":
    """Return the items whose key is theirs alone: a completion code of the protocol is everybody's."""
    found: dict[str, tuple[Participant, Sitting]] = {}
    twice: set[str] = set()
    for key, value in items:
        if key in found:
            twice.add(key)
        found[key] = value
    return {key: value for key, value in found.items() if key not in twice}


def _write(path: Path, rows: Iterable[Collection[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([safe_cell(str(value)) for value in row] for row in rows)


def _write_mturk(export: PanelExport, payments: Sequence[Payment], path: Path) -> None:
    """Write the batch again, an x for whom to approve and the reason for whom to reject."""
    decided = {each.submission.session: each for each in payments if each.submission}
    if export.mturk is None:
        return
    with export.mturk.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        columns = list(dict.fromkeys([*(reader.fieldnames or ()), "Approve", "Reject"]))
        rows = list(_filled_in(reader, decided))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _filled_in(rows: Iterable[dict[str, str]], decided: Mapping[str, Payment]) -> Iterator[dict[str, str]]:
    for row in rows:
        payment = decided.get(row.get("AssignmentId", ""))
        accepted = payment.sitting.accepted if payment else None
        reason = payment.reason if payment and accepted is False else ""
        yield {**row, "Approve": "x" if accepted else "", "Reject": reason}
