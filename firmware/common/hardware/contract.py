"""What the firmware asks of the hardware, and nothing else; read by people and type checkers.

`esp32` fulfils it on a board (and on a virtual one, whose `machine` is an overlay). This file
is never on a board: annotations are all that name it.
"""

from typing import Any, Protocol


class Port(Protocol):
    """A byte pipe that never blocks."""

    def read(self) -> bytes:
        """What has arrived since the last call, at most a few hundred bytes; b"" if nothing."""
        ...

    def write(self, data: bytes) -> None:
        """Sends all of it, or what the pipe takes: the link resends what was lost."""
        ...


class Display(Protocol):
    """128 x 64 pixels; `buffer` is a `framebuf.FrameBuffer`, `show` sends it to the glass."""

    @property
    def buffer(self) -> Any: ...

    def show(self) -> None: ...


class Buttons(Protocol):
    """Three buttons."""

    def read(self) -> str:
        """The oldest press not yet read; "" if there is none.

        "next" and "cancel" when they go down. OK says "ok" when it is let go, or once "hold" when
        it has been held for 800 ms under the eyes of who reads: that is what money leaves after.
        """
        ...


class Clock(Protocol):
    """Time since start; what time of day it is, no board knows by itself."""

    def ms(self) -> int:
        """Milliseconds since start; never wraps, never goes back."""
        ...

    async def sleep_ms(self, ms: int) -> None:
        """Lets other tasks run meanwhile."""
        ...


class Board(Protocol):
    """Everything a role is built from."""

    @property
    def console(self) -> Port:
        """The USB port, where a host asks and mpremote breaks in."""
        ...

    @property
    def tap(self) -> Port:
        """The wire to the other board."""
        ...

    @property
    def display(self) -> Display: ...

    @property
    def buttons(self) -> Buttons: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def root(self) -> str:
        """The folder in flash that holds what survives power."""
        ...

    @property
    def unique_id(self) -> bytes:
        """The number that the chip's maker gave it; no secret."""
        ...

    def beep(self) -> None:
        """A short sound: money moved."""
        ...

    def restart(self, after_ms: int) -> None:
        """Starts the program anew, after a pause."""
        ...
