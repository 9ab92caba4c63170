"""The console's commands between a board and its bank: who it is, who this is, and its news.

pin_root      {root}              asks the user to trust a bank
bkey          body: signed BKEY   checked against the pinned root
enrol_message -> body: ENROL, sealed to the bank; the same one until it is answered
certificate   body: signed DCERT  kept if it is for this board's own keys, and newer than its last
              -> body: the one it has, where none is brought
news          body: messages, each type1 || len2 || signed message
"""

from binascii import unhexlify

from firmware.common import crypto, late
from firmware.common.payment.certificate import check_bank_key, check_device, device_id
from firmware.common.storage import enrolment
from firmware.common.storage.store import Identity
from firmware.common.ui.flow import Flow
from firmware.common.wire import packet
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import (
    BAD_CERTIFICATE,
    DECLINED,
    LEDGER_FORK,
    MALFORMED,
    NOT_ENROLLED,
    REPLAY,
    SYNC_FIRST,
    Refused,
)
from firmware.common.wire.messages import BKEY, DCERT, ENROL
from firmware.common.wire.sealed_box import seal_box

_EXCHANGE = "firmware.common.storage.news_exchange"
_REFUSING = "firmware.common.ui.refusing"


def run(app: Flow, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """Answers a host's command; raises `Refused`."""
    if name == "pin_root":
        return _pin_root(app, unhexlify(header["root"])), b""
    if name == "bkey":
        return _take_bank_key(app, body), b""
    if name == "enrol_message":
        return {}, _sealed_enrolment(app)
    if name == "certificate":
        if not body:
            return {}, enrolment.certificate(app.device.board.root)
        return _take_certificate(app, body), b""
    return _take_news(app, body), b""


def _pin_root(app: Flow, root_public: bytes) -> dict:
    news = app.device.news
    if news.root and news.root == root_public:
        return {"pinned": True}
    if news.root:
        raise Refused(DECLINED, "this board has another bank; only a factory reset changes it")
    if len(root_public) != 64 or not crypto.is_on_curve(root_public):
        raise Refused(MALFORMED, "a root key is 64 bytes of a point")
    app.ask(app.decide, "pin_root", root_public)
    return {"pinned": False}


def _take_bank_key(app: Flow, body: bytes) -> dict:
    news = app.device.news
    if not news.root:
        raise Refused(NOT_ENROLLED, "no root key is pinned yet")
    check_bank_key(news.root, body, news.t_lb())
    return {"new": late.call(_EXCHANGE, "take", news, BKEY.number, body)}


def _sealed_enrolment(app: Flow) -> bytes:
    data, _, _ = enrolment.kept(app.device.board.root)
    news = app.device.news
    if not data or not news.banks:
        raise Refused(NOT_ENROLLED, "nobody has asked for an enrolment")
    sender = device_id(app.device.store.keys.signing_public)
    return seal_box(ENROL.number, sender, news.realm8, news.banks[-1].ecdh, data)


def _take_certificate(app: Flow, body: bytes) -> dict:
    """The first, which the journalled ENROL asked for, or a newer one than the last."""
    root = app.device.board.root
    last = enrolment.certificate(root)
    if enrolment.kept(root)[0]:
        _take_first(app, body)
    elif not last:
        raise Refused(NOT_ENROLLED, "nobody has asked for an enrolment")
    elif body != last:
        _take_next(app, body, DCERT.read(last[: DCERT.size]))
    return {"account": app.device.store.enrolled().account}


def _take_first(app: Flow, body: bytes) -> None:
    device, root = app.device, app.device.board.root
    data, ed_private, known = enrolment.kept(root)
    asked = ENROL.read(data[: ENROL.size])
    _check_certificate(app, body, asked.kd, asked.ed)
    identity, _ = packet.unpack(known)
    account, bank = identity["account"], device.news.banks[-1]
    device.store.set_identity(
        Identity(account, identity["name"], identity["wallet"], bank.ecdh, bank.pub)
    )
    enrolment.finish(root, body, ed_private)
    device.log("ENROLLED", account)


def _take_next(app: Flow, body: bytes, last: Record) -> None:
    found = _check_certificate(app, body, last.pub, last.ecdh)
    if found.serial <= last.serial:
        raise Refused(REPLAY, "this board has a newer certificate")
    enrolment.renew(app.device.board.root, body)
    app.device.log("ENROLLED", "serial %d" % found.serial)


def _check_certificate(app: Flow, body: bytes, public: bytes, ecdh: bytes) -> Record:
    """Only for this board's own keys, and for its role."""
    news = app.device.news
    found = check_device(news.realm8, news.banks, body, news.t_lb(), app.role)
    if (found.pub, found.ecdh) != (public, ecdh):
        raise Refused(BAD_CERTIFICATE, "it is for other keys than this board's")
    return found


def _take_news(app: Flow, body: bytes) -> dict:
    """How many of them were news; what cannot be verified is dropped."""
    may_revoke = app.may_revoke()
    taken = at = 0
    while at < len(body):
        end = at + 3 + int.from_bytes(body[at + 1 : at + 3], "big")
        if end > len(body):
            raise Refused(MALFORMED, "a message is cut off")
        message = body[at + 3 : end]
        try:
            taken += late.call(_EXCHANGE, "take", app.device.news, body[at], message, may_revoke)
        except Refused as refused:
            if refused.reason == SYNC_FIRST:
                raise
            if refused.reason == LEDGER_FORK:
                late.call(_REFUSING, "keep", app)
                app.dialog.wake()
        at = end
    return {"taken": taken}
