"""What the multiples of points share: one arena, programs in it, inverses, and wiping.

Points are multiplied by the machine code of `field`, `inversion` and `scalar`, which stays loaded;
this and what uses it is loaded for each use, with what tables that use needs, and let go.
"""

from firmware.common.crypto import arena, field, inversion, scalar
from firmware.common.crypto.forms import P
from firmware.common.crypto.programs import (
    AFFINE,
    LOAD_CONSTANTS,
    LOAD_INVERTED,
    LOAD_MODULUS,
    ORDER_INVERSE,
    SLOT_QX,
    SLOT_QY,
    SLOT_T0,
    SLOT_T3,
    SLOT_T4,
)
from firmware.common.crypto.tables import CONSTANTS, MODULUS, ORDER

CHECKED = "firmware.common.crypto.curve"
DIGITS = 44  # where digits begin in the buffer
_SLOT = arena.SLOT_BYTES
_P_INVERSE = 8191  # 1/p mod 2^13

# The arena, and a buffer of an odd scalar and its digits: empty until `prepare`.
_arena = buffer = memoryview(b"")
_packed = bytearray(36)
_scratch = 0


def prepare(slots: int, digits: int) -> None:
    """An arena and a buffer as large as needed, with the constants loaded."""
    global _arena, _scratch, buffer
    _scratch = slots
    _arena = arena.block[: _SLOT * (slots + field.SCRATCH_SLOTS)]
    scalar.wipe(0, len(_arena) >> 2, _arena)
    buffer = memoryview(bytearray((DIGITS + digits + 3) & ~3))
    run(LOAD_CONSTANTS, CONSTANTS, b"", 1)


def run(program: bytes, table: bytes, digits: bytes | memoryview, rounds: int) -> None:
    field.run(_scratch, 0, _arena, program, table, digits, rounds)


def load_odd(k: bytes) -> None:
    """k or n - k, whichever is odd, into the buffer; 32 bytes, big-endian."""
    scalar.make_odd(0, 0, buffer, k, ORDER)


def affine() -> tuple[int, int]:
    """x and y of (X, Y, Z), both 0 where Z is zero; plain Z is where it is to be inverted."""
    if is_infinite():
        return 0, 0
    invert()
    run(AFFINE, b"", b"", 1)
    return number(SLOT_T3) % P, number(SLOT_T4) % P


def inverse_of_order(k: int) -> int:
    """A number that is 1/k modulo n, for 0 < k < n; in as many steps for any k."""
    run(LOAD_INVERTED, k.to_bytes(32, "little"), b"", 1)
    _invert(ORDER, ORDER_INVERSE)
    return number(SLOT_QY)


def invert() -> None:
    """QY = 1/QY modulo p."""
    _invert(MODULUS, _P_INVERSE)


def is_infinite() -> bool:
    """Whether plain Z, which is where it is to be inverted, is zero."""
    return number(SLOT_QY) % P == 0


def number(slot: int) -> int:
    scalar.pack(0, 0, _packed, _arena[_SLOT * slot :])
    return int.from_bytes(_packed, "little")


def wipe() -> None:
    """Forget whatever was reckoned with; called after each use of a secret."""
    scalar.wipe(0, len(_arena) >> 2, _arena)
    scalar.wipe(0, len(_packed) >> 2, _packed)
    scalar.wipe(0, len(buffer) >> 2, buffer)


def _invert(modulus: bytes, inverse: int) -> None:
    run(LOAD_MODULUS, modulus, b"", 1)
    work, inverted = _arena[_SLOT * SLOT_T0 :], _arena[_SLOT * SLOT_QY :]
    inversion.start(0, 0, work, inverted, _arena[_SLOT * SLOT_QX :])
    for _ in range(inversion.ROUNDS):
        inversion.divide(0, 0, work)
        inversion.multiply(0, 0, work, inverse)
    inversion.finish(0, 0, work, inverted)
