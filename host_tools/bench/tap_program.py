"""Runs on MicroPython as what a board starts with, in place of its main.py: program ROLE

It makes what the hardware of `tap_board` needs before the firmware is there (a flash that counts,
randomness that repeats), sees who signs and who verifies, and starts the role. Commands come on
stdin and results go to stdout, see `tap_board`.
"""

import gc
import os
import sys

import vfs  # type: ignore[import-not-found]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SECTOR = 4096
_SECTORS = 48
_ERASED = b"\xff" * _SECTOR
_MOUNTED = "/flash"

counted = [0, 0, 0, 0]  # programs of the flash, its erases, signatures made, signatures checked


class Flash:
    """A chip in a file, so that it takes no heap."""

    def __init__(self, path: str) -> None:
        self._image = open(path, "w+b")  # noqa: SIM115  open as long as the board is on
        for _ in range(_SECTORS):
            self._image.write(_ERASED)

    def readblocks(self, sector: int, buffer: bytearray, offset: int = 0) -> None:
        self._image.seek(sector * _SECTOR + offset)
        self._image.readinto(buffer)  # type: ignore[attr-defined]

    def writeblocks(self, sector: int, buffer: bytes, offset: int = 0) -> None:
        self._image.seek(sector * _SECTOR + offset)
        self._image.write(buffer)
        counted[0] += 1

    def ioctl(self, request: int, sector: int) -> int:
        if request == 4:
            return _SECTORS
        if request == 5:
            return _SECTOR
        if request == 6:
            counted[1] += 1
        return 0


class _Os:
    """The module `os` with a random source that repeats."""


def make_repeatable(role: str) -> None:
    """To be done before anything imports `os`; no two roles draw the same."""
    state = [len(role)]

    def urandom(n: int) -> bytes:
        drawn = bytearray(n)
        for i in range(n):
            state[0] = (state[0] * 1_103_515_245 + 12_345) & 0x7FFFFFFF
            drawn[i] = state[0] >> 16 & 0xFF
        return bytes(drawn)

    for name in dir(os):
        setattr(_Os, name, getattr(os, name))
    _Os.urandom = urandom  # type: ignore[attr-defined]
    sys.modules["os"] = _Os  # type: ignore[assignment]


def mount() -> None:
    flash = Flash("flash.img")
    vfs.VfsLfs2.mkfs(flash)
    vfs.mount(vfs.VfsLfs2(flash, mtime=False), _MOUNTED)  # with times no two runs were alike


def watch() -> None:
    """Counts what the door to cryptography is asked for; it keeps its names, see the build."""
    from firmware.common import crypto

    crypto.sign = _counted(crypto.sign, 2)
    crypto.verify = _counted(crypto.verify, 3)


def _counted(done: "Any", place: int) -> "Any":
    def do(*arguments: "Any") -> "Any":
        counted[place] += 1
        return done(*arguments)

    return do


def main(role: str) -> None:
    make_repeatable(role)
    mount()
    gc.threshold(2_048)  # type: ignore[attr-defined]  as in the role's own main.py
    watch()
    __import__("firmware." + role + ".main", None, None, ("main",)).main()


if __name__ == "tap_program":  # imported by the line of source that starts a measurement
    main(sys.argv[1])
