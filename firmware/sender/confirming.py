"""A step of a tap, loaded for itself: whether it is the payee who answers, about this payment."""

from firmware.common.payment.answer import check_ack, check_void
from firmware.common.payment.asking import request_hash
from firmware.common.storage.news_store import News
from firmware.sender.wallet import Pending


def check_answer(
    news: News, public: bytes, pending: Pending, preq: bytes, is_paid: bool, answer: bytes
) -> None:
    """Raises `Refused` unless the payee with this key signed the ACK (or VOID) for a payment."""
    if is_paid:
        check_ack(news.realm8, public, answer, pending.payee, pending.hash)
    else:
        request = request_hash(preq)
        check_void(news.realm8, public, answer, pending.payee, pending.hash, request)
