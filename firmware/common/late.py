"""Rare flows are loaded when asked for and let go: bytecode lives in RAM on stock MicroPython."""

import gc
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_WAITING_BYTES = 8_192  # of garbage, while what is kept is not yet called

# What was loaded beforehand, by its whole name, and the garbage that was usual then. Who clears it
# makes room: the next collection finds it.
modules: dict = {}
_usual = 0


def call(module: str, function: str, *arguments: object) -> "Any":
    """Imports a module, calls one of its functions, and forgets all that was loaded for it.

    A coroutine keeps its own code alive, so an async function may be called and then awaited; an
    object keeps that of its class. A computer has RAM enough, and forgets nothing.
    """
    if sys.implementation.name != "micropython":
        __import__(module)
        return getattr(sys.modules[module], function)(*arguments)
    if module in modules:
        gc.threshold(-1)  # type: ignore[attr-defined]  somebody waits: garbage has room until later
        return getattr(modules[module], function)(*arguments)
    _restore()
    before = list(sys.modules)  # as a set it would be a kilobyte of garbage
    gc.collect()  # what is loaded amid garbage leaves the heap in pieces
    try:
        return getattr(_loaded(module), function)(*arguments)
    finally:
        _forget_all(before)
        gc.collect()


def load(*names: str) -> None:
    """Loads what will be called while somebody waits; the next call of anything else lets it go.

    So whoever else needs the room has it. Where there is too little, nothing is kept.
    """
    global _usual
    if sys.implementation.name != "micropython":
        return
    _restore()
    _usual = gc.threshold()  # type: ignore[attr-defined]
    before = list(sys.modules)
    gc.collect()
    try:
        for module in names:
            modules[module] = _loaded(module)
            _forget_all(before)
    except MemoryError:
        _forget_all(before)
        modules.clear()
    gc.collect()
    gc.threshold(_WAITING_BYTES)  # type: ignore[attr-defined]


def _restore() -> None:
    """Nobody waits any more."""
    global _usual
    modules.clear()
    if _usual:
        gc.threshold(_usual)  # type: ignore[attr-defined]
        _usual = 0


def _forget_all(before: list[str]) -> None:
    for name in list(sys.modules):
        if name not in before:
            _forget(name)


def _loaded(module: str) -> "Any":
    """The module, by its last name out of its folder: a whole path would stay in RAM for good.

    So no two modules that are loaded late may have the same last name; see `firmware_link`.
    """
    folder, _, name = module.rpartition(".")
    sys.path.insert(0, folder.replace(".", "/"))
    try:
        return __import__(name)
    finally:
        sys.path.pop(0)


def _forget(name: str) -> None:
    package, _, last = name.rpartition(".")
    del sys.modules[name]
    if package in sys.modules and hasattr(sys.modules[package], last):
        delattr(sys.modules[package], last)
