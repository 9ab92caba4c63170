"""Viper on CPython: what a board runs as machine code, with the arithmetic of a 32-bit board.

A module that holds viper functions begins with

    if TYPE_CHECKING or sys.implementation.name != "micropython":
        from firmware.common.crypto.viper import micropython, ptr8, ptr32

as MicroPython's compiler knows these names by itself, and is the same text for both. Here
`@micropython.viper` rewrites the function (`viper_rewrite`) so that it does what an ESP32 would:
int and uint wrap at 32 bits, a load from a ptr32 has a sign, `>>` of an int is arithmetic and of a
uint logical. What the board would not forgive raises: an access outside the buffer, a word at an
address that is no multiple of 4, a shift by 32 or more.
What MicroPython's compiler would refuse or make slow (types that change, globals, constants of
2^30 and more) is refused as SyntaxError, at the first call.

Each pointer argument gets 256 MB of made-up addresses for itself, so that `int(p)` and `ptr32(n)`
reckon with addresses and nothing can be reached through the pointer of another buffer.
"""

from collections.abc import Callable
from functools import wraps

_REGION_BITS = 28
_FORMATS = {"ptr8": "B", "ptr16": "H", "ptr32": "i"}
_BYTES = {"ptr8": 1, "ptr16": 2, "ptr32": 4}


class uint(int):  # noqa: N801  viper's own names
    """Viper's unsigned word; only type checkers look at it."""


class ptr8(bytearray):  # noqa: N801
    """Viper's pointer to bytes; only type checkers look at it."""

    def __int__(self) -> int: ...


class ptr16(ptr8):  # noqa: N801
    """Viper's pointer to half-words."""


class ptr32(ptr8):  # noqa: N801
    """Viper's pointer to words."""


class micropython:  # noqa: N801
    """Stands for the module of that name."""

    @staticmethod
    def viper(function: Callable) -> Callable:
        """The function as a 32-bit board runs it; rewritten when it is called first."""
        rewritten: list[Callable] = []

        @wraps(function)
        def run(*arguments: object) -> object:
            if not rewritten:
                from firmware.common.crypto.viper_rewrite import rewrite

                rewritten.append(rewrite(function, RUNTIME))
            return rewritten[0](*arguments)

        return run

    @staticmethod
    def const(value: int) -> int:
        return value


def start(number: int) -> int:
    """The address of the pointer argument with this number."""
    return number + 1 << _REGION_BITS


def regions(*buffers: object) -> list[memoryview]:
    """The bytes of all pointer arguments, in their order."""
    return [memoryview(buffer).cast("B") for buffer in buffers]  # type: ignore[arg-type]


def view(memory: list[memoryview], address: int, kind: str) -> memoryview:
    """What lies from an address to the end of its buffer, as a pointer of this kind sees it.

    A pointer to no buffer is none to complain about before something is reached through it.
    """
    number, offset = (address >> _REGION_BITS) - 1, address & (1 << _REGION_BITS) - 1
    if not 0 <= number < len(memory):
        return memoryview(b"")
    if offset % _BYTES[kind]:
        raise IndexError(f"a {kind} that is not aligned")
    rest = memory[number][offset:]
    whole = rest[: len(rest) - len(rest) % _BYTES[kind]]
    return whole.cast(_FORMATS[kind])  # pyright: ignore[reportArgumentType, reportCallIssue]


def at(index: int) -> int:
    """An index that is not a constant: a negative one is not the end of the buffer."""
    if index < 0:
        raise IndexError("an index below zero")
    return index


def by(bits: int) -> int:
    """The number of bits of a shift."""
    if not 0 <= bits < 32:
        raise ValueError("a shift by more than a word has")
    return bits


# What rewritten functions call, under names that no source may use.
RUNTIME = {"_v_start": start, "_v_regions": regions, "_v_view": view, "_v_at": at, "_v_by": by}
