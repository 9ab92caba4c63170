"""Where elliptic-curve code goes wrong: the ends of the ranges, equal points, infinity, bad points.

Constants are from FIPS 186-4, D.1.2.3, so that a slip in the code's own cannot hide itself.
"""

from binascii import unhexlify

from firmware.common import crypto
from firmware.common.crypto import curve, machine, p256, programs, signing, verifying
from tests.unit.helpers import Seeded, raises

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = unhexlify(
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
TWICE_G = unhexlify(  # NIST's "Mathematical routines", P-256, 2G
    "7cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978"
    "07775510db8ed040293d9ac69f7430dbba7dade63ce982299e04b79d227873d1"
)
SCALARS = (1, 2, N - 1, N - 2, (N + 1) // 2, (N - 1) // 2)

# The firmware's own code, and on CPython the door to OpenSSL beside it.
SIGN = {crypto.sign, p256.sign}
VERIFY = {crypto.verify, p256.verify}
AGREE = {crypto.agree, p256.agree}
PUBLIC_KEY = {crypto.public_key, p256.public_key}


def octets(number: int) -> bytes:
    return number.to_bytes(32, "big")


def negative(public: bytes) -> bytes:
    return public[:32] + octets(P - int.from_bytes(public[32:], "big"))


def test_constants():
    assert (curve.P, curve.N, curve.B) == (P, N, B)
    assert octets(curve.G[0]) + octets(curve.G[1]) == G


def test_public_keys_of_the_ends_of_the_range():
    for public_key in PUBLIC_KEY:
        assert public_key(octets(1)) == G
        assert public_key(octets(2)) == TWICE_G
        assert public_key(octets(N - 1)) == negative(G)
        assert public_key(octets(N - 2)) == negative(TWICE_G)
        # Twice half of it is the point itself; the two halves are each other's negative.
        half = public_key(octets((N + 1) // 2))
        assert public_key(octets((N - 1) // 2)) == negative(half)
        for agree in AGREE:
            assert agree(octets(2), half) == G[:32]


def test_signatures_with_extreme_keys_and_digests():
    for d in SCALARS:
        public = p256.public_key(octets(d))
        for digest in (bytes(32), b"\xff" * 32, octets(N)):
            signature = p256.sign(octets(d), digest)
            assert crypto.is_low_s(signature)
            for sign in SIGN:
                assert sign(octets(d), digest) == signature
            for verify in VERIFY:
                assert verify(public, digest, signature)
                assert not verify(public, octets(7), signature)
                # With z = 0 the signature is good under -Q too: that is ECDSA, not a slip.
                z = int.from_bytes(digest, "big") % N
                assert verify(negative(public), digest, signature) == (z == 0)


def test_a_refused_nonce_is_followed_by_the_next():
    # RFC 6979, 3.2 written out a second time. That a nonce will not do is one chance in 2^32.
    private, digest = octets(5), octets(11)
    hmac, value, key = crypto.hmac_sha256, b"\x01" * 32, bytes(32)
    for mark in (b"\x00", b"\x01"):
        key = hmac(key, value + mark + private + digest)
        value = hmac(key, value)
    first = hmac(key, value)
    key = hmac(key, first + b"\x00")
    second = hmac(key, hmac(key, first))
    sign_with = signing._sign_with

    def refuse_first(k: int, d: int, z: int) -> bytes:
        return b"" if octets(k) == first else sign_with(k, d, z)

    signing._sign_with = refuse_first
    try:
        signature = p256.sign(private, digest)
    finally:
        signing._sign_with = sign_with
    assert p256.sign(private, digest)[:32] == crypto.public_key(first)[:32]
    assert signature[:32] == crypto.public_key(second)[:32]
    assert crypto.verify(crypto.public_key(private), digest, signature)


def test_nonces_that_will_not_do():
    for k in (0, N, N + 1, 2**256 - 1):
        assert signing._sign_with(k, 3, 5) == b""
    # z = -r*d makes s zero.
    assert signing._sign_with(1, 3, -int.from_bytes(G[:32], "big") * 3 % N) == b""


def test_high_s_verifies_but_is_not_low():
    digest = crypto.sha256(b"either form is good")
    signature = crypto.sign(octets(3), digest)
    s = int.from_bytes(signature[32:], "big")
    high = signature[:32] + octets(N - s)
    assert crypto.is_low_s(signature) and not crypto.is_low_s(high)
    for verify in VERIFY:
        assert verify(crypto.public_key(octets(3)), digest, high)


def test_low_s_ends_at_half_the_order():
    assert crypto.is_low_s(G[:32] + octets((N - 1) // 2))
    assert not crypto.is_low_s(G[:32] + octets((N + 1) // 2))
    raises(ValueError, crypto.is_low_s, G[:63])


def test_signature_numbers_out_of_range_are_not_good():
    digest = crypto.sha256(b"range")
    signature = crypto.sign(octets(3), digest)
    public = crypto.public_key(octets(3))
    for bad in (0, N, N + 1, 2**256 - 1):
        for verify in VERIFY:
            assert not verify(public, digest, octets(bad) + signature[32:])
            assert not verify(public, digest, signature[:32] + octets(bad))


def test_verification_that_meets_infinity():
    # z = -r*d makes z/s * G and r/s * Q each other's negative: their sum is no point.
    seeded = Seeded("infinity")
    for d in (1, N - 1, 1 + seeded.below(N - 1)):
        public = crypto.public_key(octets(d))
        r, s = 1 + seeded.below(N - 1), 1 + seeded.below(N - 1)
        for verify in VERIFY:
            assert not verify(public, octets(-r * d % N), octets(r) + octets(s))


def test_verification_that_adds_equal_points():
    # A valid signature in which z/s * G and r/s * Q are the same point: u1 = t, u2 = t/d, k = 2t.
    seeded = Seeded("doubling")
    for d in (1, 2, 1 + seeded.below(N - 1)):
        t = 1 + seeded.below(N - 1)
        r = int.from_bytes(crypto.public_key(octets(2 * t % N))[:32], "big") % N
        s = r * d * pow(t, N - 2, N) % N
        public = crypto.public_key(octets(d))
        for verify in VERIFY:
            assert verify(public, octets(t * s % N), octets(r) + octets(s))


def test_keys_that_are_small_multiples_of_the_base_point():
    """Q = c * G: the additions of Q's and of G's multiples meet equal and opposite points."""
    seeded = Seeded("small multiples")
    for c in (1, 2, 3, 5, 7, 15, 17, 63, N - 1, N - 2, N - 3, N - 15, N - 63):
        public = crypto.public_key(octets(c))
        digest = seeded.data(32)
        for sign in SIGN:
            signature = sign(octets(c), digest)
            r, s = signature[:32], int.from_bytes(signature[32:], "big")
            for verify in VERIFY:
                assert verify(public, digest, signature)
                assert verify(public, digest, r + octets(N - s))
                assert not verify(public, digest, octets(int.from_bytes(r, "big") ^ 1) + octets(s))
        for agree in AGREE:
            assert agree(octets(c), G) == public[:32]
            assert agree(octets(c), TWICE_G) == crypto.public_key(octets(2 * c % N))[:32]


def test_sums_that_meet_equal_opposite_and_absent_points_on_the_way():
    """u1 * G + u2 * (c * G) for small u1 and u2, where few doublings keep multiples apart."""
    for c in (1, 2, N - 2):
        point = curve.multiply_base(c)
        for u1 in (0, 1, 2, 3, 64, N - 1, N - 2):
            for u2 in (1, 2, 4, N - 1):
                k = (u1 + u2 * c) % N
                x = curve.multiply_base(k)[0] % N if k else 0
                machine.prepare(programs.SLOTS, 516)
                assert verifying.is_sum_x(u1, u2, point, x) == (k != 0), (c, u1, u2)
        machine.prepare(programs.SLOTS, 516)
        assert not verifying.is_sum_x(64, 4, point, 1)


def test_shared_secrets_with_the_ends_of_the_range():
    scalars = (1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 32, N - 1, N - 2, N - 3, N - 16, (N + 1) // 2)
    for c in (1, 2, 7919, N - 2):
        public = crypto.public_key(octets(c))
        for d in scalars:
            expected = crypto.public_key(octets(c * d % N))[:32]
            for agree in AGREE:
                assert agree(octets(d), public) == expected, (c, d)


def test_r_may_stand_for_two_numbers():
    """x(R) = r + n, below p once in 2^128: no signature shows it, so the sum is asked directly."""
    # The smallest x above n that a point has; the point itself serves as the key.
    x = N
    while True:
        x += 1
        square = (x * x * x - 3 * x + B) % P
        y = pow(square, (P + 1) // 4, P)
        if y * y % P == square:
            break
    assert x < P
    machine.prepare(programs.SLOTS, 516)
    assert verifying.is_sum_x(0, 1, (x, y), x - N)
    assert not verifying.is_sum_x(0, 1, (x, y), x - N + 1)


def test_sums_of_products_of_all_kinds():
    # a*G + b*(c*G) is (a + b*c)*G, whatever coincides or cancels on the way.
    for c in (1, 2, N - 1):
        point = curve.multiply_base(c)
        for a in (0, 1, 2, N - 1, N - 2):
            for b in (0, 1, 2, N - 2):
                k = (a + b * c) % N
                expected = curve.multiply_base(k) if k else None
                assert curve.multiply_two(a, b, point) == expected, (a, b, c)


def test_multiples_add_up():
    seeded = Seeded("distributive")
    for _ in range(5):
        a, b = seeded.below(N), seeded.below(N)
        point = curve.multiply_base(1 + seeded.below(N - 1))
        product = curve.multiply(b, point)
        assert curve.is_on_curve(product[0], product[1])
        assert curve.multiply_two(a, b, point) == curve.multiply_two(a, 1, product)
        assert curve.multiply(a * b % N, point) == curve.multiply(a, product)


def test_factors_count_modulo_the_order():
    for k in (N + 1, N + 2, 2**256 - 1, 2**257 + 1, -1, -2):
        assert curve.multiply_base(k) == curve.multiply_base(k % N)


def test_nothing_is_the_product_with_zero():
    raises(ValueError, curve.multiply_base, 0)
    raises(ValueError, curve.multiply, N, curve.G)


def test_inverses():
    for modulus in (P, N):
        for a in (1, 2, modulus - 1, modulus + 5, 2**255):
            assert a * curve.inverse(a, modulus) % modulus == 1
        raises(ValueError, curve.inverse, 0, modulus)
        raises(ValueError, curve.inverse, modulus, modulus)


def test_points_that_are_none():
    root_of_b = pow(B, (P + 1) // 4, P)  # (0, √B) is a point, (P, √B) another writing of it
    good = octets(0) + octets(root_of_b)
    x, y = G[:32], G[32:]
    bad = (
        bytes(64),  # some code's infinity
        octets(P) + octets(root_of_b),  # x = p
        octets(0) + octets(P),
        x + octets(2**256 - 1),
        x + octets(int.from_bytes(y, "big") ^ 1),  # off the curve
        y + x,
        G[:63],
        G + b"\x00",
        b"\x04" + G,
        b"",
    )
    for agree in AGREE:
        assert agree(octets(1), good) == bytes(32)
        for public in bad:
            raises(ValueError, agree, octets(3), public)
    for verify in VERIFY:
        for public in bad:
            raises(ValueError, verify, public, bytes(32), G)


def test_private_keys_that_are_none():
    for private in (octets(0), octets(N), octets(N + 1), octets(2**256 - 1), bytes(31), b"\1" * 33):
        for public_key in PUBLIC_KEY:
            raises(ValueError, public_key, private)
        for sign in SIGN:
            raises(ValueError, sign, private, octets(7))  # not 0: then s is 0 for d = n
        for agree in AGREE:
            raises(ValueError, agree, private, G)


def test_lengths_of_digests_and_signatures():
    for length in (0, 31, 33, 64):
        for sign in SIGN:
            raises(ValueError, sign, octets(1), bytes(length))
        for verify in VERIFY:
            raises(ValueError, verify, G, bytes(length), G)
    for length in (0, 63, 65):
        for verify in VERIFY:
            raises(ValueError, verify, G, bytes(32), bytes(length))


def test_refusals_tell_no_secret():
    secret = octets(N + 0xC0FFEE)
    for call in SIGN | AGREE:
        text = str(raises(ValueError, call, secret, G[:32] if call in SIGN else G))
        assert "c0ffee" not in text and str(N + 0xC0FFEE) not in text and "\\x" not in text


def test_generated_keys():
    for generate_key in {crypto.generate_key, p256.generate_key}:
        (private, public), (other, _) = generate_key(), generate_key()
        assert private != other
        assert len(private) == 32 and crypto.public_key(private) == public
