"""1/g modulo an odd m of 256 bits in viper, in as many steps for every g.

    start(g, m)    then 46 times: divide(), multiply(1/m mod 2^13)    then finish(g, m): g = 1/g

Bernstein and Yang, "Fast constant-time gcd computation and modular inversion", ePrint 2019/266;
the variant whose delta begins at 1/2, and its bound of 590 steps for 256 bits, by Wuille
(libsecp256k1, doc/safegcd_implementation.md). 46 * 13 = 598 steps are taken.

13 steps look at the lowest 13 bits of f and g alone. They make a matrix (u v; q r), rows of
absolute sum 2^13 at most, by which f and g are multiplied and then divided by 2^13, which is one
limb; and so are d and e, modulo m. At all times d * g0 = f and e * g0 = g modulo m, g0 being what
is inverted; at the end g = 0 and f = 1 or -1. d and e stay within -2m ... m.

The workspace is 20 records of five limbs, f g d e m, lowest first, then u v q r and zeta, which is
-delta - 1/2. What may be negative is kept in memory with 2^15 added: u v q r zeta and the limbs
19 of f g d e. Sums of products are below 2^13 * (2^13 + 2^16) + 2^13 * 2^14 + 2^19 < 2^30.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING or sys.implementation.name != "micropython":
    from firmware.common.crypto.viper import micropython, ptr32

ROUNDS = 46


@micropython.viper
def start(x: int, i: int, work: ptr32, g: ptr32, m: ptr32):
    """f = m, d = 0, e = 1; 0 <= g < m."""
    p = work
    i = 0
    while i < 20:
        x = m[i]
        p[0] = x
        p[1] = g[i]
        p[2] = 0
        p[3] = 0
        p[4] = x
        p = ptr32(int(p) + 20)
        i += 1
    work[3] = 1
    i = 95
    while i < 99:
        work[i] = work[i] + 32768
        i += 1
    work[104] = 32767


@micropython.viper
def divide(f: int, g: int, work: ptr32):
    """The matrix of 13 steps. A row is one number until the end, u + 2^16 v, as all is linear."""
    f = work[0]
    g = work[1]
    zeta = work[104] - 32768
    uv = 1
    qr = 65536
    i = 0
    while i < 13:
        swap = zeta >> 12
        odd = 0 - (g & 1)
        g = (((f ^ swap) - swap) & odd) + g
        qr = (((uv ^ swap) - swap) & odd) + qr
        swap = swap & odd
        zeta = (zeta ^ swap) - 1
        f = (g & swap) + f
        uv = ((qr & swap) + uv) << 1
        g = g >> 1
        i += 1
    f = (uv + 32768) & 65535
    g = (qr + 32768) & 65535
    work[100] = f
    work[101] = ((uv - f + 32768) >> 16) + 32768
    work[102] = g
    work[103] = ((qr - g + 32768) >> 16) + 32768
    work[104] = zeta + 32768


@micropython.viper
def multiply(x: int, y: int, work: ptr32, inverse: int):
    """f g d e by the matrix, divided by 2^13; `inverse` is 1/m modulo 2^13.

    md and me are the multiples of m that make the lowest limbs of d and e zero, and that bring d
    and e back to -2m ... m where they were negative.
    """
    u = work[100] - 32768
    v = work[101] - 32768
    q = work[102] - 32768
    r = work[103] - 32768
    x = (work[97] - 32768) >> 15
    y = (work[98] - 32768) >> 15
    md = (u & x) + (v & y)
    me = (q & x) + (r & y)
    x = work[2]
    y = work[3]
    cd = u * x + v * y
    ce = q * x + r * y
    md = md - ((inverse * (cd & 8191) + md) & 8191)
    me = me - ((inverse * (ce & 8191) + me) & 8191)
    x = work[4]
    cd = (md * x + cd) >> 13
    ce = (me * x + ce) >> 13
    x = work[0]
    y = work[1]
    cf = (u * x + v * y) >> 13
    cg = (q * x + r * y) >> 13
    p = work
    i = 0
    while i < 19:
        x = p[5]
        y = p[6]
        cf = u * x + cf
        cf = v * y + cf
        cg = q * x + cg
        cg = r * y + cg
        x = p[7]
        y = p[8]
        cd = u * x + cd
        cd = v * y + cd
        ce = q * x + ce
        ce = r * y + ce
        x = p[9]
        x = md * x + cd
        p[2] = x & 8191
        cd = x >> 13
        x = p[9]
        x = me * x + ce
        p[3] = x & 8191
        ce = x >> 13
        x = cf
        p[0] = x & 8191
        cf = x >> 13
        x = cg
        p[1] = x & 8191
        cg = x >> 13
        p = ptr32(int(p) + 20)
        i += 1
    x = ((u + v) << 2) - 32768  # what was added to the top limbs has become (u + v) * 2^15 / 2^13
    y = ((q + r) << 2) - 32768
    p[0] = cf - x
    p[1] = cg - y
    p[2] = cd - x
    p[3] = ce - y


@micropython.viper
def finish(carry: int, sign: int, work: ptr32, out: ptr32):
    """out = d * f + 2m, which is 0 ... 4m; a multiple of m where g0 is 0."""
    sign = (work[95] - 32768) >> 15
    carry = 0
    p = work
    i = 0
    while i < 19:
        carry = (p[2] ^ sign) - sign + (p[4] << 1) + carry
        out[i] = carry & 8191
        carry = carry >> 13
        p = ptr32(int(p) + 20)
        i += 1
    out[19] = ((p[2] - 32768) ^ sign) - sign + (p[4] << 1) + carry
