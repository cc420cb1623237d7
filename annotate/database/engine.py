"""Opens the ratings database: SQLite by default, PostgreSQL by URL.

SQLite as it loses nothing and never says "database is locked" to twenty raters at once: WAL with
`synchronous=FULL` (a commit is on disk when it returns), write transactions that take the lock when they begin
(`BEGIN IMMEDIATE`; a transaction that reads first and writes later fails under load), and writers of one process
in a queue, because SQLite's own waiting is polling. PostgreSQL through psycopg 3, `synchronous_commit=on`.

    database = open_database(settings.database_url)
    with database.write() as db:      # commits at the end of the block, or rolls back
        ...
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from annotate.database.migrations import migrate
from annotate.errors import DatabaseError

T = TypeVar("T")

BUSY_S = 30
"""How long a transaction waits for another program's; the longest that one rating can take."""
ERASING_S = 1
"""How long the log is waited for when it is to be cleared; nobody writes meanwhile."""
SQLITE_POOL = {"pool_size": 32, "max_overflow": 32, "pool_timeout": BUSY_S}
POSTGRESQL_POOL = {"pool_size": 20, "max_overflow": 20, "pool_timeout": BUSY_S, "pool_pre_ping": True}
"""Two processes fit into PostgreSQL's default of 100 connections."""

JOBS_AT_ONCE = 50
"""Transactions committed together at most: more would let the first wait long for the last."""

_REASONS = {
    "database is locked": "it is in use by another program; try again when that has finished",
    "readonly database": "it is read-only; check the rights of the file and its folder",
    "read-only transaction": "it is read-only",
    "disk is full": "the disk is full; make room, nothing that was acknowledged is lost",
    "no space left": "the disk is full; make room, nothing that was acknowledged is lost",
    "unable to open database file": "its file cannot be opened; check the folder and its rights",
    "file is not a database": "its file is no SQLite database",
    "malformed": "its file is damaged; restore a backup",
}


