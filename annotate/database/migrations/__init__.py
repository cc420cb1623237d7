"""The schema's history: an ordered list of small functions, each from one version to the next.

A database says in `schema_version` which of them it has been through. Opening it runs the rest in one transaction,
so a migration happens wholly or not at all. What was released is never edited; a change of `annotate.database.tables`
is a new function at the end, and a test holds their sum to the tables.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Connection, func, insert, inspect, select, text

from annotate.database.migrations.m001_first import create_first_schema
from annotate.database.migrations.m002_message_and_codes import add_message_and_codes
from annotate.database.migrations.m003_start_answers import add_start_answers
from annotate.database.migrations.m004_condition import add_condition
from annotate.database.migrations.m005_pairs import add_pairs
from annotate.database.migrations.m006_members import add_members
from annotate.database.migrations.m007_pair_designs import add_pair_designs
from annotate.database.migrations.m008_pair_kinds import add_pair_kinds
from annotate.database.migrations.m009_more_grades import add_more_grades
from annotate.database.tables import SchemaVersion
from annotate.errors import DatabaseError

MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    create_first_schema,
    add_message_and_codes,
    add_start_answers,
    add_condition,
    add_pairs,
    add_members,
    add_pair_designs,
    add_pair_kinds,
    add_more_grades,
)
LATEST = len(MIGRATIONS)
_LOCK = 0x66697161  # any number, the same in every process


def schema_version(connection: Connection) -> int:
    """Return the version of the database, 0 where there is nothing yet; raise DatabaseError if it is not ours."""
    tables = set(inspect(connection).get_table_names())
    if "schema_version" in tables:
        return connection.scalar(select(func.max(SchemaVersion.version))) or 0
    if "study" in tables or "rating" in tables:
        raise DatabaseError("The database holds tables of another program; set FIQA_DATABASE_URL to one of its own.")
    return 0


def migrate(connection: Connection) -> list[int]:
    """Bring the database to the newest schema; return the versions it went through.

    Raises DatabaseError when the database is newer than this program.
    """
    if connection.dialect.name == "postgresql":  # two processes may start at once; SQLite's transaction locks anyway
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    version = schema_version(connection)
    if version > LATEST:
        raise DatabaseError(
            f"The database has schema {version}, this program knows up to {LATEST}: update the program, "
            "or restore a backup made before the database was opened with the newer one."
        )
    for number in range(version + 1, LATEST + 1):
        MIGRATIONS[number - 1](connection)
        connection.execute(insert(SchemaVersion).values(version=number, applied_at=datetime.now(UTC)))
    return list(range(version + 1, LATEST + 1))
