"""The last step of a tap, loaded for itself: what is logged of it, and its outcome's screen."""

from binascii import hexlify

from firmware.common.payment.money import show_money
from firmware.common.ui.flow import name_of
from firmware.sender import screens
from firmware.sender.wallet import Pending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.sender.tap import Talk


def outcome(talk: "Talk", detail: str, is_again: bool) -> tuple[str, list[str]]:
    """What counts most is told; a payment that waits is never passed over in silence."""
    app = talk.app
    for what, pending in talk.events:
        app.device.log(what, _id_of(pending))
    app.why = talk.why
    why = (detail or name_of(talk.why)) if talk.why else ""
    waiting = [p for p in app.wallet.pending if is_again or talk.payee in (b"", p.payee)]
    last = talk.signed
    if last is None and not talk.is_cancelled:
        last = waiting[-1] if waiting else None
        if last is None and talk.ended and not why:
            last = talk.ended[-1][0]
    app.last_id = _id_of(last) if last else ""
    amount = show_money(last.amount_minor, last.currency) if last else ""
    ends = [is_paid for pending, is_paid in talk.ended if pending is last]
    if last is None:
        app.outcome = app.CANCELLED
        return screens.cancelled(why)
    if ends:
        app.outcome = app.PAID if ends[0] else app.CANCELLED
        return screens.ended(ends[0], amount, talk.name, talk.words)
    app.outcome = app.NOT_CONFIRMED
    app.device.log("NOT CONFIRMED", why)
    return screens.not_confirmed(amount, why)


def _id_of(pending: Pending) -> str:
    """What a payment is called in logs and by hosts."""
    return hexlify(pending.hash[:16]).decode()
