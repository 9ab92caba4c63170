"""How every board starts, and what it does when its program fails.

Its cryptography is checked before anything else. After a failure nobody foresaw it starts anew:
the journals hold all that counts, and what they say is the one state known to be right.
"""

# pyright: reportAttributeAccessIssue=false
# `sys.print_exception` exists on a board only.

import gc
import io
import sys

from firmware.common import crypto
from firmware.common.hardware.esp32 import Board, run_together
from firmware.common.storage.device import Device
from firmware.common.ui import canvas

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

# Collected before there is more: a heap that is first filled with garbage ends up in pieces.
_GARBAGE_BYTES = 4_096

_RESTART_MS = 1_000  # long enough for Ctrl-C


def run_for_ever(tasks: "Callable[[Device], list[Coroutine]]") -> None:
    """Starts the board and runs its tasks together until Ctrl-C."""
    device = _start()
    try:
        run_together(tasks(device))
    except Exception as error:  # noqa: BLE001 - the edge of the program
        _record(device, error)
        device.board.restart(_RESTART_MS)


def _start() -> Device:
    """The started device; a failed self-test is shown and ends the program."""
    board = Board()
    canvas.draw(board.display, "STARTING", ["", "checking keys"], "")
    try:
        crypto.self_test()
    except crypto.SelfTestFailed:
        lines = ["", "Its cryptography", "gives wrong", "answers."]
        canvas.draw(board.display, "DO NOT USE", lines, "")
        raise
    device = Device(board)
    device.log("START")
    gc.threshold(_GARBAGE_BYTES)
    return device


def _record(device: Device, error: Exception) -> None:
    text = io.StringIO()
    sys.print_exception(error, text)
    print(text.getvalue())
    device.log("CRASH", text.getvalue()[-150:])
