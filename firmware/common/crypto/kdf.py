"""SHA-256, HMAC (RFC 2104) and HKDF (RFC 5869), and the comparison that their outputs need."""

import sys
from hashlib import sha256 as _hash

TYPE_CHECKING = False
if TYPE_CHECKING or sys.implementation.name != "micropython":
    from firmware.common.crypto.viper import micropython, ptr8, ptr32

_HASH_BYTES = 32
_BLOCK_BYTES = 64
OUTPUT_BYTES_MAX = 255 * _HASH_BYTES  # RFC 5869, 2.3


def sha256(data: bytes) -> bytes:
    return _hash(data).digest()


def hmac_sha256(key: bytes, message: bytes | bytearray) -> bytes:
    """H(key ^ opad || H(key ^ ipad || message)), the key filled up to a block."""
    if len(key) > _BLOCK_BYTES:
        key = sha256(key)
    block = bytearray(_BLOCK_BYTES)
    block[: len(key)] = key
    _change(block, 0x36, -1)
    inner = _hash(block)
    inner.update(message)
    _change(block, 0x36 ^ 0x5C, -1)
    outer = _hash(block)
    outer.update(inner.digest())
    _change(block, 0, 0)  # no key is left behind
    return outer.digest()


@micropython.viper
def _change(p: ptr32, byte: int, kept: int):
    """A block: of each word the bits `kept`, then a byte added (xor) to all of its bytes."""
    byte = byte * 0x1010101
    end = int(p) + 64
    while int(p) < end:
        p[0] = p[0] & kept ^ byte
        p[1] = p[1] & kept ^ byte
        p[2] = p[2] & kept ^ byte
        p[3] = p[3] & kept ^ byte
        p = ptr32(int(p) + 16)


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """Extract and expand to 1 … 8160 bytes; ValueError for another length."""
    if not 0 < length <= OUTPUT_BYTES_MAX:
        raise ValueError("HKDF yields 1 to 8160 bytes")
    key = hmac_sha256(salt, secret)
    if length > _HASH_BYTES:
        return _expanded(key, info, length)
    return hmac_sha256(key, info + b"\x01")[:length]


def _expanded(key: bytes, info: bytes, length: int) -> bytes:
    output = block = b""
    for counter in range(1, (length + _HASH_BYTES - 1) // _HASH_BYTES + 1):
        block = hmac_sha256(key, block + info + bytes([counter]))
        output += block
    return output[:length]


def equal(a: bytes, b: bytes) -> bool:
    """Whether both are the same; takes as long wherever they differ (the length is no secret)."""
    return len(a) == len(b) and _difference(a, b, len(a)) == 0


@micropython.viper
def _difference(a: ptr8, b: ptr8, n: int) -> int:
    """All bits in which n bytes differ."""
    difference = 0
    while n > 0:
        n -= 1
        difference = difference | a[n] ^ b[n]
    return difference
