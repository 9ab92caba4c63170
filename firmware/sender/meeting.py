"""The first step of a tap, loaded for itself: who is at the other end, and what it asks for."""

from firmware.common.payment import label
from firmware.common.payment.asking import check_request
from firmware.common.payment.certificate import PAYEE, check_device
from firmware.common.storage.news_store import News
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import REVOKED, Refused


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
