"""Short texts in fields of a fixed size: UTF-8, filled up with zeros."""

from firmware.common.wire.errors import MALFORMED, Refused


def to_bytes(text: str, size: int) -> bytes:
    """The field of a text; ValueError where it is too long or holds control characters."""
    data = text.encode()
    if len(data) > size or _has_controls(text):
        raise ValueError("a text of at most %d bytes without control characters" % size)
    return data + bytes(size - len(data))


def to_text(field: bytes) -> str:
    """The text of a field; `Refused(MALFORMED)` where `to_bytes` would not have made it."""
    data = field.rstrip(b"\x00")
    try:
        text = data.decode()
    except UnicodeError:
        text = "\x00"
    if _has_controls(text):
        raise Refused(MALFORMED, "a text is not readable")
    return text


def _has_controls(text: str) -> bool:
    return any(c < " " or "\x7f" <= c < "\xa0" for c in text)
