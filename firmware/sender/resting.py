"""What the payer's board shows while nobody asks anything of it."""

from firmware.common.payment.money import show_money
from firmware.common.wire.messages import PURSE
from firmware.common.wire.signed import parse_signed
from firmware.sender.app import App


def lines(app: App) -> list[str]:
    """Whose board it is, what it can pay, what is not confirmed yet."""
    identity = app.device.store.identity
    waiting = len(app.wallet.pending)
    return [
        identity.account if identity else "not enrolled",
        "",
        _left(app),
        "%d not confirmed" % waiting if waiting else "",
    ]


def _left(app: App) -> str:
    """What purses that have not expired still hold, in the currency of the newest."""
    now_s = app.device.news.t_lb()
    left_minor = currency = 0
    for purse in reversed(app.usable_purses()):
        record = parse_signed(PURSE, purse.signed)
        currency = currency or record.cur
        if record.cur == currency and record.not_after > now_s:
            left_minor += record.allowance - purse.spent
    return show_money(left_minor, currency) if currency else ""
