"""k * G for secret k: a comb of 5 rows and 2 blocks whose digits are never zero.

The same instructions run on the same addresses for every k. Additions do not look for equal,
opposite or absent points: what they make of those has Z = 0, and keeps it; then `curve`, which
checks each step, does the work again. No k that is random meets that (one in about 2^250).
"""

from firmware.common import late
from firmware.common.crypto import machine, scalar
from firmware.common.crypto.programs import COMB_ROUND, COMB_START, SIGN_Y, SLOTS_OF_POINTS
from firmware.common.crypto.tables import COMB

_ROUNDS = 25
_SIGN = 40  # where `make_odd` leaves the sign


def base_point(k: bytes) -> tuple[int, int]:
    """k * G for 0 < k < n, 32 bytes, big-endian."""
    machine.prepare(SLOTS_OF_POINTS, 2 + 2 * _ROUNDS)
    comb_multiply(k)
    machine.run(SIGN_Y, b"", machine.buffer[_SIGN:], 1)
    x, y = machine.affine()
    return (x, y) if x else late.call(machine.CHECKED, "multiply_base", int.from_bytes(k, "big"))


def comb_multiply(k: bytes) -> None:
    """(X, Y, Z) = k * G or -k * G; as many instructions for any k."""
    digits = machine.buffer[machine.DIGITS :]
    machine.load_odd(k)
    scalar.comb_digits(0, 0, digits, machine.buffer)
    machine.run(COMB_START, COMB, digits, 1)
    machine.run(COMB_ROUND, COMB, digits[2:], _ROUNDS)
