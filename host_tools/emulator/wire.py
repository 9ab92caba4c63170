"""A wire between two serial ports, virtual or real: what goes in at one end comes out at the other.

`pass_on(direction, data)` may change or swallow what passes, for tests of what a bad wire does.
"""

import os
import select
import threading
from collections.abc import Callable
from types import TracebackType

import serial

from host_tools.emulator.ports import Outlet

BAUDRATE = 115_200

_TICK_S = 0.1
_READ_BYTES = 4_096

PassOn = Callable[[int, bytes], bytes]


def _unchanged(direction: int, data: bytes) -> bytes:
    return data


class Wire:
    """Joins the ports from `start` to `stop`; `carried` counts the bytes from a to b, b to a."""

    def __init__(self, a: str, b: str, pass_on: PassOn = _unchanged) -> None:
        self.ports = (a, b)
        self.pass_on = pass_on
        self.carried = [0, 0]
        self.error: OSError | None = None
        self._joined = True

    def start(self) -> "Wire":
        """Open both ports; raises serial.SerialException where that cannot be done."""
        self._ends = [serial.Serial(path, BAUDRATE, exclusive=True) for path in self.ports]
        for end in self._ends:
            end.reset_input_buffer()  # a wire carries nothing that was said before it was there
        self._outlets = [Outlet(end.fileno()) for end in reversed(self._ends)]
        self._running = True
        self._thread = threading.Thread(target=self._run, name="wire", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        self._running = False
        self._thread.join()
        for end in self._ends:
            end.close()

    def __enter__(self) -> "Wire":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """False after `stop`, or once a port is gone; `error` says what happened."""
        return self._thread.is_alive()

    def cut(self) -> None:
        """What is sent from now on is lost."""
        self._joined = False

    def mend(self) -> None:
        self._joined = True

    def _run(self) -> None:
        try:
            while self._running:
                self._step()
        except OSError as error:
            self.error = error

    def _step(self) -> None:
        waiting = [outlet for outlet in self._outlets if outlet.waiting]
        readable, _, _ = select.select(self._ends, waiting, [], _TICK_S)
        for outlet in waiting:
            outlet.flush()
        for end in readable:
            self._carry(self._ends.index(end))

    def _carry(self, direction: int) -> None:
        data = os.read(self._ends[direction].fileno(), _READ_BYTES)
        if not data:
            raise OSError(f"{self.ports[direction]} is closed")
        if self._joined:
            passed = self.pass_on(direction, data)
            self.carried[direction] += len(passed)
            self._outlets[direction].put(passed)
