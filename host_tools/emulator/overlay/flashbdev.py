"""The flash chip: NOR rules over an image file, under the name an ESP32 has for it.

A program clears bits and sets none; only an erase of a whole 4 KiB sector sets them.
A plan "N:M" carries out M bytes of the N-th operation after power-on, then cuts the power.

No method below branches or loops: MicroPython looks for a pending Ctrl-C at jumps only, and an
exception thrown through littlefs's C frames would wreck them. A flash driver in C is never
interrupted there either.
"""

import os

import _bus

_SECTOR = 4096
_ERASED = b"\xff" * _SECTOR
_EIO = -5


class Flash:
    def __init__(self, path, plan):
        self._image = open(path, "r+b")  # noqa: SIM115  open as long as the board is on
        self._ioctl = {4: self._sectors, 5: self._sector_bytes, 6: self._erase}
        self._plan = {}
        self.operations = 0
        if plan:
            operation, self._cut_bytes = map(int, plan.split(":"))
            self._plan[operation] = self._cut

    def readblocks(self, sector, buffer, offset=0):
        self._image.seek(sector * _SECTOR + offset)
        self._image.readinto(buffer)

    def writeblocks(self, sector, buffer, offset=0):
        position = sector * _SECTOR + offset
        present = bytearray(len(buffer))
        self._image.seek(position)
        self._image.readinto(present)
        present = int.from_bytes(present, "little")
        forbidden = (int.from_bytes(buffer, "little") | present) != present
        return (self._store, self._refuse)[forbidden](position, buffer)

    def ioctl(self, request, argument):
        return self._ioctl.get(request, self._nothing)(argument)

    def _nothing(self, argument):
        return 0

    def _sectors(self, argument):
        return self._image.seek(0, 2) // _SECTOR

    def _sector_bytes(self, argument):
        return _SECTOR

    def _erase(self, sector):
        return self._store(sector * _SECTOR, _ERASED)

    def _refuse(self, position, data):
        return _EIO

    def _store(self, position, data):
        self.operations += 1
        self._plan.get(self.operations, self._write)(position, data)
        return 0

    def _write(self, position, data):
        self._image.seek(position)
        self._image.write(data)

    def _cut(self, position, data):
        self._write(position, memoryview(data)[: self._cut_bytes])
        _bus.end("C")


bdev = Flash(os.getenv("OPG_BOARD_FLASH"), os.getenv("OPG_BOARD_FAULT"))
