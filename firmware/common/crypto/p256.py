"""ECDSA and ECDH on P-256 in the firmware's own code: keys, signatures, shared secrets.

    sign     (r, s) = (x(k*G) mod n, (z + r*d) / k mod n), k by RFC 6979, s the lower of s and n-s
    verify   x(z/s * G + r/s * Q) mod n = r                                  FIPS 186-4, chapter 6
    agree    x(d*Q)                                                          SP 800-56A, 5.7.1.2

A private key d is 32 bytes, a public key x||y and a signature r||s 64, a digest 32; all big-endian.
ValueError means that one of them has a bad length, is out of range or is not on the curve.
"""

from firmware.common.crypto import curve
from firmware.common.crypto.forms import N, exactly, read_public, read_signature
from firmware.common.crypto.kdf import hmac_sha256
from firmware.common.crypto.randomness import random_bytes

# A candidate for a key or nonce is refused once in 2^32: in practice the first one serves.
_CANDIDATES_MAX = 16


def generate_key() -> tuple[bytes, bytes]:
    """A fresh (private, public)."""
    private = generate_private()
    return private, public_key(private)


def generate_private() -> bytes:
    for _ in range(_CANDIDATES_MAX):
        private = random_bytes(32)
        if 0 < int.from_bytes(private, "big") < N:
            return private
    raise ValueError("no private key among the candidates")


def public_key(private: bytes) -> bytes:
    return _encode(curve.multiply_base(read_private(private)))


def sign(private: bytes, digest: bytes) -> bytes:
    """The low-s signature of a digest; always the same one for the same input (RFC 6979)."""
    d = read_private(private)
    z = read_digest(digest)
    message = private + (z % N).to_bytes(32, "big")
    key, value = _update(bytes(32), b"\x01" * 32, b"\x00" + message)
    key, value = _update(key, value, b"\x01" + message)
    for _ in range(_CANDIDATES_MAX):
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
    w = curve.inverse(s, N)
    total = curve.multiply_two(z * w % N, r * w % N, point)
    return total is not None and total[0] % N == r


def agree(private: bytes, public: bytes) -> bytes:
    """The shared secret of ECDH, 32 bytes: to be hashed by `hkdf`, never to be used as it is."""
    point = curve.multiply(read_private(private), read_public(public))
    return point[0].to_bytes(32, "big")


def read_private(private: bytes) -> int:
    d = int.from_bytes(exactly(private, 32), "big")
    if not 0 < d < N:
        raise ValueError("private key out of range")
    return d


def read_digest(digest: bytes) -> int:
    return int.from_bytes(exactly(digest, 32), "big")


def _encode(pair: tuple[int, int]) -> bytes:
    return pair[0].to_bytes(32, "big") + pair[1].to_bytes(32, "big")


def _update(key: bytes, value: bytes, data: bytes) -> tuple[bytes, bytes]:
    """K = HMAC(K, V || data), V = HMAC(K, V): the steps d to g and h.3 of RFC 6979, 3.2."""
    key = hmac_sha256(key, value + data)
    return key, hmac_sha256(key, value)


def _sign_with(k: int, d: int, z: int) -> bytes:
    """The signature with this nonce, b"" where the nonce will not do."""
    if not 0 < k < N:
        return b""
    r = curve.multiply_base(k)[0] % N
    s = curve.inverse(k, N) * (z + r * d) % N
    return _encode((r, min(s, N - s))) if r and s else b""
