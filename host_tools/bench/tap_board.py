"""Built into a measured firmware in place of `hardware.esp32`: a board that does as it is told.

    command on stdin    now4 tap2 console2 press1 tasks1 || bytes for the tap, for the console
    result on stdout    "=" tap2 console2 title1 until4 x 3 counted2 x 4 || what was written, title

little-endian. `press` is 0 or the place of a name in _PRESSES, `tasks` a bit for each coroutine to
step. `until` is when each one's pause ends, in the same milliseconds as `now`. The program ends
with its commands.
"""

import sys
from struct import pack, unpack

import framebuf  # type: ignore[import-not-found]
from tap_program import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMAND = "<IHHBB"
_COMMAND_BYTES = 10
_RESULT = "<BHHBIIIHHHH"
_SIGN = 61  # "="
_PRESSES = ("", "ok", "next", "cancel", "hold")
_told: "list[Board]" = []


class Port:
    """One of the board's two wires."""

    def __init__(self) -> None:
        self.arrived = b""
        self.written = b""

    def read(self) -> bytes:
        data = self.arrived
        self.arrived = b""
        return data

    def write(self, data: bytes) -> None:
        self.written += data


class Clock:
    """A time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 0

    def ms(self) -> int:
        return self.now

    def sleep_ms(self, ms: int) -> "Iterator[int]":
        yield ms  # MicroPython awaits any generator


class Buttons:
    def __init__(self) -> None:
        self.press = ""

    def read(self) -> str:
        press = self.press
        self.press = ""
        return press


class _Buffer:
    """Draws as `framebuf` does; the first text on an empty screen is its title."""

    def __init__(self) -> None:
        self._drawn = framebuf.FrameBuffer(bytearray(1024), 128, 64, framebuf.MONO_VLSB)
        self.title = ""

    def fill(self, color: int) -> None:
        self.title = ""
        self._drawn.fill(color)

    def fill_rect(self, x: int, y: int, width: int, height: int, color: int) -> None:
        self._drawn.fill_rect(x, y, width, height, color)

    def text(self, text: str, x: int, y: int, color: int) -> None:
        self.title = self.title or text
        self._drawn.text(text, x, y, color)


class Display:
    def __init__(self) -> None:
        self.buffer = _Buffer()

    def show(self) -> None:
        """The glass is not part of this."""


class Board:
    """The hardware contract."""

    root = "/flash/data"
    unique_id = b"measured"

    def __init__(self) -> None:
        self.console = Port()
        self.tap = Port()
        self.clock = Clock()
        self.buttons = Buttons()
        self.display = Display()
        _told.append(self)

    def beep(self) -> None:
        """Nobody listens."""

    def restart(self, after_ms: int) -> None:
        raise SystemExit(1)


def run_together(tasks: list) -> None:
    """Steps the tasks that it is told to, until nothing more is told."""
    board = _told[0]
    until = [0, 0, 0]
    take = sys.stdin.buffer.read
    while True:
        command = take(_COMMAND_BYTES)
        if len(command) < _COMMAND_BYTES:
            raise SystemExit
        now, tap, console, press, mask = unpack(_COMMAND, command)
        board.clock.now = now
        board.tap.arrived += take(tap)
        board.console.arrived += take(console)
        if press:
            board.buttons.press = _PRESSES[press]
        for i in range(len(tasks)):
            if mask >> i & 1:
                until[i] = now + tasks[i].send(None)
        _tell(board, until)


def _tell(board: Board, until: list[int]) -> None:
    tap, console, title = board.tap, board.console, board.display.buffer.title.encode()
    sizes = len(tap.written), len(console.written), len(title)
    head = pack(_RESULT, _SIGN, *sizes, *until, *counted)
    sys.stdout.buffer.write(head + tap.written + console.written + title)
    tap.written = console.written = b""
