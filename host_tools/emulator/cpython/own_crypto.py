"""Makes the crypto door use the firmware's own code, as a board does, to step through it.

The door and the block cipher choose by the interpreter's name; within the block that name is
MicroPython's, and its `cryptolib` is `ucryptolib` here. Everybody in this process is affected.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from firmware.common import crypto
from firmware.common.crypto import aesgcm, block
from host_tools.emulator.cpython import ucryptolib

# What is machine code on a board is not to take this for a board: it is loaded before.
importlib.import_module("firmware.common.crypto.p256")

_CHOOSERS = (block, aesgcm, crypto)  # in the order in which they import one another


@contextmanager
def own_crypto() -> Iterator[None]:
    """Within the block no OpenSSL is called but for single AES blocks."""
    implementation, refusal = sys.implementation, crypto.SelfTestFailed
    sys.modules["cryptolib"] = ucryptolib
    sys.implementation = SimpleNamespace(**{**vars(implementation), "name": "micropython"})
    try:
        _choose_again(refusal)
        yield
    finally:
        sys.implementation = implementation
        del sys.modules["cryptolib"]
        _choose_again(refusal)


def _choose_again(refusal: type[Exception]) -> None:
    for module in _CHOOSERS:
        importlib.reload(module)
    crypto.SelfTestFailed = refusal  # whoever catches it holds the one from before
