"""What the payer decided: whom to pay how much; refused before anybody is asked to confirm."""

from firmware.common.payment.money import check_amount
from firmware.common.wire.errors import STORE_FULL, UNKNOWN_PAYEE, Refused
from firmware.common.wire.limits import PENDING_MAX
from firmware.sender.payees import Payee


class Intent:
    """A payment nobody has signed yet."""

    def __init__(self, payee: Payee, amount_minor: int) -> None:
        self.payee = payee
        self.amount_minor = amount_minor


def decide(payee: Payee | None, amount_minor: int, own_account: str, pending: int) -> Intent:
    """The intent, when this board may sign it. Raises `Refused`."""
    if payee is None or payee.account == own_account:
        raise Refused(UNKNOWN_PAYEE, "no such payee among the imported keys")
    if pending >= PENDING_MAX:
        raise Refused(STORE_FULL, "%d payments are not confirmed yet" % pending)
    return Intent(payee, check_amount(amount_minor))
