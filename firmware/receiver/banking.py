"""The till's side of a settlement: the console's `upload` and `receipt`, loaded when asked for.

    upload   -> body: sealed UPLOAD of the oldest entries that are not judged; b"": there are none
    receipt  body: signed SRCPT, or the box that the bank sealed it in

What an upload says is journalled before it leaves, and stays the same until it is answered (J6).
It never calls itself the last one: a payment that is taken before the answer comes would count as
taken with the revocations in it. Those are asked for when everything is judged.
"""

from struct import pack, unpack

from firmware.common import crypto
from firmware.common.payment import settlement, verdicts
from firmware.common.payment.batch import LEDGER, batch_hash, make_batch, pack_entry
from firmware.common.storage import enrolment
from firmware.common.wire import messages
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import (
    MALFORMED,
    NOT_ENROLLED,
    NOT_FOR_ME,
    REQUEST_UNKNOWN,
    Refused,
)
from firmware.common.wire.limits import UPLOAD_ENTRIES_BOARD_MAX
from firmware.common.wire.sealed_box import Box, seal_box
from firmware.common.wire.signed import parse_signed
from firmware.receiver import entries, keeping
from firmware.receiver.app import App
from firmware.receiver.keeping import ACCEPTED, UPLOAD
from firmware.receiver.till import Till

_PAID = (verdicts.SETTLED, verdicts.DUPLICATE, verdicts.CONFLICT_COVERED)


def run(app: App, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """Answers a host's command; raises `Refused`."""
    if name == "upload":
        return _upload(app)
    if name == "receipt":
        return _take_receipt(app, body), b""
    raise Refused(MALFORMED, "no such command on this board")


def _upload(app: App) -> tuple[dict, bytes]:
    till, news = app.till, app.device.news
    left = till.count - till.judged
    if not left:
        return {"first": till.judged, "count": 0, "left": 0}, b""
    if not news.banks or not app.is_enrolled():
        raise Refused(NOT_ENROLLED, "this till has no certificate of the bank yet")
    signed = _journalled(app) if till.uploading else _begun(app)
    _, first, n = unpack(">HIH", till.uploading[:8])
    bank = news.banks[-1].ecdh
    box = seal_box(messages.UPLOAD.number, till.device, news.realm8, bank, signed)
    return {"first": first, "count": n, "left": left - n}, box


def _begun(app: App) -> bytes:
    """A new batch, journalled."""
    till, news = app.till, app.device.news
    n = min(till.count - till.judged, UPLOAD_ENTRIES_BOARD_MAX)
    nonce, t_lb = crypto.random_bytes(8), news.t_lb()
    fields = (till.gen, till.judged, n, nonce, t_lb, news.beacon_seq)
    signed = _batch(app, *fields)
    upload = parse_signed(messages.UPLOAD, signed)
    keeping.upload(till, pack(UPLOAD, *fields, upload.head, batch_hash(upload)))
    return signed


def _journalled(app: App) -> bytes:
    """The same batch again."""
    return _batch(app, *unpack(UPLOAD, app.till.uploading)[:6])


def _batch(app: App, gen: int, first: int, n: int, nonce: bytes, t_lb: int, beacon: int) -> bytes:
    till = app.till
    packed = []
    prev_head = head = entries.head_before(till, first)
    for index, kind, payload in entries.entries(till, first):
        if index >= first + n:
            break
        record = entries.txn(payload) if kind == ACCEPTED else entries.refund(payload)
        _, _, recv_t, rev_seq, _ = entries.fields(payload)
        packed.append(pack_entry(record, recv_t, rev_seq))
        head = entries.head(kind, payload)
    return make_batch(
        app.device.news.realm8,
        app.device.store.keys.signing,
        packed,
        device=till.device,
        gen=gen,
        first=first,
        prev_head=prev_head,
        head=head,
        nonce=nonce,
        t_lb=t_lb,
        beacon=beacon,
    )


def _take_receipt(app: App, body: bytes) -> dict:
    till, news = app.till, app.device.news
    if not till.uploading:
        raise Refused(REQUEST_UNKNOWN, "no upload waits for a receipt")
    if body[:1] == bytes((messages.SRCPT.number,)):
        body = _opened(app, body)
    upload, batch = _awaited(till)
    receipt = settlement.check_receipt(news.realm8, news.banks, body, upload, batch)
    freed, paid = _sums(till, receipt)
    head = pack(">HIHII", upload.gen, upload.first, upload.n, freed, paid)
    keeping.judge(till, head + receipt.tail)
    news.saw(receipt.t)
    entries.drop_judged(till)
    app.device.log("RECEIPT", "from entry %d" % receipt.first)
    unpaid = len([verdict for verdict in receipt.tail if verdict not in _PAID])
    if unpaid:
        app.dialog.announce("NOT PAID", ["%d entries" % unpaid, "from %d on" % receipt.first])
        app.dialog.wake()
    return {
        "first": receipt.first,
        "verdicts": list(receipt.tail),
        "left": till.count - till.judged,
    }


def _opened(app: App, body: bytes) -> bytes:
    root = app.device.board.root
    box = Box(body)
    if box.sender != app.device.news.realm8:
        raise Refused(NOT_FOR_ME, "it does not come from the bank")
    public = messages.DCERT.read(enrolment.certificate(root)[: messages.DCERT.size]).ecdh
    return box.open(app.till.device, enrolment.device_key(root), public)


def _awaited(till: Till) -> tuple[Record, bytes]:
    """What a receipt must answer: the head of the UPLOAD, and the hash of all of it."""
    gen, first, n, nonce, t_lb, beacon, head, batch = unpack(UPLOAD, till.uploading)
    body = messages.UPLOAD.pack(
        kind=LEDGER,
        device=till.device,
        gen=gen,
        first=first,
        n=n,
        prev_head=bytes(32),
        head=head,
        nonce=nonce,
        t_lb=t_lb,
        beacon=beacon,
    )
    return messages.UPLOAD.read(body), batch


def _sums(till: Till, receipt: Record) -> tuple[int, int]:
    """Minor units of the batch's payments: judged, and paid by the bank."""
    freed = paid = 0
    for index, kind, payload in entries.entries(till, receipt.first):
        if index >= receipt.first + receipt.n:
            break
        if kind == ACCEPTED:
            amount = entries.txn(payload).amount
            freed += amount
            paid += amount if receipt.tail[index - receipt.first] in _PAID else 0
    return freed, paid
