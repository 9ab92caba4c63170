"""What a till remembers of each payment until its purse has expired: rows, in files by purse.

    row = purse8 ctr4 cum4 amount4 not_after4 gen2 index4 t_lb4 nonce8 head32 txn_hash32

A row is all that an ACK is made of, and outlives the segment of the journal that holds the
payment. Of a payment that was voided `gen` is VOIDED, `index` the reason, and nonce || head begins
with the request's hash. Rows are derived: what power keeps from being written comes again from the
journal. A file is read in pieces and its rows are dropped after their purse has expired.
"""

import os
from binascii import crc32
from struct import pack, unpack

from firmware.common.storage import files
from firmware.common.wire.limits import SEEN_BUCKETS, SEEN_ROWS_MAX
from firmware.receiver.till import ROW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

ROW_BYTES = 106
VOIDED = 0xFFFF
_PIECE_BYTES = 4 * ROW_BYTES
_TIDY_EVERY = 16  # rows


def make_row(*fields: object) -> bytes:
    """The row of these fields, in their order."""
    return pack(ROW, *fields)


def read_row(row: bytes) -> tuple:
    """Its fields in their order."""
    return unpack(ROW, row)


class Seen:
    """The files in one folder, which is there; one takes no longer after years than on a day."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def rows(self, purse: bytes) -> "Iterator[bytes]":
        """Every row of this purse, oldest first."""
        for row in _rows(self._path(purse)):
            if row[:8] == purse:
                yield row

    def add(self, row: bytes, now: int) -> None:
        """Keeps a row, durable when this returns; `now` is t_lb."""
        path = self._path(row[:8])
        count = files.size(path) // ROW_BYTES  # behind them a torn row may lie
        if count and count % _TIDY_EVERY == 0:
            count = _tidied(path, count, now)
        with open(path, "r+b" if files.exists(path) else "wb") as file:
            file.seek(count * ROW_BYTES)
            file.write(row)
            file.flush()

    def is_full(self, purse: bytes, now: int) -> bool:
        """Whether no further payment of this purse could be remembered."""
        path = self._path(purse)
        count = files.size(path) // ROW_BYTES
        return count >= SEEN_ROWS_MAX and _tidied(path, count, now) >= SEEN_ROWS_MAX

    def _path(self, purse: bytes) -> str:
        return self._folder + "/" + str(crc32(purse) % SEEN_BUCKETS)


def _rows(path: str) -> "Iterator[bytes]":
    if not files.exists(path):
        return
    with open(path, "rb") as file:
        while True:
            piece = file.read(_PIECE_BYTES)
            for start in range(0, len(piece) - ROW_BYTES + 1, ROW_BYTES):
                yield piece[start : start + ROW_BYTES]
            if len(piece) < _PIECE_BYTES:
                return


def _tidied(path: str, count: int, now: int) -> int:
    """Rewrites the file where half of it has expired; how many rows it then has."""
    kept = sum([_is_alive(row, now) for row in _rows(path)])
    if 2 * kept > count:
        return count
    with open(path + ".new", "wb") as file:
        for row in _rows(path):
            if _is_alive(row, now):
                file.write(row)
        file.flush()
    os.rename(path + ".new", path)
    return kept


def _is_alive(row: bytes, now: int) -> bool:
    return unpack(">I", row[20:24])[0] >= now
