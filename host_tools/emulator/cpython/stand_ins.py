"""Whose flash and clock the firmware means: those of the board that runs right now.

All boards share the firmware's modules. The scheduler says which board runs (`running`); `open`,
`os` and `Board` in the firmware's modules ask here. While no board runs, files are the computer's
own: what else of this process uses the firmware's modules notices nothing.
"""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from host_tools import firmware_files

ROLES = ("sender", "receiver")
# What this emulator replaces, and the source of random bytes, which is the computer's own.
_OTHERWISE = (
    "firmware.common.hardware.esp32",
    "firmware.common.hardware.ssd1306",
    "firmware.common.crypto",
)
# Who opens files; the list of words is read before any board runs.
_KEEP_FILES = ("firmware.common.storage.", "firmware.receiver.seen")

_running: list[Any] = []


@contextmanager
def running(board: Any) -> Iterator[None]:
    """The firmware is this board's within the block."""
    _running.append(board)
    try:
        yield
    finally:
        _running.pop()


def role_module(role: str) -> ModuleType:
    """A role's composition root, as it stands on a board."""
    return importlib.import_module(f"firmware.{role}.main")


class _Os:
    """The part of `os` that the firmware's storage uses."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_running[-1].files if _running else os, name)


def _open(path: str, mode: str) -> Any:
    return _running[-1].files.open(path, mode) if _running else open(path, mode)


def _board() -> Any:
    if not _running:
        raise RuntimeError("the firmware runs on a board only: use `running`")
    return _running[-1]


def _run_together(tasks: list[Any]) -> None:
    raise RuntimeError("the world runs the tasks of all boards together")


class _Gc:
    """The part of `gc` that the firmware uses: here counted references do that work."""

    def collect(self) -> int:
        return 0

    def threshold(self, amount: int = -1) -> int:
        return -1


def _install() -> None:
    esp32 = ModuleType("firmware.common.hardware.esp32")
    vars(esp32).update(Board=_board, run_together=_run_together)
    sys.modules[esp32.__name__] = esp32
    for name in _firmware():
        module = vars(importlib.import_module(name))
        for word, stand_in in (("os", _Os()), ("gc", _Gc())):
            if word in module:
                module[word] = stand_in
        if name.startswith(_KEEP_FILES):
            module["open"] = _open


def _firmware() -> list[str]:
    """Every module of both roles; what a board loads late and lets go stays loaded here."""
    root = Path(firmware_files.__file__).parents[1]
    found = {path for role in ROLES for path in firmware_files.source_files(root, role)}
    names = sorted(path.removesuffix(".py").replace("/", ".") for path in found)
    return [name for name in names if not name.startswith(_OTHERWISE)]


_install()
