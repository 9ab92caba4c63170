"""Frames on a byte pipe: found again after noise, and never a byte that breaks into a REPL.

    frame = 0x7E stuffed( kind1 connection2 sequence1 length2 payload crc2 ) 0x7E     big-endian
    crc   = CRC-16/IBM-3740 (polynomial 0x1021, initial 0xFFFF) of everything before it

Stuffing writes 0x00, 0x03, 0x7D and 0x7E as 0x7D followed by the byte XOR 0x20 (as PPP does,
RFC 1662, section 4.2), so that Ctrl-C on a board's REPL port always means Ctrl-C.
"""

from struct import pack, unpack

from firmware.common.wire.limits import FRAME_PAYLOAD_BYTES_MAX

FLAG = b"\x7e"
_ESCAPE = b"\x7d"
_STUFFED = (0x7D, 0x7E, 0x00, 0x03)  # the escape itself first
_HEADER = ">BHBH"
_HEADER_BYTES = 6
_FRAME_BYTES_MAX = 2 * (_HEADER_BYTES + FRAME_PAYLOAD_BYTES_MAX + 2)


def encode(kind: int, connection: int, sequence: int, payload: bytes = b"") -> bytes:
    """One frame, both flags included."""
    body = pack(_HEADER, kind, connection, sequence, len(payload)) + payload
    body += pack(">H", crc16(body))
    for byte in _STUFFED:
        body = body.replace(bytes((byte,)), bytes((0x7D, byte ^ 0x20)))
    return FLAG + body + FLAG


def decode(stuffed: bytes) -> tuple[int, int, int, bytes] | None:
    """(kind, connection, sequence, payload) of what stood between two flags; None if damaged."""
    body = _unstuff(stuffed)
    if len(body) < _HEADER_BYTES + 2 or crc16(body[:-2]) != unpack(">H", body[-2:])[0]:
        return None
    kind, connection, sequence, length = unpack(_HEADER, body[:_HEADER_BYTES])
    payload = body[_HEADER_BYTES:-2]
    if length != len(payload) or length > FRAME_PAYLOAD_BYTES_MAX:
        return None
    return kind, connection, sequence, payload


def crc16(data: bytes) -> int:
    """CRC-16/IBM-3740, a byte a step without a table."""
    crc = 0xFFFF
    for byte in data:
        x = (crc >> 8) ^ byte
        x ^= x >> 4
        crc = ((crc << 8) ^ (x << 12) ^ (x << 5) ^ x) & 0xFFFF
    return crc


class Splitter:
    """Cuts a stream at its flags; holds at most one unfinished frame."""

    def __init__(self) -> None:
        self._rest = b""

    def split(self, data: bytes) -> list[bytes]:
        """What stood between flags until now; noise is in it and fails in `decode`."""
        pieces = (self._rest + data).split(FLAG)
        # One byte more than any frame has: enough to be refused, whatever else follows.
        self._rest = pieces.pop()[: _FRAME_BYTES_MAX + 1]
        return [piece for piece in pieces if 0 < len(piece) <= _FRAME_BYTES_MAX]


def _unstuff(stuffed: bytes) -> bytes:
    pieces = stuffed.split(_ESCAPE)
    body = pieces[0]
    for piece in pieces[1:]:
        if not piece:
            return b""
        body += bytes((piece[0] ^ 0x20,)) + piece[1:]
    return body
