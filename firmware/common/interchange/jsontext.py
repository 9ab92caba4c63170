"""Strict, bounded JSON (RFC 8259) that hands out raw slices instead of values.

What is hashed is text, an amount must not become a float, and MicroPython's dicts keep no
order; so members are found by name and stay the bytes they were. Text is held as UTF-8
bytes, which MicroPython indexes in constant time (its strings it does not).
Every function raises `Refused(MALFORMED)` for what is not JSON.
"""

import sys

from firmware.common.wire.errors import MALFORMED, Refused
from firmware.common.wire.limits import JSON_DEPTH_MAX, JSON_MEMBERS_MAX

_SPACE = b" \t\n\r"
_NUMBER = b"+-.0123456789Ee"
_ESCAPES = {34: '"', 92: "\\", 47: "/", 98: "\b", 102: "\f", 110: "\n", 114: "\r", 116: "\t"}
_QUOTED = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}


def members(raw: bytes) -> dict[str, bytes]:
    """The members of an object by name, each value as its raw slice; a name may stand once."""
    found = {}
    for name, value in pairs(raw):
        if name in found:
            raise Refused(MALFORMED, "a member stands twice")
        found[name] = value
    return found


def items(raw: bytes, count_max: int = JSON_MEMBERS_MAX) -> list[bytes]:
    """The items of an array as raw slices, at most `count_max`."""
    return [raw[start:end] for start, end in _spans(raw, 91, count_max)]


def string(raw: bytes) -> str:
    """The text of a JSON string; lone surrogates and invalid UTF-8 are refused."""
    if len(raw) < 2 or raw[0] != 34 or _text_end(raw, 0) != len(raw):
        raise Refused(MALFORMED, "a text was expected")
    body = raw[1:-1]
    return _unescape(body) if b"\\" in body else _decode(body)


def text_member(found: dict[str, bytes], name: str) -> str:
    """The text in the member `name`, which must be there."""
    if name not in found:
        raise Refused(MALFORMED, name + " is missing")
    return string(found[name])


def quote(text: str) -> str:
    """A JSON string as `JSON.stringify` writes it: non-ASCII raw, control characters escaped."""
    out = []
    for c in text:
        if c in _QUOTED:
            c = _QUOTED[c]
        elif c < " ":
            c = "\\u%04x" % ord(c)
        out.append(c)
    return '"' + "".join(out) + '"'


def pairs(raw: bytes) -> list[tuple[str, bytes]]:
    """The members of an object in their order, values as raw slices."""
    found = []
    for start, end in _spans(raw, 123, JSON_MEMBERS_MAX):
        colon = _text_end(raw, start)
        value = _skip(raw, _skip(raw, colon) + 1)
        found.append((string(raw[start:colon]), raw[value:end]))
    return found


def _spans(raw: bytes, opening: int, count_max: int) -> list[tuple[int, int]]:
    """Where each item (or whole `name: value` pair) of the one container in `raw` stands."""
    start = _skip(raw, 0)
    if _at(raw, start) != opening:
        raise Refused(MALFORMED, "an object was expected" if opening == 123 else "a list expected")
    spans: list[tuple[int, int]] = []
    end = _spans_end(raw, start, 0, spans, count_max)
    if _skip(raw, end) != len(raw):
        raise Refused(MALFORMED, "something follows the end")
    return spans


def _container_end(
    raw: bytes, i: int, depth: int, spans: list[tuple[int, int]] | None, count_max: int = 0
) -> int:
    """The index after the object or array that opens at `i`, its syntax checked throughout.

    Where its items stand goes into `spans`; one more than `count_max` ends it at once, because
    a few KB can hold more items than a board's heap can hold places.
    """
    if depth >= JSON_DEPTH_MAX:
        raise Refused(MALFORMED, "nested too deep")
    is_object = raw[i] == 123
    closing = raw[i] + 2  # "{" and "}", "[" and "]" are two apart in ASCII
    i = _skip(raw, i + 1)
    if _at(raw, i) == closing:
        return i + 1
    while True:
        start = i
        if is_object:
            i = _skip(raw, _string_end(raw, i))
            if _at(raw, i) != 58:
                raise Refused(MALFORMED, "a colon is missing")
            i = _skip(raw, i + 1)
        i = _value_end(raw, i, depth + 1)
        if spans is not None:
            if len(spans) >= count_max:
                raise Refused(MALFORMED, "too many items")
            spans.append((start, i))
        i = _skip(raw, i)
        c = _at(raw, i)
        if c == closing:
            return i + 1
        if c != 44:
            raise Refused(MALFORMED, "a comma is missing")
        i = _skip(raw, i + 1)


