"""Multiples of points of P-256 by machine code: the loops of `p256`, over one arena.

    base_point(k)                k * G             comb of 5 rows and 2 blocks, all digits nonzero
    peer_x(k, x, y)              x(k * Q)          odd signed windows of 4 bits
    is_sum_x(u1, u2, x, y, r)    x(u1 * G + u2 * Q) mod n = r      interleaved sliding windows
    inverse_of_order(k)          1/k mod n

Each of the first two runs the same instructions on the same addresses for every k. Additions in
the loops do not look for equal, opposite or absent points: what they make of those has Z = 0, and
keeps it. Then `curve`, which checks each step, does the work again. For secret scalars that are
random this does not happen (once in about 2^250).
"""

from array import array

from firmware.common import late
from firmware.common.crypto import field, inversion, scalar
from firmware.common.crypto.forms import N, P
from firmware.common.crypto.programs import (
    ADD_BASE,
    AFFINE,
    AFFINE_MULTIPLES,
    COMB_ROUND,
    COMB_START,
    COMPARE,
    LOAD_CONSTANTS,
    LOAD_INVERTED,
    LOAD_MODULUS,
    ODD_MULTIPLES,
    ORDER_INVERSE,
    PLAIN_Z,
    SIGN_Y,
    SLOT_QX,
    SLOT_QY,
    SLOT_T0,
    SLOT_T3,
    SLOT_T4,
    SLOT_X,
    SLOTS,
    TAKE_BASE,
    TAKE_OWN,
    VERIFY_ROUND,
    WINDOW_ROUND,
    WINDOW_START,
)
from firmware.common.crypto.tables import COMB, CONSTANTS, MODULUS, ODD, ORDER

_CHECKED = "firmware.common.crypto.curve"
_LIMBS = 20
_P_INVERSE = 8191  # 1/p mod 2^13
_COMB_ROUNDS = 25
_WINDOW_ROUNDS = 63
_VERIFY_ROUNDS = 258
_OWN_WIDTH = 5
_BASE_WIDTH = 7
_SIGN = 40  # where `make_odd` leaves the sign
_DIGITS = 44
_BUFFER_BYTES = _DIGITS + 2 * _VERIFY_ROUNDS

# The one arena, and one buffer: an odd scalar, then its digits.
_arena = memoryview(array("i", bytearray(4 * _LIMBS * SLOTS)))
_buffer = memoryview(bytearray(_BUFFER_BYTES))
_packed = bytearray(33)


def base_point(k: bytes) -> tuple[int, int]:
    """k * G for 0 < k < n, 32 bytes, big-endian."""
    comb_multiply(k)
    _run(SIGN_Y, b"", _buffer[_SIGN:], 1)
    x, y = _affine()
    return (x, y) if x else late.call(_CHECKED, "multiply_base", int.from_bytes(k, "big"))


def peer_x(k: bytes, x: int, y: int) -> int:
    """The x of k * (x, y), a point, for 0 < k < n, 32 bytes, big-endian."""
    _load_multiples(x, y)
    window_multiply(k)
    _run(PLAIN_Z, b"", b"", 1)
    product_x, _ = _affine()
    return product_x or late.call(_CHECKED, "multiply", int.from_bytes(k, "big"), (x, y))[0]


def is_sum_x(u1: int, u2: int, x: int, y: int, r: int) -> bool:
    """Whether x(u1 * G + u2 * (x, y)) mod n = r, for 0 < r < n and 0 < u2 < n; all is public."""
    _load_multiples(x, y)
    _wipe_buffer()
    digits = _buffer[_DIGITS:]
    scalar.sliding_digits(0, 0, digits, u2.to_bytes(34, "little"), _OWN_WIDTH)
    scalar.sliding_digits(0, 0, digits[1:], u1.to_bytes(34, "little"), _BASE_WIDTH)
    _sum(digits)
    _run(PLAIN_Z, b"", b"", 1)
    if _number(SLOT_QY) % P == 0:
        total = late.call(_CHECKED, "multiply_two", u1, u2, (x, y))
        return total is not None and total[0] % N == r
    return _is_x(r) or (r + N < P and _is_x(r + N))


