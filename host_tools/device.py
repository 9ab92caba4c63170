"""A board as the tools see it: one call, one answer, over the link on its USB port."""

import time
from types import TracebackType
from typing import Any, Protocol

from firmware.common.crypto import random_bytes
from firmware.common.wire import packet
from firmware.common.wire.errors import Refused
from firmware.common.wire.link import CLOSED, OPEN, Link
from host_tools.emulator.registry import resolve
from host_tools.errors import NOT_REACHABLE, CommandError
from host_tools.transports.serial_port import SerialPort

_CONNECT_S = 5.0
_ANSWER_S = 60.0
_POLL_S = 0.002
_PAGE_MIN = 8  # rows that a board looks for at a time


class Pipe(Protocol):
    """Bytes to and from a board, without waiting."""

    def read(self) -> bytes: ...

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


class Clock(Protocol):
    """The part of the module `time` that is needed here."""

    def time(self) -> float: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


class Device:
    """An open port with a running firmware behind it; use as a context manager.

    An emulated board brings its own `pipe` and `clock`.
    """

    def __init__(self, port: str, pipe: Pipe | None = None, clock: Clock = time) -> None:
        self.port = port
        self._pipe = pipe or SerialPort(resolve(port))
        self._clock = clock
        self._link = Link()

    def __enter__(self) -> "Device":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._pipe.close()

    def call(self, do: str, body: bytes = b"", **header: Any) -> tuple[dict[str, Any], bytes]:
        """Runs a console command. Raises `Refused` as the board did, or `CommandError`."""
        self._connect()
        self._link.send(packet.pack({"do": do, **header}, body))
        found, data = packet.unpack(self._wait_for_answer())
        if not found.pop("ok", False):
            raise Refused(int(found.get("reason", 1)), str(found.get("detail", "")))
        return found, data

    def pages(self, name: str) -> list[dict[str, Any]]:
        """All rows of a list that the board tells page by page, as far as it still keeps them."""
        rows: list[dict[str, Any]] = []
        first, count = 0, 1
        while first < count:
            found, _ = self.call(name, first=first)
            count = found["count"]
            page = found["payments" if name.endswith("payments") else "entries"]
            rows += page
            last = page[-1].get("index", len(rows) - 1) if page else first + _PAGE_MIN - 1
            first = last + 1
        return rows

    def status(self) -> dict[str, Any]:
        """The board's status; tells it the time on the way."""
        return self.call("status", time=int(self._clock.time() * 1000))[0]

    def wait_for_outcome(self, timeout_s: float) -> tuple[str, int]:
        """What the user's answer to a question came to, and the reason where it is no success."""
        until = self._clock.monotonic() + timeout_s
        while self._clock.monotonic() < until:
            status = self.status()
            if status["outcome"] or status["why"]:
                return status["outcome"], status["why"]
            self._clock.sleep(0.05)
        raise CommandError(NOT_REACHABLE, "nobody answered on the board's screen in time.")

    def _connect(self) -> None:
        until = self._clock.monotonic() + _CONNECT_S
        if self._link.state != OPEN:
            self._link.connect(1 + int.from_bytes(random_bytes(2), "big") % 0xFFFF)
        while self._link.state != OPEN or not self._link.is_idle():
            self._step()
            if self._link.state == CLOSED or self._clock.monotonic() > until:
                raise CommandError(
                    NOT_REACHABLE,
                    f"the board at {self.port} does not answer. Is the firmware on it and running? "
                    f"Flash it with: opg flash {self.port} --role sender|receiver",
                )

    def _wait_for_answer(self) -> bytes:
        until = self._clock.monotonic() + _ANSWER_S
        while True:
            self._step()
            message = self._link.receive()
            if message is not None:
                self._step()  # its acknowledgement leaves before we go on
                return message
            if self._link.state == CLOSED or self._clock.monotonic() > until:
                raise CommandError(
                    NOT_REACHABLE,
                    f"the board at {self.port} stopped answering. Nothing on it is lost; if it "
                    f"started anew, its log says why: opg log {self.port}",
                )

    def _step(self) -> None:
        self._link.step(self._pipe, int(self._clock.monotonic() * 1000))
        self._clock.sleep(_POLL_S)
