"""Point formulas of P-256 as programs for the field arithmetic, and the proof of their bounds.

Points are Jacobian (X, Y, Z) in slots of these names, x = X/Z^2 and y = Y/Z^3; a second point is
affine in QX, QY. A program's line is an operation, the slot of its result, and its operands.
"""

from fractions import Fraction

from host_tools.p256.field import DIFFERENCE_LIFT, OPERATIONS

TABLE_POINTS = 8

# The arena: constants, what a point operation needs, odd multiples of a point, their ratios of Z.
# While QY is inverted, QX is the modulus, and t0 to t5 are workspace.
SLOTS = (
    *("ONE", "UNIT", "CUBE"),
    *("X", "Y", "Z", "QX", "QY", "t0", "t1", "t2", "t3", "t4", "t5"),
    *(f"T{i}" for i in range(2 * TABLE_POINTS)),
    *(f"H{i}" for i in range(1, TABLE_POINTS)),
)
NUMBER = {name: number for number, name in enumerate(SLOTS)}
SLOTS_OF_POINTS = NUMBER["T0"]  # as many serve where no table is needed

# 2 * (X, Y, Z), for a = -3, halved: Z is Y*Z instead of 2*Y*Z.
#     h = 3 (X - Z^2) (X + Z^2) / 2    b = X Y^2    X' = h^2 - 2b    Y' = h (b - X') - Y^4
# With Z = 1 it leaves the point itself as (t2, t1), with the Z of its double.
DOUBLE = """
    sqr t0 Z
    sqr t1 Y
    half3 t4 X t0
    muld t4 X t0
    mul t2 X t1
    mul Z Y Z
    sqr t5 t4
    sub2 X t5 t2
    muld t4 t2 X
    sqr t1 t1
    sub Y t4 t1
"""

# (X, Y, Z) + (QX, QY, 1): madd-2004-hmv of the Explicit-Formulas Database. Of equal or opposite
# points it makes Z = 0, and from Z = 0 it makes Z = 0 again: one look at the end finds both.
#     H = QX Z^2 - X    r = QY Z^3 - Y    X' = r^2 - H^3 - 2 X H^2    Y' = r (X H^2 - X') - Y H^3
ADD = """
    sqr t0 Z
    mul t1 Z t0
    mul t2 QX t0
    mul t3 QY t1
    sub t2 t2 X
    sub t3 t3 Y
    mul Z Z t2
    sqr t4 t2
    mul t5 t4 t2
    mul t4 X t4
    sqr t0 t3
    sub t0 t0 t5
    sub2 X t0 t4
    muld t3 t4 X
    mul t5 Y t5
    sub Y t3 t5
"""

TAKE = """
    mov X QX
    mov Y QY
    mov Z ONE
"""

# A packed point of the table into Q: the digit's of 16 from entry N on, in constant time.
SCAN = """
    next
    scan t0 {first}
    unpack QX t0 0
    unpack QY t0 1
    neg QY QY
"""

# The affine odd multiple that the digit names, from the slots T0 on.
PICK = """
    next
    pick QX T0
    neg QY QY
"""

COMB_START = SCAN.format(first=16) + TAKE + SCAN.format(first=0) + ADD
COMB_ROUND = DOUBLE + SCAN.format(first=16) + ADD + SCAN.format(first=0) + ADD
WINDOW_START = PICK + TAKE
WINDOW_ROUND = 4 * DOUBLE + PICK + ADD

_TAKE_OWN = "    copy QX T0\n    neg QY QY\n"
_TAKE_BASE = "    lookup QX 0 0\n    lookup QY 0 1\n    neg QY QY\n"


def _skip(text: str) -> str:
    return f"    skip {len(text.split(chr(10))) - 1}\n{text}"


def _lines(text: str) -> str:
    return "".join(f"{line}\n" for line in text.splitlines() if line.strip())


