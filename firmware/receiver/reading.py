"""Reads the transaction that an envelope held: one step of `opening`, loaded for itself."""

from firmware.common.interchange import transaction


def read_payment(found: dict[str, bytes], public: bytes, ack_key: bytes) -> tuple[tuple, bytes]:
    """What `Opened` is made of, and its signature by `public`, which is not verified."""
    payment = transaction.from_members(found, public)
    text = transaction.to_json(payment)
    ids = payment.hash, payment.txn_id, payment.from_id, payment.to_id
    return ids + (payment.amount_minor, text, ack_key), payment.signature
