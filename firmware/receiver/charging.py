"""Opens a request for money: its 46 bytes are frozen and journalled before anybody is told."""

from firmware.common import crypto
from firmware.common.payment import label
from firmware.common.payment.asking import make_core
from firmware.common.payment.money import check_amount
from firmware.common.storage import enrolment
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import EXPIRED, MALFORMED, NOT_ENROLLED, OVER_LIMIT, Refused
from firmware.common.wire.limits import REQUEST_TTL_S
from firmware.common.wire.messages import DCERT
from firmware.receiver import keeping
from firmware.receiver.app import App

_EUR = 978  # ISO 4217
_REF_BYTES = 12


def check_ready(app: App) -> Record:
    """This till's certificate. Raises `Refused` where it has none, or it has expired."""
    signed = enrolment.certificate(app.device.board.root)
    if not signed:
        raise Refused(NOT_ENROLLED, "this till has no certificate of the bank yet")
    device = DCERT.read(signed[: DCERT.size])
    if device.not_after <= app.device.news.t_lb():
        raise Refused(EXPIRED, "this till's certificate has expired: opg bridge")
    return device


def charge(app: App, amount_minor: int, ref: str, currency: int = _EUR) -> bytes:
    """Opens the request; answers its nonce. Raises `Refused`."""
    device = check_ready(app)
    if check_amount(amount_minor) > device.rx_limit:
        raise Refused(OVER_LIMIT, "the bank lets this till ask for less at a time")
    try:
        reference = label.to_bytes(ref, _REF_BYTES)
    except ValueError:
        raise Refused(MALFORMED, "a reference has at most 12 bytes") from None
    news = app.device.news
    core = make_core(
        flags=0,
        payee=app.till.device,
        req_nonce=crypto.random_bytes(8),
        amount=amount_minor,
        cur=currency,
        ttl_s=REQUEST_TTL_S,
        ref=reference,
        t_lb=news.t_lb(),
        rev_seq=news.rev_seq,
    )
    request = keeping.ask(app.till, core, app.device.board.clock.ms())
    app.device.log("ASKED", "%d" % amount_minor)
    return request.core[10:18]
