"""Version 6: whom a study's owner let in, and who did what. As it was released; never edited."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)

_SCHEMA = MetaData(
    naming_convention={"ck": "ck_%(table_name)s_%(constraint_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s"}
)
Table("study", _SCHEMA, Column("id", Integer, primary_key=True))  # as the others refer to it


def add_members(connection: Connection) -> None:
    """Make the table and the column; who did what before is not known."""
    _MEMBER.create(connection)
    connection.execute(text("ALTER TABLE event ADD COLUMN actor VARCHAR(200) DEFAULT '' NOT NULL"))


# fmt: off
_MEMBER = Table(
    "member", _SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("study_id", Integer, ForeignKey("study.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("secret_hash", String(64)),
    Column("hub_name", String(128)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("study_id", "name"),
    CheckConstraint("(secret_hash IS NULL) <> (hub_name IS NULL)", name="known_by_one"),
    Index("ix_member_secret_hash", "secret_hash"),
    Index("ix_member_hub_name", "hub_name"),
)
# fmt: on
