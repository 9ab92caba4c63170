"""ECDSA verification on P-256: x(z/s * G + r/s * Q) mod n = r           FIPS 186-4, chapter 6

Interleaved sliding windows, 5 bits wide for Q and 7 for G, whose multiples are a table. x = X/Z^2
is not reckoned: r * Z^2 = X tells as much. As all is public, zero digits are passed over. Sums of
equal, opposite or absent points: see `comb`.
"""

from firmware.common import late
from firmware.common.crypto import machine, multiples, scalar
from firmware.common.crypto.forms import N, P, exactly, read_public, read_signature
from firmware.common.crypto.programs import (
    ADD_BASE,
    COMPARE,
    PLAIN_Z,
    SLOT_T0,
    SLOTS,
    TAKE_BASE,
    TAKE_OWN,
    VERIFY_ROUND,
)
from firmware.common.crypto.tables import ODD

_OWN_WIDTH = 5
_BASE_WIDTH = 7
_ROUNDS = 258


def verify(public: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether the signature is good; high s is good too, see `is_low_s`."""
    point = read_public(public)
    z = int.from_bytes(exactly(digest, 32), "big")
    r, s = read_signature(signature)
    if not (0 < r < N and 0 < s < N):
        return False
    machine.prepare(SLOTS, 2 * _ROUNDS)
    w = machine.inverse_of_order(s)
    return is_sum_x(z * w % N, r * w % N, point, r)


def is_sum_x(u1: int, u2: int, point: tuple[int, int], r: int) -> bool:
    """Whether x(u1 * G + u2 * point) mod n = r, for 0 <= u1 < n, 0 < u2 < n and 0 < r < n."""
    multiples.load(point[0], point[1])
    digits = machine.buffer[machine.DIGITS :]
    scalar.sliding_digits(0, 0, digits, u2.to_bytes(34, "little"), _OWN_WIDTH)
    scalar.sliding_digits(0, 0, digits[1:], u1.to_bytes(34, "little"), _BASE_WIDTH)
    _sum(digits)
    machine.run(PLAIN_Z, b"", b"", 1)
    if machine.is_infinite():
        total = late.call(machine.CHECKED, "multiply_two", u1, u2, point)
        return total is not None and total[0] % N == r
    return _is_x(r) or (r + N < P and _is_x(r + N))


def _sum(digits: memoryview) -> None:
    """(X, Y, Z) = the sum that the digits stand for; they are not all zero."""
    first = 0
    while not digits[first]:
        first += 1
    if first & 1:
        machine.run(TAKE_BASE, ODD, digits[first:], 1)
    else:
        machine.run(TAKE_OWN, b"", digits[first:], 1)
        machine.run(ADD_BASE, ODD, digits[first + 1 :], 1)
    done = (first >> 1) + 1
    machine.run(VERIFY_ROUND, ODD, digits[2 * done :], _ROUNDS - done)


def _is_x(candidate: int) -> bool:
    machine.run(COMPARE, candidate.to_bytes(32, "little"), b"", 1)
    return machine.number(SLOT_T0) % P == 0
