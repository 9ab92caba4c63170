"""AES-256-GCM (NIST SP 800-38D) over single AES blocks: 96-bit nonces, 128-bit tags, one shot.

    H = AES(0)   mask = AES(nonce||1)   stream = AES(nonce||2) || AES(nonce||3) …
    ciphertext = plaintext ^ stream
    tag = mask ^ GHASH(H, aad || ciphertext || lengths),   GHASH: y = (y ^ block) * H for each block

Blocks are polynomials over GF(2), modulo x^128 + x^7 + x^2 + x + 1, with x^0 in the *highest* bit.
A product without carries of two such numbers is the true product written backwards in 255 bits,
hence one shift to the left puts x^0 to x^127 into the upper half and what is to be reduced below.
"""

from firmware.common.crypto.block import encrypt_blocks
from firmware.common.crypto.kdf import equal

_KEY_BYTES = 32
_NONCE_BYTES = 12
_BLOCK_BYTES = 16
_TAG_BYTES = 16


def seal(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes = b"") -> bytes:
    """ciphertext || tag. A nonce must never serve twice under one key. ValueError: bad length."""
    h, mask, stream = _streams(key, nonce, len(plaintext))
    ciphertext = _xor(plaintext, stream)
    return ciphertext + _tag(h, mask, ciphertext, aad)


def unseal(key: bytes, nonce: bytes, sealed: bytes, aad: bytes = b"") -> bytes:
    """The plaintext; ValueError for a bad length or where key, nonce, aad or a bit is not right."""
    length = len(sealed) - _TAG_BYTES
    if length < 0:
        raise ValueError("sealed data is shorter than its tag")
    h, mask, stream = _streams(key, nonce, length)
    ciphertext = sealed[:length]
    if not equal(_tag(h, mask, ciphertext, aad), sealed[length:]):
        raise ValueError("the tag is not right")
    return _xor(ciphertext, stream)


def check_lengths(key: bytes, nonce: bytes) -> None:
    if len(key) != _KEY_BYTES:
        raise ValueError("AES-256-GCM takes a key of 32 bytes")
    if len(nonce) != _NONCE_BYTES:
        raise ValueError("AES-256-GCM takes a nonce of 12 bytes")


def _streams(key: bytes, nonce: bytes, length: int) -> tuple[int, bytearray, bytearray]:
    """H, the mask of the tag and the key stream, out of one call of the cipher."""
    check_lengths(key, nonce)
    blocks = bytearray(_BLOCK_BYTES)
    for counter in range(1, 2 + _blocks(length)):
        blocks += nonce + counter.to_bytes(4, "big")
    encrypt_blocks(key, blocks)
    h = int.from_bytes(blocks[:_BLOCK_BYTES], "big")
    return h, blocks[_BLOCK_BYTES : 2 * _BLOCK_BYTES], blocks[2 * _BLOCK_BYTES :][:length]


def _blocks(length: int) -> int:
    return (length + _BLOCK_BYTES - 1) // _BLOCK_BYTES


def _xor(a: bytes, b: bytes | bytearray) -> bytes:
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(len(a), "big")


def _tag(h: int, mask: bytearray, ciphertext: bytes, aad: bytes) -> bytes:
    low, high = _multiples(h)
    y = 0
    for data in (aad, ciphertext):
        for start in range(0, len(data), _BLOCK_BYTES):
            block = data[start : start + _BLOCK_BYTES]
            block = block + bytes(_BLOCK_BYTES - len(block))
            y = _product(y ^ int.from_bytes(block, "big"), low, high)
    lengths = len(aad) * 8 << 64 | len(ciphertext) * 8
    return _xor(_product(y ^ lengths, low, high).to_bytes(_BLOCK_BYTES, "big"), mask)


def _multiples(h: int) -> tuple[list[int], list[int]]:
    """H times each number of 4 bits, and the same moved up by 4 bits (1.5 KB on a board)."""
    low = [0, h]
    for n in range(2, 16):
        low.append(low[n >> 1] << 1 ^ low[n & 1])
    return low, [multiple << 4 for multiple in low]


def _product(y: int, low: list[int], high: list[int]) -> int:
    """y * H in the field."""
    product = 0
    for byte in y.to_bytes(_BLOCK_BYTES, "big"):
        product = product << 8 ^ high[byte >> 4] ^ low[byte & 15]
    return _reduce(product << 1)


def _reduce(product: int) -> int:
    """The lower half folded into the upper one: x^128 = 1 + x + x^2 + x^7, x being a shift right.

    Folding moves up to 7 bits out at the lower end: those are folded a second time.
    """
    for _ in range(2):
        lower = product & (1 << 128) - 1
        product ^= lower
        product ^= lower << 128 ^ lower << 127 ^ lower << 126 ^ lower << 121
    return product >> 128
