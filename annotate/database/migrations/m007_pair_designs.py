"""Version 7: scores of a model, and how far the pairs of each source are. As it was released; never edited."""

from sqlalchemy import (
    Column,
    Connection,
    Double,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

_SCHEMA = MetaData(naming_convention={"uq": "uq_%(table_name)s_%(column_0_N_name)s"})
Table("study", _SCHEMA, Column("id", Integer, primary_key=True))  # as the others refer to it


def add_pair_designs(connection: Connection) -> None:
    """Add column and table; designs before this one went by neither."""
    number = Double().compile(dialect=connection.dialect)
    connection.execute(text(f"ALTER TABLE stimulus ADD COLUMN score {number}"))
    _PAIR_GROUP.create(connection)


# fmt: off
_PAIR_GROUP = Table(
    "pair_group", _SCHEMA,
    Column("id", Integer, primary_key=True),
    Column("study_id", Integer, ForeignKey("study.id", ondelete="CASCADE"), nullable=False),
    Column("source", Text),
    Column("planned", Integer, nullable=False),
    Column("stopped", String(16), nullable=False),
    UniqueConstraint("study_id", "source"),
)
# fmt: on
