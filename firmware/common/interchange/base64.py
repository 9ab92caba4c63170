"""Base64 in the two alphabets of the JSON forms (RFC 4648, sections 4 and 5), one spelling each."""

from binascii import a2b_base64, b2a_base64

from firmware.common.wire.errors import MALFORMED, Refused


def encode(data: bytes) -> str:
    """Standard alphabet, padded."""
    return b2a_base64(data)[:-1].decode()


def decode(text: str, size: int = 0) -> bytes:
    """The bytes of a standard, padded text; `size` bytes where one is given."""
    raw = text.encode()
    try:
        data = a2b_base64(raw)
    except ValueError:
        data = b""
    if b2a_base64(data, newline=False) != raw or (size and len(data) != size):
        raise Refused(MALFORMED, "not base64 of the expected length")
    return data


def encode_url(data: bytes) -> str:
    """URL-safe alphabet, no padding."""
    return encode(data).rstrip("=").replace("+", "-").replace("/", "_")


def decode_url(text: str, size: int) -> bytes:
    """The `size` bytes of a URL-safe, unpadded text."""
    if "+" in text or "/" in text or "=" in text:
        raise Refused(MALFORMED, "not base64url")
    padded = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
    return decode(padded, size)
