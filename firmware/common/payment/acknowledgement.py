"""Proof, for whoever sealed a payment, that its payee opened it and entered it in the ledger.

    proof = HMAC-SHA-256(k, txn_hash || head || index)      hex, hex, index as 8 hex digits

k is derived from the envelope's AES key (see `interchange.envelope`), which only the two know.
"""

from firmware.common import crypto


def acknowledge(ack_key: bytes, txn_hash: str, index: int, head: str) -> bytes:
    """32 bytes: payment `txn_hash` stands at `index` of a ledger whose head is then `head`."""
    return crypto.hmac_sha256(ack_key, (txn_hash + head + "%08x" % index).encode())
