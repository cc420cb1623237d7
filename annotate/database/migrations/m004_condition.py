"""Version 4: what was done to the source of a picture. As it was released; never edited."""

from sqlalchemy import Connection, text


def add_condition(connection: Connection) -> None:
    """Add the column; of older pictures nobody said."""
    connection.execute(text("ALTER TABLE stimulus ADD COLUMN condition TEXT"))
