"""P-256 in plain big integers, as the boards had it before: what the machine code is compared with.

The same functions as the door's, for valid input. Points go in and out as affine (x, y); inside
they are Jacobian (X, Y, Z) with x = X/Z², y = Y/Z³, and Z = 0 is the point at infinity.

Scalars are written in 64 signed odd digits of 4 bits: with k odd, window i of k | 2^256 gives
digit = ((k >> 4i | 1) mod 32) - 16, one of ±1, ±3 … ±15, and k = Σ digit * 16^i. No digit is zero,
so every scalar takes the same 256 doublings and 64 additions.
"""

from firmware.common.crypto.kdf import hmac_sha256
from firmware.common.crypto.randomness import random_bytes

P = 2**256 - 2**224 + 2**192 + 2**96 - 1  # FIPS 186-4, D.1.2.3
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_INFINITY = (1, 1, 0)


def generate_key() -> tuple[bytes, bytes]:
    private = random_bytes(32)
    return private, _encode(multiply(int.from_bytes(private, "big"), G))


def sign(private: bytes, digest: bytes) -> bytes:
    """The low-s signature with the first nonce of RFC 6979, which serves but once in 2^32 times."""
    d, z = int.from_bytes(private, "big"), int.from_bytes(digest, "big")
    message = private + (z % N).to_bytes(32, "big")
    key, value = _update(bytes(32), b"\x01" * 32, b"\x00" + message)
    key, value = _update(key, value, b"\x01" + message)
    k = int.from_bytes(hmac_sha256(key, value), "big")
    r = multiply(k, G)[0] % N
    s = inverse(k, N) * (z + r * d) % N
    return _encode((r, min(s, N - s)))


def verify(public: bytes, digest: bytes, signature: bytes) -> bool:
    r, s = _decode(signature)
    w = inverse(s, N)
    total = multiply_two(int.from_bytes(digest, "big") * w % N, r * w % N, _decode(public))
    return total is not None and total[0] % N == r


def agree(private: bytes, public: bytes) -> bytes:
    point = multiply(int.from_bytes(private, "big"), _decode(public))
    return point[0].to_bytes(32, "big")


def _update(key: bytes, value: bytes, data: bytes) -> tuple[bytes, bytes]:
    key = hmac_sha256(key, value + data)
    return key, hmac_sha256(key, value)


def _encode(pair: tuple[int, int]) -> bytes:
    return pair[0].to_bytes(32, "big") + pair[1].to_bytes(32, "big")


def _decode(data: bytes) -> tuple[int, int]:
    return int.from_bytes(data[:32], "big"), int.from_bytes(data[32:], "big")


def inverse(a: int, modulus: int) -> int:
    """1/a for a prime modulus, by Fermat: always the same steps, however secret a is."""
    if a % modulus == 0:
        raise ValueError("zero has no inverse")
    return pow(a, modulus - 2, modulus)


def multiply(k: int, point: tuple[int, int]) -> tuple[int, int]:
    """k * point; ValueError where k is a multiple of N, as the product is infinity then."""
    product = _sum_of_products(((k, point),))
    if product is None:
        raise ValueError("the product is the point at infinity")
    return product


def multiply_two(u1: int, u2: int, point: tuple[int, int]) -> tuple[int, int] | None:
    """u1 * G + u2 * point, with the doublings shared (Shamir's trick); None at infinity."""
    return _sum_of_products(((u1, G), (u2, point)))


def _sum_of_products(terms: tuple) -> tuple[int, int] | None:
    prepared = [_prepare(k, point) for k, point in terms]
    total = _INFINITY
    for shift in range(252, -1, -4):
        for _ in range(4):
            total = _double(total)
        for k, odd_multiples in prepared:
            digit = ((k >> shift | 1) & 31) - 16
            x, y, z = _unpack(odd_multiples[abs(digit) >> 1])
            total = _add(total, (x, P - y if digit < 0 else y, z))
    return _affine(total)


def _prepare(k: int, point: tuple[int, int]) -> tuple[int, list]:
    """An odd scalar with bit 256 set, and [1, 3 … 15] * (±point) whose product with it is k*point.

    An even k becomes N - k, which is odd, and the point its negative. The multiples are kept as
    bytes: three numbers that are the rest of a division hold three times as much of a heap.
    """
    x, y = point
    k %= N
    if not k & 1:
        k, y = N - k, P - y
    multiple = (x, y, 1)
    twice = _double(multiple)
    odd_multiples = [_pack(multiple)]
    for _ in range(7):
        multiple = _add(multiple, twice)
        odd_multiples.append(_pack(multiple))
    return k | 1 << 256, odd_multiples


def _pack(point: tuple[int, int, int]) -> bytes:
    return b"".join([number.to_bytes(32, "big") for number in point])


def _unpack(data: bytes) -> list[int]:
    return [int.from_bytes(data[i : i + 32], "big") for i in (0, 32, 64)]


def _double(point: tuple[int, int, int]) -> tuple[int, int, int]:
    """2 * point; the formulas dbl-2001-b of the Explicit-Formulas Database, which need a = -3."""
    x, y, z = point
    delta = z * z % P
    gamma = y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    x3 = (alpha * alpha - 8 * beta) % P
    y3 = (alpha * (4 * beta - x3) - 8 * gamma * gamma) % P
    return x3, y3, 2 * y * z % P


def _add(a: tuple[int, int, int], b: tuple[int, int, int]) -> tuple[int, int, int]:
    """a + b for any two points: infinity, equal and opposite ones are told apart."""
    x1, y1, z1 = a
    x2, y2, z2 = b
    if z1 == 0:
        return b
    if z2 == 0:
        return a
    zz1 = z1 * z1 % P
    zz2 = z2 * z2 % P
    u1 = x1 * zz2 % P
    s1 = y1 * z2 * zz2 % P
    h = (x2 * zz1 - u1) % P
    r = (y2 * z1 * zz1 - s1) % P
    if h == 0:
        return _INFINITY if r else _double(a)
    hh = h * h % P
    hhh = h * hh % P
    v = u1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - s1 * hhh) % P, h * z1 * z2 % P


def _affine(point: tuple[int, int, int]) -> tuple[int, int] | None:
    x, y, z = point
    if z == 0:
        return None
    inverse_z = inverse(z, P)
    inverse_zz = inverse_z * inverse_z % P
    return x * inverse_zz % P, y * inverse_zz * inverse_z % P
