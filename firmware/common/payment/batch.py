"""A batch of the payee's ledger on its way to the bank: UPLOAD.

    UPLOAD = {kind, device, gen, first, n, prev_head, head, nonce, t_lb, beacon} || n entries
    entry  = type1 len2 recv_t4 rev_seq4 || signed TXN or signed REFUND     signed as a whole by KD
    batch  = SHA-256(UPLOAD body)[:16]

`first` is the index of the first entry, `prev_head` the head before it, `head` the one after the
last. `recv_t` is the payee's t_lb and `rev_seq` the revocations it knew when it took the entry.
A batch of kind LAST says that the ledger ends with it: only then the bank sends revocations, since
what is accepted knowing them must come after what was accepted before.
"""

import struct

from firmware.common import crypto
from firmware.common.payment import ledger
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import CHAIN_BROKEN, MALFORMED, TOO_LARGE, Refused
from firmware.common.wire.messages import REFUND, TXN, UPLOAD
from firmware.common.wire.signed import SIGNATURE_BYTES, parse_signed, sign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

# UPLOAD.kind
LEDGER = 1
LAST = 2

_HEAD = ">BHII"
_HEAD_BYTES = 11


class Entry:
    """One entry: its `record` is a TXN or REFUND whose own signature nobody has checked."""

    def __init__(self, record: Record, recv_t: int, rev_seq: int) -> None:
        self.record = record
        self.recv_t = recv_t
        self.rev_seq = rev_seq

    @property
    def hash(self) -> bytes:
        """What is chained: the TXN's txn_hash, the REFUND's refund_hash."""
        return crypto.sha256(self.record.raw)


def pack_entry(record: Record, recv_t: int, rev_seq: int) -> bytes:
    """An entry's bytes, around a signed TXN or REFUND."""
    signed = record.signed
    return struct.pack(_HEAD, record.layout.number, len(signed), recv_t, rev_seq) + signed


def make_batch(
    realm8: bytes,
    private: bytes,
    entries: "Sequence[bytes]",
    is_last: bool = False,
    **fields: "Any",
) -> bytes:
    """A signed UPLOAD of packed entries; `fields` are the others of UPLOAD but kind and n."""
    return sign(realm8, UPLOAD, batch_body(entries, is_last, **fields), private)


def batch_body(entries: "Sequence[bytes]", is_last: bool = False, **fields: "Any") -> bytes:
    """The same before it is signed."""
    kind = LAST if is_last else LEDGER
    return UPLOAD.pack(kind=kind, n=len(entries), tail=b"".join(entries), **fields)


def parse_batch(data: bytes, entries_max: int) -> "tuple[Record, list[Entry]]":
    """The UPLOAD and its entries, encoding and chain checked.

    Left to check: the device's signature (`check_signature`), that the batch follows the head
    which the bank knows, and each entry's own signature. Raises `Refused`.
    """
    upload = parse_signed(UPLOAD, data)
    if upload.kind not in (LEDGER, LAST):
        raise Refused(MALFORMED, "not a batch of a ledger")
    if upload.n > entries_max:
        raise Refused(TOO_LARGE, "at most %d entries at a time" % entries_max)
    entries = list(_entries(upload))
    if not entries or len(entries) != upload.n:
        raise Refused(MALFORMED, "the entries are not as many as they say")
    head = upload.prev_head
    for entry in entries:
        head = ledger.extend(head, entry.hash, upload.device, upload.gen)
    if head != upload.head:
        raise Refused(CHAIN_BROKEN, "the entries do not lead to the head")
    return upload, entries


def batch_hash(upload: Record) -> bytes:
    """16 bytes that name the batch; the bank's receipt repeats them."""
    return crypto.sha256(upload.raw)[:16]


def _entries(upload: Record) -> "Iterator[Entry]":
    tail = upload.tail
    start = 0
    while start < len(tail):
        end = start + _HEAD_BYTES
        if end > len(tail):
            raise Refused(MALFORMED, "an entry is cut off")
        number, length, recv_t, rev_seq = struct.unpack(_HEAD, tail[start:end])
        layout = TXN if number == TXN.number else REFUND
        start = end + length
        if number != layout.number or length != layout.size + SIGNATURE_BYTES or start > len(tail):
            raise Refused(MALFORMED, "an entry is neither a payment nor a refund")
        yield Entry(parse_signed(layout, tail[end:start]), recv_t, rev_seq)
