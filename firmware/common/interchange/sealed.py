"""What the envelope and the encrypted ledger share: a message sealed to an ECDH key.

    K                 = 32 random bytes
    encrypted_payload = b64( AES-256-GCM(K, iv, plaintext) )           iv: 12 random bytes
    W                 = HKDF-SHA-256(ECDH(e, recipient), no salt, "aes-key-wrapping", 32)
    encrypted_aes_key = b64( iv2 || AES-256-GCM(W, iv2, K) )           iv2: 12 random bytes

e is a fresh key for each message, so nothing on the sender's board opens it again.
"""

from firmware.common import crypto
from firmware.common.interchange import base64, jsontext
from firmware.common.wire.errors import CANNOT_OPEN, Refused

_INFO = b"aes-key-wrapping"
_WRAPPED_BYTES = 12 + 32 + 16


def seal(plaintext: bytes, recipient: bytes) -> tuple[str, bytes, bytes]:
    """The three common members as JSON text, the ephemeral public key, and K."""
    key, iv, iv2 = crypto.random_bytes(32), crypto.random_bytes(12), crypto.random_bytes(12)
    private, ephemeral = crypto.generate_key()
    wrapping = crypto.hkdf(crypto.agree(private, recipient), b"", _INFO, 32)
    members = '"encrypted_payload":"%s","encrypted_aes_key":"%s","iv":"%s"' % (
        base64.encode(crypto.seal(key, iv, plaintext)),
        base64.encode(iv2 + crypto.seal(wrapping, iv2, key)),
        base64.encode(iv),
    )
    return members, ephemeral, key


def unseal(found: dict[str, bytes], ephemeral: bytes, private: bytes) -> tuple[bytes, bytes]:
    """The plaintext and K; raises `Refused(CANNOT_OPEN)` when it is sealed to another key."""
    return open_parts(read_parts(found, ephemeral), private)


def read_parts(found: dict[str, bytes], ephemeral: bytes) -> tuple:
    """What `open_parts` takes: the ephemeral key and the three members as bytes."""
    wrapped = base64.decode(jsontext.text_member(found, "encrypted_aes_key"), _WRAPPED_BYTES)
    iv = base64.decode(jsontext.text_member(found, "iv"), 12)
    payload = base64.decode(jsontext.text_member(found, "encrypted_payload"))
    return ephemeral, wrapped, iv, payload


def open_parts(parts: tuple, private: bytes) -> tuple[bytes, bytes]:
    """The plaintext and K; raises `Refused(CANNOT_OPEN)` when it is sealed to another key."""
    ephemeral, wrapped, iv, payload = parts
    try:
        wrapping = crypto.hkdf(crypto.agree(private, ephemeral), b"", _INFO, 32)
        key = crypto.unseal(wrapping, wrapped[:12], wrapped[12:])
        return crypto.unseal(key, iv, payload), key
    except ValueError:
        raise Refused(CANNOT_OPEN, "it does not open with the key on this side") from None
