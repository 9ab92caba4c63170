"""How a record gets to the end of a journal (see `journal`): all that appending needs."""

from binascii import crc32
from struct import pack

from firmware.common import late
from firmware.common.storage import files
from firmware.common.wire.errors import STORE_FULL, TOO_LARGE, Refused
from firmware.common.wire.limits import (
    RECORD_BYTES_MAX,
    SEGMENT_BYTES_MAX,
    STORE_FREE_BYTES_MIN,
)

HEAD = ">HB8s"
HEAD_BYTES = 11
CRC_BYTES = 4


def encoded(kind: int, key: bytes, payload: bytes) -> bytes:
    """A record's bytes; `Refused(TOO_LARGE)` above RECORD_BYTES_MAX."""
    if HEAD_BYTES + len(payload) + CRC_BYTES > RECORD_BYTES_MAX:
        raise Refused(TOO_LARGE, "a record has at most %d bytes" % RECORD_BYTES_MAX)
    body = pack(HEAD, len(payload), kind, key) + payload
    return body + pack(">I", crc32(body))


def check_space(path: str) -> None:
    """Raises `Refused(STORE_FULL)` while there is still room to settle what is stored."""
    if files.free_bytes(path) < STORE_FREE_BYTES_MIN:
        raise Refused(STORE_FULL, "connect the board to a bridge and settle")


def append_to_last(
    folder: str, place: "tuple[int, int, int] | None", record: bytes
) -> "tuple[int, int, int] | None":
    """Appends an encoded record where the last segment has room for it, with little code.

    `place` is that of `Segments`; the new one, or None where nothing was written.
    """
    if place is None or place[1] < 0 or place[2] + len(record) > SEGMENT_BYTES_MAX:
        return None
    path = folder + "/" + str(place[1])
    return place[0], place[1], write_at_end(path, place[2], record)


def write_at_end(path: str, end: int, record: bytes) -> int:
    """Writes an encoded record to a journal that ends there, durable when this returns; its new
    end."""
    cut_torn_end(path, end)
    try:
        with open(path, "ab") as file:
            file.write(record)
            file.flush()
    except OSError:
        raise Refused(STORE_FULL, "the flash takes no more") from None
    return end + len(record)


def cut_torn_end(path: str, end: int) -> None:
    """Removes what a failed write left behind the end."""
    if files.size(path) != end:
        late.call("firmware.common.storage.torn", "cut_torn_end", path, end)
