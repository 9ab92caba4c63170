"""Reads the transaction that an envelope held: one step of `opening`, loaded for itself."""

from firmware.common.interchange import transaction
from firmware.receiver.opened import Opened


def read_payment(found: dict[str, bytes], public: bytes, ack_key: bytes) -> tuple[Opened, bytes]:
    """The payment of these members and its signature by `public`, which is not verified."""
    payment = transaction.from_members(found, public)
    opened = Opened(payment.hash, payment.txn_id, payment.from_id, payment.to_id)
    opened.amount_minor = payment.amount_minor
    opened.text = transaction.to_json(payment)
    opened.ack_key = ack_key
    return opened, payment.signature
