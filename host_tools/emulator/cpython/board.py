"""A board of the CPython emulator: the hardware contract, and the power that comes and goes.

Its tasks run when the world steps it. As on a board, a failure nobody foresaw is logged and
the program starts anew.
"""

import traceback
from collections import deque
from collections.abc import Callable, Coroutine
from types import coroutine
from typing import Any

from host_tools.emulator.cpython import stand_ins
from host_tools.emulator.cpython.filesystem import FileSystem
from host_tools.emulator.cpython.flash import Chip, Fault, PowerCut
from host_tools.emulator.cpython.framebuf import MONO_VLSB, FrameBuffer
from host_tools.emulator.display import HEIGHT, WIDTH, Picture

_READ_BYTES_MAX = 512
_QUEUE_BYTES_MAX = 4_096
_PRESSES_MAX = 32
_HOLD_MS = 800
_CRASHES_MAX = 3
_LOGGED_CHARACTERS = 150
_RESTART_MS = 1_000


class Restart(BaseException):
    """The firmware asked for a restart."""


class Port:
    """A byte pipe; `far` is where the other end takes what is written here."""

    def __init__(self) -> None:
        self.arrived = 0
        self._waiting = bytearray()
        self.far: Callable[[bytes], None] = lambda data: None

    def read(self) -> bytes:
        data = bytes(self._waiting[:_READ_BYTES_MAX])
        del self._waiting[:_READ_BYTES_MAX]
        return data

    def write(self, data: bytes) -> None:
        self.far(data)

    def take(self, data: bytes) -> None:
        """What arrives; a full buffer loses the rest, as a UART's does."""
        self.arrived += 1
        self._waiting += data[: _QUEUE_BYTES_MAX - len(self._waiting)]

    def clear(self) -> None:
        self._waiting.clear()


class Sheet:
    """Remembers what is drawn on it since it was last cleared, for who wants to look."""

    def __init__(self) -> None:
        self.strokes: list[tuple[str, tuple[Any, ...]]] = []

    def fill(self, color: int) -> None:
        self.strokes = [("fill", (color,))]

    def fill_rect(self, x: int, y: int, width: int, height: int, color: int) -> None:
        self.strokes.append(("fill_rect", (x, y, width, height, color)))

    def pixel(self, x: int, y: int, color: int) -> None:
        self.strokes.append(("pixel", (x, y, color)))

    def text(self, text: str, x: int, y: int, color: int = 1) -> None:
        self.strokes.append(("text", (text, x, y, color)))


class Display:
    """The glass: `picture` for the eye, `lines` as text; `seen` is told of every change."""

    def __init__(self, seen: Callable[[list[str]], None]) -> None:
        self.buffer = Sheet()
        self.lines: list[str] = []
        self._strokes: list[tuple[str, tuple[Any, ...]]] = []
        self._seen = seen

    @property
    def picture(self) -> Picture:
        pixels = bytearray(WIDTH * HEIGHT // 8)
        buffer = FrameBuffer(pixels, WIDTH, HEIGHT, MONO_VLSB)
        for verb, arguments in self._strokes:
            getattr(buffer, verb)(*arguments)
        return Picture(bytes(pixels))

    def show(self) -> None:
        self._strokes = list(self.buffer.strokes)
        self.lines = [arguments[0] for verb, arguments in self._strokes if verb == "text"]
        self._seen(self.lines)


class Buttons:
    """Presses that wait to be read."""

    def __init__(self) -> None:
        self._presses: deque[str] = deque(maxlen=_PRESSES_MAX)

    def press(self, name: str, hold_ms: int = 60) -> None:
        self._presses.append("hold" if name == "ok" and hold_ms >= _HOLD_MS else name)

    def read(self) -> str:
        return self._presses.popleft() if self._presses else ""


class Clock:
    """The world's time, counted from when the power came."""

    def __init__(self, world_ms: Callable[[], int]) -> None:
        self._world_ms = world_ms
        self._start_ms = world_ms()

    def ms(self) -> int:
        return self._world_ms() - self._start_ms

    async def sleep_ms(self, ms: int) -> None:
        await _pause(self._world_ms() + ms)


class Board:
    """Flash that stays, and while the power is on the rest of the contract and its tasks."""

    root = "/data"

    def __init__(
        self, role: str, image: bytearray, world_ms: Callable[[], int], unique_id: bytes = bytes(6)
    ) -> None:
        self.role = role
        self.unique_id = unique_id
        self.image = image
        self.powered = False
        self.console, self.tap = Port(), Port()
        self.seen: Callable[[list[str]], None] = lambda lines: None
        self.crashes: deque[str] = deque(maxlen=_CRASHES_MAX)
        self.beeps = 0
        self._world_ms = world_ms
        self._tasks: list[tuple[int, Coroutine[int, None, None]]] = []
        self._restart_at_ms: int | None = None

    def power_on(self, fault: Fault | None = None, written: list[int] | None = None) -> None:
        """Cold start, with a fault for the chip from here on, which notes in `written`."""
        self.mount(fault)
        if written is not None:
            self.chip.written = written
        self.console.clear()
        self.tap.clear()
        self.display = Display(lambda lines: self.seen(lines))
        self.buttons = Buttons()
        self.clock = Clock(self._world_ms)
        self.powered = True
        self._restart_at_ms = None
        with stand_ins.running(self):
            self._guard(self._start)

    def mount(self, fault: Fault | None = None) -> None:
        """Connects the flash and its files, without starting the firmware."""
        self.chip = Chip(self.image)
        self.chip.watch(fault)
        self.files = FileSystem(self.chip)

    def power_off(self) -> None:
        """Cuts the power now, whatever the firmware waits for."""
        if self.powered:
            self.chip.alive = self.powered = False
            self._drop_tasks()

    def step(self) -> None:
        """Runs every task whose sleep is over."""
        if not self.powered:
            return
        now = self._world_ms()
        if self._restart_at_ms is not None and now >= self._restart_at_ms:
            self.power_on()
        if any(due_ms <= now for due_ms, _ in self._tasks):
            with stand_ins.running(self):
                self._guard(lambda: self._resume(now))

    def beep(self) -> None:
        self.beeps += 1

    def restart(self, after_ms: int) -> None:
        raise Restart

    def _start(self) -> None:
        start = stand_ins.role_module(self.role)
        from firmware.common.hardware.start import _start

        device = _start()
        self._log = device.log
        self._tasks = [(task.send(None), task) for task in start.tasks(device)]

    def _resume(self, now_ms: int) -> None:
        for number, (due_ms, task) in enumerate(self._tasks):
            if due_ms <= now_ms:
                self._tasks[number] = (task.send(None), task)

    def _guard(self, work: Callable[[], None]) -> None:
        """What ends the program: the power, its own wish, or an error as `start` handles it."""
        try:
            work()
        except PowerCut:
            self.power_off()
        except Restart:
            self._drop_tasks()
            self._restart_at_ms = self._world_ms()
        except Exception as error:  # noqa: BLE001 - the edge of the program
            self._crash(error)

    def _crash(self, error: Exception) -> None:
        text = "".join(traceback.format_exception(error))
        self.crashes.append(text)
        self._restart_at_ms = self._world_ms() + _RESTART_MS
        if self._tasks:
            self._drop_tasks()
            self._guard(lambda: self._log("CRASH", text[-_LOGGED_CHARACTERS:]))

    def _drop_tasks(self) -> None:
        tasks, self._tasks = self._tasks, []
        for _, task in tasks:
            task.close()


@coroutine
def _pause(until_ms: int) -> Any:
    yield until_ms
