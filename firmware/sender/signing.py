"""Signs and seals a payment: the JSON forms, loaded while one is made and let go again."""

from binascii import hexlify

from firmware.common.interchange import envelope, transaction
from firmware.common.storage.store import Store
from firmware.sender.intent import Intent


def sign_payment(
    intent: Intent, store: Store, prev_hash: str, timestamp: str
) -> tuple[dict, bytes]:
    """The journal's header (hash, id, to, amount, ack) and the envelope for the payee."""
    identity = store.enrolled()
    payment = transaction.Transaction(
        transaction.new_id(),
        identity.account,
        intent.payee.account,
        intent.amount_minor,
        timestamp,
        prev_hash,
        identity.wallet or None,
    )
    transaction.sign(payment, store.keys.signing, store.keys.signing_public)
    text, ack_key = envelope.seal(payment, intent.payee.ecdh)
    header = {
        "hash": payment.hash,
        "id": payment.txn_id,
        "to": payment.to_id,
        "amount": payment.amount_minor,
        "ack": hexlify(ack_key).decode(),
    }
    return header, text.encode()
