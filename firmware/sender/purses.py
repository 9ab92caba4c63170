"""The questions about purses, loaded when one is asked; each answers True when it is done."""

from firmware.common import crypto
from firmware.common.payment.money import show_amount, show_money
from firmware.common.payment.transaction import make_close
from firmware.common.wire.errors import BUSY, NO_FUNDS, Refused
from firmware.common.wire.messages import PURSE
from firmware.common.wire.signed import parse_signed
from firmware.sender import keeping
from firmware.sender.app import App
from firmware.sender.wallet import Purse

_NONCE_BYTES = 8


async def top_up(app: App, amount_minor: int) -> bool:
    """Makes the key of a new purse, which the bank is asked for at the next sync (J6)."""
    lines = ["", show_amount(amount_minor), "to pay offline,", "kept apart by", "the bank."]
    if not await app.dialog.confirm("TOP UP?", lines):
        return False
    if app.wallet.new_key:  # the user agreed to another question meanwhile
        raise Refused(BUSY, "a purse was asked for already: sync")
    keeping.add_key(app.wallet, crypto.generate_key()[0], amount_minor)
    app.device.log("TOP UP", show_amount(amount_minor))
    return True


async def close_purse(app: App, purse: Purse) -> bool:
    """Signs away the rest of a purse: it pays nothing more, and the bank returns the rest."""
    record = parse_signed(PURSE, purse.signed)
    amount = show_money(record.allowance - purse.spent, record.cur)
    if not await app.dialog.confirm("CLOSE PURSE?", ["", amount, "goes back to", "the account."]):
        return False
    if purse.spent >= record.allowance:  # it was closed meanwhile
        raise Refused(NO_FUNDS, "nothing is left in that purse")
    news = app.device.news
    txn = make_close(
        news.realm8,
        purse.private,
        record,
        purse.ctr + 1,
        purse.spent,
        crypto.random_bytes(_NONCE_BYTES),
        purse.prev,
        news.t_lb(),
    )
    keeping.add_close(app.wallet, txn)
    app.device.log("PURSE CLOSED", amount)
    return True
