"""The signatures of a payment and its purse, and what two of them prove; one step of `talk`."""

from binascii import hexlify

from firmware.common import crypto, late
from firmware.common.payment.purse import check_purse as check_by_bank
from firmware.common.payment.transaction import check_payment, read_payment
from firmware.common.wire.errors import PROVEN_CHEAT, Refused
from firmware.common.wire.limits import KNOWN_PURSES_MAX
from firmware.common.wire.messages import PURSE
from firmware.common.wire.signed import parse_signed
from firmware.receiver.app import App

_ACCUSING = "firmware.receiver.accusing"


def check_purse(app: App, signed: bytes) -> None:
    """Check 7: the bank signed the purse; what was looked at lately is not looked at again."""
    news = app.device.news
    key = crypto.sha256(signed)
    if key not in app.known_purses:
        purse = check_by_bank(news.realm8, news.banks, signed)
        app.known_purses = app.known_purses[1 - KNOWN_PURSES_MAX :] + [key]
        news.saw(purse.issued)


def check_signatures(app: App, signed: bytes, txn: bytes, rival: bytes) -> None:
    """Checks 7 and 8; only when both hold a contradiction counts, and the purse is blocked."""
    check_purse(app, signed)
    purse = parse_signed(PURSE, signed)
    check_payment(app.device.news.realm8, purse, read_payment(txn))
    if rival:
        late.call(_ACCUSING, "prove", app.till, signed, txn, rival)
        app.device.log("PROVEN CHEAT", hexlify(purse.purse).decode())
        raise Refused(PROVEN_CHEAT, "that part of the purse was spent before")
