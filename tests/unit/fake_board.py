"""A board of plain Python that fulfils the hardware contract, for flows without a machine.

Time passes only when somebody sleeps, so waits of half a minute cost nothing; a pipe joins two
boards as a wire would; the screen keeps the words that were drawn on it.
"""

import asyncio
from hashlib import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SLEEPS_MAX = 100_000


class Clock:
    """Milliseconds since start; boards that are joined share it, it moves on with each sleep."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.sleeps = 0

    def ms(self) -> int:
        return self.now_ms

    async def sleep_ms(self, ms: int) -> None:
        self.now_ms += ms
        self.sleeps += 1
        assert self.sleeps < _SLEEPS_MAX, "nothing more happens"
        await asyncio.sleep(0)


class Port:
    """One end of a pipe; `peer` gets what is written, unless the pipe is `is_cut`."""

    def __init__(self) -> None:
        self.peer: Port | None = None
        self.arrived = b""
        self.written = b""
        self.is_cut = False

    def read(self) -> bytes:
        data, self.arrived = self.arrived, b""
        return data

    def write(self, data: bytes) -> None:
        self.written += data
        if self.peer and not self.is_cut:
            self.peer.arrived += data


def join(a, b) -> None:
    """Two ports of fake boards."""
    a.peer, b.peer = b, a


class FrameBuffer:
    """What the firmware uses of `framebuf`: the words, and where they stand."""

    def __init__(self) -> None:
        self.words: list = []

    def fill(self, colour: int) -> None:
        self.words = []

    def fill_rect(self, x: int, y: int, width: int, height: int, colour: int) -> None:
        assert 0 <= x <= x + width <= 128 and 0 <= y <= y + height <= 64

    def text(self, text: str, x: int, y: int, colour: int) -> None:
        assert 0 <= x <= 128 - 8 * len(text) and 0 <= y <= 56, text
        assert all(" " <= c <= "~" for c in text), text
        self.words.append(text)


class Display:
    """`shown` holds every screen that reached the glass, as a list of lines."""

    def __init__(self) -> None:
        self.buffer = FrameBuffer()
        self.shown: list = []

    def show(self) -> None:
        self.shown.append(self.buffer.words)

    @property
    def lines(self) -> list:
        return self.shown[-1]


class Buttons:
    """Presses, given out one by one."""

    def __init__(self) -> None:
        self.presses: list = []

    def read(self) -> str:
        return self.presses.pop(0) if self.presses else ""


class Board:
    """Two boards on one wire share a clock."""

    def __init__(self, root: str, clock: Clock | None = None) -> None:
        self.root = root
        self.unique_id = sha256(root.encode()).digest()[:6]
        self.clock = clock or Clock()
        self.console = Port()
        self.tap: Any = Port()
        self.display = Display()
        self.buttons = Buttons()
        self.beeps = 0
        self.restarts = 0

    def beep(self) -> None:
        self.beeps += 1

    def restart(self, after_ms: int) -> None:
        self.restarts += 1

    def press(self, *names: str) -> None:
        self.buttons.presses.extend(names)
