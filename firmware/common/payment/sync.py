"""The payer's report to the bank about one purse: SYNC, with a request for a new purse or without.

    SYNC  = {kind, device, purse, ctr, cum, head, newpub, amount, nonce, t_lb, n} || n entries
    entry = tag1 || signed TXN [|| signed ACK or VOID]                      signed as a whole by KD

`ctr`, `cum` and `head` are those of the purse's last payment (its txn_hash; `first_prev` where
there is none). Without a top-up `newpub` is zeros and `amount` 0.
"""

from firmware.common import crypto
from firmware.common.payment.transaction import CLOSE, PAY, txn_hash
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import MALFORMED, TOO_LARGE, Refused
from firmware.common.wire.limits import SYNC_ENTRIES_MAX
from firmware.common.wire.messages import ACK, SYNC, TXN, VOID
from firmware.common.wire.signed import SIGNATURE_BYTES, parse_signed, sign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

# SYNC.kind
REPORT = 1
# Tags of entries.
ALONE = 1
WITH_ACK = 2
WITH_VOID = 3
CLOSING = 4

NO_KEY = bytes(64)


class Entry:
    """One payment, and the payee's `answer` (ACK, VOID or None); no signature is checked."""

    def __init__(self, tag: int, txn: Record, answer: Record | None) -> None:
        self.tag = tag
        self.txn = txn
        self.answer = answer


def pack_entry(txn: Record, answer: Record | None = None) -> bytes:
    """An entry's bytes: the payment, and the payee's ACK or VOID where there is one."""
    if answer is None:
        tag = CLOSING if txn.kind == CLOSE else ALONE
        return bytes((tag,)) + txn.signed
    tag = WITH_ACK if answer.layout.number == ACK.number else WITH_VOID
    return bytes((tag,)) + txn.signed + answer.signed


def make_sync(realm8: bytes, private: bytes, entries: "Sequence[bytes]", **fields: "Any") -> bytes:
    """A signed SYNC of packed entries; `fields` are the others of SYNC but kind and n."""
    return sign(realm8, SYNC, sync_body(entries, **fields), private)


def sync_body(entries: "Sequence[bytes]", **fields: "Any") -> bytes:
    """The same before it is signed."""
    return SYNC.pack(kind=REPORT, n=len(entries), tail=b"".join(entries), **fields)


def parse_sync(data: bytes) -> "tuple[Record, list[Entry]]":
    """The SYNC and its entries, encoding checked, no signature. Raises `Refused`."""
    sync = parse_signed(SYNC, data)
    if sync.kind != REPORT or (sync.newpub == NO_KEY) != (sync.amount == 0):
        raise Refused(MALFORMED, "a new purse has a key and an amount, or neither")
    if sync.amount and not crypto.is_on_curve(sync.newpub):
        raise Refused(MALFORMED, "the new key is no point of the curve")
    if sync.n > SYNC_ENTRIES_MAX:
        raise Refused(TOO_LARGE, "at most %d payments at a time" % SYNC_ENTRIES_MAX)
    entries = list(_entries(sync))
    if len(entries) != sync.n:
        raise Refused(MALFORMED, "the payments are not as many as they say")
    return sync, entries


def _entries(sync: Record) -> "Iterator[Entry]":
    tail = sync.tail
    start = 0
    while start < len(tail):
        tag = tail[start]
        txn, start = _signed(TXN, tail, start + 1)
        answer = None
        if tag in (WITH_ACK, WITH_VOID):
            answer, start = _signed(ACK if tag == WITH_ACK else VOID, tail, start)
            if answer.txn_hash != txn_hash(txn) or answer.payee != txn.payee:
                raise Refused(MALFORMED, "an answer is about another payment")
        elif tag not in (ALONE, CLOSING):
            raise Refused(MALFORMED, "an entry with an unknown tag")
        if txn.purse != sync.purse or txn.kind != (CLOSE if tag == CLOSING else PAY):
            raise Refused(MALFORMED, "a payment of another purse or kind")
        yield Entry(tag, txn, answer)


def _signed(layout: "Any", tail: bytes, start: int) -> tuple[Record, int]:
    end = start + layout.size + SIGNATURE_BYTES
    if end > len(tail):
        raise Refused(MALFORMED, "an entry is cut off")
    return parse_signed(layout, tail[start:end]), end
