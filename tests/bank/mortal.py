"""A bank that dies, or kills its database, at a chosen moment: a process that only tests start.

Its moments are those before, during and after every statement and every commit of a settlement,
before its answer leaves, and after. They are counted from the start of the process.
"""

import multiprocessing
import os
import signal
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import psycopg2.extensions
from flask import Flask, Response, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

from bank import create_app
from bank.config import Settings

START_S = 30
BANK, POSTMASTER, BACKEND = "bank", "postmaster", "backend"
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.bank.mortal"])

T = TypeVar("T")


@dataclass(frozen=True)
class Death:
    """At which moment who is killed; within a statement, how long after its start."""

    moment: int
    victim: str = BANK
    delay_s: float = 0.0
    data_dir: Path | None = None  # of the PostgreSQL whose postmaster it may be

    def come(self, backend_pid: int) -> None:
        if self.victim == BANK:
            pid = os.getpid()
        elif self.victim == BACKEND:
            pid = backend_pid
        else:
            assert self.data_dir
            pid = int((self.data_dir / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, signal.SIGKILL)


class Moments:
    """Counts the moments of settlements and lets death come at its own."""

    def __init__(self, death: Death | None) -> None:
        self.count = 0
        self.settling = False
        self._death = death

    def moment(self, backend_pid: int = 0) -> bool:
        """Whether this is the one; death has come then, if it is of the bank."""
        is_deadly = self._is_next()
        if is_deadly and self._death:
            self._death.come(backend_pid)
        return is_deadly

    def around(self, connection: psycopg2.extensions.connection, work: Any) -> Any:
        """Does `work` with a moment before it, one within it, one after it."""
        if not self.settling:
            return work()
        pid = connection.info.backend_pid
        self.moment(pid)
        death = self._death if self._is_next() else None
        if death is None:
            result = work()
        else:
            threading.Timer(death.delay_s, death.come, [pid]).start()
            result = work()
            if death.victim == BANK:
                time.sleep(60)  # done before its time: it comes now
        self.moment(pid)
        return result

    def _is_next(self) -> bool:
        if not self.settling:
            return False
        self.count += 1
        return self._death is not None and self.count - 1 == self._death.moment


class MortalCursor(psycopg2.extensions.cursor):
    moments: Moments

    def execute(self, query: Any, vars: Any = None) -> None:
        self.moments.around(self.connection, lambda: super(MortalCursor, self).execute(query, vars))


class MortalConnection(psycopg2.extensions.connection):
    moments: Moments

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """The end of the transaction."""
        self.moments.around(
            self, lambda: super(MortalConnection, self).__exit__(kind, error, traceback)
        )


class Handler(WSGIRequestHandler):
    """A small server for tests: without a log, and quick."""

    disable_nagle_algorithm = True  # an answer in two parts would wait 40 ms in between

    def log(self, type: str, message: str, *args: Any) -> None:
        """The bank's own server keeps no log of requests either."""


def serve(settings: Settings, port: int, death: Death | None) -> None:
    """What the process does until it dies. Over HTTP it also tells how many moments it saw."""
    app = create_app(settings)
    moments = Moments(death)
    MortalCursor.moments = MortalConnection.moments = moments
    pool: Any = app.extensions["bank"].database._pool
    pool._kwargs |= {"connection_factory": MortalConnection, "cursor_factory": MortalCursor}
    _watch(app, moments)
    make_server("127.0.0.1", port, app, True, request_handler=Handler).serve_forever()


def start(settings: Settings, port: int, death: Death | None = None) -> Any:
    """The process, once it answers."""
    process = CONTEXT.Process(target=serve, args=(settings, port, death), daemon=True)
    process.start()
    deadline = time.monotonic() + START_S
    while not _answers(port):
        assert process.is_alive() and time.monotonic() < deadline, "the bank does not start"
        time.sleep(0.005)
    return process


def stop(process: Any) -> None:
    process.kill()
    process.join(30)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _watch(app: Flask, moments: Moments) -> None:
    def begin() -> None:
        moments.settling = request.path in ("/settle-ledger", "/sync")

    def end(response: Response) -> Response:
        moments.moment()
        response.call_on_close(moments.moment)
        return response

    app.before_request(begin)
    app.after_request(end)
    app.add_url_rule("/moments", "moments", lambda: jsonify(count=moments.count))
