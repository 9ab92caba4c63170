"""Opens an envelope in the steps of `interchange.envelope.open_envelope`, each loaded for itself.

What one step hands to the next is bytes and text: an object would keep its step's code in RAM.
"""

from firmware.common import crypto, late
from firmware.common.interchange.envelope import ack_key, check_outside
from firmware.common.interchange.transaction import signed_digest
from firmware.common.wire.errors import BAD_SIGNATURE, Refused
from firmware.receiver.accept import Opened


def open_payment(raw: bytes, private: bytes) -> Opened:
    """The payment in an envelope sealed to this board's ECDH key. Raises `Refused`."""
    form = late.call("firmware.common.interchange.envelope", "read", raw)
    outer_key, outer_id, parts = form
    plaintext, key = late.call("firmware.common.interchange.sealed", "open_parts", parts, private)
    payment, public, signature = late.call(
        "firmware.receiver.reading", "read_payment", plaintext, ack_key(key)
    )
    check_outside(outer_key, outer_id, public, payment.txn_id)
    if not crypto.verify(public, signed_digest(payment.hash), signature):
        raise Refused(BAD_SIGNATURE, "the payer's signature is wrong")
    return payment
