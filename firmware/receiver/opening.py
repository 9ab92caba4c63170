"""Opens an envelope in the steps of `interchange.envelope.open_envelope`, each loaded for itself.

What one step hands to the next is bytes and text: an object would keep its step's code in RAM.
"""

from firmware.common import crypto, late
from firmware.common.interchange.envelope import ack_key, check_outside
from firmware.common.interchange.transaction import signed_digest
from firmware.common.wire.errors import BAD_SIGNATURE, Refused
from firmware.receiver.accept import Opened

_DRAFTING = "firmware.common.interchange.drafting"
_ENVELOPE = "firmware.common.interchange.envelope"
_JWK = "firmware.common.interchange.jwk"
_PARTS = "firmware.receiver.parts"
_READING = "firmware.receiver.reading"
_SEALED = "firmware.common.interchange.sealed"
_TRANSACTION = "firmware.common.interchange.transaction"


def open_payment(raw: bytes, private: bytes) -> Opened:
    """The payment in an envelope sealed to this board's ECDH key. Raises `Refused`."""
    # `form` becomes what was read from it, so that what it was can go.
    form, outer_id = late.call(_ENVELOPE, "read_members", raw)
    outer_key = late.call(_JWK, "member_key", form, "sender_public_key")
    ephemeral = late.call(_JWK, "member_key", form, "sender_ecdh_public_key")
    form = late.call(_PARTS, "read_sealed", form, ephemeral)
    form, key = late.call(_SEALED, "open_parts", form, private)
    form = late.call(_TRANSACTION, "read_members", form)
    public = late.call(_JWK, "member_key", form, "sender_public_key")
    txn_hash, fields, signature = late.call(_READING, "read_payment", form, public)
    form = None
    check_outside(outer_key, outer_id, public, fields[0])
    if not crypto.verify(public, signed_digest(txn_hash), signature):
        raise Refused(BAD_SIGNATURE, "the payer's signature is wrong")
    text = late.call(_DRAFTING, "signed_json", fields, signature, public)
    return Opened(txn_hash, fields, text, ack_key(key))
