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
    """One file of records up to `end`; a torn last record, as a failed write leaves, is cut off.

    Where `end` is known beforehand the file is not read through before it is used.
    """

    def __init__(self, path: str, end: int = -1) -> None:
        self._path = path
        self.end = max(end, 0)
        if end < 0:
            for _ in self.scan():
                pass
            self._cut_torn_end()

    def append(self, kind: int, key: bytes, payload: bytes) -> int:
        """Writes one record, durable when this returns; answers its position."""
        return self.write(encoded(kind, key, payload))

    def write(self, record: bytes) -> int:
        """The same for a record that is `encoded` already."""
        self._cut_torn_end()
        position = self.end
        try:
            with open(self._path, "ab") as file:
                file.write(record)
                file.flush()
        except OSError:
            raise Refused(STORE_FULL, "the flash takes no more") from None
        self.end = position + len(record)
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
                if following <= self.end and (
                    (kind and kind != found) or (key and key != found_key)
                ):
                    file.seek(following)
                else:
                    payload = checked(head, file.read(length + _CRC_BYTES), length)
                    if payload is None and position < self.end:
                        raise OSError("a record in flash is damaged: " + self._path)
                    if payload is None:
                        break
                    self.end = max(self.end, following)
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
        if files.size(self._path) != self.end:
            late.call("firmware.common.storage.torn", "cut_torn_end", self._path, self.end)


def encoded(kind: int, key: bytes, payload: bytes) -> bytes:
    """A record's bytes; `Refused(TOO_LARGE)` above RECORD_BYTES_MAX."""
    if _HEAD_BYTES + len(payload) + _CRC_BYTES > RECORD_BYTES_MAX:
        raise Refused(TOO_LARGE, "a record has at most %d bytes" % RECORD_BYTES_MAX)
    body = pack(_HEAD, len(payload), kind, key) + payload
    return body + pack(">I", crc32(body))


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
