"""The checks of a tap in the protocol's order, one step of `talk`, loaded for it and let go.

It takes bytes and answers bytes, which keep none of its code in RAM. What is refused raises
`Refused` and has changed nothing, but that a purse which was spent twice is proven and blocked.
"""

from binascii import hexlify

from firmware.common import crypto, late
from firmware.common.payment.purse import check_purse, check_time
from firmware.common.payment.transaction import check_payment, read_payment
from firmware.common.storage import enrolment
from firmware.common.wire import messages
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import MALFORMED, PROVEN_CHEAT, Refused
from firmware.common.wire.limits import KNOWN_PURSES_MAX
from firmware.common.wire.signed import parse_signed
from firmware.receiver import accept, remembering
from firmware.receiver.app import App
from firmware.receiver.till import Request

_PROVING = "firmware.receiver.proving"


def check_offer(app: App, asked: Request | None, data: bytes) -> None:
    """Checks 2 to 7 for what an OFFER announces, as far as anything was asked for."""
    offer = messages.OFFER.read(data)
    purse = parse_signed(messages.PURSE, offer.purse)
    till, news = app.till, app.device.news
    amount = asked.amount_minor if asked else 0
    rows = remembering.rows(till, purse.purse)
    own, rival, unjudged = accept.compare(rows, till.judged, offer.ctr, offer.cum, amount)
    if own or asked is None:  # a payment that was made before is on its way
        return
    accept.check_claim(purse, asked.currency, offer.ctr, offer.cum, amount, news.t_lb())
    accept.check_standing(news, purse.purse)
    if rival:
        raise Refused(PROVEN_CHEAT, "that part of the purse was spent before")
    _check_caps(app, purse, amount, unjudged)
    _check_purse(app, purse)


def identify(app: App, data: bytes) -> tuple[bytes, bytes]:
    """The row of a payment that was seen before (b"": it was not), and its request's hash."""
    txn = read_payment(data)
    accept.check_payee(txn, app.till.device)
    return remembering.find(app.till, txn.purse, crypto.sha256(txn.raw)), txn.req_hash


def check_txn(app: App, request: Request, offer: bytes, data: bytes) -> bytes:
    """All the checks of a payment for a request; the signed PURSE that it claims."""
    news = app.device.news
    txn = read_payment(data)
    accept.check_amount(txn, request.amount_minor)
    purse = _offered(offer, txn)
    accept.check_claim(purse, request.currency, txn.ctr, txn.cum, txn.amount, news.t_lb())
    accept.check_standing(news, purse.purse)
    rival, unjudged = _compare(app, txn)
    if not rival:
        _check_caps(app, purse, txn.amount, unjudged)
    _check_signatures(app, purse, txn, rival)
    return purse.signed


def check_void(app: App, offer: bytes, data: bytes) -> int:
    """Whether a payment for a closed request may be voided; when its purse expires."""
    txn = read_payment(data)
    purse = _offered(offer, txn)
    check_time(purse, app.device.news.t_lb())  # else it may be in the ledger, and forgotten
    remembering.check_room(app.till, purse.purse)
    _check_signatures(app, purse, txn, _compare(app, txn)[0])
    return purse.not_after


def _check_caps(app: App, purse: Record, amount: int, unjudged_minor: int) -> None:
    """Check 6, and whether there is room."""
    certificate = enrolment.certificate(app.device.board.root)
    rx_cum = messages.DCERT.read(certificate[: messages.DCERT.size]).rx_cum
    accept.check_caps(app.till, app.device.news, rx_cum, purse, amount, unjudged_minor)
    remembering.check_room(app.till, purse.purse)


def _compare(app: App, txn: Record) -> tuple[bytes, int]:
    till = app.till
    rows = remembering.rows(till, txn.purse)
    _, rival, unjudged = accept.compare(
        rows, till.judged, txn.ctr, txn.cum, txn.amount, crypto.sha256(txn.raw)
    )
    return rival, unjudged


def _offered(offer: bytes, txn: Record) -> Record:
    """The purse that was offered before the payment; its signature is still to be checked."""
    signed = messages.OFFER.read(offer).purse if offer else b""
    if signed[2:10] != txn.purse:
        raise Refused(MALFORMED, "its purse was not offered")
    return parse_signed(messages.PURSE, signed)


def _check_purse(app: App, purse: Record) -> None:
    """Check 7: the bank signed the purse; what was looked at lately is not looked at again."""
    news = app.device.news
    key = crypto.sha256(purse.signed)
    if key not in app.known_purses:
        check_purse(news.realm8, news.banks, purse.signed)
        app.known_purses = app.known_purses[1 - KNOWN_PURSES_MAX :] + [key]
        news.saw(purse.issued)


def _check_signatures(app: App, purse: Record, txn: Record, rival: bytes) -> None:
    """Checks 7 and 8; a contradiction counts only when both hold."""
    _check_purse(app, purse)
    check_payment(app.device.news.realm8, purse, txn)
    if rival:
        late.call(_PROVING, "prove", app.till, purse.signed, txn.signed, rival)
        app.device.log("PROVEN CHEAT", hexlify(purse.purse).decode())
        raise Refused(PROVEN_CHEAT, "that part of the purse was spent before")
