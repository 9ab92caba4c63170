"""Where a JSON container ends, found with regular expressions: for hosts, which have them compiled.

It takes and refuses what `jsontext`'s own scanner does, which the boards run, and a test holds
them together; a bank that reads thousands of entries a second spends a fraction of the time.
"""

import re

from firmware.common.wire.errors import MALFORMED, Refused
from firmware.common.wire.limits import JSON_DEPTH_MAX

# Possessive (`++`, `*+`): a text that does not fit is given up at once, and none takes memory.
# But not the parts of a number: CPython 3.11.2, which Debian 12 has, does not step back out of a
# possessive group that fits halfway, and took "5." for a number. A text has no such halves.
_SPACE = rb"[ \t\n\r]*+"
_TEXT = rb'"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])*+"'
_NUMBER = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_SCALAR = rb"(?:%s|%s|true|false|null)" % (_TEXT, _NUMBER)
# One value: a scalar with the mark that follows it, or the mark that opens a container.
_VALUE = rb"(?:(%s)%s[,}\]]|[{\[])" % (_SCALAR, _SPACE)

_STRING = re.compile(_TEXT)
_ITEM = re.compile(rb"%s(%s)" % (_SPACE, _VALUE))
_MEMBER = re.compile(rb"%s(%s%s:%s%s)" % (_SPACE, _TEXT, _SPACE, _SPACE, _VALUE))
_EMPTY = re.compile(rb"%s[}\]]" % _SPACE)
_MARK = re.compile(rb"%s[,}\]]" % _SPACE)

_COMMA = 44
_OBJECT_END = 125


def string_end(raw: bytes, i: int) -> int:
    """The index after the string that opens at `i`."""
    found = _STRING.match(raw, i)
    if found is None:
        raise Refused(MALFORMED, "a text was expected, without raw control characters")
    return found.end()


def container_end(
    raw: bytes, i: int, depth: int, spans: list[tuple[int, int]] | None, count_max: int = 0
) -> int:
    """The index after the object or array that opens at `i`, its syntax checked throughout.

    Where its items stand goes into `spans`; more than `count_max` are refused.
    """
    ends = bytearray()  # what closes each container that is open, the innermost last
    start, mark, i = i, raw[i], i + 1
    while True:
        if mark == _COMMA:
            found = (_MEMBER if ends[-1] == _OBJECT_END else _ITEM).match(raw, i)
            if found is None:
                raise Refused(MALFORMED, "not a JSON value, or a name, colon or comma is missing")
            i, mark, end = found.end(), raw[found.end() - 1], found.end(2)
            if len(ends) == 1:
                start = found.start(1)
                if end >= 0:
                    _note(spans, start, end, count_max)
        elif mark in b"{[":
            if depth + len(ends) >= JSON_DEPTH_MAX:
                raise Refused(MALFORMED, "nested too deep")
            ends.append(mark + 2)  # "{" and "}", "[" and "]" are two apart in ASCII
            empty = _EMPTY.match(raw, i)
            mark, i = (raw[empty.end() - 1], empty.end()) if empty else (_COMMA, i)
        else:
            if mark != ends.pop():
                raise Refused(MALFORMED, "it is closed otherwise than opened")
            if not ends:
                return i
            if len(ends) == 1:
                _note(spans, start, i, count_max)
            i = _after(_MARK, raw, i)
            mark = raw[i - 1]


def _after(pattern: re.Pattern[bytes], raw: bytes, i: int) -> int:
    found = pattern.match(raw, i)
    if found is None:
        raise Refused(MALFORMED, "a comma is missing")
    return found.end()


def _note(spans: list[tuple[int, int]] | None, start: int, end: int, count_max: int) -> None:
    if spans is None:
        return
    if len(spans) >= count_max:
        raise Refused(MALFORMED, "too many items")
    spans.append((start, end))