# Public digits: first one of the point's own multiples, then one of the base point's.
VERIFY_ROUND = DOUBLE + _skip(_lines(_TAKE_OWN + ADD)) + _skip(_lines(_TAKE_BASE + ADD))
TAKE_OWN = "    next\n" + _TAKE_OWN + TAKE
TAKE_BASE = "    next\n" + _TAKE_BASE + TAKE
ADD_BASE = _skip(_lines(_TAKE_BASE + ADD))

# Z as a plain number in 0 ... p, where the inversion takes it; it is 0 or p where Z is zero.
PLAIN_Z = "mul QY Z UNIT\n"

# Out of a public key, x || y packed, into the Montgomery form, as Q and as the multiple 1.
LOAD_POINT = """
    lookup QX 0 0
    lookup QY 0 1
    mul QX QX CUBE
    mul QX QX UNIT
    mul QY QY CUBE
    mul QY QY UNIT
    mov T0 QX
    mov T1 QY
    mov X QX
    mov Y QY
    mov Z ONE
"""


def _odd_multiples() -> str:
    """3Q, 5Q ... 15Q by additions of 2Q with a common Z (Meloni), Z multiplied by H each time.

        C = (X1 - X2)^2    W1 = X1 C    W2 = X2 C    A = Y1 (W1 - W2)    H = X1 - X2
        X3 = (Y1 - Y2)^2 - W1 - W2    Y3 = (Y1 - Y2) (W1 - X3) - A    Z3 = Z H

    (X1, Y1) = 2Q becomes (W1, A), the same point with the new Z. Z is the last one's at the end.
    """
    text = LOAD_POINT + DOUBLE + "mov QX t2\nmov QY t1\n"
    for i in range(1, TABLE_POINTS):
        x, y, h = f"T{2 * i}", f"T{2 * i + 1}", f"H{i}"
        text += f"""
            sub {h} X QX
            sub t3 Y QY
            sqr t0 {h}
            mul X X t0
            mul t2 QX t0
            muld Y X t2
            sqr t4 t3
            sub t4 t4 X
            sub QX t4 t2
            muld t3 X QX
            sub QY t3 Y
            mov {x} QX
            mov {y} QY
            mul Z Z {h}
        """
    return text + PLAIN_Z


def _affine_multiples() -> str:
    """Each (X, Y) of the table divided by its Z^2 and Z^3.

    QY holds 1/Z of the last one as a plain number, which R^3 / R / R makes Montgomery.
    """
    text = "mul X QY CUBE\nmul X X UNIT\n"
    for i in range(TABLE_POINTS - 1, 0, -1):
        x, y, h = f"T{2 * i}", f"T{2 * i + 1}", f"H{i}"
        text += f"""
            sqr t0 X
            mul {x} {x} t0
            mul t0 t0 X
            mul {y} {y} t0
            mul X X {h}
        """
    return text


ODD_MULTIPLES = _odd_multiples()
AFFINE_MULTIPLES = _affine_multiples()

# x = X/Z^2 and y = Y/Z^3 as plain numbers in t3 and t4, 1/Z in QY as the inversion finds it.
AFFINE = """
    mul t2 QY CUBE
    mul t2 t2 UNIT
    sqr t0 t2
    mul t3 X t0
    mul t3 t3 UNIT
    mul t0 t0 t2
    mul t4 Y t0
    mul t4 t4 UNIT
"""
# r Z^2 and X: equal where the signature is good. r comes packed, in the table's place.
COMPARE = """
    lookup t0 0 0
    mul t0 t0 CUBE
    mul t0 t0 UNIT
    sqr t1 Z
    mul t0 t0 t1
    sub t0 t0 X
    mul t0 t0 UNIT
"""
# Y or -Y by the last digit.
SIGN_Y = "next\nneg Y Y\n" + PLAIN_Z


def assembled(text: str) -> bytes:
    """The program's bytes, four to an operation, with the end of a round."""
    program = bytearray()
    for line in [*_split(text), ["end"]]:
        operands = [NUMBER[name] if name in NUMBER else int(name) for name in line[1:]]
        if line[0] == "skip":
            operands = [0, *operands]
        program += bytes([OPERATIONS[line[0]], *operands, *[0] * (3 - len(operands))])
    return bytes(program)


