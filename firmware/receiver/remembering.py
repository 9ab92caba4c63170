"""What a till knows of requests and purses: in mind, and in the rows of `seen`."""

from firmware.common.storage.appending import check_space
from firmware.common.wire.errors import STORE_FULL, Refused
from firmware.common.wire.limits import TILL_UNSETTLED_MAX
from firmware.receiver.seen import Seen
from firmware.receiver.till import CLOSED_BYTES, Request, Till

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def request(till: Till, req_hash: bytes) -> Request | None:
    """The open or stale request of this hash."""
    for found in till.requests:
        if found.hash == req_hash:
            return found
    return None


def closed_reason(till: Till, req_hash: bytes) -> int:
    """Why it never accepts again; 0 where no such request is remembered."""
    for at in range(0, len(till.closed), CLOSED_BYTES):
        if till.closed[at : at + 16] == req_hash:
            return till.closed[at + 16]
    return 0


def seen(till: Till) -> Seen:
    """The files of rows."""
    return Seen(till.root + "/seen")


def rows(till: Till, purse: bytes) -> "Iterator[bytes]":
    """What is remembered of a purse, oldest first (see `seen`)."""
    yield from seen(till).rows(purse)
    for row in till.recent[len(till.recent) - till.unwritten :]:
        if row[:8] == purse:
            yield row


def find(till: Till, purse: bytes, txn_hash: bytes) -> bytes:
    """The row of one payment of a purse; b"" where it is not remembered (J4)."""
    for row in rows(till, purse):
        if row[-32:] == txn_hash:
            return row
    return b""


def check_room(till: Till, purse: bytes) -> None:
    """Raises `Refused(STORE_FULL)` where another payment could not be kept."""
    check_space(till.root)
    is_full = till.count - till.judged >= TILL_UNSETTLED_MAX
    if is_full or seen(till).is_full(purse, till.news.t_lb()):
        raise Refused(STORE_FULL, "connect the till to a bridge and settle")


def write_rows(till: Till) -> None:
    """Writes the rows that are not in flash yet: to be done when nobody waits."""
    files = seen(till)
    while till.unwritten:
        files.add(till.recent[len(till.recent) - till.unwritten], till.news.t_lb())
        till.unwritten -= 1


def count_unwritten(till: Till) -> int:
    """How many of the last rows are not in flash: they are written in their order."""
    files = seen(till)
    for at in range(len(till.recent) - 1, -1, -1):
        row = till.recent[at]
        if row in files.rows(row[:8]):
            return len(till.recent) - 1 - at
    return len(till.recent)
