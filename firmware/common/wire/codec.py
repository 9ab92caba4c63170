"""Fixed structs, big-endian: a layout names the fields of a message, a record is its bytes.

A layout's fields are one text, as the table of docs/protocol.md prints them: `ver1 0 purse8 ctr4`.

    NAME and a number   a field of so many bytes: 1, 2 and 4 are whole numbers, others bytes
    NAME-8              a whole number of 8 bytes that may be negative
    0                   a byte that is zero

A field `ver` is 1: it is written so and nothing else is read. No field is optional, and each
message has one encoding.
"""

import struct

from firmware.common.wire.errors import MALFORMED, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VERSION = 1
_FORMATS = {1: ">B", 2: ">H", 4: ">I"}


class Layout:
    """How a message is laid out; `size` is in bytes, without what may follow its fixed head."""

    def __init__(self, number: int, name: str, fields: str, has_tail: bool = False) -> None:
        self.number = number
        self.name = name
        self.has_tail = has_tail
        self._fields = fields
        self._places: dict[str, tuple[int, int]] = {}  # made when asked for: it costs RAM

    @property
    def size(self) -> int:
        return self.places()[""][0]

    def places(self) -> dict[str, tuple[int, int]]:
        """Name -> (offset, bytes; -8 for a number that may be negative); "" -> (the end, 0)."""
        if not self._places:
            offset = 0
            for field in self._fields.split():
                name, size = _name_and_size(field)
                self._places[name or "0"] = (offset, size)
                offset += abs(size)
            self._places[""] = (offset, 0)
        return self._places

    def pack(self, tail: bytes = b"", **fields: "Any") -> bytes:
        """The message of these fields: all of them, `ver` left out. ValueError: any other."""
        places = self.places()
        body = bytearray(self.size)
        left = len(places) - 1
        for name, value in fields.items():
            if name not in places or name in ("", "0", "ver"):
                raise ValueError(f"{self.name} has no field {name}")
            offset, size = places[name]
            body[offset : offset + abs(size)] = _packed(value, size)
            left -= 1
        if "ver" in places:
            body[places["ver"][0]] = VERSION
            left -= 1
        if left != ("0" in places):
            raise ValueError(f"{self.name}: a field is missing")
        if tail and not self.has_tail:
            raise ValueError(f"{self.name} has no tail")
        return bytes(body) + tail

    def read(self, data: bytes) -> "Record":
        """The record of these bytes; `Refused(MALFORMED)`: a length, version or zero is wrong."""
        places = self.places()
        if len(data) < self.size or (len(data) > self.size and not self.has_tail):
            raise Refused(MALFORMED, f"{self.name} has another length")
        if "ver" in places and data[places["ver"][0]] != VERSION:
            raise Refused(MALFORMED, f"{self.name} is of another version")
        if "0" in places and data[places["0"][0]]:
            raise Refused(MALFORMED, f"{self.name} has a bit set that means nothing")
        return Record(self, bytes(data))


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
        try:
            offset, size = self.layout.places()[name]
        except KeyError:
            raise AttributeError(name) from None
        raw = self.raw[offset : offset + abs(size)]
        if size in _FORMATS:
            return int.from_bytes(raw, "big")
        return struct.unpack(">q", raw)[0] if size < 0 else raw

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Record)
            and self.layout is other.layout
            and self.signed == other.signed
        )

    def __hash__(self) -> int:
        return hash(self.signed)


def _name_and_size(field: str) -> tuple[str, int]:
    """`ctr4` -> ("ctr", 4), `net-8` -> ("net", -8), `0` -> ("", 1)."""
    if field == "0":
        return "", 1
    name = field.rstrip("0123456789")
    size = int(field[len(name) :])
    return (name[:-1], -size) if name[-1] == "-" else (name, size)


def _packed(value: "Any", size: int) -> bytes:
    """A field's bytes; ValueError where the value does not fit."""
    if size in _FORMATS or size < 0:
        bits = 8 * abs(size)
        lowest = -(1 << bits - 1) if size < 0 else 0
        if type(value) is not int or not lowest <= value < lowest + (1 << bits):
            raise ValueError("a number does not fit its field")
        return struct.pack(_FORMATS.get(size, ">q"), value)
    if len(value) != size:
        raise ValueError("a field has another length")
    return bytes(value)
