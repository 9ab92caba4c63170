"""The payee's signed request, PREQ: what the payer's screen shows derives from it alone.

    core       = {flags, payee, req_nonce, amount, cur, ttl_s, ref, t_lb, rev_seq}, 46 bytes
    PREQ       = core || transcript16, signed by KD
    req_hash   = SHA-256(core)[:16]            which the payment names
    transcript = SHA-256(HELLO_S || HELLO_R)[:16]          the connection it was said on

The core is frozen and journalled when the request is opened; it stays the same over connections.
"""

from firmware.common import crypto
from firmware.common.payment import label
from firmware.common.payment.certificate import device_id
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import KEY_MISMATCH, MALFORMED, OVER_LIMIT, REPLAY, Refused
from firmware.common.wire.messages import PREQ
from firmware.common.wire.signed import read_signed, sign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# PREQ.flags
NO_REQUEST = 1  # the amount is 0: the payee only says who it is

CORE_BYTES = 46
_TRANSCRIPT_BYTES = 16


def make_core(**fields: "Any") -> bytes:
    """The 46 bytes that are frozen at OPEN, of all fields but the transcript."""
    return PREQ.pack(transcript=bytes(_TRANSCRIPT_BYTES), **fields)[:CORE_BYTES]


def make_request(realm8: bytes, private: bytes, core: bytes, transcript: bytes) -> bytes:
    """A signed PREQ for one connection."""
    body = core + transcript
    PREQ.read(body)  # a core from a journal of another version is not signed
    return sign(realm8, PREQ, body, private)


def check_request(realm8: bytes, device: Record, data: bytes, transcript: bytes) -> Record:
    """The PREQ that the device of this checked DCERT signed on this connection.

    Raises `Refused`: MALFORMED, BAD_SIGNATURE, KEY_MISMATCH, REPLAY, OVER_LIMIT.
    """
    request = read_signed(realm8, PREQ, data, device.pub)
    if request.payee != device_id(device.pub):
        raise Refused(KEY_MISMATCH, "the request is for another payee")
    if request.transcript != transcript:
        raise Refused(REPLAY, "the request is from another connection")
    label.to_text(request.ref)
    if request.flags not in (0, NO_REQUEST) or (request.amount == 0) != (
        request.flags == NO_REQUEST
    ):
        raise Refused(MALFORMED, "a request is for an amount")
    if request.amount > device.rx_limit:
        raise Refused(OVER_LIMIT, "the payee may not ask for that much")
    return request


def request_hash(core: bytes) -> bytes:
    """16 bytes that name the request; `core` may be the whole PREQ."""
    return crypto.sha256(core[:CORE_BYTES])[:16]
