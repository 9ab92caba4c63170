"""Opens an envelope in the steps of `interchange.envelope.open_envelope`, each loaded for itself.

What one step hands to the next is bytes and text: an object would keep its step's code in RAM.
"""

from firmware.common import crypto, late
from firmware.common.interchange.envelope import ack_key, check_outside
from firmware.common.interchange.transaction import signed_digest
from firmware.common.wire.errors import BAD_SIGNATURE, Refused

_ENVELOPE = "firmware.common.interchange.envelope"
_JWK = "firmware.common.interchange.jwk"
_READING = "firmware.receiver.reading"
_SEALED = "firmware.common.interchange.sealed"
_TRANSACTION = "firmware.common.interchange.transaction"


def open_payment(raw: bytes, private: bytes) -> tuple:
    """What `Opened` is made of, from an envelope sealed to this board's ECDH key.

    Raises `Refused`.
    """
    outer_key, outer_id, parts = late.call(_ENVELOPE, "read", raw)
    plaintext, key = late.call(_SEALED, "open_parts", parts, private)
    parts = None
    found = late.call(_TRANSACTION, "read_members", plaintext)
    plaintext = None
    public = late.call(_JWK, "member_key", found, "sender_public_key")
    payment, signature = late.call(_READING, "read_payment", found, public, ack_key(key))
    found = None
    hash_, txn_id = payment[:2]
    check_outside(outer_key, outer_id, public, txn_id)
    if not crypto.verify(public, signed_digest(hash_), signature):
        raise Refused(BAD_SIGNATURE, "the payer's signature is wrong")
    return payment
