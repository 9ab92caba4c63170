"""Multiples of P-256's base point for the boards: packed points x || y in Montgomery form.

COMB    2 * 16 points for signatures: entry 16 t + u is
        2^(26 t) * (1 + sum of u_j * 2^(52 (j + 1)), j = 0 ... 3) * G, u_j the bits of u
ODD     1, 3 ... 63 times G, for verification
"""

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
R = 1 << 260
TEETH = 5
BLOCKS = 2
SPACING = 26  # 5 * 2 * 26 bits hold a scalar
ODD_MULTIPLES = 32

Point = tuple[int, int] | None


def comb_scalars() -> list[int]:
    rows = SPACING * BLOCKS
    return [
        (1 + sum((u >> j & 1) << rows * (j + 1) for j in range(TEETH - 1))) << SPACING * block
        for block in range(BLOCKS)
        for u in range(1 << TEETH - 1)
    ]


def odd_scalars() -> list[int]:
    return list(range(1, 2 * ODD_MULTIPLES, 2))


def packed(scalars: list[int]) -> bytes:
    """The multiples of G, each as x and y times R, 32 bytes little-endian each."""
    points = [multiply(scalar % N, G) for scalar in scalars]
    numbers = [number for point in points if point for number in point]
    return b"".join((number * R % P).to_bytes(32, "little") for number in numbers)


def multiply(k: int, point: Point) -> Point:
    total: Point = None
    while k:
        if k & 1:
            total = add(total, point)
        point = add(point, point)
        k >>= 1
    return total


def add(a: Point, b: Point) -> Point:
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = 3 * (a[0] * a[0] - 1) * pow(2 * a[1], -1, P)
    else:
        slope = (a[1] - b[1]) * pow(a[0] - b[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


# 1 in Montgomery form, plain 1, and R^3, for products that undo reductions.
CONSTANTS = {"ONE": R % P, "UNIT": 1, "CUBE": R**3 % P}
