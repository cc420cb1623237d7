"""The tables. Every query is in `annotate.queries`; a change here needs a function in `migrations`.

    study ── stimulus ── pair ─┐        what: pictures, and in a study of pairs which two are compared
      ├── pair_group           │        how far the pairs of each source are, where they are planned by the answers
      ├── member, event        │        whom the owner let in; what was done
      └── participant ── link  │        who: a person is known by the hashes of personal links
            ├── sitting        │        when: one run from consent to completion code
            └── assignment ────┘        participant × stimulus, or × pair; leased until it is rated
                  └── rating            the vote; undone ones stay, marked

`taken` and `rated` of stimuli and of pairs are kept with every assignment and rating, so that choosing the next
stimulus reads a handful of index entries however large the study is. Times are UTC.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from annotate.database.column_types import ItemKindType, ReasonsType, StudyProtocolType, UtcDateTime, stored_by_value
from annotate.design.items import ItemKind
from annotate.design.protocol import StudyProtocol
from annotate.design.roles import Role
from annotate.design.states import AssignmentState, State
from annotate.design.stored_protocol import StoredProtocol, readable

SHUFFLES = 2**31 - 1  # what an integer holds everywhere
ROWS_AT_ONCE = 10_000


LIVE = (AssignmentState.LEASED, AssignmentState.RATED)
"""An assignment that takes one of the slots of its stimulus."""


class Table(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        Role: stored_by_value(Role),
        State: stored_by_value(State),
        AssignmentState: stored_by_value(AssignmentState),
        ItemKind: ItemKindType,
    }


class SchemaVersion(Table):
    """One row per migration that was applied."""

    __tablename__ = "schema_version"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    applied_at: Mapped[datetime]


class Study(Table):
    """A labelling campaign; `join_code` opens it to newcomers.

    `stored_protocol` may be of a version that this program cannot read; `protocol` is what to use, and raises
    ProtocolError then. `message` is shown to those who are rating, until it is taken back.
    """

    __tablename__ = "study"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    state: Mapped[State] = mapped_column(default=State.DRAFT)
    stored_protocol: Mapped[StoredProtocol] = mapped_column("protocol", StudyProtocolType)
    join_code: Mapped[str] = mapped_column(String(64), unique=True)
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    message: Mapped[str] = mapped_column(Text, default="", server_default="")

    @property
    def protocol(self) -> StudyProtocol:
        """How the study is run; raises ProtocolError where that cannot be read."""
        return readable(self.stored_protocol)

    @protocol.setter
    def protocol(self, protocol: StudyProtocol) -> None:
        self.stored_protocol = protocol


class Stimulus(Table):
    """An image of a study; its file is named after `sha256`, the hash of its bytes.

    `expected` is the known grade of training, gold and trap stimuli, `feedback` what training says about it.
    `source` groups stimuli that come from one photo or person and must not be divided over splits, `condition` those
    that the same was done to: a method, a codec at a level.
    `reference_id` is the undamaged picture that it is shown beside or measured against. `score` is a model's, on any
    scale, where its owner gave one.
    `taken` counts the slots that are leased or rated, `rated` those that are rated, of participants whose votes
    are used, without repeats. `shuffle` is random: where, among stimuli with as many slots taken, one stands.
    """

    __tablename__ = "stimulus"
    __table_args__ = (
        UniqueConstraint("study_id", "sha256"),
        UniqueConstraint("study_id", "name"),
        Index("ix_stimulus_next", "study_id", "kind", "taken", "shuffle"),
        CheckConstraint("0 <= rated AND rated <= taken", name="places"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"))
    sha256: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(Text)
    source: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[ItemKind] = mapped_column(default=ItemKind.RATED)
    expected: Mapped[float | None]
    feedback: Mapped[str] = mapped_column(Text, default="")
    format: Mapped[str] = mapped_column(String(16))
    width_px: Mapped[int]
    height_px: Mapped[int]
    size_bytes: Mapped[int]
    shuffle: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)
    rated: Mapped[int] = mapped_column(default=0)
    condition: Mapped[str | None] = mapped_column(Text)
    reference_id: Mapped[int | None] = mapped_column(ForeignKey("stimulus.id", ondelete="SET NULL"), index=True)
    score: Mapped[float | None]


class Pair(Table):
    """Two stimuli of a study to compare, in the order of their ids; which stands on the left is the assignment's.

    `kind` is RATED or, of two pictures of which is known which one is better, TRAINING or GOLD
    (`annotate.design.known_pairs`). `wanted` answers are asked for, of those to be rated; 0 of the others, which
    everybody may have. `taken`, `rated` and `shuffle` are as a stimulus has them.
    """

    __tablename__ = "pair"
    __table_args__ = (
        UniqueConstraint("first_id", "second_id"),
        Index("ix_pair_next", "study_id", "kind", "taken", "shuffle"),
        CheckConstraint("0 <= rated AND rated <= taken", name="places"),
        CheckConstraint("first_id < second_id", name="order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"))
    first_id: Mapped[int] = mapped_column(ForeignKey("stimulus.id", ondelete="CASCADE"))
    second_id: Mapped[int] = mapped_column(ForeignKey("stimulus.id", ondelete="CASCADE"), index=True)
    wanted: Mapped[int]
    shuffle: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)
    rated: Mapped[int] = mapped_column(default=0)
    kind: Mapped[ItemKind] = mapped_column(default=ItemKind.RATED, server_default="0")


class PairGroup(Table):
    """The pictures of a `source`, or all of a study, that are compared with each other by a design that is adaptive.

    `planned` answers are wanted so far of their pairs; `stopped` is why no more will be, blank while more may.
    """

    __tablename__ = "pair_group"
    __table_args__ = (UniqueConstraint("study_id", "source"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"))
    source: Mapped[str | None] = mapped_column(Text)
    planned: Mapped[int]
    stopped: Mapped[str] = mapped_column(String(16))


class Participant(Table):
    """A person in one study. `external_id` is a panel's identifier (Prolific's); exports show the pseudonym only.

    `votes_used` is the outcome of screening, with its reason; it is independent of `sitting.accepted`.
    `seed` makes the person's order of stimuli. `start_answers` is what they answered to the study's questions by the
    questions' names, None before they were asked.
    """

    __tablename__ = "participant"
    __table_args__ = (UniqueConstraint("study_id", "pseudonym"), UniqueConstraint("study_id", "external_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"))
    pseudonym: Mapped[str] = mapped_column(String(64))
    external_id: Mapped[str | None] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(16), default="en")
    seed: Mapped[int]
    created_at: Mapped[datetime]
    consented_at: Mapped[datetime | None]
    trained_at: Mapped[datetime | None]
    votes_used: Mapped[bool] = mapped_column(default=True)
    votes_reason: Mapped[str] = mapped_column(Text, default="")
    start_answers: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class Link(Table):
    """A personal link, known by the SHA-256 of its token; a person may have several, one per device."""

    __tablename__ = "link"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    participant_id: Mapped[int] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]


class Sitting(Table):
    """One run of a participant. `screen` is the result of the screen check on `device`, None before it.

    `planned` is how many items it was to have when it began, `answers` counts all answers in it, `rated` those of the
    main part that were not undone, `breaks` the breaks taken. `active_s` is the time spent rating: gaps count up to a
    limit, so that a sitting goes on after a night as it was left.
    `accepted` is the owner's decision about the sitting (pay it), None while undecided. `code_taken_at` is when the
    participant copied the completion code or followed it back to their panel.
    """

    __tablename__ = "sitting"
    __table_args__ = (
        UniqueConstraint("participant_id", "number"),
        # Two tabs that start at once would make two sittings.
        Index(
            "uq_sitting_running",
            "participant_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    participant_id: Mapped[int] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"))
    number: Mapped[int]
    external_id: Mapped[str | None] = mapped_column(String(200))
    device: Mapped[str | None] = mapped_column(String(64))
    screen: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    started_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    break_since: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    completion_code: Mapped[str | None] = mapped_column(String(64))
    active_s: Mapped[float] = mapped_column(default=0.0)
    planned: Mapped[int] = mapped_column(default=0)
    answers: Mapped[int] = mapped_column(default=0)
    rated: Mapped[int] = mapped_column(default=0)
    breaks: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[bool | None]
    accepted_reason: Mapped[str] = mapped_column(Text, default="")
    code_taken_at: Mapped[datetime | None]


class Assignment(Table):
    """A stimulus or a pair for a participant. `occurrence` is 1 for the planned repeat, else 0.

    Of a pair that is `turned` the second picture stands on the left.
    `sitting_id` is the sitting in which it was given or, once rated, in which it was rated.
    """

    __tablename__ = "assignment"
    __table_args__ = (
        # Never the same stimulus or pair twice to one participant, whatever two tabs do at once.
        UniqueConstraint("participant_id", "stimulus_id", "occurrence"),
        UniqueConstraint("participant_id", "pair_id", "occurrence"),
        CheckConstraint("(stimulus_id IS NULL) <> (pair_id IS NULL)", name="one_unit"),
        Index("ix_assignment_of_participant", "participant_id", "state", "kind"),
        Index(
            "ix_assignment_leased",
            "study_id",
            "expires_at",
            sqlite_where=text("state = 'leased'"),
            postgresql_where=text("state = 'leased'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"), index=True)
    participant_id: Mapped[int] = mapped_column(ForeignKey("participant.id", ondelete="CASCADE"))
    stimulus_id: Mapped[int | None] = mapped_column(ForeignKey("stimulus.id", ondelete="CASCADE"), index=True)
    sitting_id: Mapped[int] = mapped_column(ForeignKey("sitting.id", ondelete="CASCADE"), index=True)
    kind: Mapped[ItemKind]
    occurrence: Mapped[int] = mapped_column(default=0)
    state: Mapped[AssignmentState] = mapped_column(default=AssignmentState.LEASED)
    expires_at: Mapped[datetime]
    pair_id: Mapped[int | None] = mapped_column(ForeignKey("pair.id", ondelete="CASCADE"), index=True)
    turned: Mapped[bool] = mapped_column(default=False, server_default=text("false"))


class Rating(Table):
    """The answer to an assignment: a grade in units of the study's scale, `preferred`, or `unusable`.

    `more_grades` are the grades on the study's further scales by their names, None where it has none.

    `preferred` is "left", "right" or "none", as the participant saw the pair, and `reasons` why; `flipped` tells
    whether the pictures were shown in turn.

    `key` is made by the client, once per answer: sent again, it is the same rating. `response_ms` runs from the
    picture's display to the answer; `width_px` and `height_px` are the size in pixels of the screen. `sequence`
    numbers the answers of a sitting, undone ones included. An undone rating stays, and counts nowhere.
    """

    __tablename__ = "rating"
    __table_args__ = (
        CheckConstraint(
            "unusable = (grade IS NULL AND preferred IS NULL) AND (grade IS NULL OR preferred IS NULL)",
            name="one_answer",
        ),
        Index(
            "uq_rating_live",
            "assignment_id",
            unique=True,
            sqlite_where=text("undone_at IS NULL"),
            postgresql_where=text("undone_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id", ondelete="CASCADE"), index=True)
    sequence: Mapped[int]
    grade: Mapped[float | None]
    unusable: Mapped[bool] = mapped_column(default=False)
    response_ms: Mapped[int | None]
    width_px: Mapped[float | None]
    height_px: Mapped[float | None]
    pixel_ratio: Mapped[float | None]
    rated_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    preferred: Mapped[str | None] = mapped_column(String(8))
    reasons: Mapped[tuple[str, ...] | None] = mapped_column(ReasonsType)
    flipped: Mapped[bool | None]
    more_grades: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class Member(Table):
    """Somebody whom a study's owner let in, by a secret (its SHA-256) or by their Hugging Face name in lower case."""

    __tablename__ = "member"
    __table_args__ = (
        UniqueConstraint("study_id", "name"),
        CheckConstraint("(secret_hash IS NULL) <> (hub_name IS NULL)", name="known_by_one"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(64))
    role: Mapped[Role]
    secret_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    hub_name: Mapped[str | None] = mapped_column(String(128), index=True)
    created_at: Mapped[datetime]


class Event(Table):
    """What was done to a study: an audit trail without personal data of participants.

    `actor` is the name of who did it, of the owner or a member; blank where a participant or the app did.
    """

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    what: Mapped[str] = mapped_column(String(32))
    detail: Mapped[dict[str, Any]]
    actor: Mapped[str] = mapped_column(String(200), default="", server_default="")
