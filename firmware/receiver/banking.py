"""The till's side of a settlement: the console's `receipt`, loaded when asked for.

receipt  body: signed SRCPT, or the box that the bank sealed it in; see `uploading`
"""

from struct import pack, unpack

from firmware.common.payment import settlement, verdicts
from firmware.common.payment.batch import LEDGER
from firmware.common.storage import enrolment
from firmware.common.ui.refusing import release
from firmware.common.wire import messages
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import (
    NOT_FOR_ME,
    REQUEST_UNKNOWN,
    Refused,
)
from firmware.common.wire.sealed_box import Box
from firmware.receiver import entries, keeping
from firmware.receiver.app import App
from firmware.receiver.keeping import ACCEPTED, UPLOAD
from firmware.receiver.till import Till

_PAID = (verdicts.SETTLED, verdicts.DUPLICATE, verdicts.CONFLICT_COVERED)


def run(app: App, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """Answers a host's command; raises `Refused`."""
    return _take_receipt(app, body), b""


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
    release(app)
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
