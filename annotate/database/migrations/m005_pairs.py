"""Version 5: pairs of pictures to compare, and references. As it was released; never edited."""

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
    UniqueConstraint,
    text,
)

from annotate.database.migrations.m001_first import NAMES, where

_SCHEMA = MetaData(naming_convention=NAMES)
_ONE_ANSWER = "unusable = (grade IS NULL AND preferred IS NULL) AND (grade IS NULL OR preferred IS NULL)"
_ONE_UNIT = "(stimulus_id IS NULL) <> (pair_id IS NULL)"


def add_pairs(connection: Connection) -> None:
    """Add the table of pairs and what refers to it; all that there is stays as it is."""
    pair, assignment, rating = (_SCHEMA.tables[name] for name in ("pair", "assignment", "rating"))
    reference = "INTEGER CONSTRAINT fk_stimulus_reference_id REFERENCES stimulus (id) ON DELETE SET NULL"
    connection.execute(text(f"ALTER TABLE stimulus ADD COLUMN reference_id {reference}"))
    connection.execute(text("CREATE INDEX ix_stimulus_reference_id ON stimulus (reference_id)"))
    _SCHEMA.create_all(connection, tables=[pair])
    if connection.dialect.name == "postgresql":
        for change in _CHANGES:
            connection.execute(text(change))
    else:
        _rebuild(connection, assignment, rating)


def _rebuild(connection: Connection, assignment: Table, rating: Table) -> None:
    """Make both tables anew, as SQLite changes no constraint, and copy what they hold.

    Dropping the old assignments would delete the ratings that refer to them; so these go first.
    """
    for index in (*assignment.indexes, *rating.indexes):
        connection.execute(text(f"DROP INDEX IF EXISTS {index.name}"))
    for table in (rating, assignment):
        connection.execute(text(f"ALTER TABLE {table.name} RENAME TO former_{table.name}"))
    _SCHEMA.create_all(connection, tables=[assignment, rating])
    for table in (assignment, rating):
        kept = ", ".join(each.name for each in table.columns if each.name not in _NEW)
        connection.execute(text(f"INSERT INTO {table.name} ({kept}) SELECT {kept} FROM former_{table.name}"))  # noqa: S608  names of ours
    for table in (rating, assignment):
        connection.execute(text(f"DROP TABLE former_{table.name}"))


_TO_PAIR = "REFERENCES pair (id) ON DELETE CASCADE"
_UNIQUE_PAIR = "(participant_id, pair_id, occurrence)"
_NEW = {"pair_id", "turned", "preferred", "reasons", "flipped"}
_CHANGES = (
    "ALTER TABLE assignment ALTER COLUMN stimulus_id DROP NOT NULL",
    f"ALTER TABLE assignment ADD COLUMN pair_id INTEGER CONSTRAINT fk_assignment_pair_id {_TO_PAIR}",
    "ALTER TABLE assignment ADD COLUMN turned BOOLEAN DEFAULT false NOT NULL",
    f"ALTER TABLE assignment ADD CONSTRAINT ck_assignment_one_unit CHECK ({_ONE_UNIT})",
    f"ALTER TABLE assignment ADD CONSTRAINT uq_assignment_participant_id_pair_id_occurrence UNIQUE {_UNIQUE_PAIR}",
    "CREATE INDEX ix_assignment_pair_id ON assignment (pair_id)",
    "ALTER TABLE rating ADD COLUMN preferred VARCHAR(8)",
    "ALTER TABLE rating ADD COLUMN reasons JSON",
    "ALTER TABLE rating ADD COLUMN flipped BOOLEAN",
    "ALTER TABLE rating DROP CONSTRAINT ck_rating_grade_or_unusable",
    f"ALTER TABLE rating ADD CONSTRAINT ck_rating_one_answer CHECK ({_ONE_ANSWER})",
)

# fmt: off
for _name in ("study", "participant", "stimulus", "sitting"):  # as far as others refer to them
    Table(_name, _SCHEMA, Column("id", Integer, primary_key=True))
Table(
    "pair", _SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("study_id", Integer, ForeignKey("study.id", ondelete="CASCADE"), nullable=False),
    Column("first_id", Integer, ForeignKey("stimulus.id", ondelete="CASCADE"), nullable=False),
    Column("second_id", Integer, ForeignKey("stimulus.id", ondelete="CASCADE"), nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("shuffle", Integer, nullable=False),
    Column("taken", Integer, nullable=False),
    Column("rated", Integer, nullable=False),
    CheckConstraint("0 <= rated AND rated <= taken", name="places"),
    CheckConstraint("first_id < second_id", name="order"),
    UniqueConstraint("first_id", "second_id"),
    Index("ix_pair_next", "study_id", "taken", "shuffle"),
    Index("ix_pair_second_id", "second_id"),
)
Table(
    "assignment", _SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("study_id", Integer, ForeignKey("study.id", ondelete="CASCADE"), nullable=False),
    Column("participant_id", Integer, ForeignKey("participant.id", ondelete="CASCADE"), nullable=False),
    Column("stimulus_id", Integer, ForeignKey("stimulus.id", ondelete="CASCADE")),
    Column("sitting_id", Integer, ForeignKey("sitting.id", ondelete="CASCADE"), nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("pair_id", Integer, ForeignKey("pair.id", ondelete="CASCADE")),
    Column("turned", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint(_ONE_UNIT, name="one_unit"),
    UniqueConstraint("participant_id", "stimulus_id", "occurrence"),
    UniqueConstraint("participant_id", "pair_id", "occurrence"),
    Index("ix_assignment_leased", "study_id", "expires_at", **where("state = 'leased'")),
    Index("ix_assignment_of_participant", "participant_id", "state", "kind"),
    Index("ix_assignment_pair_id", "pair_id"),
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
    Column("preferred", String(8)),
    Column("reasons", JSON),
    Column("flipped", Boolean),
    CheckConstraint(_ONE_ANSWER, name="one_answer"),
    UniqueConstraint("key"),
    Index("ix_rating_assignment_id", "assignment_id"),
    Index("uq_rating_live", "assignment_id", unique=True, **where("undone_at IS NULL")),
)
# fmt: on
