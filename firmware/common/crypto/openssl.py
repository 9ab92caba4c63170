"""The door on CPython: OpenSSL through `cryptography`, byte for byte what the firmware does."""

import hashlib
import hmac
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from firmware.common.crypto.aesgcm import check_lengths
from firmware.common.crypto.forms import N, read_private, read_signature
from firmware.common.crypto.kdf import OUTPUT_BYTES_MAX
from firmware.common.crypto.randomness import random_scalar

_KEYS_MAX = 256  # loaded keys that are kept; loading costs about as much as using
_CURVE = ec.SECP256R1()
_SIGN = ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True)
_VERIFY = ec.ECDSA(Prehashed(SHA256()))


def generate_key() -> tuple[bytes, bytes]:
    """A fresh (private, public)."""
    private = random_scalar()
    return private, public_key(private)


def public_key(private: bytes) -> bytes:
    numbers = _load_private(bytes(private)).public_key().public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def sign(private: bytes, digest: bytes) -> bytes:
    """The low-s signature of a digest; always the same one for the same input (RFC 6979)."""
    r, s = decode_dss_signature(_load_private(bytes(private)).sign(digest, _SIGN))
    return r.to_bytes(32, "big") + min(s, N - s).to_bytes(32, "big")


def verify(public: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether the signature is good; high s is good too, see `is_low_s`."""
    key = _load_public(bytes(public))
    r, s = read_signature(signature)
    try:
        key.verify(encode_dss_signature(r, s), digest, _VERIFY)
    except InvalidSignature:
        return False
    return True


def agree(private: bytes, public: bytes) -> bytes:
    """The shared secret of ECDH, 32 bytes: to be hashed by `hkdf`, never to be used as it is."""
    return _load_private(bytes(private)).exchange(ec.ECDH(), _load_public(bytes(public)))


def seal(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes = b"") -> bytes:
    """ciphertext || tag. A nonce must never serve twice under one key. ValueError: bad length."""
    check_lengths(key, nonce)
    return AESGCM(key).encrypt(nonce, plaintext, aad)


def unseal(key: bytes, nonce: bytes, sealed: bytes, aad: bytes = b"") -> bytes:
    """The plaintext; ValueError for a bad length or where key, nonce, aad or a bit is not right."""
    check_lengths(key, nonce)
    try:
        return AESGCM(key).decrypt(nonce, sealed, aad)
    except InvalidTag:
        raise ValueError("the tag is not right") from None


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """Extract and expand to 1 … 8160 bytes; ValueError for another length."""
    if not 0 < length <= OUTPUT_BYTES_MAX:
        raise ValueError("HKDF yields 1 to 8160 bytes")
    return HKDF(SHA256(), length, salt, info).derive(secret)


def equal(a: bytes, b: bytes) -> bool:
    """Whether both are the same; takes as long wherever they differ (the length is no secret)."""
    return hmac.compare_digest(a, b)


@lru_cache(maxsize=_KEYS_MAX)
def _load_private(private: bytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(read_private(private), _CURVE)


@lru_cache(maxsize=_KEYS_MAX)
def _load_public(public: bytes) -> ec.EllipticCurvePublicKey:
    read_signature(public)  # the same form: 64 bytes
    return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, b"\x04" + public)
