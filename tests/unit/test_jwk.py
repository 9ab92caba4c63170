"""Keys as JWK: what other implementations hand out opens; nothing else is taken as a key."""

from firmware.common.interchange import jwk
from firmware.common.wire.errors import KEY_MISSING, MALFORMED
from tests.unit.forms import b64url, flipped
from tests.unit.helpers import refused

# RFC 7517, appendix A.1: the first key of the set.
X = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
Y = "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
EXAMPLE = f'{{"kty":"EC","crv":"P-256","x":"{X}","y":"{Y}"}}'
P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF  # FIPS 186-4, D.1.2.3
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


def key(x: str, y: str) -> bytes:
    return f'{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}'.encode()


def point(x: int, y: int) -> bytes:
    return key(b64url(x.to_bytes(32, "big")), b64url(y.to_bytes(32, "big")))


def test_the_key_of_the_rfc_comes_back_as_it_was():
    public = jwk.public_from_jwk(EXAMPLE.encode())
    assert (b64url(public[:32]), b64url(public[32:])) == (X, Y)
    assert jwk.jwk_from_public(public) == EXAMPLE


def test_what_a_browser_exports_opens_whatever_stands_beside_and_in_which_order():
    public = jwk.public_from_jwk(EXAMPLE.encode())
    exported = (
        f'{{"key_ops":["verify"],"ext":true,"kty":"EC","x":"{X}","y":"{Y}","crv":"P-256"}}',
        f'{{ "y" : "{Y}", "x":"{X}",\n"crv":"P-256","use":"enc","kid":"1","kty":"EC" }}',
        f'{{"k\\u0074y":"EC","crv":"P\\u002d256","x":"{X}","y":"{Y}","alg":{{"a":[1]}}}}',
    )
    for raw in exported:
        assert jwk.public_from_jwk(raw.encode()) == public


def test_a_private_key_handed_out_by_mistake_is_refused_and_says_so():
    detail = refused(MALFORMED, jwk.public_from_jwk, (EXAMPLE[:-1] + f',"d":"{X}"}}').encode())
    assert "private" in detail
    refused(MALFORMED, jwk.public_from_jwk, (EXAMPLE[:-1] + ',"d":null}').encode())


def test_other_kinds_of_key_are_refused():
    for old, new in (
        ('"EC"', '"RSA"'),
        ('"EC"', '"ec"'),
        ('"EC"', "1"),
        ('"EC"', "null"),
        ('"P-256"', '"P-384"'),
        ('"P-256"', '"secp256k1"'),
        ('"P-256"', '"p-256"'),
        ('"kty":"EC",', ""),
        ('"crv":"P-256",', ""),
        (f'"x":"{X}",', ""),
        (f',"y":"{Y}"', ""),
        (f'"{X}"', "null"),
        (f'"{Y}"', '""'),
        (f'"{Y}"', "true"),
        (f'"y":"{Y}"', f'"y":"{Y}","y":"{Y}"'),
    ):
        assert old in EXAMPLE
        refused(MALFORMED, jwk.public_from_jwk, EXAMPLE.replace(old, new).encode())
    for raw in (b"", b"{}", b"[]", b"null", EXAMPLE.encode() + b"x", f'"{X}"'.encode()):
        refused(MALFORMED, jwk.public_from_jwk, raw)


def test_coordinates_have_exactly_32_bytes_in_one_spelling():
    for x in (
        X + "=",
        X[:-1],
        X + "A",
        X[:-1] + "5",  # the same 32 bytes with another unused bit
        b64url(bytes(31)),
        b64url(bytes(33)),
        "AAAA" + X,
        X.replace("A", "+"),
        X + "\\n",
        " " + X,
    ):
        refused(MALFORMED, jwk.public_from_jwk, key(x, Y))


def test_what_is_no_point_of_the_curve_is_refused():
    public = jwk.public_from_jwk(EXAMPLE.encode())
    x, y = int.from_bytes(public[:32], "big"), int.from_bytes(public[32:], "big")
    assert jwk.public_from_jwk(point(x, P - y)) == public[:32] + (P - y).to_bytes(32, "big")
    for pair in ((0, 0), (x, 0), (0, y), (y, x), (x, y + 1), (P, P), (2**256 - 1, y)):
        refused(MALFORMED, jwk.public_from_jwk, point(*pair))
    for position in range(64):
        bad = flipped(public, position)
        refused(MALFORMED, jwk.public_from_jwk, key(b64url(bad[:32]), b64url(bad[32:])))


def test_a_coordinate_of_the_field_prime_or_more_is_refused_though_it_is_a_point_below():
    # (0, sqrt(b)) is on the curve; (p, sqrt(b)) is the same modulo p and must not pass.
    root = pow(B, (P + 1) // 4, P)
    assert root * root % P == B
    assert jwk.public_from_jwk(point(0, root)) == bytes(32) + root.to_bytes(32, "big")
    refused(MALFORMED, jwk.public_from_jwk, point(P, root))


def test_a_form_without_a_key_says_which_one_is_missing():
    for found in ({}, {"sender_ecdh_public_key": b"null"}):
        detail = refused(KEY_MISSING, jwk.member_key, found, "sender_ecdh_public_key")
        assert "sender_ecdh_public_key" in detail
    refused(MALFORMED, jwk.member_key, {"sender_ecdh_public_key": b"{}"}, "sender_ecdh_public_key")
