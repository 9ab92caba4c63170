"""P-256 public keys as JWK (RFC 7517, RFC 7518 section 6.2.1): `x || y`, 64 bytes, on the curve."""

from firmware.common import crypto
from firmware.common.interchange import base64, jsontext
from firmware.common.wire.errors import KEY_MISSING, MALFORMED, Refused


def jwk_from_public(public: bytes) -> str:
    """The bare JWK of a 64-byte point."""
    x, y = base64.encode_url(public[:32]), base64.encode_url(public[32:])
    return '{"kty":"EC","crv":"P-256","x":"%s","y":"%s"}' % (x, y)


def public_from_jwk(raw: bytes) -> bytes:
    """The 64-byte point of a JWK; members in any order, further ones ignored."""
    found = jsontext.members(raw)
    if _text(found, "kty") != "EC" or _text(found, "crv") != "P-256":
        raise Refused(MALFORMED, "the key is not a P-256 key")
    if "d" in found:
        raise Refused(MALFORMED, "the key is a private one; hand out the public one")
    x, y = (base64.decode_url(_text(found, name), 32) for name in ("x", "y"))
    if not crypto.is_on_curve(x + y):
        raise Refused(MALFORMED, "the key is not a point of the curve")
    return x + y


def member_key(found: dict[str, bytes], name: str) -> bytes:
    """The point in the member `name`; `Refused(KEY_MISSING)` where it is absent."""
    raw = found.get(name, b"null")
    if raw == b"null":
        raise Refused(KEY_MISSING, name + " is missing")
    return public_from_jwk(raw)


def _text(found: dict[str, bytes], name: str) -> str:
    return jsontext.string(found.get(name, b'""'))
