"""Steps of a tap that need much code, each loaded for itself: read the till, sign, check answers.

What they take and answer are bytes and records, which keep no code of theirs in RAM.
"""

from firmware.common.payment import label
from firmware.common.payment.answer import check_ack, check_void
from firmware.common.payment.asking import check_request, request_hash
from firmware.common.payment.certificate import PAYEE, check_device
from firmware.common.payment.transaction import make_payment
from firmware.common.storage.news_store import News
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import REVOKED, Refused
from firmware.common.wire.messages import PURSE
from firmware.common.wire.signed import parse_signed
from firmware.sender.wallet import Pending, Purse


def read_till(
    news: News, transcript: bytes, dcert: bytes, preq: bytes
) -> tuple[Record, Record, str]:
    """Who is at the other end and what it asks for, all of it proven: DCERT, PREQ, its name.

    Raises `Refused`: the bank did not sign the certificate, it has expired or was revoked, the
    device may not take payments, the request is not its own, of another connection or too high.
    """
    device = check_device(news.realm8, news.banks, dcert, news.t_lb(), PAYEE)
    request = check_request(news.realm8, device, preq, transcript)
    if news.is_revoked(request.payee):
        raise Refused(REVOKED, "the bank has revoked this payee")
    return device, request, label.to_text(device.name)


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


def check_answer(
    news: News, public: bytes, pending: Pending, preq: bytes, is_paid: bool, answer: bytes
) -> None:
    """Raises `Refused` unless the payee with this key signed the ACK (or VOID) for a payment."""
    if is_paid:
        check_ack(news.realm8, public, answer, pending.payee, pending.hash)
    else:
        request = request_hash(preq)
        check_void(news.realm8, public, answer, pending.payee, pending.hash, request)
