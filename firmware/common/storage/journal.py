"""An append-only file of records: what was appended survives, whole or not at all.

    record = length2 kind1 key8 payload crc4      big-endian; length is the payload's
    crc    = CRC-32 (ISO-HDLC) of everything before it

`key` is whatever records are looked up by, so that a search reads heads and skips payloads.
"""

from binascii import crc32
from struct import unpack

from firmware.common.storage import files
from firmware.common.storage.appending import (
    CRC_BYTES,
    HEAD,
    HEAD_BYTES,
    cut_torn_end,
    encoded,
    write_at_end,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


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
            cut_torn_end(self._path, self.end)

    def append(self, kind: int, key: bytes, payload: bytes) -> int:
        """Writes one record, durable when this returns; answers its position."""
        return self.write(encoded(kind, key, payload))

    def write(self, record: bytes) -> int:
        """The same for a record that is `encoded` already."""
        position = self.end
        self.end = write_at_end(self._path, position, record)
        return position

    def scan(self, kind: int = 0, key: bytes = b"") -> "Iterator[tuple[int, int, bytes]]":
        """Yields (position, kind, payload), oldest first; those of a kind or key if given."""
        if not files.exists(self._path):
            return
        with open(self._path, "rb") as file:
            position = 0
            while True:
                head = file.read(HEAD_BYTES)
                if len(head) < HEAD_BYTES:
                    break
                length, found, found_key = unpack(HEAD, head)
                following = position + HEAD_BYTES + length + CRC_BYTES
                if following <= self.end and (
                    (kind and kind != found) or (key and key != found_key)
                ):
                    file.seek(following)
                else:
                    payload = checked(head, file.read(length + CRC_BYTES), length)
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
            head = file.read(HEAD_BYTES)
            length = unpack(HEAD, head)[0]
            payload = checked(head, file.read(length + CRC_BYTES), length)
        if payload is None:
            raise OSError("a record in flash is damaged")
        return payload


def checked(head: bytes, rest: bytes, length: int) -> bytes | None:
    """The payload, when it is whole and its checksum right."""
    payload = rest[:length]
    if len(rest) != length + CRC_BYTES or unpack(">I", rest[length:])[0] != crc32(head + payload):
        return None
    return payload
