"""Opens an envelope: the JSON forms, loaded while one is opened and let go again."""

from firmware.common.interchange import envelope, transaction


class Opened:
    """What the ledger keeps of a verified payment; `text` is its transaction as compact JSON."""

    def __init__(self, payment: transaction.Transaction, ack_key: bytes) -> None:
        self.hash = payment.hash
        self.txn_id = payment.txn_id
        self.from_id = payment.from_id
        self.to_id = payment.to_id
        self.amount_minor = payment.amount_minor
        self.text = transaction.to_json(payment)
        self.ack_key = ack_key


def open_payment(raw: bytes, private: bytes) -> Opened:
    """The payment in an envelope sealed to this board's ECDH key. Raises `Refused`."""
    payment, ack_key = envelope.open_envelope(raw, private)
    return Opened(payment, ack_key)
