"""What a till says of itself and of payments, signed: one step of `talk`, loaded for it.

An answer to a payment is made of its row alone, and is the same bytes whenever it is made.
"""

from firmware.common import crypto
from firmware.common.payment.answer import make_ack, make_void
from firmware.common.payment.asking import NO_REQUEST, make_core, make_request
from firmware.common.wire import messages
from firmware.receiver.app import App
from firmware.receiver.seen import VOIDED, read_row


def request(app: App, core: bytes, transcript: bytes) -> bytes:
    """The signed PREQ; without a request's core one that asks for nothing."""
    news = app.device.news
    if not core:
        core = make_core(
            flags=NO_REQUEST,
            payee=app.till.device,
            req_nonce=bytes(8),
            amount=0,
            cur=0,
            ttl_s=0,
            ref=bytes(12),
            t_lb=news.t_lb(),
            rev_seq=news.rev_seq,
        )
    return make_request(news.realm8, app.device.store.keys.signing, core, transcript)


def of_row(app: App, row: bytes) -> tuple[int, bytes]:
    """The ACK, or the VOID, of a payment that is remembered."""
    _, _, _, _, _, gen, index, t_lb, nonce, head, txn_hash = read_row(row)
    if gen == VOIDED:
        return messages.VOID.number, void(app, txn_hash, nonce + head[:8], index, t_lb)
    keys, realm8 = app.device.store.keys, app.device.news.realm8
    ack = make_ack(realm8, keys.signing, app.till.device, txn_hash, gen, index, head, t_lb)
    return messages.ACK.number, ack


def void(app: App, txn_hash: bytes, req_hash: bytes, reason: int, t_lb: int) -> bytes:
    """The signed VOID."""
    keys, realm8 = app.device.store.keys, app.device.news.realm8
    return make_void(realm8, keys.signing, app.till.device, txn_hash, req_hash, reason, t_lb)


def void_body(app: App, txn: bytes, req_hash: bytes, reason: int) -> bytes:
    """What is to be journalled of a VOID before it is signed and sent (J3)."""
    return messages.VOID.pack(
        reason=reason,
        payee=app.till.device,
        txn_hash=crypto.sha256(txn[:-64]),
        req_hash=req_hash,
        t_lb=app.device.news.t_lb(),
    )
