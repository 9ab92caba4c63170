"""An append-only file of records: what was appended survives, whole or not at all.

    record = length2 kind1 key8 payload crc4      big-endian; length is the payload's
    crc    = CRC-32 (ISO-HDLC) of everything before it

`key` is whatever records are looked up by, so that a search reads heads and skips payloads.
"""

from binascii import crc32
from struct import pack, unpack

from firmware.common import late
from firmware.common.storage import files
from firmware.common.wire.errors import STORE_FULL, TOO_LARGE, Refused
from firmware.common.wire.limits import RECORD_BYTES_MAX, STORE_FREE_BYTES_MIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = ">HB8s"
_HEAD_BYTES = 11
_CRC_BYTES = 4


class Journal:
    """One file of records; a torn last record, as a failed write may leave, is cut off."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._end = 0
        for _ in self.scan():
            pass
        self._cut_torn_end()

    def append(self, kind: int, key: bytes, payload: bytes) -> int:
        """Writes one record, durable when this returns; answers its position."""
        if _HEAD_BYTES + len(payload) + _CRC_BYTES > RECORD_BYTES_MAX:
            raise Refused(TOO_LARGE, "a record has at most %d bytes" % RECORD_BYTES_MAX)
        self._cut_torn_end()
        body = pack(_HEAD, len(payload), kind, key) + payload
        position = self._end
        try:
            with open(self._path, "ab") as file:
                file.write(body + pack(">I", crc32(body)))
                file.flush()
        except OSError:
            raise Refused(STORE_FULL, "the flash takes no more") from None
        self._end = position + len(body) + _CRC_BYTES
        return position

    def scan(self, kind: int = 0, key: bytes = b"") -> "Iterator[tuple[int, int, bytes]]":
        """Yields (position, kind, payload), oldest first; those of a kind or key if given."""
        if not files.exists(self._path):
            return
        with open(self._path, "rb") as file:
            position = 0
            while True:
                head = file.read(_HEAD_BYTES)
                if len(head) < _HEAD_BYTES:
                    break
                length, found, found_key = unpack(_HEAD, head)
                following = position + _HEAD_BYTES + length + _CRC_BYTES
                if following <= self._end and (
                    (kind and kind != found) or (key and key != found_key)
                ):
                    file.seek(following)
                else:
                    payload = checked(head, file.read(length + _CRC_BYTES), length)
                    if payload is None and position < self._end:
                        raise OSError("a record in flash is damaged: " + self._path)
                    if payload is None:
                        break
                    self._end = max(self._end, following)
                    yield position, found, payload
                position = following

    def read(self, position: int) -> bytes:
        """The payload of the record at a position that `append` or `scan` gave."""
        with open(self._path, "rb") as file:
            file.seek(position)
            head = file.read(_HEAD_BYTES)
            length = unpack(_HEAD, head)[0]
            payload = checked(head, file.read(length + _CRC_BYTES), length)
        if payload is None:
            raise OSError("a record in flash is damaged")
        return payload

    def _cut_torn_end(self) -> None:
        if files.size(self._path) != self._end:
            late.call("firmware.common.storage.torn", "cut_torn_end", self._path, self._end)


def check_space(path: str) -> None:
    """Raises `Refused(STORE_FULL)` while there is still room to settle what is stored."""
    if files.free_bytes(path) < STORE_FREE_BYTES_MIN:
        raise Refused(STORE_FULL, "connect the board to a bridge and settle")


def checked(head: bytes, rest: bytes, length: int) -> bytes | None:
    """The payload, when it is whole and its checksum right."""
    payload = rest[:length]
    if len(rest) != length + _CRC_BYTES or unpack(">I", rest[length:])[0] != crc32(head + payload):
        return None
    return payload
