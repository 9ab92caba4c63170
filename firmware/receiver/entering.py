"""Of the till's journal (see `keeping`) what a payment writes.

A tap has this at hand before the payment comes; it knows of no other record.
"""

from struct import pack, unpack

from firmware.common import crypto
from firmware.common.payment.ledger import extend
from firmware.common.storage.appending import append_to_last, encoded
from firmware.common.storage.news_reading import vouched
from firmware.common.wire.errors import ALREADY_PAID
from firmware.common.wire.limits import TILL_CLOSED_MAX, TILL_ROWS_UNWRITTEN_MAX
from firmware.receiver.till import CLOSED_BYTES, CORE_BYTES, ROW, Request, Till

ACCEPTED = 5
FOLDER = "/till"
ENTRY = ">HIIII"  # what ACCEPTED and REFUNDED begin with
ENTRY_BYTES = 18
_TAPS_MAX = 0xFFFF


def accept_at_once(till: Till, request: Request, purse: bytes, txn: bytes) -> bytes:
    """The same where the last segment has room for it; else b"", and nothing was written."""
    if till.unwritten >= TILL_ROWS_UNWRITTEN_MAX:
        return b""
    payload = accepted(till, request, purse, txn)
    record = encoded(ACCEPTED, entry_key(till.gen, till.count), payload)
    place = append_to_last(till.root + FOLDER, till.place, record)
    if place is None:
        return b""
    till.place = place
    take_accepted(till, payload)
    return till.recent[-1]


def accepted(till: Till, request: Request, purse: bytes, txn: bytes) -> bytes:
    head = extend(till.head, crypto.sha256(txn[:-64]), till.device, till.gen)
    return entry(till) + request.core + head + purse + txn


def take_accepted(till: Till, payload: bytes) -> None:
    gen, index, t_lb, _, beacon = unpack(ENTRY, payload[:ENTRY_BYTES])
    core, head, purse, txn = accepted_parts(payload)
    amount = unpack(">I", txn[18:22])[0]
    if beacon > till.beacon_seq:
        till.beacon_seq, till.taps, till.taps_minor = beacon, 0, 0
    till.taps = min(till.taps + 1, _TAPS_MAX)
    till.taps_minor += amount
    till.received_minor += amount
    till.unsettled_minor += amount
    till.count = index + 1
    till.head = head
    remember_closed(till, crypto.sha256(core)[:16], ALREADY_PAID)
    till.news.saw(t_lb)
    place = (gen, index, t_lb, core[10:18], head, crypto.sha256(txn[:82]))
    add_row(till, txn, unpack(">I", purse[90:94])[0], place)


def add_row(till: Till, txn: bytes, not_after: int, place: tuple) -> None:
    ctr, cum, amount = unpack(">III", txn[10:22])
    row = pack(ROW, txn[2:10], ctr, cum, amount, not_after, *place)
    till.recent = till.recent[1 - TILL_ROWS_UNWRITTEN_MAX :] + [row]
    till.unwritten += 1


def remember_closed(till: Till, req_hash: bytes, reason: int) -> None:
    till.requests = [kept for kept in till.requests if kept.hash != req_hash]
    closed = till.closed + req_hash + bytes((reason,))
    till.closed = closed[-TILL_CLOSED_MAX * CLOSED_BYTES :]


def accepted_parts(payload: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """The request's core, the head, the signed PURSE and the signed TXN of an ACCEPTED record."""
    at = ENTRY_BYTES + CORE_BYTES
    return payload[ENTRY_BYTES:at], payload[at : at + 32], payload[at + 32 : -146], payload[-146:]


def entry_key(gen: int, index: int) -> bytes:
    """The journal's key of an entry."""
    return pack(">HHI", gen, 0, index)


def entry(till: Till) -> bytes:
    news = till.news
    beacon, _ = vouched(news)
    return pack(ENTRY, till.gen, till.count, news.t_lb(), news.rev_seq, beacon)
