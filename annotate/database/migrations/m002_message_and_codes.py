"""Version 2: a message to those who are rating, and when a completion code was taken. As released; never edited."""

from sqlalchemy import Connection, text


def add_message_and_codes(connection: Connection) -> None:
    """Add the columns; every study begins without a message, and of older codes nobody knows."""
    time = "TIMESTAMP WITH TIME ZONE" if connection.dialect.name == "postgresql" else "DATETIME"
    connection.execute(text("ALTER TABLE study ADD COLUMN message TEXT DEFAULT '' NOT NULL"))
    connection.execute(text(f"ALTER TABLE sitting ADD COLUMN code_taken_at {time}"))
