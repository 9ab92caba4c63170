"""The payee's request for money: opened and journalled before anybody is told of it (J3, J4)."""

from binascii import hexlify

from firmware.common import crypto
from firmware.common.wire.errors import AMOUNT_DIFFERS, Refused

ANY_AMOUNT = 0


class Request:
    """`request_id` is 16 hex digits; `amount_minor` is ANY_AMOUNT where the payer decides."""

    def __init__(self, request_id: str, amount_minor: int) -> None:
        self.request_id = request_id
        self.amount_minor = amount_minor


def open_request(amount_minor: int = ANY_AMOUNT) -> Request:
    """A request with a fresh identifier."""
    return Request(hexlify(crypto.random_bytes(8)).decode(), amount_minor)


def check_amount(request: Request, amount_minor: int) -> None:
    """Raises `Refused(AMOUNT_DIFFERS)` unless the payment is of what was asked for."""
    if request.amount_minor not in (ANY_AMOUNT, amount_minor):
        raise Refused(AMOUNT_DIFFERS, "another amount was asked for")
