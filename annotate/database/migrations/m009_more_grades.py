"""Version 9: grades on several scales. As it was released; never edited."""

from sqlalchemy import Connection, text


def add_more_grades(connection: Connection) -> None:
    """Add the column; whoever rated before was asked for one grade."""
    connection.execute(text("ALTER TABLE rating ADD COLUMN more_grades JSON"))
