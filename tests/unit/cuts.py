"""Power that goes at the n-th write to flash: what was flushed before it stands, nothing else does.

As on littlefs a file's bytes are in flash once `flush` has returned, and a rename is atomic.
"""

import os

from firmware.common.storage import appending, files
from firmware.receiver import seen

_MODULES = (appending, files, seen)


class PowerCut(Exception):
    """The board stops at once; nothing in it may catch this."""


class _File:
    """An open file whose writes wait for `flush`."""

    def __init__(self, flash: "Flash", path: str, mode: str) -> None:
        self._flash = flash
        self._path = path
        self._file = open(path, mode)  # noqa: SIM115 - closed as it is left
        self._waiting = b""

    def __enter__(self) -> "_File":
        return self

    def __exit__(self, kind, *_) -> None:
        if self._waiting and kind is None:
            self.flush()  # closing writes too
        self._file.close()

    def write(self, data: bytes) -> None:
        self._waiting += data

    def flush(self) -> None:
        self._flash.operation("write", self._path)
        self._file.write(self._waiting)
        self._file.flush()
        self._waiting = b""

    def read(self, *size: int) -> bytes:
        data = self._file.read(*size)
        self._flash.bytes_read += len(data)
        return data

    def seek(self, *where: int) -> None:
        self._file.seek(*where)


class _Os:
    """The `os` of a module, whose renames count."""

    def __init__(self, flash: "Flash") -> None:
        self._flash = flash

    def rename(self, old: str, new: str) -> None:
        self._flash.operation("rename", new)
        os.rename(old, new)

    def remove(self, path: str) -> None:
        self._flash.operation("remove", path)
        os.remove(path)

    def __getattr__(self, name: str):
        return getattr(os, name)


class Flash:
    """`with Flash(7) as flash`: power goes at operation 7 (0: the first; -1: never).

    `log` tells what was done, as (what, path below the board's folder).
    """

    def __init__(self, cut_at: int = -1) -> None:
        self.cut_at = cut_at
        self.log: list = []
        self.bytes_read = 0
        self.opened = 0

    def __enter__(self) -> "Flash":
        self._real = [getattr(module, "os", None) for module in _MODULES]
        for module in _MODULES:
            module.open = self._open  # type: ignore[attr-defined]
            module.os = _Os(self)  # type: ignore[attr-defined]
        return self

    def __exit__(self, *_) -> None:
        for module, real in zip(_MODULES, self._real):  # noqa: B905 - MicroPython
            del module.open  # type: ignore[attr-defined]
            module.os = real  # type: ignore[attr-defined]

    def operation(self, what: str, path: str) -> None:
        if len(self.log) == self.cut_at:
            raise PowerCut
        self.log.append((what, path))

    def _open(self, path: str, mode: str = "r") -> _File:
        self.opened += 1
        return _File(self, path, mode)


def powerless(cut_at: int, act) -> bool:
    """Does something with a board whose power goes at that operation; whether it went."""
    with Flash(cut_at):
        try:
            act()
        except PowerCut:
            return True
    return False
