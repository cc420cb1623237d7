"""Version 3: what participants answer before they rate. As it was released; never edited."""

from sqlalchemy import Connection, text


def add_start_answers(connection: Connection) -> None:
    """Add the column; who took part before was asked nothing."""
    connection.execute(text("ALTER TABLE participant ADD COLUMN start_answers JSON"))
