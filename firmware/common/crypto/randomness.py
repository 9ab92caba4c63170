"""The one source of random bytes: the machine's, hashed with what this device never repeats.

    pool   = HMAC(pool, 0 || the chip's number)     once, at boot
    pool   = HMAC(pool, boot count || secret)       then, once there is a secret
    seed   = HMAC(pool, os.urandom(32))             for each call
    output = HKDF(seed, "random bytes")
    pool   = HMAC(seed, "pool")                     no seed twice, none to be found again

Should the machine's source ever stick, outputs still differ from call to call, from boot to boot
and from device to device. If it gives the same to new boards as they make their secrets, their
chips' numbers tell them apart; but those are no secret, and who knows source and number knows the
keys. Where there is no os.urandom nothing stands in for it: the call fails.
"""

import os

from firmware.common.crypto.forms import N
from firmware.common.crypto.kdf import hkdf, hmac_sha256

# A candidate for a key or nonce is refused once in 2^32: in practice the first one serves.
CANDIDATES_MAX = 16
_DRAW_BYTES = 32

_pool = bytes(32)


def stir(secret: bytes, boot_count: int) -> None:
    """Mix in what only this device knows, or has, and a number that no boot repeats; at boot."""
    global _pool
    _pool = hmac_sha256(_pool, b"stir" + boot_count.to_bytes(8, "big") + secret)


def random_bytes(n: int) -> bytes:
    """1 … 8160 bytes for keys, nonces and identifiers."""
    global _pool
    seed = hmac_sha256(_pool, os.urandom(_DRAW_BYTES))
    _pool = hmac_sha256(seed, b"pool")
    return hkdf(seed, b"", b"random bytes", n)


def random_scalar() -> bytes:
    """A private key: 32 bytes of a number in 1 … n-1."""
    for _ in range(CANDIDATES_MAX):
        scalar = random_bytes(32)
        if 0 < int.from_bytes(scalar, "big") < N:
            return scalar
    raise ValueError("no private key among the candidates")


def is_stuck() -> bool:
    """Whether the machine's source is plainly broken: it repeats a draw, or one byte throughout."""
    first, second = os.urandom(_DRAW_BYTES), os.urandom(_DRAW_BYTES)
    return first == second or len(set(first)) == 1 or len(set(second)) == 1
