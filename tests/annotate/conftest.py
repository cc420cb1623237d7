"""Every test that takes `database` runs on a SQLite file and on a real PostgreSQL."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotate.database import Database, open_database
from tests.annotate import postgresql


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.Server]:
    programs = postgresql.find_programs()
    if programs is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is not installed; run .ci/postgresql")
        pytest.skip("PostgreSQL is not installed; run .ci/postgresql")
    with postgresql.serve(programs) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ratings.sqlite3'}"
    server: postgresql.Server = request.getfixturevalue("postgresql_server")
    return server.new_database()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    yield opened
    opened.close()
