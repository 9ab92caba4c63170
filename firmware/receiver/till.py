"""The payee's memory: what it asks for, what it took, and what the bank said of it.

    OPEN       core46                                        before anybody is told (J3, J4)
    STALE      hash16                                        its time is up, or power went
    CLOSED     hash16 || reason1                             it never accepts again
    ACCEPTED   gen2 index4 t_lb4 rev_seq4 beacon4 || core46 || head32 || signed PURSE, signed TXN
    VOIDED     not_after4 || VOID body62 || signed TXN       before the VOID is sent (J3)
    REFUNDED   gen2 index4 t_lb4 rev_seq4 || head32 || signed REFUND
    UPLOADING  gen2 first4 n2 nonce8 t_lb4 beacon4 is_last1 || head32 || batch16   before it is sent
    JUDGED     gen2 first4 n2 || freed4 paid4 || verdicts    the bank's receipt

ACCEPTED is the commit point and one record (J7): entry, request and what its ACK is made of; its
t_lb is the ACK's, and the time at which the entry was taken. Requests are named by their req_hash.
"""

from struct import pack, unpack

from firmware.common import crypto
from firmware.common.payment.ledger import NO_HEAD, extend
from firmware.common.storage.journal import check_space
from firmware.common.storage.news_store import News
from firmware.common.storage.segments import CHECKPOINT, Segments
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import ALREADY_PAID, CANCELLED, EXPIRED, STORE_FULL, Refused
from firmware.common.wire.limits import (
    STALE_S_MAX,
    TILL_CLOSED_MAX,
    TILL_REQUESTS_MAX,
    TILL_ROWS_UNWRITTEN_MAX,
    TILL_UNSETTLED_MAX,
)
from firmware.common.wire.messages import PREQ
from firmware.receiver.seen import VOIDED as VOIDED_ROW
from firmware.receiver.seen import Seen, make_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

OPEN = 2
STALE = 3
CLOSED = 4
ACCEPTED = 5
VOIDED = 6
REFUNDED = 7
UPLOADING = 8
JUDGED = 9

CORE_BYTES = 46
ENTRY = ">HIIII"  # what ACCEPTED begins with
ENTRY_BYTES = 18
UPLOAD = ">HIH8sIIB32s16s"
_TOTALS = ">HI32sIQQIIHIIBB"
_TOTALS_BYTES = 78
_CLOSED_BYTES = 17
_TAPS_MAX = 0xFFFF


class Request:
    """One that was opened; `agreed` once the cashier takes a stale one after all."""

    def __init__(self, core: bytes, since_ms: int, is_stale: bool) -> None:
        self.preq = PREQ.read(core + bytes(16))
        self.hash = crypto.sha256(core)[:16]  # `asking.request_hash`
        self.since_ms = since_ms
        self.is_stale = is_stale
        self.agreed = False

    @property
    def core(self) -> bytes:
        return self.preq.raw[:CORE_BYTES]


