"""A virtual board: MicroPython behind a serial port, with its power, flash, pins and display.

Stock `mpremote connect PORT` takes it for a real one. Two things differ from an ESP32:
`time.time()` counts from 1970 here and from 2000 there, and `sys.platform` is 'linux'.
"""

import fcntl
import os
import queue
import select
import socket
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from secrets import token_bytes
from time import monotonic
from types import TracebackType
from typing import Any, TypeVar

from firmware.common.hardware import pins
from host_tools.emulator.child import micropython_folder
from host_tools.emulator.circuit import Circuit, Fault
from host_tools.emulator.display import Picture

HEAP = "124K"  # 96 KiB for the firmware, 28 KiB for the overlay that a real board has in C
FLASH_BYTES = 2 << 20  # the filesystem of a board with 4 MiB of flash
HOLD_MS = 60
HOLD_MS_MAX = 60_000
BUTTONS = {"cancel": pins.BUTTON_CANCEL, "next": pins.BUTTON_NEXT, "ok": pins.BUTTON_OK}

_EVENTS_MAX = 1_000
_TICK_S = 0.1  # how often a pipe that nobody reads is looked at
_ANSWER_S = 10.0
_ESPRESSIF = bytes.fromhex("246f28")  # the maker's part of a MAC address

T = TypeVar("T")


class BoardInUse(Exception):
    """Another process runs the board of this home."""


class VirtualBoard:
    """One board and its home folder: flash image, non-volatile storage, identity.

    A thread of its own does everything (a MicroPython lives no longer than the thread that
    started it); the methods may be called from any other while the board is started.
    """

    def __init__(self, home: Path | str, heap: str = HEAP, flash_bytes: int = FLASH_BYTES) -> None:
        micropython_folder()  # says so here and now where there is none
        self.home = Path(home).absolute()
        self.heap = heap
        self._flash_bytes = flash_bytes
        self._events: deque[tuple[float, str]] = deque(maxlen=_EVENTS_MAX)
        self._orders: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        self._running = False

    def start(self) -> "VirtualBoard":
        """Take the home, make the ports and switch the power on."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _take(self.home)
        _make_flash(self.home / "flash.img", self._flash_bytes)
        self.unique_id = _identity(self.home / "unique_id")
        self._circuit = Circuit(self.home, self.heap, self.unique_id, self._note)
        self.repl_port, self.tap_port = self._circuit.repl.path, self._circuit.tap.path
        self._ear, self._bell = socket.socketpair()
        self._running = True
        self._thread = threading.Thread(target=self._run, name=f"board {self.home.name}")
        self._thread.daemon = True
        self._thread.start()
        self.power_on()
        return self

    def stop(self) -> None:
        """Switch the power off; give the ports and the home back."""
        if self._running:
            self._ask(self._end)
            self._thread.join()
            self._ear.close()
            self._bell.close()
            os.close(self._lock)

    def __enter__(self) -> "VirtualBoard":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def power_on(self, fault: Fault | None = None) -> None:
        """Cold start. `fault` (n, m) cuts the power after m bytes of the n-th flash operation
        of any start of MicroPython until the power was off."""
        self._ask(lambda: self._circuit.power_on(fault))

    def power_off(self) -> None:
        """Cut the power now, whatever the firmware is doing."""
        self._ask(self._circuit.power_off)

    def reset(self) -> None:
        """Press the reset button."""
        self._ask(self._circuit.reset)

    def press(self, button: str, hold_ms: int = HOLD_MS) -> None:
        """Press a button: the firmware sees it low for `hold_ms` from when it first looks."""
        if button not in BUTTONS:
            raise ValueError(f"no button {button!r}; there are {', '.join(BUTTONS)}")
        if not 1 <= hold_ms <= HOLD_MS_MAX:
            raise ValueError(f"a button is held for 1 to {HOLD_MS_MAX} ms, not {hold_ms}")
        self._note(f"press {button} {hold_ms}")
        self._ask(lambda: self._circuit.press(BUTTONS[button], hold_ms))

    def screen(self) -> Picture:
        """What the eye sees on the display now."""
        return self._ask(lambda: self._circuit.display.picture())

    def events(self) -> list[tuple[float, str]]:
        """The last things that happened, as (monotonic seconds, what)."""
        return self._ask(lambda: list(self._events))

    def status(self) -> dict[str, Any]:
        return self._ask(self._status)

    def _status(self) -> dict[str, Any]:
        child = self._circuit.child
        return {
            "repl": self.repl_port,
            "tap": self.tap_port,
            "heap": self.heap,
            "power": "on" if child else "off",
            "boots": self._circuit.boots,
            "child": child.pid if child else None,
        }

    def _note(self, event: str) -> None:
        self._events.append((monotonic(), event))

    def _ask(self, order: Callable[[], T]) -> T:
        """Have the board's thread do something, and wait for what it answers."""
        if not self._running:
            raise RuntimeError("the board is not started")
        answer: Future[T] = Future()
        self._orders.put((order, answer))
        self._bell.send(b"!")
        return answer.result(_ANSWER_S)

    def _obey(self) -> None:
        self._ear.recv(1)
        order, answer = self._orders.get()
        try:
            answer.set_result(order())
        except Exception as error:  # noqa: BLE001  it belongs to whoever asked
            answer.set_exception(error)

    def _end(self) -> None:
        self._circuit.close()
        self._running = False

    def _run(self) -> None:
        circuit = self._circuit
        while self._running:
            child = circuit.child
            sources = circuit.sources() | {self._ear: self._obey}
            outlets = circuit.outlets()
            readable, _, _ = select.select(list(sources), outlets, [], _TICK_S)
            for outlet in outlets:
                outlet.flush()
            for source in readable:
                sources[source]()
                if circuit.child is not child:
                    break  # what else was readable belongs to a child that is gone


def _take(home: Path) -> int:
    """Lock the home for this process; raises BoardInUse."""
    lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise BoardInUse(f"the board in {home} is running already") from None
    return lock


def _make_flash(image: Path, size: int) -> None:
    """A blank chip where there is none yet: every bit of erased NOR flash is 1."""
    if not image.exists():
        blank = image.with_suffix(".new")
        blank.write_bytes(b"\xff" * size)
        blank.rename(image)


def _identity(file: Path) -> bytes:
    """The six bytes of `machine.unique_id()`, the same for as long as the home exists."""
    if not file.exists():
        file.write_text((_ESPRESSIF + token_bytes(3)).hex())
    return bytes.fromhex(file.read_text())
