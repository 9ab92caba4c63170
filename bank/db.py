"""The way to the database: a bounded pool, and one function that runs work as one transaction."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812
from psycopg2.extensions import parse_dsn
from psycopg2.pool import ThreadedConnectionPool

from bank import limits, postgres
from bank.config import Settings
from bank.queries import schema
from firmware.common.wire.errors import BUSY, UNAVAILABLE, Refused

SCHEMA_VERSION = 3
_NEWER = "a newer bank made it: install that version"
_UNRELEASED = (
    "no release had that schema and none reads its books: name an empty database in DATABASE_URL, "
    "or put the folder of the bank's own PostgreSQL aside, and run: opg bank init-db"
)
_SCHEMA_FILE = Path(__file__).parents[1] / "schema.sql"
CONNECTION_OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        "role=opg_app",
        "timezone=UTC",
        "jit=off",
        "plan_cache_mode=force_generic_plan",
        f"statement_timeout={limits.STATEMENT_TIMEOUT_MS}",
        f"lock_timeout={limits.LOCK_TIMEOUT_MS}",
        f"idle_in_transaction_session_timeout={limits.IDLE_TIMEOUT_MS}",
    )
)
_TRY_AGAIN = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.LockNotAvailable,
    errors.UniqueViolation,  # somebody was quicker; the next time that is seen
)

T = TypeVar("T")


class Database:
    """The bank's database; made without touching it, so that a bank starts before it does."""

    def __init__(self, url: str, owner_url: str, release: Callable[[], None]) -> None:
        self._url = url
        self._owner_url = owner_url
        self._release = release
        self._turn = threading.BoundedSemaphore(limits.THREADS_PER_WORKER)
        self._pool = ThreadedConnectionPool(
            0,
            limits.THREADS_PER_WORKER,
            url,
            options=CONNECTION_OPTIONS,
            connect_timeout=limits.CONNECT_TIMEOUT_S,
        )
        # The pool opens `minconn` at once, which needs the database, and later keeps as many.
        self._pool.minconn = limits.THREADS_PER_WORKER

    def run(self, work: Callable[[Cursor], T]) -> T:
        """What `work` returns, done in one transaction: all of it or nothing.

        After a deadlock, a conflict or a lost connection the work is done again, so it must be
        such that a second time changes nothing. Raises `Refused` with UNAVAILABLE or BUSY, and
        what `work` raises.
        """
        deadline = time.monotonic() + limits.TRANSACTION_S_MAX
        for attempt in range(limits.TRANSACTION_ATTEMPTS_MAX):
            with self._connection() as connection:
                try:
                    with connection, connection.cursor() as cursor:
                        return work(cursor)
                except _TRY_AGAIN:
                    pass
                except (psycopg2.DatabaseError, psycopg2.InterfaceError) as error:
                    # A pooled connection may have been lost long ago: the next one is fresh.
                    if not _is_lost(connection, error):
                        raise _as_refused(error) from error
                    connection.close()
            if time.monotonic() > deadline:
                break
            time.sleep(0.01 * attempt)
        raise Refused(BUSY, "too many others work on the same accounts")

    def initialise(self) -> bool:
        """Makes the schema as the owner; false where it was there already."""
        try:
            connection = psycopg2.connect(self._owner_url, connect_timeout=limits.CONNECT_TIMEOUT_S)
        except psycopg2.OperationalError as error:
            raise Refused(UNAVAILABLE, f"the database's owner cannot log in: {error}") from None
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                return self._initialise(cursor)
        finally:
            connection.close()

    def close(self) -> None:
        """Ends every connection; a server of our own stops if nobody else uses it."""
        self._pool.closeall()
        self._release()

    def _initialise(self, cursor: Cursor) -> bool:
        schema.lock_initialisation(cursor)
        try:
            if schema.select_version(cursor) is not None:
                return False
            cursor.execute(_SCHEMA_FILE.read_text())
            schema.grant_app_role(cursor, parse_dsn(self._url).get("user", ""))
            return True
        finally:
            schema.unlock_initialisation(cursor)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        if not self._turn.acquire(timeout=limits.POOL_WAIT_S):
            raise Refused(BUSY, "every connection to the database is in use")
        try:
            connection = self._connect()
            try:
                yield connection
            finally:
                self._pool.putconn(connection, close=bool(connection.closed))
        finally:
            self._turn.release()

    def _connect(self) -> Connection:
        try:
            return self._pool.getconn()
        except psycopg2.OperationalError as error:
            raise Refused(UNAVAILABLE, "the bank's database cannot be reached") from error


def _is_lost(connection: Connection, error: psycopg2.Error) -> bool:
    """After a crash of the server psycopg2 may not notice; its error then is of no known kind."""
    return bool(connection.closed) or type(error) is psycopg2.DatabaseError


def _as_refused(error: psycopg2.Error) -> Exception:
    """A refusal where the database cannot work; what is wrong with the work itself as it is."""
    if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return Refused(UNAVAILABLE, "the bank's database cannot work")
    return error


def open_database(settings: Settings) -> Database:
    """The database that the settings name; one of our own is started, and made if need be."""
    if settings.database_url:
        owner_url = settings.database_owner_url or settings.database_url
        return Database(settings.database_url, owner_url, lambda: None)
    server = postgres.attach(settings.postgres_dir)
    database = Database(server.url, server.owner_url, server.release)
    try:
        database.initialise()
    except BaseException:
        database.close()
        raise
    return database


def check_version(cursor: Cursor) -> None:
    """Raises `Refused` UNAVAILABLE unless the schema is the one this code was written for."""
    version = schema.select_version(cursor)
    if version is None:
        raise Refused(UNAVAILABLE, "the database is empty; run: opg bank init-db")
    if version != SCHEMA_VERSION:
        what_to_do = _NEWER if version > SCHEMA_VERSION else _UNRELEASED
        raise Refused(
            UNAVAILABLE,
            f"the database has schema {version}, this bank needs {SCHEMA_VERSION}; {what_to_do}",
        )


def server_version(cursor: Cursor) -> str:
    """What PostgreSQL says of itself."""
    return schema.select_server(cursor)
