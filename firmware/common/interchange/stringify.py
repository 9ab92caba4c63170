"""JSON text in the one form that is hashed.

What `JSON.stringify(JSON.parse(text))` gives: compact, member order
kept, non-ASCII raw, numbers as JavaScript prints them. Whoever makes a
ledger writes this form already; whoever checks one (the bank) brings it there first.
"""

from firmware.common.interchange import jsontext
from firmware.common.wire.errors import MALFORMED, Refused

_DIGITS_MAX = 15  # below 2**53, so JavaScript's number has the same digits


def compact(raw: bytes) -> bytes:
    """The same value in the form that is hashed; raises `Refused(MALFORMED)`."""
    raw = raw.strip(b" \t\n\r")
    first = raw[:1]
    if first == b"{":
        found = [
            jsontext.quote(name).encode() + b":" + compact(value)
            for name, value in jsontext.pairs(raw)
        ]
        return b"{" + b",".join(found) + b"}"
    if first == b"[":
        return b"[" + b",".join([compact(item) for item in jsontext.items(raw, len(raw))]) + b"]"
    if first == b'"':
        return jsontext.quote(jsontext.string(raw)).encode()
    return raw if raw in (b"true", b"false", b"null") else _shortest(raw)


def _shortest(raw: bytes) -> bytes:
    """A number as JavaScript prints it, as far as that needs no float."""
    jsontext.check_number(raw)
    if b"e" in raw or b"E" in raw or len(raw.strip(b"-.")) > _DIGITS_MAX:
        raise Refused(MALFORMED, "a number has too many digits")
    if b"." in raw:
        raw = raw.rstrip(b"0").rstrip(b".")
    return b"0" if raw == b"-0" else raw
