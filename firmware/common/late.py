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
    before = list(sys.modules)  # as a set it would be a kilobyte of garbage
    if sys.implementation.name == "micropython":
        gc.collect()  # what is loaded amid garbage leaves the heap in pieces
    try:
        __import__(module)
        return getattr(sys.modules[module], function)(*arguments)
    finally:
        if sys.implementation.name == "micropython":
            for name in list(sys.modules):
                if name not in before:
                    _forget(name)
            gc.collect()


def _forget(name: str) -> None:
    package, _, last = name.rpartition(".")
    del sys.modules[name]
    if package in sys.modules and hasattr(sys.modules[package], last):
        delattr(sys.modules[package], last)
