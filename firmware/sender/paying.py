"""A step of a tap, loaded for itself: the payment that its user has confirmed is signed."""

from firmware.common.payment.asking import request_hash
from firmware.common.payment.transaction import make_payment
from firmware.common.storage.news_store import News
from firmware.common.wire.codec import Record
from firmware.common.wire.messages import PURSE
from firmware.common.wire.signed import parse_signed
from firmware.sender.wallet import Purse


def sign_payment(news: News, purse: Purse, preq: Record) -> bytes:
    """The signed TXN for a request: the next counter and interval of the purse."""
    return make_payment(
        news.realm8,
        purse.private,
        parse_signed(PURSE, purse.signed),
        purse.ctr + 1,
        purse.spent + preq.amount,
        preq.amount,
        preq.payee,
        request_hash(preq.raw),
        purse.prev,
        news.t_lb(),
    )
