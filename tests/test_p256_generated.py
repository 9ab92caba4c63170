"""The generated parts of the boards' P-256: current, small enough, within their bounds, and right.

Tables are recomputed with OpenSSL, which knows nothing of how they were made.
"""

from fractions import Fraction

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from host_tools.firmware_build import COMPACT, CRYPTO, FAST, build
from host_tools.firmware_target import Target, compiler_mpy_version
from host_tools.mpy import read_mpy
from host_tools.p256 import formulas, tables
from host_tools.p256.__main__ import FOLDER, generated

DOOR = "/firmware/common/crypto/__init__.mpy"
LARGEST_BYTES = {FAST: 28 * 1024, COMPACT: 6 * 1024}
P = 2**256 - 2**224 + 2**192 + 2**96 - 1  # FIPS 186-4, D.1.2.3
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.mark.parametrize("name", sorted(generated()))
def test_what_is_committed_is_what_is_generated(name: str) -> None:
    assert (FOLDER / name).read_text() == generated()[name], "run python -m host_tools.p256"


def openssl_multiple(k: int) -> tuple[int, int]:
    numbers = ec.derive_private_key(k % N, ec.SECP256R1()).public_key().public_numbers()
    return numbers.x, numbers.y


def unpacked(table: bytes) -> list[tuple[int, int]]:
    """Points out of Montgomery form, whose factor is 2^260."""
    back = pow(2, -260, P)
    numbers = [
        int.from_bytes(table[i : i + 32], "little") * back % P for i in range(0, len(table), 32)
    ]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_the_comb_holds_the_multiples_it_should() -> None:
    from firmware.common.crypto.tables import COMB

    expected = []
    for block in (0, 1):
        for u in range(16):
            bits = [1, *(u >> j & 1 for j in range(4))]
            scalar = sum(bit << 52 * row for row, bit in enumerate(bits)) << 26 * block
            expected.append(openssl_multiple(scalar))
    assert unpacked(COMB) == expected


def test_the_odd_multiples_are_those() -> None:
    from firmware.common.crypto.tables import ODD

    assert unpacked(ODD) == [openssl_multiple(k) for k in range(1, 64, 2)]


def test_the_constants_are_those() -> None:
    from firmware.common.crypto import programs
    from firmware.common.crypto.tables import CONSTANTS, MODULUS, ORDER

    numbers = [int.from_bytes(CONSTANTS[i : i + 32], "little") for i in (0, 32, 64)]
    assert numbers == [2**260 % P, 1, 2**780 % P]
    assert (int.from_bytes(MODULUS, "little"), int.from_bytes(ORDER, "little")) == (P, N)
    assert programs.ORDER_INVERSE * N % 2**13 == 1


START = {"ONE": Fraction(1), "UNIT": Fraction(1, 1 << 255), "CUBE": Fraction(1)}
TABLE = ("ODD_MULTIPLES", "AFFINE_MULTIPLES")
ENDS = {
    "COMB": ("COMB_START", "COMB_ROUND", ("SIGN_Y", "AFFINE")),
    "WINDOW": (*TABLE, "WINDOW_START", "WINDOW_ROUND", ("PLAIN_Z", "AFFINE")),
    "OWN": (*TABLE, "TAKE_OWN", "ADD_BASE", "VERIFY_ROUND", ("PLAIN_Z", "COMPARE")),
    "BASE": (*TABLE, "TAKE_BASE", "VERIFY_ROUND", ("PLAIN_Z", "COMPARE")),
}


@pytest.mark.parametrize("flow", ENDS)
def test_no_number_outgrows_its_limbs_however_long_a_loop_runs(flow: str) -> None:
    """Bounds only grow from round to round: where one round adds none, none ever does."""
    *steps, end = ENDS[flow]
    known = dict(START)
    for name in steps:
        known = formulas.bounds(formulas.PROGRAMS[name], known)
        if name in TABLE:  # between the two, an inversion leaves a number below 4p in QY
            known["QY"] = Fraction(4)
        if name.endswith("ROUND"):
            for _ in range(300):
                after = formulas.bounds(formulas.PROGRAMS[name], known)
                known = {slot: max(after[slot], known.get(slot, after[slot])) for slot in after}
    for name in end:
        known = formulas.bounds(formulas.PROGRAMS[name], known)
        known["QY"] = max(known.get("QY", Fraction(0)), Fraction(4))
    assert max(known.values()) < 5


@pytest.mark.parametrize(
    ("program", "known", "says"),
    [
        ("mul X Y Y", {"Y": Fraction(20)}, "may reach"),
        ("muld X Y Z", {"X": Fraction(1), "Y": Fraction(1), "Z": Fraction(3)}, "negative"),
        ("sub X Y Z", {"Y": Fraction(9), "Z": Fraction(1)}, "too large"),
        ("neg X Y", {"Y": Fraction(3)}, "negative"),
    ],
)
def test_the_proof_can_fail(program: str, known: dict[str, Fraction], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        formulas.bounds(program, known)


@pytest.mark.parametrize("crypto", CRYPTO)
@pytest.mark.parametrize("arch", ["xtensawin", "rv32imc"])
def test_no_function_needs_more_of_a_heap_in_one_piece(arch: str, crypto: str) -> None:
    target = Target(arch, 0, compiler_mpy_version())
    door = read_mpy(build("sender", target, crypto=crypto)[DOOR])
    largest = max(map(len, door.native()))
    limit = LARGEST_BYTES[crypto] if arch == "xtensawin" else LARGEST_BYTES[crypto] * 11 // 10
    assert limit // 2 < largest <= limit, "the field arithmetic is not what was measured"


def test_a_packed_comb_scalar_is_below_the_order() -> None:
    assert all(scalar > 0 for scalar in tables.comb_scalars())
    assert len(set(tables.comb_scalars())) == 32
