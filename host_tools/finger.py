"""A finger on a board's buttons: possible on a virtual board only, on purpose.

A host must never confirm a payment by itself; on a real board a person presses.
"""

import time
from typing import Protocol

from host_tools.device import Device
from host_tools.emulator import registry
from host_tools.emulator.display import Picture
from host_tools.errors import NOT_REACHABLE, REFUSED, CommandError

PRESS_MS = 60
HOLD_MS = 1_000  # as long as the board wants OK to be held before money leaves, and some
_TYPE_MS = 30
_LOOK_S = 0.01
_PATIENCE_S = 60.0  # longer than boards wait for each other
_WHEEL = "0123456789="


class Board(Protocol):
    """A virtual board, in this process or another."""

    def press(self, button: str, hold_ms: int = ...) -> None: ...

    def screen(self) -> Picture: ...


def on(port: str) -> Board:
    """A virtual board's buttons; a real board's are refused with advice."""
    board = registry.find(port)
    if board is None:
        raise CommandError(REFUSED, f"press the button on the board at {port} itself.")
    return board


def press(port: str, button: str, hold_ms: int = PRESS_MS) -> None:
    """Presses a virtual board's button; a real board's is refused with advice."""
    on(port).press(button, hold_ms)


def answer(board: Board, device: Device, title: str, hold_ms: int = PRESS_MS) -> None:
    """Presses OK once the screen asks the question of that title.

    Not where there is an outcome already: nobody asks any more then.
    """
    if wait_for(device, title):
        board.press("ok", hold_ms)


def wait_for(device: Device, title: str, until_outcome: bool = True) -> bool:
    """Whether a screen of that title appeared; False where there was an outcome before."""
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        status = device.status()
        if status["title"].startswith(title):
            return True
        if until_outcome and (status["outcome"] or status["why"]):
            return False
        time.sleep(_LOOK_S)
    raise CommandError(NOT_REACHABLE, f"the board never showed {title!r}.")


def type_code(board: Board, code: str) -> None:
    """Types digits on the wheel, each press once the screen shows what the last one did."""
    at = 0
    for digit in code + "=":
        wanted = _WHEEL.index(digit)
        for _ in range((wanted - at) % len(_WHEEL)):
            press_and_see(board, "next")
        at = wanted
        press_and_see(board, "ok")


def press_and_see(board: Board, button: str) -> None:
    """Presses a button and waits for the screen to show what it did."""
    before = board.screen()
    board.press(button, _TYPE_MS)
    until = time.monotonic() + _PATIENCE_S
    seen = before
    while seen == before or seen != board.screen():  # nothing drawn yet, or not all of it
        if time.monotonic() > until:
            raise CommandError(NOT_REACHABLE, f"{button.upper()} changed nothing on the screen.")
        time.sleep(_LOOK_S)
        seen = board.screen()
