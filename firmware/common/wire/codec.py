"""Fixed structs, big-endian: a layout names the fields of a message, a record is its bytes.

A layout is one text, for RAM's sake: the message's name and number, then its fields as the table of
docs/protocol.md prints them, such as `RESUME 8 ver1 0 req_nonce8 txn_hash32`.

    NAME and a number   a field of so many bytes: 1, 2 and 4 are whole numbers, others bytes
    NAME-8              a whole number of 8 bytes that may be negative
    0                   a byte that is zero
    +                   at the end: more follows, which the message's own noun reads

A field `ver` is 1: it is written so and nothing else is read. No field is optional, and each
message has one encoding.
"""

import struct
import sys

from firmware.common.wire.errors import MALFORMED, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VERSION = 1
_FORMATS = {1: ">B", 2: ">H", 4: ">I", 264: ">q"}
_MINUS = 256  # added to the size of a number that may be negative
_SIZE_BITS = 9
_ZERO = "0"
_END = ""
_MORE = "+"

# Layouts taken apart: layout text -> {field: offset << _SIZE_BITS | size}. A board keeps few.
_KEPT_MAX = 3 if sys.implementation.name == "micropython" else 32
_kept: "dict[str, dict[str, int]]" = {}


class Layout:
    """How a message is laid out."""

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def name(self) -> str:
        return self.text.split(" ", 1)[0]

    @property
    def number(self) -> int:
        return int(self.text.split(" ", 2)[1])

    @property
    def has_tail(self) -> bool:
        return self.text[-1] == _MORE

    @property
    def size(self) -> int:
        """Bytes of the message, without the tail that may follow."""
        return self.places()[_END] >> _SIZE_BITS

    def places(self) -> dict[str, int]:
        """Where each field stands, and where the last one ends."""
        places = _kept.get(self.text)
        if places is None:
            if len(_kept) >= _KEPT_MAX:
                _kept.clear()
            _kept[self.text] = places = _places(self.text)
        return places

    def pack(self, tail: bytes = b"", **fields: "Any") -> bytes:
        """The message of these fields: all but `ver`, which is 1. ValueError: any other."""
        places = self.places()
        for name, value in (("ver", VERSION), (_ZERO, 0)):
            if name in places and fields.setdefault(name, value) != value:
                raise ValueError(self.name + " is of one version")
        if len(fields) != len(places) - 1 or (tail and not self.has_tail):
            raise ValueError(self.name + ": a field is missing, or one too many")
        body = bytearray(self.size)
        for name, value in fields.items():
            if not name or name not in places:
                raise ValueError(self.name + " has no field " + name)
            _write(body, places[name], value)
        return bytes(body) + tail

    def read(self, data: bytes) -> "Record":
        """The record of these bytes; `Refused(MALFORMED)`: a length, version or zero is wrong."""
        places = self.places()
        size = self.size
        if len(data) < size or (len(data) > size and not self.has_tail):
            raise Refused(MALFORMED, self.name + " has another length")
        record = Record(self, bytes(data))
        if "ver" in places and record.ver != VERSION:
            raise Refused(MALFORMED, self.name + " is of another version")
        if _ZERO in places and data[places[_ZERO] >> _SIZE_BITS]:
            raise Refused(MALFORMED, self.name + " has a bit set that means nothing")
        return record


class Record:
    """A message as its bytes: `record.amount` reads them. Equal are those with equal bytes.

    `raw` is the body, `signature` its 64 bytes where it came signed.
    """

    def __init__(self, layout: Layout, raw: bytes, signature: bytes = b"") -> None:
        self.layout = layout
        self.raw = raw
        self.signature = signature

    @property
    def tail(self) -> bytes:
        """What follows the fixed head."""
        return self.raw[self.layout.size :]

    @property
    def signed(self) -> bytes:
        """The bytes that travel: body || signature."""
        return self.raw + self.signature

    def __getattr__(self, name: str) -> "Any":
        place = self.layout.places().get(name)
        if place is None:
            raise AttributeError(name)
        start, size = place >> _SIZE_BITS, place & (1 << _SIZE_BITS) - 1
        if size in _FORMATS:
            return struct.unpack_from(_FORMATS[size], self.raw, start)[0]
        return self.raw[start : start + size]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return False
        return self.layout.text == other.layout.text and self.signed == other.signed

    def __hash__(self) -> int:
        return hash(self.signed)


def _places(text: str) -> dict[str, int]:
    places = {}
    end = 0
    for field in text.split()[2:]:
        if field != _MORE:
            name, size = _name_and_size(field)
            places[name] = end << _SIZE_BITS | size
            end += size & _MINUS - 1
    places[_END] = end << _SIZE_BITS
    return places


def _name_and_size(field: str) -> tuple[str, int]:
    """`ctr4` -> ("ctr", 4), `net-8` -> ("net", 8 + _MINUS), `0` -> ("0", 1)."""
    if field == _ZERO:
        return field, 1
    name = field.rstrip("0123456789")
    size = int(field[len(name) :])
    return (name[:-1], size + _MINUS) if name[-1] == "-" else (name, size)


def _write(body: bytearray, place: int, value: "Any") -> None:
    """Puts a field in its place; ValueError where the value does not fit."""
    start, size = place >> _SIZE_BITS, place & (1 << _SIZE_BITS) - 1
    if size not in _FORMATS:
        if len(value) != size:
            raise ValueError("a field has another length")
        body[start : start + size] = value
        return
    bits = 8 * (size & _MINUS - 1)
    lowest = -(1 << bits - 1) if size & _MINUS else 0
    if type(value) is not int or not lowest <= value < lowest + (1 << bits):
        raise ValueError("a number does not fit its field")
    struct.pack_into(_FORMATS[size], body, start, value)
