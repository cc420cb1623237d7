"""Version 1: studies, stimuli, participants, sittings, assignments, ratings."""

from sqlalchemy import Connection

from annotate.tables import Table


def first(connection: Connection) -> None:
    """Make all tables."""
    Table.metadata.create_all(connection)
