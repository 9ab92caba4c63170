"""Keeps one PostgreSQL running for as long as anybody uses it; see `postgres` for the locks.

    python -m bank.postgres_keeper DIRECTORY

As root, which PostgreSQL refuses, it runs it as `postgres` or `nobody`; where that user cannot
read the installed programs (a virtual environment below /root), they are copied once.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from bank import limits, postgres, postgres_programs
from bank.queries import schema

_LONG_LIFE_S = 10
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
# The builtin provider's C.UTF-8 is the same on every system, whatever locales that has.
_INITDB = (
    f"--username={postgres.OWNER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)


def main() -> None:
    directory = Path(sys.argv[1])
    lock = os.open(directory / "keeper.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # another keeper was quicker
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        Keeper(directory).run()
    except (OSError, subprocess.SubprocessError, postgres.PostgresError) as error:
        sys.exit(str(error))


class Keeper:
    """One directory's server: made, started, watched and stopped."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._data = directory / "data"
        self._user = postgres_programs.server_user()
        self._as_user = postgres_programs.identity(self._user)
        self._bin = postgres_programs.find(self._as_user)

    def run(self) -> None:
        """Returns once nobody uses the server any more and it has stopped."""
        self._let_in()
        self._own(self._directory / "socket")
        if not self._data.exists():
            self._make_cluster()
        use_lock = os.open(self._directory / "use.lock", os.O_RDWR | os.O_CLOEXEC)
        failures = 0
        while failures < limits.DATABASE_FAILURES_MAX:
            self._stop_orphan()
            started = time.monotonic()
            if self._serve(use_lock):
                return
            failures = failures + 1 if time.monotonic() - started < _LONG_LIFE_S else 1
            time.sleep(0.5)
        raise postgres.PostgresError(f"PostgreSQL keeps ending. See {self._directory}/postgres.log")

    def _serve(self, use_lock: int) -> bool:
        """Runs the server; true when it was stopped because nobody needs it."""
        server = self._start()
        try:
            while server.poll() is None:
                if _lock_alone(use_lock):
                    return True
                time.sleep(0.1)
            return False
        finally:
            _stop(server)

    def _start(self) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._directory / "socket"),
            "unix_socket_permissions": "0700",
            "port": str(postgres.PORT),
            "timezone": "UTC",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with open(self._directory / "postgres.log", "ab") as log:
            return subprocess.Popen[bytes](
                [self._bin / "postgres", "-D", self._data, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_ENVIRONMENT,
                **self._as_user,
            )

    def _make_cluster(self) -> None:
        """Makes the data directory beside its place and moves it there when it is complete."""
        draft = self._directory / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        self._own(draft)
        secrets = postgres.passwords(self._directory)
        password_file = self._directory / "owner-password"
        password_file.touch(mode=0o600)
        password_file.write_text(secrets[postgres.OWNER])
        self._chown(password_file)
        try:
            self._run("initdb", "-D", draft, *_INITDB, f"--pwfile={password_file}")
        finally:
            password_file.unlink()
        statements = schema.create_cluster(
            postgres.LOGIN, secrets[postgres.LOGIN], postgres.DATABASE
        )
        self._run("postgres", "--single", "-D", draft, "postgres", stdin=statements)
        draft.rename(self._data)

    def _stop_orphan(self) -> None:
        """Stops a server whose keeper was killed; forgets one that is no more."""
        pid_file = self._data / "postmaster.pid"
        if not pid_file.exists():
            return
        pid = pid_file.read_text().split("\n", 1)[0].strip()
        if pid.isdecimal() and str(self._data) in _command_line(int(pid)):
            self._run("pg_ctl", "stop", "-D", self._data, "-m", "fast", "-w")
        else:
            pid_file.unlink(missing_ok=True)

    def _run(self, program: str, *arguments: str | Path, stdin: str = "") -> None:
        result = subprocess.run(
            [self._bin / program, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            cwd="/",
            env=_ENVIRONMENT,
            timeout=limits.DATABASE_START_S,
            **self._as_user,
        )
        if result.returncode:
            words = (result.stderr or result.stdout).strip().splitlines() or ["no message"]
            raise postgres.PostgresError(f"{program}: {words[-1]}")

    def _let_in(self) -> None:
        """Lets the server's user pass through the directory, to what is its own in there."""
        if self._user:
            self._directory.chmod(0o711)
            if self._directory.parent == postgres_programs.HOUSE:
                postgres_programs.HOUSE.chmod(0o755)

    def _own(self, path: Path) -> None:
        path.mkdir(mode=0o700, exist_ok=True)
        self._chown(path)

    def _chown(self, path: Path) -> None:
        if self._user:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)


def _lock_alone(use_lock: int) -> bool:
    try:
        fcntl.flock(use_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stop(server: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):  # fast, immediate, at any rate
        if server.poll() is not None:
            return
        server.send_signal(number)
        try:
            server.wait(limits.DATABASE_STOP_S)
        except subprocess.TimeoutExpired:
            continue


def _command_line(pid: int) -> str:
    """The command line of a process, '' where there is none."""
    if Path("/proc/self").exists():
        path = Path(f"/proc/{pid}/cmdline")
        return path.read_bytes().replace(b"\0", b" ").decode() if path.exists() else ""
    ps = ["ps", "-o", "command=", "-p", str(pid)]
    return subprocess.run(ps, capture_output=True, text=True, timeout=10).stdout


if __name__ == "__main__":
    main()