def _value_end(raw: bytes, i: int, depth: int) -> int:
    c = _at(raw, i)
    if c == 34:
        return _string_end(raw, i)
    if c == 123 or c == 91:
        return _container_end(raw, i, depth, None)
    for word in (b"true", b"false", b"null"):
        if raw[i : i + len(word)] == word:
            return i + len(word)
    end = i
    while end < len(raw) and raw[end] in _NUMBER:
        end += 1
    check_number(raw[i:end])
    return end


def _string_end(raw: bytes, i: int) -> int:
    """The index after the string that opens at `i`."""
    if _at(raw, i) != 34:
        raise Refused(MALFORMED, "a text was expected")
    end = i
    while True:
        end = raw.find(b'"', end + 1)
        if end < 0:
            raise Refused(MALFORMED, "a text has no end")
        back = end
        while raw[back - 1] == 92:
            back -= 1
        if (end - back) % 2 == 0:
            break
    if end > i + 1 and min(raw[i + 1 : end]) < 32:
        raise Refused(MALFORMED, "a control character stands in a text")
    return end + 1


def check_number(raw: bytes) -> None:
    """The number grammar of RFC 8259, section 6."""
    i = 1 if _at(raw, 0) == 45 else 0
    whole_end = _digits_end(raw, i)
    ok = whole_end > i and (raw[i] != 48 or whole_end == i + 1)
    i = whole_end
    if _at(raw, i) == 46:
        end = _digits_end(raw, i + 1)
        ok = ok and end > i + 1
        i = end
    if _at(raw, i) in b"eE":
        i += 2 if _at(raw, i + 1) in b"+-" else 1
        end = _digits_end(raw, i)
        ok = ok and end > i
        i = end
    if not ok or i != len(raw):
        raise Refused(MALFORMED, "not a JSON value")


def _unescape(body: bytes) -> str:
    out = []
    i = 0
    while i < len(body):
        slash = body.find(b"\\", i)
        if slash < 0:
            slash = len(body)
        out.append(_decode(body[i:slash]))
        if slash == len(body):
            break
        c = body[slash + 1]
        i = slash + 2
        if c == 117:
            code, i = _code_point(body, i)
            out.append(chr(code))
        elif c in _ESCAPES:
            out.append(_ESCAPES[c])
        else:
            raise Refused(MALFORMED, "an unknown escape stands in a text")
    return "".join(out)


def _code_point(body: bytes, i: int) -> tuple[int, int]:
    """The code point of the `\\u` escape whose digits start at `i`, and the index after it."""
    code = _hex4(body, i)
    i += 4
    if 0xD800 <= code < 0xDC00 and body[i : i + 2] == b"\\u":
        low = _hex4(body, i + 2)
        if 0xDC00 <= low < 0xE000:
            return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00), i + 6
    if 0xD800 <= code < 0xE000:
        raise Refused(MALFORMED, "half a surrogate pair stands in a text")
    return code, i


def _hex4(body: bytes, i: int) -> int:
    digits = body[i : i + 4]
    if len(digits) != 4 or any(c not in b"0123456789abcdefABCDEF" for c in digits):
        raise Refused(MALFORMED, "an escape is not four hex digits")
    return int(digits.decode(), 16)


def _decode(body: bytes) -> str:
    """UTF-8 text; overlong forms and surrogates, which MicroPython lets pass, are refused."""
    try:
        text = body.decode()
    except UnicodeError:
        raise Refused(MALFORMED, "a text is not UTF-8") from None
    if len(text) != len(body):
        size = 0
        for c in text:
            code = ord(c)
            if 0xD800 <= code < 0xE000 or code > 0x10FFFF:
                raise Refused(MALFORMED, "a text is not UTF-8")
            size += 1 + (code > 0x7F) + (code > 0x7FF) + (code > 0xFFFF)
        if size != len(body):
            raise Refused(MALFORMED, "a text is not UTF-8")
    return text


def _skip(raw: bytes, i: int) -> int:
    while i < len(raw) and raw[i] in _SPACE:
        i += 1
    return i


def _at(raw: bytes, i: int) -> int:
    """The byte at `i`, or 0 past the end (no token has that byte)."""
    return raw[i] if i < len(raw) else 0


def _digits_end(raw: bytes, i: int) -> int:
    while 48 <= _at(raw, i) <= 57:
        i += 1
    return i


# A host scans with regular expressions; it takes and refuses the same.
if sys.implementation.name == "micropython":
    _text_end, _spans_end = _string_end, _container_end
else:
    from firmware.common.interchange.jsonscan import container_end as _spans_end
    from firmware.common.interchange.jsonscan import string_end as _text_end
