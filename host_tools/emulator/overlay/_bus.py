"""The wires between MicroPython and the virtual board around it.

To the board: kind (1 byte) || length (2 bytes, little-endian) || payload.
From the board: pin (1) || level (1) || dwell in ms (2, little-endian).
"""

import os
import select
import struct
import time

_wires = open(int(os.getenv("BOARD_BUS")), "r+b")  # noqa: SIM115  open as long as the board is on
_heard = select.poll()
_heard.register(_wires, select.POLLIN)


def tell(kind, payload=b""):
    _wires.write(struct.pack("<BH", ord(kind), len(payload)) + payload)


def hear():
    """The next change of a pin as (pin, level, dwell_ms), or None."""
    return struct.unpack("<BBH", _wires.read(4)) if _heard.poll(0) else None


def end(kind):
    """Hand the board the power switch and wait for it: what follows is never reached."""
    tell(kind)
    while True:
        time.sleep(60)
