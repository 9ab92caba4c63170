"""A step of a tap, loaded for itself: what is to be signed once its user has confirmed it."""

from firmware.common.payment.asking import request_hash
from firmware.common.payment.transaction import payment_body
from firmware.common.storage.news_store import News
from firmware.common.wire.codec import Record
from firmware.common.wire.messages import PURSE, TXN
from firmware.common.wire.signed import digest, parse_signed
from firmware.sender.wallet import Purse


def unsigned(news: News, purse: Purse, preq: Record) -> tuple[bytes, bytes]:
    """Body and digest of the TXN for a request: the next counter and interval of the purse."""
    body = payment_body(
        parse_signed(PURSE, purse.signed),
        purse.ctr + 1,
        purse.spent + preq.amount,
        preq.amount,
        preq.payee,
        request_hash(preq.raw),
        purse.prev,
        news.t_lb(),
    )
    return body, digest(news.realm8, TXN.number, body)
