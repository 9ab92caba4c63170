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
_PIECE_BYTES = 256


def seal(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes = b"") -> bytes:
    """ciphertext || tag. A nonce must never serve twice under one key. ValueError: bad length."""
    h, mask = _hash_key_and_mask(key, nonce)
    sealed = _crypt(key, nonce, plaintext)
    sealed += _tag(h, mask, sealed, aad)
    return bytes(sealed)


def unseal(key: bytes, nonce: bytes, sealed: bytes, aad: bytes = b"") -> bytes:
    """The plaintext; ValueError for a bad length or where key, nonce, aad or a bit is not right."""
    length = len(sealed) - _TAG_BYTES
    if length < 0:
        raise ValueError("sealed data is shorter than its tag")
    h, mask = _hash_key_and_mask(key, nonce)
    ciphertext = memoryview(sealed)[:length]
    if not equal(_tag(h, mask, ciphertext, aad), sealed[length:]):
        raise ValueError("the tag is not right")
    return bytes(_crypt(key, nonce, ciphertext))


def check_lengths(key: bytes, nonce: bytes) -> None:
    if len(key) != _KEY_BYTES:
        raise ValueError("AES-256-GCM takes a key of 32 bytes")
    if len(nonce) != _NONCE_BYTES:
        raise ValueError("AES-256-GCM takes a nonce of 12 bytes")


def _hash_key_and_mask(key: bytes, nonce: bytes) -> tuple[int, bytearray]:
    """H and the mask of the tag."""
    check_lengths(key, nonce)
    blocks = bytearray(_BLOCK_BYTES) + nonce + b"\x00\x00\x00\x01"
    encrypt_blocks(key, blocks)
    return int.from_bytes(blocks[:_BLOCK_BYTES], "big"), blocks[_BLOCK_BYTES:]


def _crypt(key: bytes, nonce: bytes, data: bytes | memoryview) -> bytearray:
    """The data with the key stream over it, a piece at a time: on a board a heap is small."""
    out = bytearray(data)
    for start in range(0, len(out), _PIECE_BYTES):
        piece = out[start : start + _PIECE_BYTES]
        counter = 2 + start // _BLOCK_BYTES
        stream = bytearray()
        for i in range(counter, counter + (len(piece) + _BLOCK_BYTES - 1) // _BLOCK_BYTES):
            stream += nonce + i.to_bytes(4, "big")
        encrypt_blocks(key, stream)
        out[start : start + _PIECE_BYTES] = _xor(piece, stream[: len(piece)])
    return out


def _xor(a: bytes | bytearray, b: bytes | bytearray) -> bytes:
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(len(a), "big")


def _tag(h: int, mask: bytearray, ciphertext: bytearray | memoryview, aad: bytes) -> bytes:
    low, high = _multiples(h)
    y = 0
    for data in (aad, ciphertext):
        for start in range(0, len(data), _BLOCK_BYTES):
            block = bytes(data[start : start + _BLOCK_BYTES])
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