def _split(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip()]


# A packed number into the slot of what is inverted, and the modulus.
LOAD_INVERTED = "lookup QY 0 0\n"
LOAD_MODULUS = "lookup QX 0 0\n"
LOAD_CONSTANTS = "lookup ONE 0 0\nlookup UNIT 0 1\nlookup CUBE 1 0\n"

# In units of 2^256: what every slot must stay below, and p.
LIMIT = Fraction(1 << 260, 1 << 256)
_P = Fraction(2**256 - 2**224 + 2**192 + 2**96 - 1, 1 << 256)


def bounds(text: str, known: dict[str, Fraction]) -> dict[str, Fraction]:
    """What each slot stays below after a program, given what it stayed below before.

    Raises ValueError where a number might not fit 20 limbs, or a difference become negative.
    """
    now = dict(known)
    for line in _split(text):
        if line[0] in ("next", "skip"):
            continue
        name, result = line[:2]
        if name in ("pick", "copy"):
            now[line[2]] = max(now[f"T{i}"] for i in range(2 * TABLE_POINTS))
        found = _bound(name, [now[result] if name == "muld" else Fraction(0), *_given(now, line)])
        if found > LIMIT:
            raise ValueError(f"{' '.join(line)} may reach {float(found):.2f} * 2^256")
        now[result] = found
        if name in ("pick", "copy"):
            now["QY"] = found
    return now


def _given(now: dict[str, Fraction], line: list[str]) -> list[Fraction]:
    return [now[name] for name in line[2:] if name in NUMBER]


def _bound(name: str, given: list[Fraction]) -> Fraction:
    """The bound of one operation's result; `given` begins with what was in its slot."""
    old, *operands = given
    if name == "mul":
        return operands[0] * operands[1] / 16 + _P
    if name == "sqr":
        return operands[0] ** 2 / 16 + _P
    if name == "muld":
        if operands[1] > DIFFERENCE_LIFT * _P:
            raise ValueError("a difference may be negative")
        return old * (operands[0] + DIFFERENCE_LIFT * _P) / 16 + _P
    if name in ("sub", "sub2"):
        times = 1 if name == "sub" else 2
        if max(operands) > 8:
            raise ValueError("the multiple of p that is taken off may be too large")
        return 1 + Fraction(times + 4, 512)
    if name == "half3":
        return (3 * (operands[0] + operands[1]) + _P) / 2
    if name == "neg":
        if operands[0] > DIFFERENCE_LIFT * _P:
            raise ValueError("a negative may be negative")
        return DIFFERENCE_LIFT * _P
    if name in ("unpack", "lookup"):
        return Fraction(1)
    return operands[0] if operands else Fraction(1)


# The slots that others name.
PUBLIC = ("Z", "QX", "QY", "t0", "t3", "t4")

PROGRAMS = {
    "LOAD_CONSTANTS": LOAD_CONSTANTS,
    "LOAD_INVERTED": LOAD_INVERTED,
    "LOAD_MODULUS": LOAD_MODULUS,
    "COMB_START": COMB_START,
    "COMB_ROUND": COMB_ROUND,
    "WINDOW_START": WINDOW_START,
    "WINDOW_ROUND": WINDOW_ROUND,
    "VERIFY_ROUND": VERIFY_ROUND,
    "TAKE_OWN": TAKE_OWN,
    "TAKE_BASE": TAKE_BASE,
    "ADD_BASE": ADD_BASE,
    "ODD_MULTIPLES": ODD_MULTIPLES,
    "AFFINE_MULTIPLES": AFFINE_MULTIPLES,
    "AFFINE": AFFINE,
    "PLAIN_Z": PLAIN_Z,
    "COMPARE": COMPARE,
    "SIGN_Y": SIGN_Y,
}
