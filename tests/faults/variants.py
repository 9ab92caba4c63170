"""Breaks the firmware on purpose: a harness that lets a broken rule pass proves nothing.

A variant changes lines of the firmware's source in memory. Where the source no longer has them
the variant is of no use, and says so.
"""

import inspect
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

Change = tuple[str, str, str]  # module, what stands there, what stands there instead


@dataclass(frozen=True)
class Variant:
    """`where`: the phase and place in which it is looked for first."""

    rule: str
    what: str
    where: tuple[str, str]
    changes: tuple[Change, ...]


@contextmanager
def broken(variant: Variant) -> Iterator[None]:
    """The firmware of every board is this variant within the block."""
    undo: list[tuple[Any, types.CodeType]] = []
    try:
        for name in {change[0] for change in variant.changes}:
            module = sys.modules[name]
            changes = [change[1:] for change in variant.changes if change[0] == name]
            _replace(module, _changed(variant, inspect.getsource(module), changes), undo)
        yield
    finally:
        for function, code in undo:
            function.__code__ = code


def _changed(variant: Variant, source: str, changes: list[tuple[str, str]]) -> str:
    for old, new in changes:
        if old not in source:
            raise ValueError(f"variant {variant.rule}: the firmware no longer says {old!r}")
        source = source.replace(old, new)
    return source


def _replace(module: types.ModuleType, source: str, undo: list[tuple[Any, types.CodeType]]) -> None:
    """Gives the module's functions and methods the code of the changed source.

    Functions and classes stay the same objects: other modules hold them already.
    """
    anew: dict[str, Any] = dict(vars(module))
    exec(compile(source, f"<{module.__name__}, changed>", "exec"), anew)
    for function, changed in _functions(vars(module), anew, module.__name__):
        undo.append((function, function.__code__))
        function.__code__ = changed.__code__


def _functions(old: Any, new: Any, module: str) -> Iterator[tuple[Any, Any]]:
    """Those of the module itself, with what has taken their place."""
    for name, value in list(old.items()):
        if getattr(value, "__module__", None) != module:
            continue
        if isinstance(value, type):
            yield from _functions(vars(value), vars(new[name]), module)
        elif isinstance(value, types.FunctionType):
            yield value, new[name]