class Database:
    """An open database. Threads share it; each transaction is a session of its own.

    `was_cut_off` says that whoever had it open last did not close it; what they had acknowledged is there.
    """

    def __init__(self, engine: Engine, *, was_cut_off: bool = False) -> None:
        self.engine, self.was_cut_off = engine, was_cut_off
        self._reading = engine.execution_options(**_read_options(engine))
        # SQLite lets one transaction write; who waits in a queue of ours waits for less than with SQLite's polling.
        self._turn = threading.Lock()
        self._writer = _Writer(engine, self._turn) if engine.dialect.name == "sqlite" else None

    @property
    def sqlite_path(self) -> Path | None:
        """The file, None where the database is a server's, or in memory."""
        file = self.engine.url.database if self.engine.dialect.name == "sqlite" else None
        return Path(file) if file else None

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Run the block as one transaction; when the block is over, what it wrote is on disk.

        Raises DatabaseError when the database fails; what the block raises rolls back and goes through.
        """
        with _translated(), self._queued(), Session(self.engine, expire_on_commit=False) as db, db.begin():
            yield db

    def transact(self, work: Callable[[Session], T]) -> T:
        """Run `work` as a transaction and return what it returns, once that is on disk.

        On SQLite those who come while another transaction is being written are committed together: one wait for the
        disk serves all of them, so that twenty raters need not queue for it. What one raises undoes only its own.
        `work` may run in another thread.
        """
        if self._writer is None:
            with self.write() as db:
                return work(db)
        return self._writer.run(work)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Run the block on one unchanging state of the database, beside those who write."""
        with _translated(), Session(self._reading, expire_on_commit=False) as db, db.begin():
            yield db

    def erase_deleted(self) -> None:
        """Clear what was deleted from the files too: SQLite's log holds it until it is written into the database.

        Where somebody reads an older state meanwhile, it goes with the next log. A server sees to it by itself.
        """
        if self.sqlite_path is None:
            return
        with self._queued(), closing(sqlite3.connect(_file_of(self.engine.url), timeout=ERASING_S)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Give the connections back, when what is being written is on disk."""
        if self._writer:
            self._writer.stop()
        self.engine.dispose()

    @contextmanager
    def _queued(self) -> Iterator[None]:
        with self._turn if self._writer else nullcontext():
            yield


class _Writer:
    """The thread that commits together what many threads want to write at the same time."""

    def __init__(self, engine: Engine, turn: threading.Lock) -> None:
        self._engine, self._turn = engine, turn
        self._jobs: SimpleQueue[tuple[Callable[[Session], Any], Future[Any]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def run(self, work: Callable[[Session], T]) -> T:
        """Do the work with that of others; return its result, or raise its error, when all is on disk."""
        with self._starting:
            if self._thread is None:  # not before it is needed: opening a database starts no thread
                self._thread = threading.Thread(target=self._serve, name="ratings", daemon=True)
                self._thread.start()
        future: Future[T] = Future()
        self._jobs.put((work, future))
        return future.result()

    def stop(self) -> None:
        """Finish what waits, and end the thread."""
        with self._starting:
            if self._thread:
                self._jobs.put(None)
                self._thread.join()
                self._thread = None

    def _serve(self) -> None:
        while job := self._jobs.get():
            jobs = [job]
            while len(jobs) < JOBS_AT_ONCE and not self._jobs.empty():
                following = self._jobs.get()
                if following is None:
                    self._jobs.put(None)
                    break
                jobs.append(following)
            self._commit(jobs)

    def _commit(self, jobs: list[tuple[Callable[[Session], Any], Future[Any]]]) -> None:
        """Do all jobs in one transaction, and tell their outcome when it is committed."""
        outcomes: list[Callable[[], None]] = []
        try:
            with self._turn, _translated(), self._engine.begin() as connection:
                outcomes += [_within(connection, work, future) for work, future in jobs]
        except BaseException as error:  # noqa: BLE001  it belongs to those who wait
            outcomes = [partial(future.set_exception, error) for _, future in jobs]
        for tell in outcomes:
            tell()


def _within(connection: Connection, work: Callable[[Session], T], future: "Future[T]") -> Callable[[], None]:
    """Do the work between a savepoint and its release; return how to tell its outcome.

    Raises what is fatal to the larger transaction: on a full disk SQLite may have rolled back all of it.
    """
    try:
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as db:
            result = work(db)
            db.commit()
    except OperationalError:
        raise
    except Exception as error:  # noqa: BLE001  it is raised where the work came from
        return partial(future.set_exception, error)
    return partial(future.set_result, result)


def open_database(url: str) -> Database:
    """Open the database, and make or migrate its tables.

    Args:
        url: SQLAlchemy URL, such as "sqlite:///studies.db" or "postgresql://user:password@host/name".

    Returns:
        The open database; `close()` ends its connections.

    Raises:
        DatabaseError: It cannot be used: unreachable, read-only, no database, of a newer version, or on a file system
            on which WAL does not work.
    """
    parsed = _parsed(url)
    was_cut_off = _has_log(parsed)
    with _translated():
        engine = _engine(parsed)
        try:
            with engine.begin() as connection:
                migrate(connection)
        except BaseException:
            engine.dispose()
            raise
    return Database(engine, was_cut_off=was_cut_off)


def open_temporary_database() -> Database:
    """Open an empty database in memory, which is gone when it is closed.

    There is one connection, so that one transaction runs at a time, of those who read too.
    """
    engine = create_engine(
        "sqlite://",
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=BUSY_S,
        connect_args={"check_same_thread": False},
    )
    event.listen(engine, "connect", _configure_memory)
    event.listen(engine, "begin", _begin_sqlite)
    with engine.begin() as connection:
        migrate(connection)
    return Database(engine)


def _has_log(url: URL) -> bool:
    """Whether there is a write-ahead log, which SQLite deletes when the last one closes the database."""
    log = Path(f"{_file_of(url)}-wal")
    return url.get_backend_name() == "sqlite" and log.is_file() and log.stat().st_size > 0


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseError(
            "FIQA_DATABASE_URL is no database URL; expected sqlite:///path or postgresql://user@host/name."
        ) from None
    if parsed.get_backend_name() in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite" or parsed.database in {None, "", ":memory:"}:
        raise DatabaseError(f"{parsed} cannot hold ratings; use sqlite:///path or postgresql://user@host/name.")
    return parsed


def _file_of(url: URL) -> Path:
    """Return where SQLite keeps its database, which a path says or a URI ("file:…")."""
    return Path(str(url.database).removeprefix("file:"))


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        options = f"-c synchronous_commit=on -c timezone=UTC -c lock_timeout={BUSY_S}s"
        return create_engine(url, connect_args={"options": options}, **POSTGRESQL_POOL)
    path = _file_of(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(f"The folder {path.parent} cannot be made: {error.strerror}; set FIQA_DATA_DIR.") from None
    engine = create_engine(url, connect_args={"timeout": BUSY_S}, **SQLITE_POOL)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late; ours is in _begin_sqlite
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise DatabaseError(
            f"The database cannot keep a write-ahead log (journal mode {mode}), as happens on network file systems; "
            "set FIQA_DATA_DIR to a folder on a local disk."
        )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # overwrites what is deleted: people may ask for that


def _configure_memory(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # as for a file
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("sqlite_read_only", False)
    connection.exec_driver_sql(f"PRAGMA query_only = {int(reading)}")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _read_options(engine: Engine) -> dict[str, Any]:
    if engine.dialect.name == "sqlite":
        return {"sqlite_read_only": True}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the driver's errors into one sentence; broken constraints are the program's and stay as they are."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise DatabaseError(f"The ratings database cannot be used: {_reason(error)}.") from error
    except PoolTimeoutError as error:
        raise DatabaseError("The ratings database is busy; try again in a moment.") from error
    except NoSuchModuleError as error:
        raise DatabaseError(f"The ratings database cannot be used: {error}.") from error


def _reason(error: DBAPIError) -> str:
    """Say what is wrong. SQLite ends a transaction on a full disk, and rolling back then fails for its part."""
    chain: BaseException | None = error
    while chain:
        if known := next((reason for part, reason in _REASONS.items() if part in str(chain).lower()), None):
            return known
        chain = chain.__context__
    return str(error.orig).strip().split("\n")[0]
