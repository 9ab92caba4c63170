"""The till's journal: what it asks for, what it took, and what the bank said of it.

    OPEN       core46                                        before anybody is told (J3, J4)
    STALE      hash16                                        its time is up, or power went
    CLOSED     hash16 || reason1                             it never accepts again
    ACCEPTED   gen2 index4 t_lb4 rev_seq4 beacon4 || core46 || head32 || signed PURSE, signed TXN
    VOIDED     not_after4 || VOID body62 || signed TXN       before the VOID is sent (J3)
    REFUNDED   gen2 index4 t_lb4 rev_seq4 || head32 || signed REFUND
    UPLOADING  gen2 first4 n2 nonce8 t_lb4 beacon4 || head32 || batch16       before it is sent (J6)
    JUDGED     gen2 first4 n2 || freed4 paid4 || verdicts    the bank's receipt

ACCEPTED is the commit point and one record (J7): entry, request and what its ACK is made of; its
t_lb is the ACK's, and the time at which the entry was taken; `beacon` is the newest whose
revocations were known then. Requests are named by their req_hash.

Every change is one record, and is in flash when the function that makes it returns. Loaded when
there is something to write, and when a board starts.
"""

from struct import pack, unpack

from firmware.common import crypto
from firmware.common.payment.ledger import extend
from firmware.common.storage import files
from firmware.common.storage.appending import check_space
from firmware.common.storage.news_store import News
from firmware.common.storage.segments import CHECKPOINT, Segments
from firmware.common.wire.errors import CANCELLED, EXPIRED
from firmware.common.wire.limits import (
    TILL_REQUESTS_MAX,
    TILL_ROWS_UNWRITTEN_MAX,
)
from firmware.receiver import remembering
from firmware.receiver.entering import (
    ACCEPTED,
    ENTRY_BYTES,
    FOLDER,
    accept_at_once,
    accepted,
    add_row,
    entry,
    entry_key,
    remember_closed,
    take_accepted,
)
from firmware.receiver.seen import VOIDED as VOIDED_ROW
from firmware.receiver.till import CORE_BYTES, Request, Till

OPEN = 2
STALE = 3
CLOSED = 4
VOIDED = 6
REFUNDED = 7
UPLOADING = 8
JUDGED = 9

UPLOAD = ">HIH8sII32s16s"
_TOTALS = ">HI32sIQQIIHIIBB"
_TOTALS_BYTES = 78


def start(root: str, news: News, device8: bytes) -> Till:
    """The till as power left it; a request that was open is stale now."""
    till = Till(root, news, device8)
    files.make_folder(root + "/seen")
    journal = segments(till)
    till.place = journal.place
    for _, kind, payload in journal.scan():
        _take(till, kind, payload, 0)
    till.unwritten = remembering.count_unwritten(till)
    remembering.write_rows(till)
    if till.open:
        make_stale(till, till.open)
    return till


def segments(till: Till) -> Segments:
    """The journal, opened where it was left."""
    return Segments(till.root + FOLDER, lambda: _checkpoint(till), till.place)


def ask(till: Till, core: bytes, now_ms: int) -> Request:
    """Opens a request of these 46 bytes; one that was open is closed by it."""
    check_space(till.root)
    _append(till, OPEN, core[10:18], core, now_ms)
    while len(till.requests) > TILL_REQUESTS_MAX:
        close(till, till.requests[0], EXPIRED)
    return till.requests[-1]


def make_stale(till: Till, request: Request) -> None:
    """From here on the cashier is asked before a payment for it is taken."""
    _append(till, STALE, request.hash[:8], request.hash)


def close(till: Till, request: Request, reason: int) -> None:
    """It never accepts again: whoever pays it gets a VOID for this reason."""
    _append(till, CLOSED, request.hash[:8], request.hash + bytes((reason,)))


def expire(till: Till, now_ms: int) -> bool:
    """Makes stale what nobody paid in time, or closes what is old; whether there was any."""
    due = till.due(now_ms)
    if due and due.is_stale:
        close(till, due, EXPIRED)
    elif due:
        make_stale(till, due)
    return due is not None


def accept(till: Till, request: Request, purse: bytes, txn: bytes) -> bytes:
    """Enters a payment (signed PURSE and TXN) for a request; answers its row."""
    row = accept_at_once(till, request, purse, txn)
    if not row:
        payload = accepted(till, request, purse, txn)
        _append(till, ACCEPTED, entry_key(till.gen, till.count), payload)
        row = till.recent[-1]
    return row


