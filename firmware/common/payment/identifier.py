"""Names of accounts and wallets: what they may consist of."""

from firmware.common.wire.errors import MALFORMED, Refused
from firmware.common.wire.limits import ID_BYTES_MAX


def identifier(text: str) -> str:
    """The text itself: 1 to 64 bytes of UTF-8 without control characters; else `Refused`."""
    if not 0 < len(text.encode()) <= ID_BYTES_MAX or min(text) < " ":
        raise Refused(MALFORMED, "an id must have 1 to 64 bytes and no control characters")
    return text
