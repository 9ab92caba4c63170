"""What a till has in mind all the time; all it does is loaded when it is done (see `keeping`)."""

from firmware.common import crypto
from firmware.common.storage.news_store import News
from firmware.common.wire.limits import STALE_S_MAX

CORE_BYTES = 46
ROW = ">8sIIIIHII8s32s32s"  # of `seen`
CLOSED_BYTES = 17  # req_hash16 reason1


class Request:
    """One that was opened, by the 46 bytes of its PREQ that were frozen then.

    `agreed` once the cashier takes a stale one after all.
    """

    def __init__(self, core: bytes, since_ms: int, is_stale: bool) -> None:
        self.core = core
        self.hash = crypto.sha256(core)[:16]  # `asking.request_hash`
        self.since_ms = since_ms
        self.is_stale = is_stale
        self.agreed = False

    def number(self, start: int, end: int) -> int:
        """A field of the PREQ."""
        return int.from_bytes(self.core[start:end], "big")

    @property
    def amount_minor(self) -> int:
        return self.number(18, 22)

    @property
    def currency(self) -> int:
        return self.number(22, 24)


class Till:
    """The ledger has `count` entries ending in `head`, of which the bank has judged `judged`.

    `received_minor` is all that was ever taken, `paid_minor` what the bank has paid of it,
    `unsettled_minor` what it has not judged; `taps` and `taps_minor` were taken since the
    beacon of number `beacon_seq` and the revocations that it tells of. `requests` are open or
    stale, `closed` those that ended last. Of the rows in `recent` the last `unwritten` are not in
    flash yet. `place` is the journal's.
    """

    def __init__(self, root: str, news: News, device8: bytes) -> None:
        self.root = root
        self.news = news
        self.device = device8
        self.gen = 0
        self.count = 0
        self.head = bytes(32)
        self.judged = 0
        self.received_minor = 0
        self.paid_minor = 0
        self.unsettled_minor = 0
        self.beacon_seq = 0
        self.taps = 0
        self.taps_minor = 0
        self.refunds = 0
        self.requests: list[Request] = []
        self.closed = b""
        self.uploading = b""
        self.recent: list[bytes] = []
        self.unwritten = 0
        self.place: tuple[int, int, int] | None = None

    def due(self, now_ms: int) -> Request | None:
        """The request that has had its time: an open one, or a stale one after a day."""
        opened = self.open
        if opened and now_ms - opened.since_ms > opened.number(24, 26) * 1_000:
            return opened
        for oldest in self.requests[:1]:
            if oldest.is_stale and self.news.t_lb() > oldest.number(38, 42) + STALE_S_MAX:
                return oldest
        return None

    @property
    def open(self) -> Request | None:
        """The request that is told to whoever taps."""
        last = self.requests[-1] if self.requests else None
        return last if last and not last.is_stale else None
