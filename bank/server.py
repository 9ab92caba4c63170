"""The bank as a process: serve it here with granian, or run it as a child until a block ends.

python -m bank.server [WORKERS]
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bank import authority, config, create_app, db, keys, limits, postgres, secretfile
from bank.asgi import Door
from bank.config import Settings
from firmware.common.wire.errors import UNAVAILABLE, Refused

_WATCH_S = 0.5


def serve(settings: Settings, workers: int) -> None:
    """Serves until the process is told to stop (SIGINT or SIGTERM). Raises `Refused`."""
    # Loaded here: the commands that only work on the database need no server.
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    database = db.open_database(settings)  # holds an embedded server until the workers have ended
    try:
        database.run(db.check_version)
        keys.load(settings.key_dir)
        authority.ensure_at_home(settings)
        keys.load_operator_token(settings.key_dir, settings.operator_token)
        os.environ.update(settings.environment())  # a worker reads its settings from there
        _let_new_workers_be_stopped()
        Server(
            "bank.server:worker_app",
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGINL,
            workers=workers,
            websockets=False,
            backpressure=limits.CONNECTIONS_PER_WORKER,
            workers_kill_timeout=limits.SERVER_STOP_S,
            log_level=LogLevels.warning,
            factory=True,
        ).serve()
    finally:
        database.close()


def worker_app() -> Door:
    """The application in a worker process, which ends when the server above it was killed."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_S)
        os._exit(1)  # what it was doing is rolled back, and whoever asked asks again

    threading.Thread(target=watch, daemon=True).start()
    return Door(create_app())


def _let_new_workers_be_stopped() -> None:
    """A worker that is told to stop before granian listens in it ends, and does not go on deaf.

    A fork begins with the handlers of the server above, which stop nothing in it. Signals are held
    up until it has the system's own.
    """
    signals = (signal.SIGTERM, signal.SIGINT)

    def forked() -> None:
        for number in signals:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)

    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, signals),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, signals),
        after_in_child=forked,
    )


@contextmanager
def running(settings: Settings, workers: int = 1, log: Path | None = None) -> Iterator[str]:
    """Runs the bank as a child process within the block; yields its URL once it answers.

    What it prints goes to `log`. Raises `Refused` UNAVAILABLE when it does not start.
    """
    with open(log or os.devnull, "ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bank.server", str(workers)],
            cwd=Path(__file__).parents[1],
            env={**os.environ, **settings.environment()},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        url = f"http://{settings.host}:{settings.port}"
        wait_healthy(process, url)
        yield url
    finally:
        _stop(process)


def wait_healthy(process: subprocess.Popen[bytes], url: str) -> None:
    """Returns once the bank at `url` answers; raises `Refused` UNAVAILABLE when it does not."""
    deadline = time.monotonic() + limits.SERVER_START_S
    while not _is_healthy(url):
        if process.poll() is not None:
            raise Refused(UNAVAILABLE, f"the bank ended with status {process.returncode}")
        if time.monotonic() > deadline:
            raise Refused(UNAVAILABLE, f"the bank does not answer at {url}")
        time.sleep(0.05)


def free_port() -> int:
    """A port of this machine that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main() -> None:
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    try:
        serve(config.load(), workers)
    except Refused as refused:
        sys.exit(refused.detail)
    except (config.SettingError, postgres.PostgresError, secretfile.SecretFileError) as error:
        sys.exit(str(error))


def _is_healthy(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/healthz", timeout=2) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(limits.SERVER_STOP_S + 5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
