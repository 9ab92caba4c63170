"""Reads .mpy files, so that the machine code in them can be measured.

The format is documented in MicroPython's manual, "MicroPython .mpy files" (docs.micropython.org,
reference/mpyfiles): a header, the names and constants of the module, then its functions as a tree.
A vuint is big-endian in groups of 7 bits, with the highest bit set in all bytes but the last.

    header     "M", version 6, flags (bits 0-1 sub-version, 2-5 architecture, 6 its flags follow),
               bits of a small integer
    names      vuint count of names, vuint count of constants, the names, the constants
    function   vuint: bits 0-1 kind, bit 2 whether functions follow inside, the rest its length;
               the code; of native code its scope; then vuint count and the functions inside
"""

from collections.abc import Iterator
from dataclasses import dataclass

from host_tools.firmware_target import ARCHITECTURES

_VERSION = 6
_HAS_FLAGS = 0x40
_ARCHITECTURE_BITS = 0x0F
_HAS_CHILDREN = 4
_DEPTH_MAX = 16

BYTECODE, NATIVE, VIPER, ASSEMBLER = range(4)
_STR, _BYTES, _TUPLE = 5, 6, 10  # of the types of constants, by number


class NotMpy(ValueError):
    """These bytes are no .mpy file that this reader knows."""


@dataclass(frozen=True)
class Function:
    """One function as it stands in the file: its kind, its code, the functions inside it."""

    kind: int
    code: bytes
    children: tuple["Function", ...]

    def walk(self) -> Iterator["Function"]:
        """This one, then those inside it, in the order in which the source defines them."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Mpy:
    """A module: the architecture that its native code is for, and its outermost function.

    `names` are those that it brings along, which MicroPython may have or not.
    """

    arch: str
    module: Function
    names: tuple[str, ...]

    def native(self) -> list[bytes]:
        """The machine code of each native function, in the order of the source."""
        return [function.code for function in self.module.walk() if function.kind != BYTECODE]


def read_mpy(data: bytes) -> Mpy:
    """The module in these bytes; NotMpy where they end early, go on, or are of another version."""
    reader = _Reader(data)
    flags = reader.header()
    if flags & _HAS_FLAGS:
        reader.vuint()
    names, constants = reader.vuint(), reader.vuint()
    brought = [reader.name() for _ in range(names)]
    for _ in range(constants):
        reader.constant(0)
    module = reader.function(0)
    reader.end()
    arch = ARCHITECTURES[flags >> 2 & _ARCHITECTURE_BITS]
    return Mpy(arch, module, tuple(name for name in brought if name))


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        taken = self._data[self._at : self._at + length]
        if len(taken) != length:
            raise NotMpy(f"ends within {length} bytes that begin at {self._at}")
        self._at += length
        return taken

    def vuint(self) -> int:
        value = 0
        while True:
            byte = self.take(1)[0]
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value

    def header(self) -> int:
        magic, version, flags, _ = self.take(4)
        if magic != ord("M") or version != _VERSION:
            raise NotMpy(f"is not a .mpy file of version {_VERSION}")
        if flags >> 2 & _ARCHITECTURE_BITS >= len(ARCHITECTURES):
            raise NotMpy("is for an architecture that is not known")
        return flags

    def name(self) -> str:
        """Empty for one that MicroPython has itself, which an odd number stands for."""
        length = self.vuint()
        return "" if length & 1 else self.take((length >> 1) + 1)[:-1].decode()

    def constant(self, depth: int) -> None:
        kind = self.take(1)[0]
        if kind > _TUPLE or depth > _DEPTH_MAX:
            raise NotMpy(f"has a constant of kind {kind}")
        if kind == _TUPLE:
            for _ in range(self.vuint()):
                self.constant(depth + 1)
        elif kind >= _STR:
            self.take(self.vuint() + (kind in (_STR, _BYTES)))

    def function(self, depth: int) -> Function:
        head = self.vuint()
        kind, code = head & 3, self.take(head >> 3)
        if depth > _DEPTH_MAX:
            raise NotMpy("has functions within functions beyond measure")
        if kind != BYTECODE:
            self._scope(kind)
        children = self.vuint() if head & _HAS_CHILDREN else 0
        return Function(kind, code, tuple(self.function(depth + 1) for _ in range(children)))

    def _scope(self, kind: int) -> None:
        """What follows native code: where its prelude is, or its scope's flags and arguments."""
        for _ in range(3 if kind == ASSEMBLER else 1):
            self.vuint()

    def end(self) -> None:
        if self._at != len(self._data):
            raise NotMpy(f"goes on after its end at {self._at}")
