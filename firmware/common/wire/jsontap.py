"""The messages of a tap in JSON forms; numbers and names are those of OPG1 (see `wire.messages`).

    message = type1 || body

For now the bodies carry the JSON payment: what the link moves is opaque to it.

    HELLO    S->R  version1                                  who is there?
    PREQ     R->S  packet {request, payee, name, amount}, the payee's connection code
    TXN      S->R  request8 || envelope
    ACK      R->S  packet {hash, index, head}, proof of 32 bytes (see `payment.acknowledgement`)
    VERDICT  R->S  reason1 || detail as text                 not accepted
"""

HELLO = 0
PREQ = 2
VERDICT = 5
TXN = 6
ACK = 7

VERSION = 1
REQUEST_BYTES = 8


def make(kind: int, body: bytes) -> bytes:
    """The message of a type and its body."""
    return bytes((kind,)) + body
