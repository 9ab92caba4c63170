"""The receiver's hash chain: each entry's hash covers the one before it.

head_0 = "GENESIS"
head_n = hex SHA-256( ASCII(head_{n-1} || txn_hash_n) )      both as lower-case hex text
"""

from binascii import hexlify

from firmware.common import crypto

GENESIS = "GENESIS"


def link(prev: str, txn_hash: str) -> str:
    """The hash of the entry that follows `prev`: 64 hex digits."""
    return hexlify(crypto.sha256((prev + txn_hash).encode())).decode()
