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
        head = pack(_HEAD, len(payload), kind, key)
        position = self._end
        try:
            with open(self._path, "ab") as file:
                for part in (head, payload, pack(">I", crc32(payload, crc32(head)))):
                    file.write(part)
                file.flush()
        except OSError:
            raise Refused(STORE_FULL, "the flash takes no more") from None
        self._end = position + _HEAD_BYTES + len(payload) + _CRC_BYTES
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
                    payload = file.read(length)
                    if not is_right(head, payload, file.read(_CRC_BYTES)):
                        if position < self._end:
                            raise OSError("a record in flash is damaged: " + self._path)
                        break
                    self._end = max(self._end, following)
                    yield position, found, payload
                position = following

    def read(self, position: int) -> bytes:
        """The payload of the record at a position that `append` or `scan` gave."""
        with open(self._path, "rb") as file:
            file.seek(position)
            head = file.read(_HEAD_BYTES)
            payload = file.read(unpack(_HEAD, head)[0])
            if not is_right(head, payload, file.read(_CRC_BYTES)):
                raise OSError("a record in flash is damaged")
        return payload

    def _cut_torn_end(self) -> None:
        if files.size(self._path) != self._end:
            late.call("firmware.common.storage.torn", "cut_torn_end", self._path, self._end)


def check_space(path: str) -> None:
    """Raises `Refused(STORE_FULL)` while there is still room to settle what is stored."""
    if files.free_bytes(path) < STORE_FREE_BYTES_MIN:
        raise Refused(STORE_FULL, "connect the board to a bridge and settle")


def is_right(head: bytes, payload: bytes, crc: bytes) -> bool:
    """Whether a record is whole and its checksum right."""
    return len(crc) == _CRC_BYTES and unpack(">I", crc)[0] == crc32(payload, crc32(head))
