"""The journals' rules broken on purpose: a harness that lets one of these pass proves nothing.

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
    rule: str
    what: str
    changes: tuple[Change, ...]


_OUTBOX = "firmware.sender.outbox"
_BOOK = "firmware.receiver.book"

VARIANTS = (
    Variant(
        "J1",
        "the payer journals SIGNED after it has sent, not before",
        (
            (
                _OUTBOX,
                '        position = self._journal.append(_SIGNED, _key(header["hash"]), data)\n'
                "        return self._take_signed(header, position)\n",
                "        pending = self._take_signed(header, -1)\n"
                "        pending.data = data\n"
                "        return pending\n",
            ),
            (
                _OUTBOX,
                "self._journal.read(pending.position)",
                "(getattr(pending, 'data', b'') or self._journal.read(pending.position))",
            ),
            (
                _OUTBOX,
                "        self._journal.append(_DELIVERED,",
                "        if hasattr(pending, 'data'):\n"
                "            self._journal.append(_SIGNED, _key(pending.txn_hash), pending.data)\n"
                "        self._journal.append(_DELIVERED,",
            ),
        ),
    ),
    Variant(
        "J2",
        "the payee says RECEIVED and acknowledges before it appends",
        (
            (
                _BOOK,
                "        self._journal.append(_ACCEPTED, _key(payment), data)\n",
                "        self.unwritten = (_ACCEPTED, _key(payment), data)\n",
            ),
            (
                "firmware.receiver.tap",
                "        message = wire.receive() if wire.is_idle() else None\n",
                "        if getattr(app.book, 'unwritten', None) and wire.is_idle():\n"
                "            app.book._journal.append(*app.book.unwritten)\n"
                "            app.book.unwritten = None\n"
                "        message = wire.receive() if wire.is_idle() else None\n",
            ),
        ),
    ),
    Variant(
        "J4",
        "the payee does not look a payment up before it appends it",
        (
            (
                "firmware.receiver.app",
                "            header = self.book.find(payment)\n",
                "            header = None\n",
            ),
        ),
    ),
    Variant(
        "J7",
        "the entry is one record, and that its request is closed another",
        (
            (
                _BOOK,
                "        self._take_entry(header)\n        return header\n",
                "        self._take_entry(header)\n"
                "        if request_id:\n"
                "            self._journal.append(4, bytes(8), packet.pack({}))\n"
                "            self.request = None\n"
                "        return header\n",
            ),
            (
                _BOOK,
                "            if kind == _OPEN:\n",
                "            if kind == 4:\n"
                "                self.request = None\n"
                "            elif kind == _OPEN:\n",
            ),
            (
                _BOOK,
                '        if self.request and self.request.request_id == header["request"]:\n',
                "        if False:\n",
            ),
        ),
    ),
)


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
