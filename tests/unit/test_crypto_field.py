"""The machine code below the curve against big integers: random numbers, and limbs at their ends.

Both field arithmetics run the same programs, and each operation's result is what the algebra says,
whatever the limbs; on CPython with the arithmetic of a 32-bit machine.
"""

import sys
from array import array

from firmware.common.crypto import (
    arena,
    curve,
    field,
    field_compact,
    inversion,
    machine,
    programs,
    scalar,
)
from tests.unit.helpers import Seeded

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
R = 1 << 260
FIELDS = (field, field_compact)
MUL, MULD, SQR, SUB, SUB2, HALF3, MOV, NEXT, SKIP, NEG, SCAN, PICK, COPY, UNPACK, LOOKUP, END = (
    range(16)
)
_END = bytes([END, 0, 0, 0])
SLOTS = 20
LIMBS = 20
INPUTS = 60


def value(limbs) -> int:
    return sum(limb << 13 * i for i, limb in enumerate(limbs))


def limbs_of(number: int) -> list[int]:
    return [number >> 13 * i & 8191 for i in range(LIMBS)]


def inputs(seeded: Seeded, below: int) -> list[list[int]]:
    """Numbers below a bound: its ends, runs of full and empty limbs, and random ones."""
    found = [0, 1, below - 1, P, P - 1, P + 1, 2**256 - 1, 2**247, 2**247 - 1]
    for _ in range(INPUTS // 2):
        found.append(value([seeded.below(2) * 8191 for _ in range(LIMBS)]) % below)
        found.append(seeded.below(below))
    return [limbs_of(number % below) for number in found]


def pairs(seeded: Seeded, below: int):
    """Two numbers at a time, each kind with each."""
    first, second = inputs(seeded, below), inputs(seeded, below)
    return [(first[i], second[(7 * i + 3) % len(first)]) for i in range(len(first))]


def slots(*numbers) -> array:
    """An arena with these in slots 0, 1 …, and the compact field's workspace behind."""
    words = []
    for limbs in numbers:
        words += limbs
    words += [0] * (LIMBS * (SLOTS + 4) - len(words))
    return array("i", words)


def ran(machine_code, arena: array, program: list, table: bytes = b"", digits: bytes = b"") -> list:
    """The limbs of slot 2 after a program."""
    machine_code.run(SLOTS, 0, arena, bytes(program) + _END, table, digits, 1)
    return list(arena[2 * LIMBS : 3 * LIMBS])


def check(limbs: list, factor: int, expected: int, below: int) -> None:
    assert all(0 <= limb <= 8191 for limb in limbs), limbs
    assert (value(limbs) * factor - expected) % P == 0, limbs
    assert value(limbs) < below, limbs


def test_products_and_squares():
    seeded = Seeded("products")
    for a, b in pairs(seeded, 2**258):
        for machine_code in FIELDS:
            product = ran(machine_code, slots(a, b), [MUL, 2, 0, 1])
            check(product, R, value(a) * value(b), P + 2**256 + 1)
            square = ran(machine_code, slots(a), [SQR, 2, 0, 0])
            check(square, R, value(a) ** 2, P + 2**256 + 1)


def test_columns_as_full_as_they_get():
    """All limbs 8191: no operand has larger ones, and the value is as large as any can be."""
    full = [8191] * LIMBS
    for machine_code in FIELDS:
        for program in ([MUL, 2, 0, 1], [SQR, 2, 0, 0]):
            limbs = ran(machine_code, slots(full, full), program)
            assert all(0 <= limb <= 8191 for limb in limbs[:-1])
            assert (value(limbs) * R - value(full) ** 2) % P == 0


def test_products_with_differences():
    seeded = Seeded("differences")
    factors = inputs(seeded, 2**257)
    for i, (a, b) in enumerate(pairs(seeded, 2 * P)):
        r = factors[i]
        expected = value(r) * (value(a) - value(b))
        for machine_code in FIELDS:
            limbs = ran(machine_code, slots(a, b, r), [MULD, 2, 0, 1])
            check(limbs, R, expected, P + 2**255)


def test_differences():
    seeded = Seeded("subtraction")
    below = 8 * 2**256
    for a, b in pairs(seeded, below):
        for machine_code in FIELDS:
            for operation, times in ((SUB, 1), (SUB2, 2)):
                limbs = ran(machine_code, slots(a, b), [operation, 2, 0, 1])
                check(limbs, 1, value(a) - times * value(b), 2**256 + (times + 4) * 2**247)


def test_three_halves_of_sums():
    seeded = Seeded("halves")
    for a, b in pairs(seeded, 4 * 2**256):
        for machine_code in FIELDS:
            limbs = ran(machine_code, slots(a, b), [HALF3, 2, 0, 1])
            check(limbs, 2, 3 * (value(a) + value(b)), 13 * 2**256)


def test_results_may_take_the_place_of_operands():
    seeded = Seeded("places")
    for a, b in pairs(seeded, 2 * P):
        for machine_code in FIELDS:
            for operation in (MUL, SQR, SUB, SUB2, HALF3):
                apart = ran(machine_code, slots(a, b), [operation, 2, 0, 1])
                arena = slots([0] * LIMBS, b, a)
                assert ran(machine_code, arena, [operation, 2, 2, 1]) == apart
                if operation != SQR:
                    arena = slots(a, [0] * LIMBS, b)
                    assert ran(machine_code, arena, [operation, 2, 0, 2]) == apart


def test_negatives_follow_the_digits_sign():
    for a in inputs(Seeded("negatives"), 2 * P):
        for machine_code in FIELDS:
            for digit, sign in ((0x7F, 1), (0x80, -1), (0xFF, -1)):
                limbs = ran(
                    machine_code, slots(a), [NEXT, 0, 0, 0, NEG, 2, 0, 0], digits=bytes([digit])
                )
                check(limbs, 1, sign * value(a), 2 * P + 1)


def test_points_are_chosen_by_the_digit():
    seeded = Seeded("choice")
    table = seeded.data(32 * 64)
    arena = slots(*[limbs_of(seeded.below(2**256)) for _ in range(SLOTS)])
    for machine_code in FIELDS:
        for digit in (0, 1, 7, 0x85):
            number = bytes([digit])
            start = 64 * (digit & 31)
            for first, at in ((0, 0), (16, 1024)):
                program = [NEXT, 0, 0, 0, SCAN, 1, first, 0, UNPACK, 2, 1, 1]
                limbs = ran(machine_code, array("i", arena), program, table, number)
                packed = table[at + start + 32 : at + start + 64]
                assert value(limbs) == int.from_bytes(packed, "little")
            program = [NEXT, 0, 0, 0, LOOKUP, 2, 3, 1]
            limbs = ran(machine_code, slots(), program, table, number)
            assert value(limbs) == int.from_bytes(table[192 + start + 32 :][:32], "little")
            for operation in (PICK, COPY):
                after = array("i", arena)
                ran(machine_code, after, [NEXT, 0, 0, 0, operation, 0, 4, 0], b"", number)
                at = LIMBS * (4 + 2 * (digit & 31))
                assert list(after[: 2 * LIMBS]) == list(arena[at : at + 2 * LIMBS])


def test_zero_digits_pass_over_operations():
    for machine_code in FIELDS:
        for digit, expected in ((0, 0), (64, 1)):
            arena = slots(limbs_of(1))
            program = [SKIP, 0, 1, 0, MOV, 2, 0, 0, MOV, 3, 0, 0]
            assert value(ran(machine_code, arena, program, b"", bytes([digit]))) == expected
            assert value(arena[3 * LIMBS : 4 * LIMBS]) == 1


def inverted(number: int, modulus: int) -> int:
    work = array("i", [0] * (LIMBS * 6))
    g, m = array("i", limbs_of(number)), array("i", limbs_of(modulus))
    lowest = pow(modulus, 2**12 - 1, 2**13)  # the inverse, as the group's order divides 2^12
    inversion.start(0, 0, work, g, m)
    for _ in range(inversion.ROUNDS):
        inversion.divide(0, 0, work)
        inversion.multiply(0, 0, work, lowest)
    inversion.finish(0, 0, work, g)
    assert all(0 <= limb <= 8191 for limb in g)
    assert value(g) < 4 * modulus
    return value(g) % modulus


def test_inverses():
    seeded = Seeded("inverses")
    for modulus in (P, N):
        numbers = [1, 2, 3, 8191, 8192, modulus - 1, modulus - 2, (modulus + 1) // 2, 2**255, 2**13]
        for number in numbers + [1 + seeded.below(modulus - 1) for _ in range(20)]:
            assert inverted(number, modulus) * number % modulus == 1, number
        assert inverted(0, modulus) == 0


def test_zero_in_either_form_is_infinite():
    """0 and p both stand for zero, and an inversion knows only the first."""
    machine.prepare(14, 0)
    for z in (0, P, 2 * P):
        at = 4 * LIMBS * programs.SLOT_Z
        for i, limb in enumerate(limbs_of(z)):
            machine._arena[at + 4 * i : at + 4 * i + 4] = limb.to_bytes(4, sys.byteorder)
        machine.run(programs.PLAIN_Z, b"", b"", 1)
        assert machine.is_infinite() and machine.affine() == (0, 0)


def signed(digit: int) -> int:
    return (2 * (digit & 31) + 1) * (-1 if digit & 128 else 1)


SCALARS = (1, 2, 3, N - 1, N - 2, (N - 1) // 2, (N + 1) // 2, 2**255, 2**255 - 1, 0xFFFF << 200)


def scalars(seeded: Seeded) -> tuple:
    return SCALARS + tuple([1 + seeded.below(N - 1) for _ in range(20)])


def odd_of(k: int) -> tuple:
    """What `make_odd` leaves, its value, and k with the sign that it tells."""
    out = bytearray(44)
    scalar.make_odd(0, 0, out, k.to_bytes(32, "big"), N.to_bytes(32, "little"))
    odd = int.from_bytes(out[:40], "little")
    assert odd & 1 and odd < N
    assert out[40] in (0, 128)
    assert (odd if out[40] == 0 else -odd) % N == k
    return out, odd


def test_windows_sum_up_to_the_scalar():
    seeded = Seeded("windows")
    for k in scalars(seeded):
        out, odd = odd_of(k)
        digits = bytearray(64)
        scalar.window_digits(0, 0, digits, out)
        assert all(digit & 31 < 8 for digit in digits)
        assert sum(signed(digit) << 4 * (63 - i) for i, digit in enumerate(digits)) == odd


def test_combs_sum_up_to_the_scalar():
    seeded = Seeded("comb")
    for k in scalars(seeded):
        out, odd = odd_of(k)
        digits = bytearray(52)
        scalar.comb_digits(0, 0, digits, out)
        total = 0
        for place, digit in enumerate(digits):
            column = 25 - (place >> 1) + (0 if place & 1 else 26)
            sign = -1 if digit & 128 else 1
            tooth = 1 + sum((digit >> j & 1) << 52 * (j + 1) for j in range(4))
            total += sign * tooth << column
        assert total == odd


def test_sliding_windows_sum_up_to_the_scalar():
    seeded = Seeded("sliding")
    given = list(scalars(seeded))
    given.append(0)
    for k in given:
        for width in (5, 7):
            digits = bytearray(516)
            scalar.sliding_digits(0, 0, digits, k.to_bytes(34, "little"), width)
            total = apart = 0
            for place in range(0, 516, 2):
                digit, total, apart = digits[place], 2 * total, apart + 1
                if digit:
                    assert apart >= width or total == 0
                    assert digit & 64 and digit & 31 < 1 << (width - 2)
                    total, apart = total + signed(digit), 0
                assert digits[place + 1] == 0
            assert total == k


def test_numbers_are_packed():
    for limbs in inputs(Seeded("pack"), R):
        out = bytearray(36)
        scalar.pack(0, 0, out, array("i", limbs))
        assert int.from_bytes(out, "little") == value(limbs)


def test_secrets_are_wiped():
    machine.prepare(20, 64)
    machine.load_odd(b"\x5a" * 32)
    machine.inverse_of_order(0x5A5A5A5A)
    machine.wipe()
    assert not any(machine.buffer) and not any(machine._arena) and not any(machine._packed)


def test_points_of_both_fields():
    """Multiples by way of the whole machine, on the compact field as on the fast one."""
    from firmware.common.crypto import agreeing, comb, verifying

    kept = arena.block
    for machine_code in FIELDS:
        machine.field = machine_code
        arena.block = memoryview(bytearray(4 * LIMBS * 44))
        try:
            point = comb.base_point((7919).to_bytes(32, "big"))
            assert point == curve.multiply_base(7919)
            public = point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")
            shared = agreeing.agree((5).to_bytes(32, "big"), public)
            expected = curve.multiply_base(5 * 7919)[0]
            assert int.from_bytes(shared, "big") == expected
            machine.prepare(40, 516)
            assert verifying.is_sum_x(3, 5, point, curve.multiply_base(5 * 7919 + 3)[0] % N)
        finally:
            machine.field = field
            arena.block = kept
