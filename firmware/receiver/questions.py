"""The cashier's questions, loaded when one is asked; each answers True when it is done."""

from firmware.common.payment.money import show_amount, show_money
from firmware.common.wire.errors import CANCELLED, DECLINED
from firmware.receiver import charging, entries, keeping, refunding
from firmware.receiver.app import App
from firmware.receiver.keeping import ACCEPTED
from firmware.receiver.till import Request

_HISTORY = 20


async def charge(app: App) -> bool:
    """Opens a request for an amount that is typed."""
    charging.check_ready(app)
    amount_minor = await app.dialog.amount("ASK HOW MUCH?")
    if not amount_minor:
        return False
    charging.charge(app, amount_minor, "")
    return True


async def cancel(app: App) -> bool:
    """Closes the open request."""
    request = app.till.open
    if request is None:
        return True
    asked = show_money(request.amount_minor, request.currency)
    if not await app.dialog.confirm("CANCEL?", ["", asked]):
        return False
    if request in app.till.requests:  # else it was paid meanwhile
        keeping.close(app.till, request, CANCELLED)
    return True


async def late_payment(app: App, request: Request) -> bool:
    """Whether a payment is still taken for a request whose time was up."""
    asked = show_money(request.amount_minor, request.currency)
    lines = ["", asked, "for a request", "of before"]
    request.agreed = await app.dialog.confirm("TAKE IT NOW?", lines)
    if not request.agreed and request in app.till.requests:
        keeping.close(app.till, request, DECLINED)
    return request.agreed


async def history(app: App) -> bool:
    """The last entries, newest first; from one of them a refund."""
    first = max(0, app.till.count - _HISTORY)
    rows, kinds = [], []
    for index, kind, payload in entries.entries(app.till, first):
        rows.append("%d %s" % (index, _row(kind, payload)))
        kinds.append((index, kind))
    rows.reverse()
    kinds.reverse()
    chosen = await app.dialog.choose("LAST PAYMENTS", rows)
    if chosen < 0 or kinds[chosen][1] != ACCEPTED:
        return False
    index = kinds[chosen][0]
    amount_minor = await app.dialog.amount("GIVE BACK?")
    return amount_minor > 0 and await refund(app, index, amount_minor, 0)


async def refund(app: App, index: int, amount_minor: int, reason: int) -> bool:
    """Orders the bank to give back a part of a payment."""
    payment = refunding.payment(app, index)
    refunding.check(app, payment, amount_minor)
    amount = show_money(amount_minor, entries.currency(payment))
    if not await app.dialog.confirm("GIVE BACK?", ["", amount, "of entry %d" % index]):
        return False
    refunding.refund(app, payment, amount_minor, reason)
    return True


def _row(kind: int, payload: bytes) -> str:
    if kind == ACCEPTED:
        return show_money(entries.txn(payload).amount, entries.currency(payload))
    return "back " + show_amount(entries.refund(payload).amount)
