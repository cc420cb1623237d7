"""Version 8: pairs for training and known pairs, beside those to be compared. As it was released; never edited."""

from sqlalchemy import Connection, text


def add_pair_kinds(connection: Connection) -> None:
    """Add the column and its place in the index; every pair so far is one to be compared."""
    connection.execute(text("ALTER TABLE pair ADD COLUMN kind SMALLINT DEFAULT 0 NOT NULL"))
    connection.execute(text("DROP INDEX ix_pair_next"))
    connection.execute(text("CREATE INDEX ix_pair_next ON pair (study_id, kind, taken, shuffle)"))
