"""The payer's memory: purses with their keys, and what was signed with them.

    NEWKEY     private32 || amount4                         before its public key is sent (J6)
    SIGNED     signed DCERT || signed PREQ || signed TXN    before TXN's first byte leaves (J1)
    DELIVERED  purse8 || ctr4 || signed ACK
    VOIDED     purse8 || ctr4 || signed VOID
    CLOSING    signed TXN of kind CLOSE                      before it is sent
    SYNCING    signed SYNC                                   before it is sent (J6)
    ANSWERED   signed STATEMENT                              verdicts, and perhaps a purse

Whatever happens to link or power, the same journalled payment is sent again, and no counter is
used twice.
"""

from struct import pack, unpack

from firmware.common import crypto
from firmware.common.payment.verdicts import PENDING
from firmware.common.storage.journal import check_space
from firmware.common.storage.segments import CHECKPOINT, Segments
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import STORE_FULL, Refused
from firmware.common.wire.limits import PENDING_MAX
from firmware.common.wire.messages import PREQ, PURSE, SYNC, TXN
from firmware.common.wire.signed import parse_signed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NEWKEY = 2
SIGNED = 3
DELIVERED = 4
VOIDED = 5
CLOSING = 6
SYNCING = 7
ANSWERED = 8

_DCERT_BYTES = 232
_PREQ_BYTES = 126
_HEAD = ">I32sIIIBB"
_HEAD_BYTES = 50
_PURSE_BYTES = 232
_NOWHERE = 0xFFFFFFFF
_NO_KEY = bytes(32)


class Purse:
    """`ctr`, `spent` and `prev` are those of the last payment signed with it."""

    def __init__(self, private: bytes, signed: bytes, ctr: int, spent: int, prev: bytes) -> None:
        self.private = private
        self.record = parse_signed(PURSE, signed)
        self.ctr = ctr
        self.spent = spent
        self.prev = prev or _hash(self.record)  # `purse.first_prev`


class Pending:
    """A signed payment of which the payee has not said what became of it."""

    def __init__(self, place: tuple[int, int], preq: Record, txn: Record) -> None:
        self.place = place
        self.payee: bytes = txn.payee
        self.nonce: bytes = preq.req_nonce
        self.purse: bytes = txn.purse
        self.ctr: int = txn.ctr
        self.cum: int = txn.cum
        self.amount_minor: int = txn.amount
        self.currency: int = preq.cur
        self.hash = _hash(txn)


