"""The door on a board: the curve and the cipher are loaded when they are asked for, and let go.

Loading takes a hundredth of the time of what they then do, and their 9 KB are a quarter of what a
payment needs.
"""

from firmware.common import late

_P256 = "firmware.common.crypto.p256"
_AESGCM = "firmware.common.crypto.aesgcm"


def generate_key() -> tuple[bytes, bytes]:
    """A fresh (private, public)."""
    return late.call(_P256, "generate_key")


def public_key(private: bytes) -> bytes:
    return late.call(_P256, "public_key", private)


def sign(private: bytes, digest: bytes) -> bytes:
    """The low-s signature of a digest; always the same one for the same input (RFC 6979)."""
    return late.call(_P256, "sign", private, digest)


def verify(public: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether the signature is good; high s is good too, see `is_low_s`."""
    return late.call(_P256, "verify", public, digest, signature)


def agree(private: bytes, public: bytes) -> bytes:
    """The shared secret of ECDH, 32 bytes: to be hashed by `hkdf`, never to be used as it is."""
    return late.call(_P256, "agree", private, public)


def seal(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes = b"") -> bytes:
    """ciphertext || tag. A nonce must never serve twice under one key. ValueError: bad length."""
    return late.call(_AESGCM, "seal", key, nonce, plaintext, aad)


def unseal(key: bytes, nonce: bytes, sealed: bytes, aad: bytes = b"") -> bytes:
    """The plaintext; ValueError for a bad length or where key, nonce, aad or a bit is not right."""
    return late.call(_AESGCM, "unseal", key, nonce, sealed, aad)
