"""Every test that takes `database` runs on a SQLite file and on a real PostgreSQL.

The tables are made once for each. A file is copied for every test, and so is a database of PostgreSQL whose address a
test asks for; the others share one, which is emptied before each: a copy takes forty times as long.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from annotate.database import engine
from annotate.database.engine import Database, open_database
from tests.annotate import postgresql

ROOM_BYTES = 2**30


@pytest.fixture(scope="session", autouse=True)
def statements_compiled_once() -> Iterator[None]:
    """Compile a statement once for all databases of a kind.

    SQLAlchemy does it once for every engine, which is a third of what a test with a database of its own takes.
    """
    with pytest.MonkeyPatch.context() as patch:
        for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
            patch.setattr(dialect, "__hash__", lambda dialect: hash(type(dialect)))
            patch.setattr(dialect, "__eq__", lambda dialect, other: type(dialect) is type(other))
        for options in (engine.SQLITE_POOL, engine.POSTGRESQL_POOL):
            patch.setitem(options, "execution_options", {"compiled_cache": {}})
        yield


@pytest.fixture(scope="session")
def quick_folder() -> Iterator[Path]:
    """In memory where there is room for that: a disk's every commit would take most of the tests' time."""
    memory = Path("/dev/shm")  # noqa: S108
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM_BYTES
    with tempfile.TemporaryDirectory(dir=memory if roomy else None) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user
        yield Path(folder)


@pytest.fixture(scope="session")
def postgresql_server(quick_folder: Path) -> Iterator[postgresql.Server]:
    programs = postgresql.find_programs()
    if programs is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is not installed; run .ci/postgresql")
        pytest.skip("PostgreSQL is not installed; run .ci/postgresql")
    with postgresql.serve(programs, quick_folder) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: postgresql.Server) -> str:
    name = postgresql_server.new_database()
    open_database(postgresql_server.url(name)).close()
    return name


@pytest.fixture(scope="session")
def sqlite_template(quick_folder: Path) -> Path:
    path = quick_folder / "template.sqlite3"
    open_database(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def postgresql_database(postgresql_server: postgresql.Server, postgresql_template: str) -> Iterator[Database]:
    opened = open_database(postgresql_server.url(postgresql_server.new_database(postgresql_template)))
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def database_url(dialect: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of the test's database, for other processes and for those who open it again."""
    if dialect == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        with tempfile.TemporaryDirectory(dir=template.parent) as folder:
            shutil.copy(template, folder)
            yield f"sqlite:///{folder}/{template.name}"
    else:
        server: postgresql.Server = request.getfixturevalue("postgresql_server")
        name = server.new_database(request.getfixturevalue("postgresql_template"))
        yield server.url(name)
        server.drop(name)


@pytest.fixture
def database(dialect: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    if dialect == "postgresql" and "database_url" not in request.fixturenames:
        shared: Database = request.getfixturevalue("postgresql_database")
        postgresql.empty(shared)
        yield shared
    else:
        opened = open_database(request.getfixturevalue("database_url"))
        yield opened
        opened.close()


@pytest.fixture
def sqlite_database(sqlite_template: Path) -> Iterator[Database]:
    """For what only SQLite tells."""
    with tempfile.TemporaryDirectory(dir=sqlite_template.parent) as folder:
        shutil.copy(sqlite_template, folder)
        opened = open_database(f"sqlite:///{folder}/{sqlite_template.name}")
        yield opened
        opened.close()