class Wallet:
    """`purses`, and `pending` payments oldest first; `syncing` is where the SYNC stands that the
    bank has not answered, `new_key` the private key that no purse was made for yet."""

    def __init__(self, root: str) -> None:
        self._root = root
        self.purses: list[Purse] = []
        self.pending: list[Pending] = []
        self.new_key = b""
        self.new_amount_minor = 0
        self.syncing: tuple[int, int] | None = None
        self.signed = 0
        self.last_time_s = 0
        self.segments = Segments(root + "/payments", self._checkpoint)
        for position, kind, payload in self.segments.scan():
            self._take((self.segments.last, position), kind, payload)

    def add_key(self, private: bytes, amount_minor: int) -> None:
        """Keeps the key of a purse to be asked for."""
        self._append(NEWKEY, private[:8], private + pack(">I", amount_minor))

    def add_signed(self, dcert: bytes, preq: bytes, txn: bytes) -> Pending:
        """Journals a payment, with what proves whom it is for and why."""
        check_space(self._root)
        if len(self.pending) >= PENDING_MAX:
            raise Refused(STORE_FULL, "%d payments are not confirmed yet" % len(self.pending))
        self._append(SIGNED, _key(txn), dcert + preq + txn)
        return self.pending[-1]

    def add_answer(self, kind: int, pending: Pending, answer: bytes) -> None:
        """Journals a checked ACK (DELIVERED) or VOID (VOIDED) for a pending payment."""
        payload = pending.purse + pack(">I", pending.ctr) + answer
        self._append(kind, pending.hash[:8], payload)

    def add_close(self, txn: bytes) -> None:
        """Journals that the rest of a purse is given back: it pays nothing more."""
        self._append(CLOSING, _key(txn), txn)

    def add_sync(self, sync: bytes) -> None:
        """Journals a SYNC: the same is sent until it is answered."""
        self._append(SYNCING, bytes(8), sync)

    def add_statement(self, statement: bytes) -> None:
        """Journals the checked answer to the SYNC."""
        self._append(ANSWERED, bytes(8), statement)

    def papers(self, pending: Pending) -> tuple[bytes, bytes, bytes]:
        """The journalled DCERT, PREQ and TXN, always the same bytes."""
        return split_signed(self.segments.read(pending.place[0], pending.place[1]))

    def find(self, purse: bytes) -> Purse | None:
        """The purse of this id."""
        for found in self.purses:
            if found.record.purse == purse:
                return found
        return None

    def records(self, kind: int = 0, key: bytes = b"") -> "Iterator[tuple[int, int, bytes]]":
        """(segment, kind, payload) of everything that is kept, oldest first."""
        for segment in range(self.segments.first, self.segments.last + 1):
            for _, found, payload in self.segments.scan_segment(segment, kind, key):
                if found != CHECKPOINT:
                    yield segment, found, payload

    def _append(self, kind: int, key: bytes, payload: bytes) -> None:
        self._take(self.segments.append(kind, key, payload), kind, payload)

    def _take(self, place: tuple[int, int], kind: int, payload: bytes) -> None:
        if kind == CHECKPOINT:
            self._take_checkpoint(payload)
        elif kind == NEWKEY:
            self.new_key, self.new_amount_minor = payload[:32], unpack(">I", payload[32:])[0]
        elif kind == SIGNED:
            self._take_signed(place, payload)
        elif kind in (DELIVERED, VOIDED):
            self._end(payload[:8], unpack(">I", payload[8:12])[0])
        elif kind == CLOSING:
            self._spend(parse_signed(TXN, payload))
        elif kind == SYNCING:
            self.syncing = place
        else:
            self._take_statement(payload)

    def _take_signed(self, place: tuple[int, int], payload: bytes) -> None:
        pending = _pending(place, payload)
        txn = parse_signed(TXN, split_signed(payload)[2])
        self._spend(txn)
        self.last_time_s = txn.t_lb
        self.pending.append(pending)
        self.signed += 1

    def _spend(self, txn: Record) -> None:
        purse = self.find(txn.purse)
        if purse:
            purse.ctr, purse.spent, purse.prev = txn.ctr, txn.cum, _hash(txn)

    def _end(self, purse: bytes, ctr: int) -> None:
        """What became of a payment is known."""
        self.pending = [kept for kept in self.pending if (kept.purse, kept.ctr) != (purse, ctr)]

    def _take_statement(self, payload: bytes) -> None:
        purse, signed_purse, verdicts = read_statement(payload)
        for ctr, verdict in verdicts:
            if verdict != PENDING:
                self._end(purse, ctr)
        if signed_purse:
            self.purses.append(Purse(self.new_key, signed_purse, 0, 0, b""))
        if signed_purse or self._asks_for_purse():
            self.new_key = b""
        self.syncing = None

    def _asks_for_purse(self) -> bool:
        if self.syncing is None:
            return False
        sync = self.segments.read(self.syncing[0], self.syncing[1])
        return parse_signed(SYNC, sync).amount > 0

    def forget(self, purse: Purse) -> None:
        """Leaves a purse that is over out of the next checkpoint."""
        self.purses.remove(purse)

    def _checkpoint(self) -> bytes:
        segment, position = self.syncing or (_NOWHERE, 0)
        data = pack(
            _HEAD,
            self.signed,
            self.new_key or _NO_KEY,
            self.new_amount_minor,
            segment,
            position,
            len(self.purses),
            len(self.pending),
        )
        for purse in self.purses:
            data += purse.private + purse.record.signed
            data += pack(">II32s", purse.ctr, purse.spent, purse.prev)
        for pending in self.pending:
            data += pack(">II", pending.place[0], pending.place[1])
        return data

    def _take_checkpoint(self, data: bytes) -> None:
        self.signed, key, self.new_amount_minor, segment, position, purses, pending = unpack(
            _HEAD, data[:_HEAD_BYTES]
        )
        self.new_key = b"" if key == _NO_KEY else key
        # What stood in a segment that was dropped since is done with, as later records tell.
        first = self.segments.first
        self.syncing = (segment, position) if first <= segment != _NOWHERE else None
        end = _HEAD_BYTES + purses * _PURSE_BYTES
        for at in range(_HEAD_BYTES, end, _PURSE_BYTES):
            ctr, spent, prev = unpack(">II32s", data[at + 192 : at + 232])
            private, signed = data[at : at + 32], data[at + 32 : at + 192]
            self.purses.append(Purse(private, signed, ctr, spent, prev))
        for at in range(end, end + pending * 8, 8):
            place = unpack(">II", data[at : at + 8])
            if place[0] >= first:
                self.pending.append(_pending(place, self.segments.read(place[0], place[1])))


def split_signed(payload: bytes) -> tuple[bytes, bytes, bytes]:
    """The signed DCERT, PREQ and TXN of a SIGNED record."""
    end = _DCERT_BYTES + _PREQ_BYTES
    return payload[:_DCERT_BYTES], payload[_DCERT_BYTES:end], payload[end:]


def read_statement(signed: bytes) -> tuple[bytes, bytes, list[tuple[int, int]]]:
    """The purse's id, the signed PURSE that follows (b"" if none), (ctr, verdict) of each entry.

    Of a STATEMENT that was checked before it was journalled.
    """
    count = unpack(">H", signed[38:40])[0]
    end = 40 + 5 * count
    verdicts = [unpack(">IB", signed[at : at + 5]) for at in range(40, end, 5)]
    return signed[10:18], signed[end:-64], verdicts


def _hash(record: Record) -> bytes:
    """`transaction.txn_hash`; what else stands there need not stay loaded."""
    return crypto.sha256(record.raw)


def _pending(place: tuple[int, int], payload: bytes) -> Pending:
    _, preq, txn = split_signed(payload)
    return Pending(place, parse_signed(PREQ, preq), parse_signed(TXN, txn))


def _key(txn: bytes) -> bytes:
    return _hash(parse_signed(TXN, txn))[:8]
