"""The odd multiples 1 ... 15 of a point, affine, in the arena's slots from T0 on."""

from firmware.common.crypto import machine
from firmware.common.crypto.programs import AFFINE_MULTIPLES, ODD_MULTIPLES


def load(x: int, y: int) -> None:
    """Of a point (x, y); one inversion serves for all of them."""
    point = x.to_bytes(32, "little") + y.to_bytes(32, "little")
    machine.run(ODD_MULTIPLES, point, b"", 1)
    machine.invert()
    machine.run(AFFINE_MULTIPLES, b"", b"", 1)
