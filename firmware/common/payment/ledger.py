"""The receiver's hash chain: each entry's hash covers the one before it.

head_0 = "GENESIS", or "GENESIS:" device ":" gen for generations after the first (gen 0)
head_n = hex SHA-256( ASCII(head_{n-1} || txn_hash_n) )      both as lower-case hex text

The same chain in the JSON forms and in OPG1, where a head travels as its 32 bytes, and the
beginning as 32 zeros.
"""

from binascii import hexlify

from firmware.common import crypto

GENESIS = "GENESIS"
NO_HEAD = bytes(32)


def genesis(device: bytes, gen: int) -> str:
    """What the first entry of a generation follows; `device` is its 8 bytes."""
    return "%s:%s:%d" % (GENESIS, hexlify(device).decode(), gen) if gen else GENESIS


def link(prev: str, txn_hash: str) -> str:
    """The hash of the entry that follows `prev`: 64 hex digits."""
    return hexlify(crypto.sha256((prev + txn_hash).encode())).decode()


def extend(head: bytes, entry_hash: bytes, device: bytes, gen: int) -> bytes:
    """`link` in bytes: the head after the entry of this hash; NO_HEAD is the beginning."""
    prev = genesis(device, gen).encode() if head == NO_HEAD else hexlify(head)
    return crypto.sha256(prev + hexlify(entry_hash))
