"""Reads the ledger back from the till's journal; loaded when somebody asks for an entry."""

from struct import unpack

from firmware.common import crypto
from firmware.common.payment.ledger import NO_HEAD
from firmware.common.storage.segments import CHECKPOINT
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import REQUEST_UNKNOWN, Refused
from firmware.common.wire.messages import REFUND, TXN
from firmware.common.wire.signed import parse_signed
from firmware.receiver.entering import ACCEPTED, ENTRY, ENTRY_BYTES, entry_key
from firmware.receiver.keeping import JUDGED, REFUNDED, VOIDED, segments
from firmware.receiver.seen import VOIDED as VOIDED_ROW
from firmware.receiver.seen import read_row
from firmware.receiver.till import CORE_BYTES, Till

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def entries(till: Till, first: int) -> "Iterator[tuple[int, int, bytes]]":
    """(index, ACCEPTED or REFUNDED, payload) from index `first` on, as far as they are kept."""
    journal = segments(till)
    for segment in range(_segment_of(till, first), journal.last + 1):
        for _, kind, payload in journal.scan_segment(segment):
            if kind in (ACCEPTED, REFUNDED):
                index = fields(payload)[1]
                if index >= first:
                    yield index, kind, payload


def find(till: Till, index: int) -> tuple[int, bytes]:
    """(ACCEPTED or REFUNDED, payload) of one entry; `Refused(REQUEST_UNKNOWN)` where it is gone."""
    if 0 <= index < till.count:
        key = entry_key(till.gen, index)
        segment = _segment_of(till, index)
        for _, kind, payload in segments(till).scan_segment(segment, 0, key):
            if kind in (ACCEPTED, REFUNDED):
                return kind, payload
    raise Refused(REQUEST_UNKNOWN, "the till keeps no such entry any more")


def signed_payment(till: Till, row: bytes) -> bytes:
    """The signed TXN that a row tells of; b"" where the journal does not hold it any more."""
    fields = read_row(row)
    if fields[5] != VOIDED_ROW:
        try:
            return find(till, fields[6])[1][-146:]
        except Refused:
            return b""
    journal, txn_hash = segments(till), fields[10]
    for segment in range(journal.last, journal.first - 1, -1):
        for _, _, payload in journal.scan_segment(segment, VOIDED, txn_hash[:8]):
            if payload[14:46] == txn_hash:
                return payload[-146:]
    return b""


def verdicts(till: Till, first: int, count: int) -> dict[int, int]:
    """Index -> what the bank said of it, for those of the range that it judged."""
    found: dict[int, int] = {}
    journal = segments(till)
    for segment in range(journal.first, journal.last + 1):
        for _, _, payload in journal.scan_segment(segment, JUDGED):
            _, start, n = unpack(">HIH", payload[:8])
            for index in range(max(start, first), min(start + n, first + count)):
                found[index] = payload[16 + index - start]
    return found


def fields(payload: bytes) -> tuple[int, int, int, int, int]:
    """(gen, index, t_lb, rev_seq, beacon) of an entry's record."""
    gen, index, t_lb, rev_seq, beacon = unpack(ENTRY, payload[:ENTRY_BYTES])
    return gen, index, t_lb, rev_seq, beacon


def head(kind: int, payload: bytes) -> bytes:
    """The ledger's head after it."""
    start = ENTRY_BYTES + (CORE_BYTES if kind == ACCEPTED else 0)
    return payload[start : start + 32]


def head_before(till: Till, index: int) -> bytes:
    """The ledger's head before an entry that is kept."""
    segment = _segment_of(till, index)
    found = NO_HEAD
    for _, kind, payload in segments(till).scan_segment(segment):
        if kind == CHECKPOINT:
            found = payload[6:38]
        elif kind in (ACCEPTED, REFUNDED):
            if fields(payload)[1] >= index:
                break
            found = head(kind, payload)
    return found


def txn(payload: bytes) -> Record:
    """The payment of an ACCEPTED record."""
    return parse_signed(TXN, payload[-146:])


def txn_hash(payload: bytes) -> bytes:
    """32 bytes that name it."""
    return crypto.sha256(payload[-146:-64])


def currency(payload: bytes) -> int:
    """That of an ACCEPTED record's request."""
    return unpack(">H", payload[ENTRY_BYTES + 22 : ENTRY_BYTES + 24])[0]


def refund(payload: bytes) -> Record:
    """The refund of a REFUNDED record."""
    return parse_signed(REFUND, payload[ENTRY_BYTES + 32 :])


def drop_judged(till: Till) -> None:
    """Removes the segments whose entries are all judged."""
    journal = segments(till)
    journal.drop_before(_segment_of(till, till.judged))
    till.place = journal.place


def _segment_of(till: Till, index: int) -> int:
    """The segment that holds an entry, by the counts of their checkpoints."""
    journal = segments(till)
    for segment in range(journal.last, journal.first, -1):
        checkpoint = journal.read(segment, 0)
        if unpack(">I", checkpoint[2:6])[0] <= index:
            return segment
    return journal.first
