"""Scalars of P-256 in viper: their digits for `field.run`.

What is secret here decides neither a branch nor an address: choices are made by masks, which are 0
or -1. `x >> n` of a number that n bits hold is such a mask: -1 where it is negative.

The first two arguments lend their registers, whatever they are called.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING or sys.implementation.name != "micropython":
    from firmware.common.crypto.viper import micropython, ptr8, ptr32


@micropython.viper
def make_odd(carry: int, even: int, out: ptr8, scalar: ptr8, order: ptr8):
    """out = scalar (32 bytes, big-endian) or order - scalar, whichever is odd, little-endian.

    `order` is little-endian; `out` has 41 bytes: eight zeros are room to read on, and the last has
    bit 7 set where the sign has changed.
    """
    even = (scalar[31] & 1) - 1
    carry = 0
    i = 0
    while i < 32:
        carry = (order[i] & even) + ((scalar[31 - i] ^ even) - even) + carry
        out[i] = carry
        carry = carry >> 8
        i += 1
    while i < 40:
        out[i] = 0
        i += 1
    out[40] = even & 128


@micropython.viper
def comb_digits(carry: int, bit: int, out: ptr8, odd: ptr8):
    """52 digits of an odd scalar, in the order in which `COMB_START` and `COMB_ROUND` take them.

    Rows of 52 bits, the first of them all signs: digit i is sign_i * (1 + sum of bit j of row j + 1
    times 2^(52 (j + 1))), and where the sign is negative a set bit is paid back by a carry.
    (Feng, Zhu, Zhao, Cheng: signed all-bits-set comb; Hamburg, ePrint 2012/309.)
    """
    i = 0
    while i < 52:
        carry = i + 1
        bit = (odd[carry >> 3] >> (carry & 7)) & 1
        if i == 51:
            bit = 1
        place = ((25 - i) << 1) + 1
        if i > 25:
            place += 51
        out[place] = (1 - bit) << 7
        i += 1
    carry = 0
    position = 52
    row = 0
    while row < 4:
        i = 0
        while i < 52:
            bit = ((odd[position >> 3] >> (position & 7)) & 1) + carry
            carry = bit >> 1
            bit = bit & 1
            place = ((25 - i) << 1) + 1
            if i > 25:
                place += 51
            carry = carry + (bit & (out[place] >> 7))
            out[place] = out[place] | (bit << row)
            position += 1
            i += 1
        row += 1


@micropython.viper
def window_digits(digit: int, sign: int, out: ptr8, odd: ptr8):
    """64 odd digits of 4 bits, the highest first: bits 4i to 4i + 4, the lowest set, minus 16."""
    i = 0
    while i < 64:
        digit = (odd[i >> 1] | (odd[(i >> 1) + 1] << 8)) >> ((i & 1) << 2)
        digit = ((digit & 31) | 1) - 16
        if i == 63:
            digit += 16
        sign = digit >> 8
        out[63 - i] = (((digit ^ sign) - sign) >> 1) | (sign & 128)
        i += 1


@micropython.viper
def sliding_digits(bits: int, carry: int, out: ptr8, scalar: ptr8, width: int):
    """The non-adjacent form of a *public* scalar (34 bytes, little-endian), the highest first.

    Every other byte of 516 is written: 64, the index |digit| >> 1, and 128 where it is negative.
    """
    carry = 0
    i = 0
    while i < 257:
        bits = (scalar[i >> 3] | (scalar[(i >> 3) + 1] << 8)) >> (i & 7)
        if (bits & 1) == carry:
            i += 1
        else:
            bits = (bits & ((1 << width) - 1)) + carry
            carry = bits >> (width - 1)
            sign = 0
            if carry:
                bits = (1 << width) - bits
                sign = 128
            out[(257 - i) << 1] = (bits >> 1) | 64 | sign
            i += width


@micropython.viper
def pack(acc: int, bits: int, out: ptr8, limbs: ptr32):
    """33 bytes, little-endian, of a number of 20 limbs."""
    acc = 0
    bits = 0
    i = 0
    j = 0
    while i < 20:
        acc = acc + (limbs[i] << bits)
        bits += 13
        while bits >= 8:
            out[j] = acc
            acc = acc >> 8
            bits -= 8
            j += 1
        i += 1
    out[32] = acc


@micropython.viper
def wipe(i: int, words: int, memory: ptr32):
    i = 0
    while i < words:
        memory[i] = 0
        i += 1
