"""A payment that came as a file, opened, and whether the payee takes it."""

from firmware.common.wire.errors import MALFORMED, NOT_FOR_ME, Refused


class Opened:
    """What the ledger keeps of a payment; `text` is its transaction as compact JSON."""

    def __init__(
        self,
        hash_: str,
        txn_id: str,
        from_id: str,
        to_id: str,
        amount_minor: int,
        text: str,
        ack_key: bytes,
    ) -> None:
        self.hash = hash_
        self.txn_id = txn_id
        self.from_id = from_id
        self.to_id = to_id
        self.amount_minor = amount_minor
        self.text = text
        self.ack_key = ack_key


def check_payee(payment: Opened, account: str) -> None:
    """Raises `Refused` unless the verified payment is for `account`, from somebody else."""
    if payment.to_id != account:
        raise Refused(NOT_FOR_ME, "it is for another payee")
    if payment.from_id == payment.to_id:
        raise Refused(MALFORMED, "payer and payee are the same")
