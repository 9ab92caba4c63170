"""Reads the transaction that an envelope held: one step of `opening`, loaded for itself."""

from firmware.common.interchange import transaction


def read_payment(found: dict[str, bytes], public: bytes) -> tuple[str, tuple, bytes]:
    """The hash, the fields in the order of `Transaction`, and a signature nobody has verified."""
    payment = transaction.from_members(found, public)
    fields = (payment.txn_id, payment.from_id, payment.to_id, payment.amount_minor)
    fields += (payment.timestamp, payment.prev_hash, payment.wallet_id)
    return payment.hash, fields, payment.signature
