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
    """In a module of its own: what is loaded here lies in the way of what is measured."""
    import crypto_embit  # type: ignore[import-not-found]

    return crypto_embit.calls(operation, _INPUTS)


if __name__ == "crypto_program":  # imported, not run as a script
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
