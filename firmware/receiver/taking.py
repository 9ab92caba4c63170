"""A step of `talk`, kept while the payer's user reads: a payment that is as its OFFER announced.

Checks 2 to 7 were made of the OFFER. Nothing that they looked at can have changed while this is
still kept (see `late.load`): what changes a till or its news is loaded late. What is left is time,
the request, and the payment's own signature. Whatever is otherwise goes the long way of `checking`.

Somebody waits: bytes are compared where they stand, as reading a message by its names costs more.
"""

from firmware.common import crypto, late
from firmware.common.payment.transaction import PAY
from firmware.common.wire.codec import VERSION
from firmware.common.wire.messages import TXN
from firmware.common.wire.signed import digest
from firmware.receiver.app import App
from firmware.receiver.entering import accept_at_once
from firmware.receiver.till import Request, Till

_TXN_BYTES = 82


def announced(app: App, asked: Request, offer: bytes, data: bytes) -> bytes:
    """The signed PURSE of a good OFFER, where this is its payment for that request; else b""."""
    purse, body, signature = offer[24:], data[:_TXN_BYTES], data[_TXN_BYTES:]
    if asked not in app.till.requests or asked.is_stale or len(signature) != 64:
        return b""
    claim = purse[2:10] + offer[16:24] + asked.core[18:22]  # purse, ctr, cum, amount
    if body[:46] != bytes((VERSION, PAY)) + claim + app.till.device + asked.hash:
        return b""
    news = app.device.news
    if int.from_bytes(purse[90:94], "big") <= news.t_lb():
        return b""
    try:
        is_good = crypto.is_low_s(signature) and crypto.verify(
            purse[10:74], digest(news.realm8, TXN.number, body), signature
        )
    except ValueError:
        return b""
    return purse if is_good else b""


def accept(till: Till, request: Request, purse: bytes, txn: bytes) -> bytes:
    """`keeping.accept`; where a segment has to begin the rest of it is loaded."""
    row = accept_at_once(till, request, purse, txn)
    return row or late.call("firmware.receiver.keeping", "accept", till, request, purse, txn)
