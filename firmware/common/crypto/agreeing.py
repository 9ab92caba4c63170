"""ECDH on P-256: the x of d * Q                                         SP 800-56A, 5.7.1.2

d is written in 64 odd signed digits of 4 bits: as many instructions, on the same addresses, for
every d. For d = 2 and d = n - 2 the last addition is that of equal points; see `comb`.
"""

from firmware.common import late
from firmware.common.crypto import machine, multiples, scalar
from firmware.common.crypto.forms import read_private, read_public
from firmware.common.crypto.programs import PLAIN_Z, SLOTS, WINDOW_ROUND, WINDOW_START

_ROUNDS = 63


def agree(private: bytes, public: bytes) -> bytes:
    """The shared secret of ECDH, 32 bytes: to be hashed by `hkdf`, never to be used as it is."""
    d = read_private(private)
    point = read_public(public)
    machine.prepare(SLOTS, 1 + _ROUNDS)
    try:
        multiples.load(point[0], point[1])
        window_multiply(private)
        machine.run(PLAIN_Z, b"", b"", 1)
        x = machine.affine()[0] or late.call(machine.CHECKED, "multiply", d, point)[0]
    finally:
        machine.wipe()
    return x.to_bytes(32, "big")


def window_multiply(k: bytes) -> None:
    """(X, Y, Z) = k * Q or -k * Q, Q's multiples being loaded; as many instructions for any k."""
    digits = machine.buffer[machine.DIGITS :]
    machine.load_odd(k)
    scalar.window_digits(0, 0, digits, machine.buffer)
    machine.run(WINDOW_START, b"", digits, 1)
    machine.run(WINDOW_ROUND, b"", digits[1:], _ROUNDS)
