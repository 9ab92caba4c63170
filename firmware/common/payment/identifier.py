"""Names of accounts and wallets: what they may consist of."""

from firmware.common.wire.errors import MALFORMED, Refused
from firmware.common.wire.limits import ID_BYTES_MAX


def identifier(text: str) -> str:
    """The text itself: 1 to 64 bytes of UTF-8 without control characters; else `Refused`."""
    ok = isinstance(text, str) and 0 < len(text.encode()) <= ID_BYTES_MAX
    if not ok or any(c < " " or "\x7f" <= c < "\xa0" for c in text):
        raise Refused(MALFORMED, "an id must have 1 to 64 bytes and no control characters")
    return text