def inverse_of_order(k: int) -> int:
    """1/k mod n for 0 < k < n, in as many steps for any k."""
    return _inverse(k.to_bytes(32, "little"), ORDER, ORDER_INVERSE, N)


def comb_multiply(k: bytes) -> None:
    """(X, Y, Z) = k * G or -k * G; as many instructions for any k."""
    digits = _buffer[_DIGITS:]
    scalar.make_odd(0, 0, _buffer, k, ORDER)
    scalar.comb_digits(0, 0, digits, _buffer)
    _run(COMB_START, COMB, digits, 1)
    _run(COMB_ROUND, COMB, digits[2:], _COMB_ROUNDS)


def window_multiply(k: bytes) -> None:
    """(X, Y, Z) = k * Q or -k * Q, Q's multiples being loaded; as many instructions for any k."""
    digits = _buffer[_DIGITS:]
    scalar.make_odd(0, 0, _buffer, k, ORDER)
    scalar.window_digits(0, 0, digits, _buffer)
    _run(WINDOW_START, b"", digits, 1)
    _run(WINDOW_ROUND, b"", digits[1:], _WINDOW_ROUNDS)


def wipe() -> None:
    """Forget whatever was reckoned with; called after each use of a secret."""
    scalar.wipe(0, _LIMBS * (SLOTS - SLOT_X), _arena[_LIMBS * SLOT_X :])
    scalar.wipe(0, 8, _packed)
    _wipe_buffer()


def _wipe_buffer() -> None:
    scalar.wipe(0, _BUFFER_BYTES // 4, _buffer)


def _run(program: bytes, table: bytes, digits: bytes | memoryview, rounds: int) -> None:
    field.run(0, 0, _arena, program, table, digits, rounds)


def _load_multiples(x: int, y: int) -> None:
    """Q, 3Q ... 15Q, affine, into the slots from T0 on."""
    _run(ODD_MULTIPLES, x.to_bytes(32, "little") + y.to_bytes(32, "little"), b"", 1)
    _invert(MODULUS, _P_INVERSE)
    _run(AFFINE_MULTIPLES, b"", b"", 1)


def _sum(digits: memoryview) -> None:
    """(X, Y, Z) = the sum that the digits stand for; they are not all zero."""
    first = 0
    while not digits[first]:
        first += 1
    if first & 1:
        _run(TAKE_BASE, ODD, digits[first:], 1)
    else:
        _run(TAKE_OWN, ODD, digits[first:], 1)
        _run(ADD_BASE, ODD, digits[first + 1 :], 1)
    done = (first >> 1) + 1
    _run(VERIFY_ROUND, ODD, digits[2 * done :], _VERIFY_ROUNDS - done)


def _is_x(candidate: int) -> bool:
    _run(COMPARE, candidate.to_bytes(32, "little"), b"", 1)
    return _number(SLOT_T0) % P == 0


def _affine() -> tuple[int, int]:
    """x and y of (X, Y, Z), both 0 where Z is zero; plain Z is where it is to be inverted."""
    _invert(MODULUS, _P_INVERSE)
    _run(AFFINE, b"", b"", 1)
    return _number(SLOT_T3) % P, _number(SLOT_T4) % P


def _inverse(number: bytes, modulus: bytes, inverse: int, value: int) -> int:
    _run(LOAD_INVERTED, number, b"", 1)
    _invert(modulus, inverse)
    return _number(SLOT_QY) % value


def _invert(modulus: bytes, inverse: int) -> None:
    """QY = 1/QY, in the workspace from t0 on."""
    _run(LOAD_MODULUS, modulus, b"", 1)
    work, number = _arena[_LIMBS * SLOT_T0 :], _arena[_LIMBS * SLOT_QY :]
    inversion.start(0, 0, work, number, _arena[_LIMBS * SLOT_QX :])
    for _ in range(inversion.ROUNDS):
        inversion.divide(0, 0, work)
        inversion.multiply(0, 0, work, inverse)
    inversion.finish(0, 0, work, number)


def _number(slot: int) -> int:
    scalar.pack(0, 0, _packed, _arena[_LIMBS * slot :])
    return int.from_bytes(_packed, "little")


_run(LOAD_CONSTANTS, CONSTANTS, b"", 1)
