"""The wires between MicroPython and the virtual board around it.

To the board: kind (1 byte) || length (2 bytes, little-endian) || payload.
From the board: pin (1) || level (1) || dwell in ms (2, little-endian).
"""

import os
import select
import struct
import time

# Opened once and for all: a second file object would close the descriptor when it is collected.
_wires = open(int(os.getenv("OPG_BOARD_BUS")), "r+b")  # noqa: SIM115
UART_DESCRIPTOR = int(os.getenv("OPG_BOARD_UART"))
uart = open(UART_DESCRIPTOR, "r+b")  # noqa: SIM115
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
