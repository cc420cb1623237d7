"""Version 1: studies, stimuli, participants, sittings, assignments, ratings. As it was released; never edited."""

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
_SCHEMA = MetaData(naming_convention=NAMES)


def create_first_schema(connection: Connection) -> None:
    """Make all tables."""
    _SCHEMA.create_all(connection)


def where(condition: str) -> dict[str, Any]:
    """Return the condition of a partial index."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


# fmt: off
Table(
    "schema_version", _SCHEMA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("applied_at", DateTime(timezone=True), nullable=False),
)
Table(
    "study", _SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("protocol", JSON, nullable=False),
    Column("join_code", String(64), nullable=False),
    Column("demo", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("join_code"),
    UniqueConstraint("name"),
)
Table(
    "event", _SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("study_id", Integer, ForeignKey("study.id", ondelete="CASCADE"), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("what", String(32), nullable=False),
    Column("detail", JSON, nullable=False),
    Index("ix_event_study_id", "study_id"),
)
Table(
    "participant", _SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("study_id", Integer, ForeignKey("study.id", ondelete="CASCADE"), nullable=False),
    Column("pseudonym", String(64), nullable=False),
    Column("external_id", String(200)),
    Column("language", String(16), nullable=False),
    Column("seed", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("consented_at", DateTime(timezone=True)),
    Column("trained_at", DateTime(timezone=True)),
    Column("votes_used", Boolean, nullable=False),
    Column("votes_reason", Text, nullable=False),
    UniqueConstraint("study_id", "external_id"),
    UniqueConstraint("study_id", "pseudonym"),
)
Table(
    "stimulus", _SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("study_id", Integer, ForeignKey("study.id", ondelete="CASCADE"), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("source", Text),
    Column("kind", SmallInteger, nullable=False),
    Column("expected", Double),
    Column("feedback", Text, nullable=False),
    Column("format", String(16), nullable=False),
    Column("width_px", Integer, nullable=False),
    Column("height_px", Integer, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("shuffle", Integer, nullable=False),
    Column("taken", Integer, nullable=False),
    Column("rated", Integer, nullable=False),
    CheckConstraint("0 <= rated AND rated <= taken", name="places"),
    UniqueConstraint("study_id", "name"),
    UniqueConstraint("study_id", "sha256"),
    Index("ix_stimulus_next", "study_id", "kind", "taken", "shuffle"),
)
Table(
    "link", _SCHEMA,
    Column("token_hash", String(64), primary_key=True),
    Column("participant_id", Integer, ForeignKey("participant.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index("ix_link_participant_id", "participant_id"),
)
Table(
    "sitting", _SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("participant_id", Integer, ForeignKey("participant.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("external_id", String(200)),
    Column("device", String(64)),
    Column("screen", JSON),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("last_seen_at", DateTime(timezone=True), nullable=False),
    Column("break_since", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("completion_code", String(64)),
    Column("active_s", Double, nullable=False),
    Column("planned", Integer, nullable=False),
    Column("answers", Integer, nullable=False),
    Column("rated", Integer, nullable=False),
    Column("breaks", Integer, nullable=False),
    Column("accepted", Boolean),
    Column("accepted_reason", Text, nullable=False),
    UniqueConstraint("participant_id", "number"),
    Index("uq_sitting_running", "participant_id", unique=True, **where("ended_at IS NULL")),
)
Table(
    "assignment", _SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("study_id", Integer, ForeignKey("study.id", ondelete="CASCADE"), nullable=False),
    Column("participant_id", Integer, ForeignKey("participant.id", ondelete="CASCADE"), nullable=False),
    Column("stimulus_id", Integer, ForeignKey("stimulus.id", ondelete="CASCADE"), nullable=False),
    Column("sitting_id", Integer, ForeignKey("sitting.id", ondelete="CASCADE"), nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("participant_id", "stimulus_id", "occurrence"),
    Index("ix_assignment_leased", "study_id", "expires_at", **where("state = 'leased'")),
    Index("ix_assignment_of_participant", "participant_id", "state", "kind"),
    Index("ix_assignment_sitting_id", "sitting_id"),
    Index("ix_assignment_stimulus_id", "stimulus_id"),
    Index("ix_assignment_study_id", "study_id"),
)
Table(
    "rating", _SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("key", String(64), nullable=False),
    Column("assignment_id", Integer, ForeignKey("assignment.id", ondelete="CASCADE"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("grade", Double),
    Column("unusable", Boolean, nullable=False),
    Column("response_ms", Integer),
    Column("width_px", Double),
    Column("height_px", Double),
    Column("pixel_ratio", Double),
    Column("rated_at", DateTime(timezone=True), nullable=False),
    Column("undone_at", DateTime(timezone=True)),
    CheckConstraint("unusable = (grade IS NULL)", name="grade_or_unusable"),
    UniqueConstraint("key"),
    Index("ix_rating_assignment_id", "assignment_id"),
    Index("uq_rating_live", "assignment_id", unique=True, **where("undone_at IS NULL")),
)
# fmt: on