class Till:
    """The ledger has `count` entries ending in `head`, of which the bank has judged `judged`.

    `received_minor` is all that was ever taken, `paid_minor` what the bank has paid of it,
    `unsettled_minor` what it has not judged; `taps` and `taps_minor` were taken since the beacon
    of number `beacon_seq`. `requests` are open or stale, `recent` the last rows.
    """

    def __init__(self, root: str, news: News, device8: bytes) -> None:
        self._root = root
        self._news = news
        self.device = device8
        self.gen = 0
        self.count = 0
        self.head = NO_HEAD
        self.judged = 0
        self.received_minor = 0
        self.paid_minor = 0
        self.unsettled_minor = 0
        self.beacon_seq = 0
        self.taps = 0
        self.taps_minor = 0
        self.refunds = 0
        self.requests: list[Request] = []
        self.uploading = b""
        self.recent: list[bytes] = []
        self._unwritten = 0
        self._closed = b""
        self.seen = Seen(root + "/seen")
        self.segments = Segments(root + "/till", self._checkpoint)
        for _, kind, payload in self.segments.scan():
            self._take(kind, payload, 0)
        self._unwritten = self._count_unwritten()
        self.write_rows()
        if self.open:
            self.make_stale(self.open)

    @property
    def open(self) -> Request | None:
        """The request that is told to whoever taps."""
        last = self.requests[-1] if self.requests else None
        return last if last and not last.is_stale else None

    def ask(self, core: bytes, now_ms: int) -> Request:
        """Opens a request of these 46 bytes; one that was open is closed by it."""
        check_space(self._root)
        self._append(OPEN, core[10:18], core, now_ms)
        while len(self.requests) > TILL_REQUESTS_MAX:
            self.close(self.requests[0], EXPIRED)
        return self.requests[-1]

    def make_stale(self, request: Request) -> None:
        """From here on the cashier is asked before a payment for it is taken."""
        self._append(STALE, request.hash[:8], request.hash)

    def close(self, request: Request, reason: int) -> None:
        """It never accepts again: whoever pays it gets a VOID for this reason."""
        self._append(CLOSED, request.hash[:8], request.hash + bytes((reason,)))

    def expire(self, now_ms: int) -> bool:
        """Makes stale what nobody paid in time, and closes what is old; whether there was any."""
        before = len(self.requests)
        opened = self.open
        if opened and now_ms - opened.since_ms > opened.preq.ttl_s * 1_000:
            self.make_stale(opened)
            return True
        oldest = self.requests[0] if self.requests else None
        if oldest and oldest.is_stale and self._news.t_lb() > oldest.preq.t_lb + STALE_S_MAX:
            self.close(oldest, EXPIRED)
        return len(self.requests) != before

    def request(self, req_hash: bytes) -> Request | None:
        """The open or stale request of this hash."""
        for request in self.requests:
            if request.hash == req_hash:
                return request
        return None

    def closed_reason(self, req_hash: bytes) -> int:
        """Why it never accepts again; 0 where no such request is remembered."""
        for at in range(0, len(self._closed), _CLOSED_BYTES):
            if self._closed[at : at + 16] == req_hash:
                return self._closed[at + 16]
        return 0

    def rows(self, purse: bytes) -> "Iterator[bytes]":
        """What is remembered of a purse, oldest first (see `seen`)."""
        yield from self.seen.rows(purse)
        for row in self.recent[len(self.recent) - self._unwritten :]:
            if row[:8] == purse:
                yield row

    def check_room(self, purse: bytes) -> None:
        """Raises `Refused(STORE_FULL)` where another payment could not be kept."""
        check_space(self._root)
        is_full = self.count - self.judged >= TILL_UNSETTLED_MAX
        if is_full or self.seen.is_full(purse, self._news.t_lb()):
            raise Refused(STORE_FULL, "connect the till to a bridge and settle")

    def accept(self, request: Request, purse: Record, txn: Record) -> bytes:
        """Enters a payment for a request that is open or agreed; answers its row."""
        news = self._news
        head = extend(self.head, crypto.sha256(txn.raw), self.device, self.gen)
        t_lb, beacon = news.t_lb(), news.beacon_seq
        payload = pack(ENTRY, self.gen, self.count, t_lb, news.rev_seq, beacon)
        payload += request.core + head + purse.signed + txn.signed
        self._append(ACCEPTED, entry_key(self.gen, self.count), payload)
        return self.recent[-1]

    def void(self, body: bytes, purse: Record, txn: Record) -> None:
        """Journals a VOID's body before anybody hears of it."""
        payload = pack(">I", purse.not_after) + body + txn.signed
        self._append(VOIDED, crypto.sha256(txn.raw)[:8], payload)

    def refund(self, refund: Record) -> None:
        """Enters a signed REFUND."""
        head = extend(self.head, crypto.sha256(refund.raw), self.device, self.gen)
        news = self._news
        payload = pack(ENTRY, self.gen, self.count, news.t_lb(), news.rev_seq, news.beacon_seq)
        self._append(REFUNDED, entry_key(self.gen, self.count), payload + head + refund.signed)

    def upload(self, payload: bytes) -> None:
        """Journals what is uploaded: the same until the bank has answered."""
        self._append(UPLOADING, payload[8:16], payload)

    def judge(self, payload: bytes) -> None:
        """Journals the bank's verdicts."""
        self._append(JUDGED, bytes(8), payload)

    def write_rows(self) -> None:
        """Writes the rows that are not in flash yet: to be done when nobody waits."""
        while self._unwritten:
            self.seen.add(self.recent[len(self.recent) - self._unwritten], self._news.t_lb())
            self._unwritten -= 1

    def _append(self, kind: int, key: bytes, payload: bytes, now_ms: int = 0) -> None:
        if self._unwritten >= TILL_ROWS_UNWRITTEN_MAX:
            self.write_rows()
        self.segments.append(kind, key, payload)
        self._take(kind, payload, now_ms)

    def _take(self, kind: int, payload: bytes, now_ms: int) -> None:
        if kind == CHECKPOINT:
            self._take_checkpoint(payload)
        elif kind == OPEN:
            if self.open:
                self._remember_closed(self.open.hash, CANCELLED)
            self.requests.append(Request(payload, now_ms, False))
        elif kind == STALE:
            for request in self.requests:
                request.is_stale = request.is_stale or request.hash == payload
        elif kind == CLOSED:
            self._remember_closed(payload[:16], payload[16])
        elif kind == ACCEPTED:
            self._take_accepted(payload)
        elif kind == VOIDED:
            self._take_voided(payload)
        elif kind == REFUNDED:
            self.count += 1
            self.refunds += 1
            self.head = payload[ENTRY_BYTES : ENTRY_BYTES + 32]
        elif kind == UPLOADING:
            self.uploading = payload
        else:
            self._take_judged(payload)

    def _take_accepted(self, payload: bytes) -> None:
        gen, index, t_lb, _, beacon = unpack(ENTRY, payload[:ENTRY_BYTES])
        core, head, purse, txn = accepted_parts(payload)
        amount = unpack(">I", txn[18:22])[0]
        if beacon != self.beacon_seq:
            self.beacon_seq, self.taps, self.taps_minor = beacon, 0, 0
        self.taps = min(self.taps + 1, _TAPS_MAX)
        self.taps_minor += amount
        self.received_minor += amount
        self.unsettled_minor += amount
        self.count = index + 1
        self.head = head
        self._remember_closed(crypto.sha256(core)[:16], ALREADY_PAID)
        self._news.saw(t_lb)
        place = (gen, index, t_lb, core[10:18], head, crypto.sha256(txn[:82]))
        self._add_row(txn, unpack(">I", purse[90:94])[0], place)

    def _take_voided(self, payload: bytes) -> None:
        body, txn = payload[4:66], payload[66:]
        req_hash, t_lb = body[42:58], unpack(">I", body[58:62])[0]
        head = req_hash[8:] + bytes(24)
        place = (VOIDED_ROW, body[1], t_lb, req_hash[:8], head, body[10:42])
        self._add_row(txn, unpack(">I", payload[:4])[0], place)

    def _add_row(self, txn: bytes, not_after: int, place: tuple) -> None:
        ctr, cum, amount = unpack(">III", txn[10:22])
        row = make_row(txn[2:10], ctr, cum, amount, not_after, *place)
        self.recent = self.recent[1 - TILL_ROWS_UNWRITTEN_MAX :] + [row]
        self._unwritten += 1

    def _take_judged(self, payload: bytes) -> None:
        _, first, n, freed, paid = unpack(">HIHII", payload[:16])
        self.judged = first + n
        self.unsettled_minor -= freed
        self.paid_minor += paid
        self.uploading = b""

    def _remember_closed(self, req_hash: bytes, reason: int) -> None:
        self.requests = [kept for kept in self.requests if kept.hash != req_hash]
        closed = self._closed + req_hash + bytes((reason,))
        self._closed = closed[-TILL_CLOSED_MAX * _CLOSED_BYTES :]

    def _count_unwritten(self) -> int:
        """How many of the last rows are not in flash: they are written in their order."""
        for at in range(len(self.recent) - 1, -1, -1):
            row = self.recent[at]
            if row in self.seen.rows(row[:8]):
                return len(self.recent) - 1 - at
        return len(self.recent)

    def _checkpoint(self) -> bytes:
        """All that a start needs; the closing segment's rows are written with it."""
        self.write_rows()
        data = pack(
            _TOTALS,
            self.gen,
            self.count,
            self.head,
            self.judged,
            self.received_minor,
            self.paid_minor,
            self.unsettled_minor,
            self.beacon_seq,
            self.taps,
            self.taps_minor,
            self.refunds,
            len(self.uploading),
            len(self.requests),
        )
        data += self.uploading
        for request in self.requests:
            data += bytes((request.is_stale,)) + request.core
        return data + self._closed

    def _take_checkpoint(self, data: bytes) -> None:
        (
            self.gen,
            self.count,
            self.head,
            self.judged,
            self.received_minor,
            self.paid_minor,
            self.unsettled_minor,
            self.beacon_seq,
            self.taps,
            self.taps_minor,
            self.refunds,
            uploading,
            requests,
        ) = unpack(_TOTALS, data[:_TOTALS_BYTES])
        at = _TOTALS_BYTES + uploading
        self.uploading = data[_TOTALS_BYTES:at]
        for _ in range(requests):
            end = at + 1 + CORE_BYTES
            self.requests.append(Request(data[at + 1 : end], 0, data[at] == 1))
            at = end
        self._closed = data[at:]


def entry_key(gen: int, index: int) -> bytes:
    """The journal's key of an entry."""
    return pack(">HHI", gen, 0, index)


def accepted_parts(payload: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """The request's core, the head, the signed PURSE and the signed TXN of an ACCEPTED record."""
    at = ENTRY_BYTES + CORE_BYTES
    return payload[ENTRY_BYTES:at], payload[at : at + 32], payload[at + 32 : -146], payload[-146:]
