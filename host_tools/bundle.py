"""Messages as bank and boards hand them over together: type1 || len2 || message, repeated."""

from collections.abc import Iterable

from firmware.common.wire.errors import MALFORMED, Refused

Message = tuple[int, bytes]  # type, and what is signed or sealed

_HEAD_BYTES = 3


def split(data: bytes) -> list[Message]:
    """The messages of a bundle. Raises `Refused(MALFORMED)` where one is cut off."""
    found, start = [], 0
    while start < len(data):
        begin = start + _HEAD_BYTES
        end = begin + int.from_bytes(data[start + 1 : begin], "big")
        if end > len(data) or begin > len(data):
            raise Refused(MALFORMED, "a bundle of messages is cut off")
        found.append((data[start], data[begin:end]))
        start = end
    return found


def join(messages: Iterable[Message]) -> bytes:
    """One bundle of them."""
    return b"".join(
        bytes((number,)) + len(message).to_bytes(2, "big") + message for number, message in messages
    )


def pieces(messages: Iterable[Message], bytes_max: int) -> list[bytes]:
    """The same as bundles of at most that many bytes, where no message alone has more."""
    found: list[bytes] = []
    for message in messages:
        one = join([message])
        if found and len(found[-1]) + len(one) <= bytes_max:
            found[-1] += one
        else:
            found.append(one)
    return found
