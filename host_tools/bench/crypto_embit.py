"""Runs on MicroPython: embit's own functions on secp256k1, as `crypto_program` counts them.

Encoding a signature is left out, as MicroPython lacks what that needs.
"""

import sys

from firmware.common import crypto

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def calls(operation: str, inputs: int) -> list:
    """As many calls of an operation, of different keys."""
    sys.modules["hmac"] = _Hmac  # type: ignore[assignment]
    import embit_key  # type: ignore[import-not-found]

    secrets = [crypto.sha256(bytes([i])) for i in range(inputs)]
    return [_embit_call(embit_key, operation, secret) for secret in secrets]


class _Hmac:
    """The module that embit imports, as far as it uses it."""

    @staticmethod
    def new(key: bytes, message: bytes, _hash: str) -> "_Mac":
        return _Mac(key, message)


class _Mac:
    def __init__(self, key: bytes, message: bytes) -> None:
        self._key, self._message = key, message

    def digest(self) -> bytes:
        from firmware.common.crypto.kdf import hmac_sha256

        return hmac_sha256(self._key, self._message)


def _embit_call(embit: "Any", operation: str, secret: bytes) -> "Any":
    d = int.from_bytes(secret, "big")
    key = embit.ECKey()
    key.set(secret, False)
    if operation == "generate_key":
        return lambda: key.get_pubkey().get_bytes()
    if operation == "sign":
        return lambda: _embit_sign(embit, d, secret)
    point = embit.SECP256K1.affine(embit.SECP256K1.mul([(embit.SECP256K1_G, d)]))
    if operation == "agree":
        return lambda: embit.SECP256K1.affine(embit.SECP256K1.mul([(point, d)]))
    public = embit.ECPubKey()
    public.set(key.get_pubkey().get_bytes())
    r, s = _embit_sign(embit, d, secret)
    signature = _der(r, s)
    return lambda: _expect(public.verify_ecdsa(signature, secret))


def _embit_sign(embit: "Any", d: int, digest: bytes) -> tuple[int, int]:
    """As its `sign_ecdsa` does it."""
    z, order = int.from_bytes(digest, "big"), embit.SECP256K1_ORDER
    k = embit.deterministic_k(d, z)
    r = embit.SECP256K1.affine(embit.SECP256K1.mul([(embit.SECP256K1_G, k)]))[0] % order
    s = embit.modinv(k, order) * (z + d * r) % order
    return r, min(s, order - s)


def _der(r: int, s: int) -> bytes:
    parts = b""
    for number in (r, s):
        data = number.to_bytes(32, "big")
        data = b"\x00" + data if data[0] & 0x80 else data
        parts += bytes([2, len(data)]) + data
    return bytes([0x30, len(parts)]) + parts


def _expect(verified: bool) -> None:
    if not verified:
        raise ValueError("a good signature was not verified")
