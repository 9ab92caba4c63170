"""Viper's stand-in on CPython does what a 32-bit board does, and refuses what a board would.

Expected values are those of C on a 32-bit machine with wrapping arithmetic, reckoned by `struct`.
"""

import struct
from array import array
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.common.crypto.viper import micropython, ptr8, ptr16, ptr32, uint

WORDS = st.integers(-(2**31), 2**31 - 1)


def signed(number: int) -> int:
    return struct.unpack("<i", struct.pack("<I", number & 0xFFFFFFFF))[0]


@micropython.viper
def arithmetic(out: ptr32, a: int, b: int):
    out[0] = a + b
    out[1] = a - b
    out[2] = a * b
    out[3] = (a * b + a) >> 5
    out[4] = int(uint(a * b) >> 5)
    out[5] = (a ^ b) & ~a | (b << 3)
    out[6] = -a >> 1
    out[7] = 0
    if a * b < a:
        out[7] = 1
    if uint(a) < uint(b):
        out[7] = out[7] + 2


@given(WORDS, WORDS)
def test_arithmetic_wraps_at_32_bits(a: int, b: int) -> None:
    out = array("i", [0] * 8)
    arithmetic(out, a, b)
    product = signed(a * b)
    below = (product < a) + 2 * ((a & 0xFFFFFFFF) < (b & 0xFFFFFFFF))
    assert list(out) == [
        signed(a + b),
        signed(a - b),
        product,
        signed(product + a) >> 5,
        signed((a * b & 0xFFFFFFFF) >> 5),
        signed((a ^ b) & ~a | b << 3),
        signed(-a) >> 1,
        below,
    ]


@micropython.viper
def growing(n: int, x: int) -> int:
    while n > 0:
        x = x * 1103515 + 12345
        n -= 1
    return x


def test_a_loop_wraps_in_every_round() -> None:
    x = 7
    for _ in range(10_000):
        x = signed(x * 1103515 + 12345)
    assert growing(10_000, 7) == x


@micropython.viper
def pointers(words: ptr32, halves: ptr16, octets: ptr8) -> int:
    words[1] = words[0] * 3
    octets[0] = words[0]
    halves[1] = words[0]
    p = ptr32(int(words) + 8)
    p[0] = 7
    total = 0
    for i in range(3):
        total += words[i]
    return total


def test_pointers_reach_words_halves_and_octets() -> None:
    words, halves, octets = array("i", [-5, 0, 0]), bytearray(4), bytearray(1)
    assert pointers(words, halves, octets) == -5 - 15 + 7
    assert (list(words), bytes(halves), bytes(octets)) == ([-5, -15, 7], b"\0\0\xfb\xff", b"\xfb")


@micropython.viper
def far(p: ptr32) -> int:
    return p[256]


@micropython.viper
def conditional(a: int) -> int:
    return a if a else 1


@micropython.viper
def fetch(p: ptr32, byte: int, index: int) -> int:
    q = ptr32(int(p) + byte)
    return q[index]


@micropython.viper
def shifted(a: int, bits: int) -> int:
    return a >> bits


@pytest.mark.parametrize(
    ("byte", "index"), [(0, 2), (8, 0), (0, -1), (-4, 1), (2, 0), (1 << 28, 0)]
)
def test_what_a_board_would_not_forgive_raises(byte: int, index: int) -> None:
    assert fetch(bytes(8), 4, 0) == 0
    with pytest.raises(IndexError):
        fetch(bytes(8), byte, index)


@pytest.mark.parametrize("bits", [-1, 32, 64])
def test_shifts_by_a_word_and_more_raise(bits: int) -> None:
    assert shifted(-8, 2) == -2
    with pytest.raises(ValueError, match="shift"):
        shifted(1, bits)


NUMBER = 5


@micropython.viper
def large_constant() -> int:
    return 0x40000000


@micropython.viper
def changing_type(a: int, p: ptr8) -> int:
    x = a
    x = uint(a)
    return x  # noqa: RET504


@micropython.viper
def a_global(a: int) -> int:
    return a + NUMBER


@micropython.viper
def unbound(a: int) -> int:
    if a:
        return b  # noqa: F821  # pyright: ignore[reportUnboundVariable]
    b = a
    return b  # noqa: RET504


@micropython.viper
def two_targets(a: int) -> int:
    x = y = a
    return x + y


@micropython.viper
def no_result_type(a: int):
    return a


@micropython.viper
def pointer_given_away(p: ptr8):
    print(p)


@pytest.mark.parametrize(
    ("function", "given", "says"),
    [
        (large_constant, (), "30 bits"),
        (changing_type, (1, b""), "becomes a uint"),
        (a_global, (1,), "needs a number"),
        (unbound, (1,), "before it is bound"),
        (two_targets, (1,), "several targets"),
        (no_result_type, (1,), "returns int"),
        (pointer_given_away, (b"",), "no call for viper"),
        (far, (bytes(2000),), "too far"),
        (conditional, (1,), "no expression for viper"),
    ],
)
def test_what_is_no_good_viper_is_refused(function: Callable, given: tuple, says: str) -> None:
    with pytest.raises(SyntaxError, match=says):
        function(*given)