def void(till: Till, body: bytes, purse: bytes, txn: bytes) -> None:
    """Journals a VOID's body before anybody hears of it, for a signed TXN of a signed PURSE."""
    payload = purse[90:94] + body + txn
    _append(till, VOIDED, crypto.sha256(txn[:-64])[:8], payload)


def refund(till: Till, signed: bytes) -> None:
    """Enters a signed REFUND."""
    head = extend(till.head, crypto.sha256(signed[:-64]), till.device, till.gen)
    key = entry_key(till.gen, till.count)
    _append(till, REFUNDED, key, entry(till) + head + signed)


def upload(till: Till, payload: bytes) -> None:
    """Journals what is uploaded: the same until the bank has answered."""
    _append(till, UPLOADING, payload[8:16], payload)


def judge(till: Till, payload: bytes) -> None:
    """Journals the bank's verdicts."""
    _append(till, JUDGED, bytes(8), payload)


def _append(till: Till, kind: int, key: bytes, payload: bytes, now_ms: int = 0) -> None:
    if till.unwritten >= TILL_ROWS_UNWRITTEN_MAX:
        remembering.write_rows(till)
    journal = segments(till)
    try:
        journal.append(kind, key, payload)
    finally:
        till.place = journal.place
    _take(till, kind, payload, now_ms)


def _take(till: Till, kind: int, payload: bytes, now_ms: int) -> None:
    if kind == CHECKPOINT:
        _take_checkpoint(till, payload)
    elif kind == OPEN:
        if till.open:
            remember_closed(till, till.open.hash, CANCELLED)
        till.requests.append(Request(payload, now_ms, False))
    elif kind == STALE:
        for found in till.requests:
            found.is_stale = found.is_stale or found.hash == payload
    elif kind == CLOSED:
        remember_closed(till, payload[:16], payload[16])
    elif kind == ACCEPTED:
        take_accepted(till, payload)
    elif kind == VOIDED:
        _take_voided(till, payload)
    elif kind == REFUNDED:
        till.count += 1
        till.refunds += 1
        till.head = payload[ENTRY_BYTES : ENTRY_BYTES + 32]
    elif kind == UPLOADING:
        till.uploading = payload
    else:
        _take_judged(till, payload)


def _take_voided(till: Till, payload: bytes) -> None:
    body, txn = payload[4:66], payload[66:]
    req_hash, t_lb = body[42:58], unpack(">I", body[58:62])[0]
    head = req_hash[8:] + bytes(24)
    place = (VOIDED_ROW, body[1], t_lb, req_hash[:8], head, body[10:42])
    add_row(till, txn, unpack(">I", payload[:4])[0], place)


def _take_judged(till: Till, payload: bytes) -> None:
    _, first, n, freed, paid = unpack(">HIHII", payload[:16])
    till.judged = first + n
    till.unsettled_minor -= freed
    till.paid_minor += paid
    till.uploading = b""


def _checkpoint(till: Till) -> bytes:
    """All that a start needs; the closing segment's rows are written with it."""
    remembering.write_rows(till)
    data = pack(
        _TOTALS,
        till.gen,
        till.count,
        till.head,
        till.judged,
        till.received_minor,
        till.paid_minor,
        till.unsettled_minor,
        till.beacon_seq,
        till.taps,
        till.taps_minor,
        till.refunds,
        len(till.uploading),
        len(till.requests),
    )
    data += till.uploading
    for found in till.requests:
        data += bytes((found.is_stale,)) + found.core
    return data + till.closed


def _take_checkpoint(till: Till, data: bytes) -> None:
    (
        till.gen,
        till.count,
        till.head,
        till.judged,
        till.received_minor,
        till.paid_minor,
        till.unsettled_minor,
        till.beacon_seq,
        till.taps,
        till.taps_minor,
        till.refunds,
        uploading,
        requests,
    ) = unpack(_TOTALS, data[:_TOTALS_BYTES])
    at = _TOTALS_BYTES + uploading
    till.uploading = data[_TOTALS_BYTES:at]
    for _ in range(requests):
        end = at + 1 + CORE_BYTES
        till.requests.append(Request(data[at + 1 : end], 0, data[at] == 1))
        at = end
    till.closed = data[at:]
