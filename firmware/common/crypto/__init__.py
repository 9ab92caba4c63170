"""The only door to primitives and randomness: one set of functions on MicroPython and CPython.

    generate_key() -> (private, public)        public_key(private) -> public
    sign(private, digest) -> signature         verify(public, digest, signature) -> bool
    is_low_s(signature) -> bool                is_on_curve(public) -> bool
    agree(private, public) -> shared secret
    seal(key, nonce, plaintext, aad=b"")       unseal(key, nonce, sealed, aad=b"")
    sha256(data)   hmac_sha256(key, message)   hkdf(secret, salt, info, length)
    equal(a, b)    random_bytes(n)             stir(secret, boot_count)   self_test()

A private key, a digest and a shared secret are 32 bytes, a public key x||y and a signature r||s 64.
Whatever has a bad length, is out of range, off the curve or wrongly tagged raises ValueError.

A board runs the firmware's own code, the host and the bank run OpenSSL. Both give the same bytes.
On a board this is loaded right after the radio, before anything else; see `board`.
"""

import sys

from firmware.common import late
from firmware.common.crypto.forms import is_low_s, is_on_curve
from firmware.common.crypto.randomness import random_bytes, stir

if sys.implementation.name == "micropython":
    from firmware.common.crypto.board import (
        agree,
        generate_key,
        public_key,
        seal,
        sign,
        unseal,
        verify,
    )
    from firmware.common.crypto.kdf import equal, hkdf, hmac_sha256, sha256
else:
    from firmware.common.crypto.openssl import (
        agree,
        equal,
        generate_key,
        hkdf,
        hmac_sha256,
        public_key,
        seal,
        sha256,
        sign,
        unseal,
        verify,
    )

__all__ = (
    "SelfTestFailed",
    "agree",
    "equal",
    "generate_key",
    "hkdf",
    "hmac_sha256",
    "is_low_s",
    "is_on_curve",
    "public_key",
    "random_bytes",
    "seal",
    "self_test",
    "sha256",
    "sign",
    "stir",
    "unseal",
    "verify",
)


class SelfTestFailed(Exception):
    """A known answer is wrong: this machine must not touch a key or money. Names the answer."""


def self_test() -> None:
    """Check every primitive against a known answer, and that the random source is not stuck."""
    failed = late.call("firmware.common.crypto.selftest", "first_failure")  # once, at boot
    if failed:
        raise SelfTestFailed(failed)
