"""Whether the payee takes an opened payment; what was seen before is looked up by the caller."""

from firmware.common.payment.request import Request, check_amount
from firmware.common.wire.errors import MALFORMED, NOT_FOR_ME, REQUEST_CLOSED, Refused


class Opened:
    """What the ledger keeps of a payment; `text` is its transaction as compact JSON."""

    amount_minor = 0
    text = ""
    ack_key = b""

    def __init__(self, hash_: str, txn_id: str, from_id: str, to_id: str) -> None:
        self.hash = hash_
        self.txn_id = txn_id
        self.from_id = from_id
        self.to_id = to_id


def accept(payment: Opened, account: str, request: Request | None, request_id: str) -> None:
    """Raises `Refused` unless the verified payment is for `account` and fits what was asked.

    `request_id` is the request it was sent for, "" for a payment that came as a file.
    """
    if payment.to_id != account:
        raise Refused(NOT_FOR_ME, "it is for another payee")
    if payment.from_id == payment.to_id:
        raise Refused(MALFORMED, "payer and payee are the same")
    if request_id:
        if request is None or request.request_id != request_id:
            raise Refused(REQUEST_CLOSED, "that request is not open any more")
        check_amount(request, payment.amount_minor)
