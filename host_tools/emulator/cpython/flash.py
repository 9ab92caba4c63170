"""The flash chip: NOR rules over an image in memory, and a power supply that can fail.

A program clears bits and sets none; only an erase of a whole 4 KiB sector sets them.
A fault (n, m) carries out m bytes of the n-th operation from now on, then cuts the power.
"""

from typing import Any

SECTOR_BYTES = 4_096

Fault = tuple[int, int]

_EIO = -5
_ERASED = b"\xff" * SECTOR_BYTES


class PowerCut(BaseException):
    """The board stops here; nothing in the firmware may catch this."""


class Chip:
    """Called by littlefs, through whose C frames no exception passes: a dead chip answers EIO.

    `written` holds the size of each operation since `watch`, an erase counting as a sector.
    """

    def __init__(self, image: bytearray) -> None:
        self.image = image
        self.alive = True
        self.struck = False
        self.written: list[int] = []
        self.operations = 0  # ever
        self._fault: Fault | None = None

    def watch(self, fault: Fault | None = None) -> None:
        """Counts operations anew, up to the fault."""
        self.written = []
        self._fault = fault

    def read(self, config: Any, sector: int, offset: int, size: int) -> bytearray:
        start = sector * SECTOR_BYTES + offset
        return self.image[start : start + size]

    def prog(self, config: Any, sector: int, offset: int, data: bytes) -> int:
        start = sector * SECTOR_BYTES + offset
        before = int.from_bytes(self.image[start : start + len(data)], "little")
        if int.from_bytes(data, "little") & ~before:
            return _EIO
        return self._store(start, data)

    def erase(self, config: Any, sector: int) -> int:
        return self._store(sector * SECTOR_BYTES, _ERASED)

    def sync(self, config: Any) -> int:
        return 0 if self.alive else _EIO

    def _store(self, start: int, data: bytes) -> int:
        if not self.alive:
            return _EIO
        self.operations += 1
        self.written.append(len(data))
        if self._fault and len(self.written) == self._fault[0]:
            data = data[: self._fault[1]]
            self.alive, self.struck = False, True
        self.image[start : start + len(data)] = data
        return 0 if self.alive else _EIO
