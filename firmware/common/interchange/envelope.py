"""The envelope: one transaction sealed to its payee, as file, QR text or serial message.

The signing key and, where present, the txn_id stand outside the encryption too, so that a
reader can sort envelopes; they must equal the inner ones, else somebody re-wrapped it.

`seal` and `open_envelope` are the whole of it. A board has no room for that at once: it takes
the same steps one by one, each loaded for itself (`sender.issuing`, `receiver.opening`).
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
    return write(members, payment.sender_public_key, ephemeral, payment.txn_id), ack_key(key)


def open_envelope(raw: bytes, private: bytes) -> tuple[Transaction, bytes]:
    """The verified transaction and the acknowledgement key.

    Checks the form, opens it with the payee's 32-byte ECDH key, compares outside and inside
    and verifies the payer's signature. Raises `Refused`.
    """
    outer_key, outer_id, parts = read(raw)
    plaintext, key = sealed.open_parts(parts, private)
    payment = transaction.parse(plaintext)
    check_outside(outer_key, outer_id, payment.sender_public_key, payment.txn_id)
    transaction.check_signature(payment)
    return payment, ack_key(key)


def write(members: str, signing_public: bytes, ephemeral: bytes, txn_id: str) -> str:
    """The envelope's JSON around the members that `sealed.seal` made."""
    return '{%s,"sender_public_key":%s,"sender_ecdh_public_key":%s,"txn_id":"%s"}' % (
        members,
        jwk.jwk_from_public(signing_public),
        jwk.jwk_from_public(ephemeral),
        txn_id,
    )


def read(raw: bytes) -> tuple[bytes, str | None, tuple]:
    """The signing key and txn_id that stand outside, and the parts for `sealed.open_parts`."""
    if len(raw) > ENVELOPE_BYTES_MAX:
        raise Refused(TOO_LARGE, "an envelope has at most %d bytes" % ENVELOPE_BYTES_MAX)
    found = jsontext.members(raw)
    outer_key = jwk.member_key(found, "sender_public_key")
    ephemeral = jwk.member_key(found, "sender_ecdh_public_key")
    outer_id = jsontext.string(found["txn_id"]) if "txn_id" in found else None
    return outer_key, outer_id, sealed.read_parts(found, ephemeral)


def check_outside(outer_key: bytes, outer_id: str | None, inner_key: bytes, inner_id: str) -> None:
    """Raises `Refused(KEY_MISMATCH)` unless the outside says the same as the inside."""
    if outer_key != inner_key:
        raise Refused(KEY_MISMATCH, "the outer signing key is not the inner one")
    if outer_id not in (None, inner_id):
        raise Refused(KEY_MISMATCH, "the outer txn_id is not the inner one")


def ack_key(key: bytes) -> bytes:
    """What acknowledgements of the envelope with this K are made with."""
    # Not K itself: what makes acknowledgements must not open the envelope.
    return crypto.hkdf(key, b"", _INFO_ACK, 32)
