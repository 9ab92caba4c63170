"""SHA-256, HMAC (RFC 2104) and HKDF (RFC 5869), and the comparison that their outputs need."""

import hashlib

_HASH_BYTES = 32
_BLOCK_BYTES = 64
OUTPUT_BYTES_MAX = 255 * _HASH_BYTES  # RFC 5869, 2.3


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """H(key ^ opad || H(key ^ ipad || message)), the key filled up to a block."""
    if len(key) > _BLOCK_BYTES:
        key = sha256(key)
    key = key + bytes(_BLOCK_BYTES - len(key))
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key))
    inner.update(message)
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))
    outer.update(inner.digest())
    return outer.digest()


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """Extract and expand to 1 … 8160 bytes; ValueError for another length."""
    if not 0 < length <= OUTPUT_BYTES_MAX:
        raise ValueError("HKDF yields 1 to 8160 bytes")
    key = hmac_sha256(salt, secret)
    output = block = b""
    for counter in range(1, (length + _HASH_BYTES - 1) // _HASH_BYTES + 1):
        block = hmac_sha256(key, block + info + bytes([counter]))
        output += block
    return output[:length]


def equal(a: bytes, b: bytes) -> bool:
    """Whether both are the same; takes as long wherever they differ (the length is no secret)."""
    if len(a) != len(b):
        return False
    difference = 0
    for i in range(len(a)):
        difference |= a[i] ^ b[i]
    return difference == 0
