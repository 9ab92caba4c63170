"""Runs on MicroPython, where its instructions are counted: one operation, some times over.

    -c "import crypto_program" WHOSE OPERATION TIMES      0 times: prints heap bytes of one
    WHOSE: ours (the door), plain (`plain_p256`), embit (its secp256k1, on the same kind of input)

All input is fixed, and so is what the chip calls random: each run does the same to the last bit.
"""

import gc
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_INPUTS = 3  # different keys and digests; a run of three does each once
_TEXT_BYTES = 1024


class _FixedOs:
    """What the firmware asks the module `os` for, with a random source that repeats."""

    @staticmethod
    def urandom(n: int) -> bytes:
        return bytes(range(n))


def main(whose: str, operation: str, times: int) -> None:
    sys.modules["os"] = _FixedOs  # type: ignore[assignment]  # before anything imports it
    calls = {"ours": _ours, "plain": _plain, "embit": _embit}[whose](operation)
    for call in calls:
        call()
    if times == 0:
        print(*_heap_bytes(calls[0]))
    gc.collect()
    for i in range(times):
        calls[i]()


class _NoCollector:
    """What is loaded for a call would be let go, and garbage with it."""

    @staticmethod
    def collect() -> None: ...


def _heap_bytes(call: "Any") -> tuple[int, int]:
    """What one call takes from the heap: where its modules are loaded, and where they are not."""
    from firmware.common import late

    late.gc = _NoCollector  # type: ignore[assignment]
    with_loading = _taken(call)
    sys.path.insert(0, "firmware/common/crypto")
    for name in ("agreeing", "signing", "verifying"):
        __import__(name)  # as `late` does; what is there already is not let go
    sys.path.pop(0)
    return _taken(call), with_loading


def _taken(call: "Any") -> int:
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()  # type: ignore[attr-defined]
    call()
    taken = gc.mem_alloc() - before  # type: ignore[attr-defined]
    gc.enable()
    return taken


def _ours(operation: str) -> list:
    from firmware.common import crypto
    from firmware.common.crypto.block import encrypt_blocks

    secret, salt, text = bytes(range(32)), bytes(range(64)), bytes(_TEXT_BYTES)
    key, nonce = crypto.sha256(b"key"), bytes(range(12))
    blocks = bytearray(_TEXT_BYTES + 32)
    fixed = {
        "seal": lambda: crypto.seal(key, nonce, text),
        "ecb": lambda: encrypt_blocks(key, blocks),
        "hkdf": lambda: crypto.hkdf(secret, salt, b"info", 32),
    }
    if operation in fixed:
        return [fixed[operation]] * _INPUTS
    return _curve_calls(crypto, operation)


def _plain(operation: str) -> list:
    import plain_p256  # type: ignore[import-not-found]

    return _curve_calls(plain_p256, operation)


def _curve_calls(curve: "Any", operation: str) -> list:
    from firmware.common import crypto

    return [_curve_call(curve, operation, crypto.sha256(bytes([i]))) for i in range(_INPUTS)]


def _curve_call(curve: "Any", operation: str, private: bytes) -> "Any":
    from firmware.common import crypto

    if operation == "generate_key":
        return curve.generate_key
    if operation == "sign":
        return lambda: curve.sign(private, private)
    public = crypto.public_key(private)
    if operation == "agree":
        return lambda: curve.agree(private, public)
    signature = crypto.sign(private, private)
    return lambda: _expect(curve.verify(public, private, signature))


def _expect(verified: bool) -> None:
    if not verified:
        raise ValueError("a good signature was not verified")


def _embit(operation: str) -> list:
    """embit's own functions; encoding a signature is left out, MicroPython lacks what it needs."""
    from firmware.common import crypto

    sys.modules["hmac"] = _Hmac  # type: ignore[assignment]
    import embit_key  # type: ignore[import-not-found]

    calls = []
    for i in range(_INPUTS):
        secret = crypto.sha256(bytes([i]))
        calls.append(_embit_call(embit_key, operation, secret))
    return calls


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


if __name__ == "crypto_program":  # imported, not run as a script
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
