"""Reads the transaction that an envelope held: one step of `opening`, loaded for itself."""

from firmware.common.interchange import transaction
from firmware.receiver.accept import Opened


def read_payment(plaintext: bytes, ack_key: bytes) -> tuple[Opened, bytes, bytes]:
    """The payment, the key that it says signed it, and that signature; nothing is verified."""
    payment = transaction.parse(plaintext)
    opened = Opened(payment.hash, payment.txn_id, payment.from_id, payment.to_id)
    opened.amount_minor = payment.amount_minor
    opened.text = transaction.to_json(payment)
    opened.ack_key = ack_key
    return opened, payment.sender_public_key, payment.signature
