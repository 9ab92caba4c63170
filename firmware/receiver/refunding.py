"""Money back: a REFUND enters the ledger like a payment and goes to the bank with it."""

from firmware.common.payment.money import check_amount
from firmware.common.payment.refund import make_refund
from firmware.common.payment.verdicts import DUPLICATE, SETTLED
from firmware.common.wire.errors import OVER_LIMIT, REQUEST_UNKNOWN, Refused
from firmware.receiver import entries, keeping, remembering
from firmware.receiver.app import App
from firmware.receiver.keeping import ACCEPTED, REFUNDED

_GIVEN_BACK = (SETTLED, DUPLICATE)


def payment(app: App, index: int) -> bytes:
    """The ACCEPTED record of an entry; `Refused(REQUEST_UNKNOWN)` where it is gone or none."""
    kind, payload = entries.find(app.till, index)
    if kind != ACCEPTED:
        raise Refused(REQUEST_UNKNOWN, "that entry is no payment")
    return payload


def check(app: App, accepted: bytes, amount_minor: int) -> None:
    """Raises `Refused(OVER_LIMIT)` where more would go back than came."""
    txn = entries.txn(accepted)
    left_minor = txn.amount - _refunded(app, entries.txn_hash(accepted))
    if check_amount(amount_minor) > left_minor:
        raise Refused(OVER_LIMIT, "more than is left of that payment")


def refund(app: App, accepted: bytes, amount_minor: int, reason: int) -> None:
    """Signs and enters it."""
    check(app, accepted, amount_minor)
    till, txn = app.till, entries.txn(accepted)
    remembering.check_room(till, txn.purse)
    signed = make_refund(
        app.device.news.realm8,
        app.device.store.keys.signing,
        till.device,
        entries.txn_hash(accepted),
        amount_minor,
        till.refunds + 1,
        txn.purse,
        reason,
    )
    keeping.refund(till, signed)
    app.device.log("REFUNDED", "entry %d" % (till.count - 1))


def _refunded(app: App, txn_hash: bytes) -> int:
    """Minor units that went back already, as far as the journal tells; the bank knows all.

    What the bank has refused did not go back.
    """
    total_minor = 0
    till, journal = app.till, keeping.segments(app.till)
    for segment in range(journal.first, journal.last + 1):
        for _, _, payload in journal.scan_segment(segment, REFUNDED):
            found = entries.refund(payload)
            if found.txn_hash == txn_hash:
                index = entries.fields(payload)[1]
                if entries.verdicts(till, index, 1).get(index, SETTLED) in _GIVEN_BACK:
                    total_minor += found.amount
    return total_minor
