"""How every board starts: its cryptography is checked before anything else, or it stops."""

import gc

from firmware.common import crypto
from firmware.common.hardware.esp32 import Board
from firmware.common.storage.device import Device
from firmware.common.ui import canvas

# Collected before there is more: a heap that is first filled with garbage ends up in pieces.
_GARBAGE_BYTES = 16_384


def start() -> Device:
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
