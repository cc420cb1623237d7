"""A PostgreSQL of our own: Debian's server on a free port, in a temporary folder, as a user who may run it."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text

from annotate.database.engine import Database
from annotate.database.tables import SchemaVersion, Table

USERS = ("postgres", "nobody")  # PostgreSQL refuses to run as root


def find_programs() -> Path | None:
    """Return the folder of initdb and pg_ctl, the newest version's, or None."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = str(versions[-1]) if versions else shutil.which("initdb")
    return Path(found).parent if found else None


class Server:
    """A running PostgreSQL."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._made = 0
        address = self.url("postgres").replace("://", "+psycopg://")
        self._engine = create_engine(address, isolation_level="AUTOCOMMIT")

    def url(self, name: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/{name}"

    def new_database(self, template: str = "template1") -> str:
        """Make a database like `template`, an empty one at first, and return its name."""
        self._made += 1
        name = f"ratings{self._made}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Delete a database: a hundred of them take long to delete at once."""
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()


def empty(database: Database) -> None:
    """Delete every row but the version of the tables, and let ids begin at 1 again."""
    tables = Table.metadata.tables.keys() - {SchemaVersion.__tablename__}
    statements = [
        "SET LOCAL session_replication_role = replica",  # what refers to a row goes too
        *(f'DELETE FROM "{name}"' for name in tables),  # noqa: S608  our own names
        "SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S'",
    ]
    with database.write() as db:
        db.execute(text("; ".join(statements)))


@contextmanager
def serve(programs: Path, parent: Path, *, durable: bool = False) -> Iterator[Server]:
    """Run a server in a folder of its own in `parent` until the block is over.

    Unless it is to be `durable` it writes nothing through to the disk: no test outlives its server, and what a power
    cut does is PostgreSQL's own matter. A benchmark's figures need the disk.
    """
    with tempfile.TemporaryDirectory(prefix="postgresql-", dir=parent, ignore_cleanup_errors=True) as folder:
        port, fsync = _free_port(), "on" if durable else "off"
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync={fsync} -c max_connections=100"
        data = Path(folder) / "data"
        as_user = _as_user(Path(folder))
        start = ["-D", str(data), "-w", "-t", "60", "-l", f"{folder}/log", "-o", options, "start"]
        _run(as_user, programs / "initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        _run(as_user, programs / "pg_ctl", *start)
        server = Server(port)
        try:
            yield server
        finally:
            server.close()
            _run(as_user, programs / "pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")


def _run(as_user: list[str], program: Path, *arguments: str) -> None:
    # No pipes: the server would keep them open.
    subprocess.run([*as_user, str(program), *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/")


def _as_user(folder: Path) -> list[str]:
    """Give the folder to a user who may run the server, if we are root, and return how to become that user."""
    if os.geteuid() != 0:
        return []
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = next(name for name in USERS if name in names)
    shutil.chown(folder, user)
    return ["setpriv", f"--reuid={user}", "--clear-groups", "--"]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port
