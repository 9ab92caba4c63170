"""The envelope: one transaction sealed to its payee, as file, QR text or serial message.

The signing key and, where present, the txn_id stand outside the encryption too, so that a
reader can sort envelopes; they must equal the inner ones, else somebody re-wrapped it.
"""

from firmware.common import crypto
from firmware.common.interchange import jsontext, jwk, sealed, transaction
from firmware.common.interchange.transaction import Transaction
from firmware.common.wire.errors import KEY_MISMATCH, TOO_LARGE, Refused
from firmware.common.wire.limits import ENVELOPE_BYTES_MAX

_INFO_ACK = b"opg acknowledgement"


def seal(payment: Transaction, payee_ecdh: bytes) -> tuple[str, bytes]:
    """The envelope's JSON and the key that an acknowledgement of it is made with."""
    members, ephemeral, key = sealed.seal(transaction.to_json(payment).encode(), payee_ecdh)
    text = '{%s,"sender_public_key":%s,"sender_ecdh_public_key":%s,"txn_id":"%s"}' % (
        members,
        jwk.jwk_from_public(payment.sender_public_key),
        jwk.jwk_from_public(ephemeral),
        payment.txn_id,
    )
    return text, _ack_key(key)


def open_envelope(raw: bytes, private: bytes) -> tuple[Transaction, bytes]:
    """The verified transaction and the acknowledgement key.

    Checks the form, opens it with the payee's 32-byte ECDH key, compares outside and inside
    and verifies the payer's signature. Raises `Refused`.
    """
    if len(raw) > ENVELOPE_BYTES_MAX:
        raise Refused(TOO_LARGE, "an envelope has at most %d bytes" % ENVELOPE_BYTES_MAX)
    found = jsontext.members(raw)
    outer_key = jwk.member_key(found, "sender_public_key")
    ephemeral = jwk.member_key(found, "sender_ecdh_public_key")
    plaintext, key = sealed.unseal(found, ephemeral, private)
    payment = transaction.parse(plaintext)
    if payment.sender_public_key != outer_key:
        raise Refused(KEY_MISMATCH, "the outer signing key is not the inner one")
    if "txn_id" in found and jsontext.string(found["txn_id"]) != payment.txn_id:
        raise Refused(KEY_MISMATCH, "the outer txn_id is not the inner one")
    transaction.check_signature(payment)
    return payment, _ack_key(key)


def _ack_key(key: bytes) -> bytes:
    # Not K itself: what makes acknowledgements must not open the envelope.
    return crypto.hkdf(key, b"", _INFO_ACK, 32)
