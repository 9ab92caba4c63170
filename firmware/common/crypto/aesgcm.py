"""AES-256-GCM (NIST SP 800-38D) over single AES blocks: 96-bit nonces, 128-bit tags, one shot.

    H || stream || mask = AES(0) || AES(nonce||2) || AES(nonce||3) … || AES(nonce||1)
    ciphertext = plaintext ^ stream
    tag = mask ^ GHASH(H, aad || ciphertext || lengths),   GHASH: y = (y ^ block) * H for each block

All of these blocks are encrypted at once and in place, where then the result is: besides it only
`gcm`'s table is needed. A message of n bytes takes 2.1 KB + 2n of a heap, or n where the block that
`arena` keeps has room for the rest. Lengths are below 2^28 bytes, which no board can hold. Few
locals and arguments: MicroPython takes the frame of a function with more than 11 slots from the
heap.
"""

from firmware.common.crypto.arena import block
from firmware.common.crypto.block import encrypt_blocks
from firmware.common.crypto.gcm import counters, crypt
from firmware.common.crypto.ghash import authenticate, prepare
from firmware.common.crypto.scalar import wipe

_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_H_AT = 2096  # in gcm's work
_OUT_AT = 2112

_len = len  # the module's names are found by their hash, the interpreter's one after the other


def seal(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes = b"") -> bytes:
    """ciphertext || tag. A nonce must never serve twice under one key. ValueError: bad length."""
    work = _start(key, nonce, _len(plaintext))
    crypt(work, plaintext)
    authenticate(work, 0, aad, _len(aad), work)
    return bytes(work[_OUT_AT : _OUT_AT + _len(plaintext) + _TAG_BYTES])


def unseal(key: bytes, nonce: bytes, sealed: bytes, aad: bytes = b"") -> bytes:
    """The plaintext; ValueError for a bad length or where key, nonce, aad or a bit is not right."""
    if _len(sealed) < _TAG_BYTES:
        raise ValueError("sealed data is shorter than its tag")
    work = _start(key, nonce, _len(sealed) - _TAG_BYTES)
    if authenticate(work, 1, aad, _len(aad), sealed):
        _refuse(work)
    crypt(work, sealed)
    return bytes(work[_OUT_AT : _OUT_AT + _len(sealed) - _TAG_BYTES])


def _refuse(work: memoryview) -> None:
    """Wipes the key stream, the only thing of the key that is still there."""
    for i in range(len(work)):
        work[i] = 0
    raise ValueError("the tag is not right")


def check_lengths(key: bytes, nonce: bytes) -> None:
    if _len(key) != _KEY_BYTES:
        raise ValueError("AES-256-GCM takes a key of 32 bytes")
    if _len(nonce) != _NONCE_BYTES:
        raise ValueError("AES-256-GCM takes a nonce of 12 bytes")


def _start(key: bytes, nonce: bytes, length: int) -> memoryview:
    """The work of `gcm` with the table of H, the mask of the tag, and the key stream."""
    if _len(key) != _KEY_BYTES or _len(nonce) != _NONCE_BYTES:
        check_lengths(key, nonce)
    size = _OUT_AT + (length + 31 >> 4 << 4)
    if size <= _len(block):
        work = block[:size]
        wipe(0, _OUT_AT >> 2, work)
    else:
        work = memoryview(bytearray(size))
    counters(work, length, nonce)
    encrypt_blocks(key, work[_H_AT:])
    prepare(work, 0)
    return work
