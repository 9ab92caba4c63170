"""Cuts off the end of a journal that a failed write tore; anything else is damage and raises.

littlefs keeps such an end out of the file by itself; other file systems may not.
"""

import os
from struct import unpack

from firmware.common.storage.journal import checked
from firmware.common.wire.limits import RECORD_BYTES_MAX

_HEAD_BYTES = 11
_CRC_BYTES = 4
_PIECE_BYTES = 512


def cut_torn_end(path: str, end: int) -> None:
    """Keeps the first `end` bytes, when what follows is the beginning of one record.

    A torn record lacks its end. If nothing is missing, or a whole record follows somewhere, a
    record in the middle is damaged, and to cut there would lose money without a word.
    """
    with open(path, "rb") as file:
        file.seek(end)
        tail = file.read(RECORD_BYTES_MAX + 1)
    is_torn = 0 < len(tail) < _record_bytes(tail, 0) <= RECORD_BYTES_MAX
    if not is_torn or any(_is_whole(tail, i) for i in range(1, len(tail))):
        raise OSError("a record in flash is damaged: " + path)
    with open(path, "rb") as file, open(path + ".new", "wb") as kept:
        for position in range(0, end, _PIECE_BYTES):
            kept.write(file.read(min(_PIECE_BYTES, end - position)))
        kept.flush()
    os.rename(path + ".new", path)


def _record_bytes(tail: bytes, start: int) -> int:
    """The size of the record that starts there, as far as its head has arrived."""
    if len(tail) < start + 2:
        return _HEAD_BYTES + _CRC_BYTES
    return _HEAD_BYTES + unpack(">H", tail[start : start + 2])[0] + _CRC_BYTES


def _is_whole(tail: bytes, start: int) -> bool:
    size = _record_bytes(tail, start)
    if start + size > len(tail):
        return False
    body = start + _HEAD_BYTES
    length = size - _HEAD_BYTES - _CRC_BYTES
    return checked(tail[start:body], tail[body : start + size], length) is not None
