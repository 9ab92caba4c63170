"""Signs and seals a payment in the steps of `interchange.envelope.seal`, each loaded for itself.

What one step hands to the next is bytes and text: an object would keep its step's code in RAM.
"""

from binascii import hexlify

from firmware.common import crypto, late
from firmware.common.interchange.envelope import ack_key
from firmware.common.interchange.transaction import new_id, signed_digest
from firmware.common.storage.store import Store
from firmware.sender.intent import Intent

_DRAFTING = "firmware.sender.drafting"


def sign_payment(
    intent: Intent, store: Store, prev_hash: str, timestamp: str
) -> tuple[dict, bytes]:
    """The journal's header (hash, id, to, amount, ack) and the envelope for the payee."""
    identity = store.enrolled()
    txn_id, to_id, amount_minor = new_id(), intent.payee.account, intent.amount_minor
    wallet = identity.wallet or None
    fields = (txn_id, identity.account, to_id, amount_minor, timestamp, prev_hash, wallet)
    txn_hash = late.call(_DRAFTING, "hash_of", fields)
    public = store.keys.signing_public
    signature = crypto.sign(store.keys.signing, signed_digest(txn_hash))
    plaintext = late.call(_DRAFTING, "signed_json", fields, signature, public).encode()
    members, ephemeral, key = late.call(
        "firmware.common.interchange.sealed", "seal", plaintext, intent.payee.ecdh
    )
    envelope = late.call(
        "firmware.common.interchange.envelope", "write", members, public, ephemeral, txn_id
    )
    header = {
        "hash": txn_hash,
        "id": txn_id,
        "to": to_id,
        "amount": amount_minor,
        "ack": hexlify(ack_key(key)).decode(),
    }
    return header, envelope.encode()
