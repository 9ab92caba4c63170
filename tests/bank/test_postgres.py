"""Our own PostgreSQL: shared, kept alive, and gone when the last user is."""

import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from bank import postgres, postgres_programs
from bank.postgres import PostgresError

WAIT_S = 30


@pytest.fixture(scope="module")
def directory(state_dir: Path) -> Iterator[Path]:
    path = state_dir / "own"
    yield path
    postgres.remove(path)


def test_it_stops_when_the_last_user_lets_go(directory: Path) -> None:
    first, second = postgres.attach(directory), postgres.attach(directory)
    pid = server_pid(directory)
    first.release()
    time.sleep(0.5)
    assert answers(second)
    second.release()
    wait_until(lambda: not is_alive(pid))
    again = postgres.attach(directory)  # the same data, with the same passwords
    assert answers(again)
    again.release()


def test_it_stops_when_its_user_is_killed(directory: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from bank import postgres;"
        "server = postgres.attach(Path(sys.argv[1])); print('ready', flush=True); time.sleep(60)"
    )
    user = subprocess.Popen([sys.executable, "-c", program, directory], stdout=subprocess.PIPE)
    assert user.stdout and user.stdout.readline() == b"ready\n"
    pid = server_pid(directory)
    user.kill()
    user.wait()
    user.stdout.close()
    wait_until(lambda: not is_alive(pid))


def test_a_server_that_was_killed_is_started_again(directory: Path) -> None:
    server = postgres.attach(directory)
    pid = server_pid(directory)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: server_pid(directory) not in (pid, -1) and answers(server))
    server.release()


def test_a_server_whose_keeper_was_killed_is_taken_over(directory: Path) -> None:
    server = postgres.attach(directory)
    pid = server_pid(directory)
    os.kill(parent_of(pid), signal.SIGKILL)
    wait_until(lambda: not postgres.is_locked(directory / "keeper.lock"))
    server.release()
    assert is_alive(pid)
    heir = postgres.attach(directory)
    wait_until(lambda: answers(heir) and server_pid(directory) != pid)
    heir.release()
    wait_until(lambda: not is_alive(pid))


def test_a_stale_pid_file_is_forgotten(directory: Path) -> None:
    server = postgres.attach(directory)
    pid_file = directory / "data" / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    server.release()
    wait_until(lambda: not pid_file.exists() and not postgres.is_locked(directory / "keeper.lock"))
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))  # alive, and not PostgreSQL
    if os.geteuid() == 0:
        stat = (directory / "data").stat()
        os.chown(pid_file, stat.st_uid, stat.st_gid)
    again = postgres.attach(directory)
    assert answers(again)
    again.release()


def test_its_programs_are_copied_where_its_user_can_read_them(
    state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtual environment below /root: here, one that nobody can be shown to run."""
    monkeypatch.setattr(postgres_programs, "can_run", lambda *_: False)
    monkeypatch.setattr(postgres_programs, "HOUSE", state_dir / "house")
    programs = postgres_programs.find({})
    assert programs.is_relative_to(state_dir / "house")
    result = subprocess.run([programs / "initdb", "--version"], capture_output=True, check=True)
    assert b"PostgreSQL" in result.stdout
    before = programs.stat().st_ino
    assert postgres_programs.find({}).stat().st_ino == before  # copied once


def test_root_runs_it_as_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", _only_nobody)
    user = postgres_programs.server_user()
    assert user is not None and user.pw_name == "nobody"


def test_a_path_too_long_for_a_socket_is_named() -> None:
    with pytest.raises(PostgresError, match="POSTGRES_DIR"):
        postgres.attach(Path("/tmp") / ("x" * 100))


def _only_nobody(name: str) -> pwd.struct_passwd:
    if name != "nobody":
        raise KeyError(name)
    return pwd.struct_passwd(("nobody", "x", 65534, 65534, "", "/", ""))


def answers(server: postgres.Server) -> bool:
    try:
        psycopg2.connect(server.url.replace(f"/{postgres.DATABASE}?", "/postgres?")).close()
    except psycopg2.OperationalError:
        return False
    return True


def server_pid(directory: Path) -> int:
    try:
        return int((directory / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return -1


def parent_of(pid: int) -> int:
    output = subprocess.run(
        ["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True, check=True
    )
    return int(output.stdout)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
