"""The board itself, as both roles know it: hardware, store, time, event log and the bank's news."""

from firmware.common import crypto, late
from firmware.common.storage.news_store import News
from firmware.common.storage.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.common.hardware.contract import Board
    from firmware.common.storage.event_log import EventLog

_KEEP_EVERY_MS = 3_600_000
_EVENTS = "firmware.common.storage.event_log"


class Device:
    """A started board; `now_ms` never goes back while it runs.

    A restart may take it back by _KEEP_EVERY_MS and what ran since, but the apps never let it
    go behind the last payment.
    """

    def __init__(self, board: "Board") -> None:
        self.board = board
        crypto.stir(board.unique_id, 0)  # before the first secret is made
        self.store = Store(board.root)
        self.news = News(board.root, board.clock)
        self._kept_ms = self.store.time_floor_ms()
        self._offset_ms = self._kept_ms - board.clock.ms()

    def now_ms(self) -> int:
        """Milliseconds since 1970 as far as this board was told; proves nothing to anybody."""
        return self.board.clock.ms() + self._offset_ms

    def now(self) -> str:
        """The same as text."""
        return late.call("firmware.common.payment.timestamp", "format_utc", self.now_ms())

    def advance_time(self, unix_ms: int) -> None:
        """Takes a host's clock or a record's time, forwards only; keeps it from time to time."""
        if unix_ms <= self.now_ms():
            return
        self._offset_ms = unix_ms - self.board.clock.ms()
        if unix_ms - self._kept_ms > _KEEP_EVERY_MS:
            self.store.set_time_floor(unix_ms)
            self._kept_ms = unix_ms

    @property
    def events(self) -> "EventLog":
        """What was logged."""
        return late.call(_EVENTS, "EventLog", self.board.root)

    def log(self, what: str, detail: str = "") -> None:
        """One line in the event log."""
        late.call(_EVENTS, "log", self.board.root, self.now_ms(), what, detail)
