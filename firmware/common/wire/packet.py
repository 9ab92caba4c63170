"""A small header and opaque bytes, as journals and the console carry them.

    packet = compact JSON object, "\\n", body

Headers hold text, whole numbers and lists of them; amounts are minor units, so no float occurs.
"""

import json

from firmware.common.wire.errors import MALFORMED, Refused


def pack(header: dict, body: bytes = b"") -> bytes:
    """The header as one line, then the body as it is."""
    return json.dumps(header).encode() + b"\n" + body


def unpack(data: bytes) -> tuple[dict, bytes]:
    """The header and the body; `Refused(MALFORMED)` if there is no header."""
    end = data.find(b"\n")
    try:
        header = json.loads(data[:end].decode()) if end > 0 else None
    except (ValueError, TypeError, RuntimeError):  # RuntimeError: nested too deep
        header = None
    if not isinstance(header, dict):
        raise Refused(MALFORMED, "a packet starts with one line of JSON")
    return header, data[end + 1 :]
