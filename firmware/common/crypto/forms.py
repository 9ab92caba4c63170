"""The forms of keys and signatures on P-256, and what can be told of them at once.

    y² = x³ - 3x + B (mod P), a group of prime order N                       FIPS 186-4, D.1.2.3

A private key is a number of 32 bytes, a public key x||y, a signature r||s, 64 bytes each, all
big-endian; ValueError means a bad length.
"""

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


def is_point(x: int, y: int) -> bool:
    """Whether (x, y) is a point: both coordinates reduced, and the equation holds."""
    return 0 <= x < P and 0 <= y < P and (y * y - (x * x - 3) * x - B) % P == 0


def is_low_s(signature: bytes) -> bool:
    """Whether s <= n/2. Of a signature's two forms only this one is to be accepted as a value."""
    _, s = read_signature(signature)
    return s <= N >> 1


def is_on_curve(public: bytes) -> bool:
    """Whether these are 64 bytes of a point, x and y below p (SEC 1, section 3.2.2.1)."""
    try:
        read_public(public)
    except ValueError:
        return False
    return True


def read_private(private: bytes) -> int:
    """The number; ValueError where it is not in 1 … n-1."""
    d = int.from_bytes(exactly(private, 32), "big")
    if not 0 < d < N:
        raise ValueError("private key out of range")
    return d


def read_signature(signature: bytes) -> tuple[int, int]:
    """r and s as they stand, in range or not."""
    exactly(signature, 64)
    return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")


def read_public(public: bytes) -> tuple[int, int]:
    """Its x and y; ValueError where it is no point of the curve."""
    x, y = read_signature(public)  # the same form: two numbers of 32 bytes
    if not is_point(x, y):
        raise ValueError("public key is not on the curve")
    return x, y


def exactly(data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise ValueError(f"{len(data)} bytes instead of {length}")
    return data
