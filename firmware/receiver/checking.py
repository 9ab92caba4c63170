"""The checks of a tap in the protocol's order, one step of `talk`, loaded for it and let go.

It takes bytes and answers bytes, which keep none of its code in RAM. What is refused raises
`Refused` and has changed nothing. Signatures, 7 and 8, are looked at by `proving`, without the rest
beside it.
"""

from firmware.common import crypto
from firmware.common.payment.purse import check_time
from firmware.common.payment.transaction import read_payment
from firmware.common.storage import enrolment
from firmware.common.wire import messages
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import MALFORMED, PROVEN_CHEAT, Refused
from firmware.common.wire.signed import parse_signed
from firmware.receiver import accept, remembering
from firmware.receiver.app import App
from firmware.receiver.till import Request


def check_offer(app: App, asked: Request | None, data: bytes) -> bytes:
    """Checks 2 to 6 for what an OFFER announces; the signed PURSE whose signature is to be checked.

    b"" where that can wait: nothing is asked for, or the payment was made before and comes again.
    """
    offer = messages.OFFER.read(data)
    purse = parse_signed(messages.PURSE, offer.purse)
    till, news = app.till, app.device.news
    amount = asked.amount_minor if asked else 0
    rows = remembering.rows(till, purse.purse)
    own, rival, unjudged = accept.compare(rows, till.judged, offer.ctr, offer.cum, amount)
    if own or asked is None:
        return b""
    accept.check_claim(purse, asked.currency, offer.ctr, offer.cum, amount, news.t_lb())
    accept.check_standing(news, purse.purse)
    if rival:
        raise Refused(PROVEN_CHEAT, "that part of the purse was spent before")
    _check_caps(app, purse, amount, unjudged)
    return purse.signed


def identify(app: App, data: bytes) -> tuple[bytes, bytes]:
    """The row of a payment that was seen before (b"": it was not), and its request's hash."""
    txn = read_payment(data)
    accept.check_payee(txn, app.till.device)
    return remembering.find(app.till, txn.purse, crypto.sha256(txn.raw)), txn.req_hash


def check_txn(app: App, request: Request, offer: bytes, data: bytes) -> tuple[bytes, bytes]:
    """Checks 1 to 6 of a payment for a request; the signed PURSE that it claims, and the row that
    it contradicts, b"" where it is none."""
    news = app.device.news
    txn = read_payment(data)
    accept.check_amount(txn, request.amount_minor)
    purse = _offered(offer, txn)
    accept.check_claim(purse, request.currency, txn.ctr, txn.cum, txn.amount, news.t_lb())
    accept.check_standing(news, purse.purse)
    rival, unjudged = _compare(app, txn)
    if not rival:
        _check_caps(app, purse, txn.amount, unjudged)
    return purse.signed, rival


def check_void(app: App, offer: bytes, data: bytes) -> tuple[bytes, bytes]:
    """The same for a payment of a closed request, which may be voided."""
    txn = read_payment(data)
    purse = _offered(offer, txn)
    check_time(purse, app.device.news.t_lb())  # else it may be in the ledger, and forgotten
    remembering.check_room(app.till, purse.purse)
    return purse.signed, _compare(app, txn)[0]


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
