"""Rare flows are loaded when asked for and let go: bytecode lives in RAM on stock MicroPython."""

import gc
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def call(module: str, function: str, *arguments: object) -> "Any":
    """Imports a module, calls one of its functions, and forgets all that was loaded for it.

    A coroutine keeps its own code alive, so an async function may be called and then awaited; an
    object keeps that of its class. A computer has RAM enough, and forgets nothing.
    """
    if sys.implementation.name != "micropython":
        __import__(module)
        return getattr(sys.modules[module], function)(*arguments)
    before = list(sys.modules)  # as a set it would be a kilobyte of garbage
    gc.collect()  # what is loaded amid garbage leaves the heap in pieces
    try:
        return getattr(_loaded(module), function)(*arguments)
    finally:
        for name in list(sys.modules):
            if name not in before:
                _forget(name)
        gc.collect()


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
