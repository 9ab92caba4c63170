"""ECDSA and ECDH on P-256 in the firmware's own code: keys, signatures, shared secrets.

    sign     (r, s) = (x(k*G) mod n, (z + r*d) / k mod n), k by RFC 6979, s the lower of s and n-s
    verify   x(z/s * G + r/s * Q) mod n = r                                  FIPS 186-4, chapter 6
    agree    x(d*Q)                                                          SP 800-56A, 5.7.1.2

A private key d is 32 bytes, a public key x||y and a signature r||s 64, a digest 32; all big-endian.
ValueError means that one of them has a bad length, is out of range or is not on the curve.
"""

from firmware.common.crypto import multiples
from firmware.common.crypto.forms import N, exactly, read_private, read_public, read_signature
from firmware.common.crypto.kdf import hmac_sha256, sha256
from firmware.common.crypto.randomness import CANDIDATES_MAX, random_scalar


def generate_key() -> tuple[bytes, bytes]:
    """A fresh (private, public)."""
    private = random_scalar()
    return private, public_key(private)


def public_key(private: bytes) -> bytes:
    read_private(private)
    try:
        return _encode(multiples.base_point(private))
    finally:
        multiples.wipe()


def sign(private: bytes, digest: bytes) -> bytes:
    """The low-s signature of a digest; always the same one for the same input (RFC 6979)."""
    d = read_private(private)
    z = read_digest(digest)
    message = private + (z % N).to_bytes(32, "big")
    key, value = _update(bytes(32), b"\x01" * 32, b"\x00" + message)
    key, value = _update(key, value, b"\x01" + message)
    for _ in range(CANDIDATES_MAX):
        value = hmac_sha256(key, value)
        signature = _sign_with(int.from_bytes(value, "big"), d, z)
        if signature:
            return signature
        key, value = _update(key, value, b"\x00")
    raise ValueError("no nonce among the candidates")


def verify(public: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether the signature is good; high s is good too, see `is_low_s`."""
    point = read_public(public)
    z = read_digest(digest)
    r, s = read_signature(signature)
    if not (0 < r < N and 0 < s < N):
        return False
    w = multiples.inverse_of_order(s)
    return multiples.is_sum_x(z * w % N, r * w % N, point[0], point[1], r)


def agree(private: bytes, public: bytes) -> bytes:
    """The shared secret of ECDH, 32 bytes: to be hashed by `hkdf`, never to be used as it is."""
    read_private(private)
    x, y = read_public(public)
    try:
        return multiples.peer_x(private, x, y).to_bytes(32, "big")
    finally:
        multiples.wipe()


def read_digest(digest: bytes) -> int:
    return int.from_bytes(exactly(digest, 32), "big")


def _encode(pair: tuple[int, int]) -> bytes:
    return pair[0].to_bytes(32, "big") + pair[1].to_bytes(32, "big")


def _update(key: bytes, value: bytes, data: bytes) -> tuple[bytes, bytes]:
    """K = HMAC(K, V || data), V = HMAC(K, V): the steps d to g and h.3 of RFC 6979, 3.2."""
    key = hmac_sha256(key, value + data)
    return key, hmac_sha256(key, value)


def _sign_with(k: int, d: int, z: int) -> bytes:
    """The signature with this nonce, b"" where the nonce will not do.

    s = 1/(k b) * b (z + r d) for a number b that nobody can foretell: big integers take a time
    that depends on them, and so what they are given depends on b.
    """
    if not 0 < k < N:
        return b""
    blind = int.from_bytes(sha256(b"blind" + k.to_bytes(32, "big")), "big") % (N - 1) + 1
    try:
        r = multiples.base_point(k.to_bytes(32, "big"))[0] % N
        s = multiples.inverse_of_order(k * blind % N) * (blind * (z + r * d) % N) % N
    finally:
        multiples.wipe()
    return _encode((r, min(s, N - s))) if r and s else b""
