"""Rare flows are loaded when asked for and let go: bytecode lives in RAM on stock MicroPython."""

# pyright: reportAttributeAccessIssue=false
# `gc.threshold` is MicroPython's.

import gc
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What is loaded into a heap with garbage in it leaves holes between its parts for later.
_GARBAGE_BYTES = 1_024


def call(module: str, function: str, *arguments: object) -> "Any":
    """Imports a module, calls one of its functions, and forgets all that was loaded for it.

    A coroutine keeps its own code alive, so an async function may be called and then awaited; an
    object keeps that of its class. A computer has RAM enough, and forgets nothing.
    """
    if sys.implementation.name == "micropython":
        return _call_and_forget(module, function, arguments)
    __import__(module)
    return getattr(sys.modules[module], function)(*arguments)


def _call_and_forget(module: str, function: str, arguments: tuple) -> "Any":
    loaded = _load(module)
    try:
        return getattr(sys.modules[module], function)(*arguments)
    finally:
        for name in loaded:
            _forget(name)
        gc.collect()


def _load(module: str) -> list[str]:
    """Imports it; the names of all that was not there before."""
    gc.collect()
    before = set(sys.modules)
    usual = gc.threshold()
    gc.threshold(_GARBAGE_BYTES)
    try:
        __import__(module)
    finally:
        gc.threshold(usual)
    return [name for name in sys.modules if name not in before]


def _forget(name: str) -> None:
    package, _, last = name.rpartition(".")
    del sys.modules[name]
    if package in sys.modules and hasattr(sys.modules[package], last):
        delattr(sys.modules[package], last)
