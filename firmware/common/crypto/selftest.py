"""The known answers that must come out before a board may touch a key or money.

Sources: RFC 6979 A.2.5 (P-256 and SHA-256, message "test"), NIST's gcmEncryptExtIV256.rsp
(plaintext of 104 bits, 160 bits of AAD, count 0), RFC 5869 A.1.
"""

from binascii import unhexlify

from firmware.common import crypto
from firmware.common.crypto import randomness

_PRIVATE = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
_SIGNATURE = (
    "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
    "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"
)

_KEY = "69b458f2644af9020463b40ee503cdf083d693815e2659051ae0d039e606a970"
_NONCE = "8d1da8ab5f91ccd09205944b"
_PLAINTEXT = "f3e0e09224256bf21a83a5de8d"
_AAD = "036ad5e5494ef817a8af2f5828784a4bfedd1653"
_SEALED = "c0a62d77e6031bfdc6b13ae217a794a9aaee48cd92e47761bf1baff0af"

_OKM = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"


def first_failure() -> str:
    """The name of the first answer that is not right, "" where all are."""
    answers = (
        ("signature", _signature_is_right),
        ("AES-GCM", _sealing_is_right),
        ("HKDF", _derivation_is_right),
        ("random source", _source_moves),
    )
    for name, is_right in answers:
        if not is_right():
            return name
    return ""


def _signature_is_right() -> bool:
    signature = crypto.sign(unhexlify(_PRIVATE), crypto.sha256(b"test"))
    return signature == unhexlify(_SIGNATURE)


def _sealing_is_right() -> bool:
    key, nonce, aad = unhexlify(_KEY), unhexlify(_NONCE), unhexlify(_AAD)
    sealed = crypto.seal(key, nonce, unhexlify(_PLAINTEXT), aad)
    if sealed != unhexlify(_SEALED):
        return False
    try:
        crypto.unseal(key, nonce, sealed[:-1] + b"\x00", aad)
    except ValueError:
        return crypto.unseal(key, nonce, sealed, aad) == unhexlify(_PLAINTEXT)
    return False


def _derivation_is_right() -> bool:
    okm = crypto.hkdf(b"\x0b" * 22, bytes(range(13)), bytes(range(0xF0, 0xFA)), 42)
    return okm == unhexlify(_OKM)


def _source_moves() -> bool:
    return not randomness.is_stuck() and crypto.random_bytes(32) != crypto.random_bytes(32)
