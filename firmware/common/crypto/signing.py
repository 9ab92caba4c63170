"""Keys and ECDSA signatures on P-256: (r, s) = (x(k*G) mod n, (z + r*d) / k mod n)

k by RFC 6979, s the lower of s and n-s                                       FIPS 186-4, chapter 6
"""

from firmware.common.crypto import machine
from firmware.common.crypto.comb import base_point
from firmware.common.crypto.forms import N, exactly, read_private
from firmware.common.crypto.kdf import hmac_sha256, sha256
from firmware.common.crypto.randomness import CANDIDATES_MAX, random_scalar


def generate_key() -> tuple[bytes, bytes]:
    """A fresh (private, public)."""
    private = random_scalar()
    return private, public_key(private)


def public_key(private: bytes) -> bytes:
    read_private(private)
    try:
        return _encode(base_point(private))
    finally:
        machine.wipe()


def sign(private: bytes, digest: bytes) -> bytes:
    """The low-s signature of a digest; always the same one for the same input (RFC 6979)."""
    d = read_private(private)
    z = int.from_bytes(exactly(digest, 32), "big")
    key, value = _seeded(private, (z % N).to_bytes(32, "big"))
    for _ in range(CANDIDATES_MAX):
        value = hmac_sha256(key, value)
        signature = _sign_with(int.from_bytes(value, "big"), d, z)
        if signature:
            return signature
        key = hmac_sha256(key, value + b"\x00")
        value = hmac_sha256(key, value)
    raise ValueError("no nonce among the candidates")


def _seeded(private: bytes, digest: bytes) -> tuple[bytes, bytes]:
    """K and V after the steps b to g of RFC 6979, 3.2."""
    key, value = bytes(32), b"\x01" * 32
    message = bytearray(97)  # V || step || private || digest; one block, as heap is tight
    message[33:65] = private
    message[65:] = digest
    for step in (0, 1):
        message[:32] = value
        message[32] = step
        key = hmac_sha256(key, message)
        value = hmac_sha256(key, value)
    message[33:65] = bytes(32)
    return key, value


def _encode(pair: tuple[int, int]) -> bytes:
    return pair[0].to_bytes(32, "big") + pair[1].to_bytes(32, "big")


def _sign_with(k: int, d: int, z: int) -> bytes:
    """The signature with this nonce, b"" where the nonce will not do.

    s = 1/(k b) * b (z + r d) for a number b that nobody can foretell: big integers take a time
    that depends on them, and so what they are given depends on b.
    """
    if not 0 < k < N:
        return b""
    nonce = k.to_bytes(32, "big")
    blind = int.from_bytes(sha256(b"blind" + nonce), "big") % (N - 1) + 1
    try:
        r = base_point(nonce)[0] % N
        s = machine.inverse_of_order(k * blind % N) * (blind * (z + r * d) % N) % N
    finally:
        machine.wipe()
    return _encode((r, min(s, N - s))) if r and s else b""
