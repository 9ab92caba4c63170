"""The door on a board: machine code stays, what drives it is loaded for each use and let go.

Machine code needs a block of the heap in one piece while it is loaded, and memory that is
executable and only freed by a restart: so it is loaded once, right after the radio and before
anything else. Its drivers and tables, 5 to 8 KB for each use, are let go, as heap is the tightest
budget there is.
"""

from firmware.common import late
from firmware.common.crypto import field, inversion, scalar  # noqa: F401  stays
from firmware.common.crypto.aesgcm import seal, unseal  # noqa: F401  1 KB, less than loading it

_SIGNING = "firmware.common.crypto.signing"
_VERIFYING = "firmware.common.crypto.verifying"
_AGREEING = "firmware.common.crypto.agreeing"


def generate_key() -> tuple[bytes, bytes]:
    """A fresh (private, public)."""
    return late.call(_SIGNING, "generate_key")


def public_key(private: bytes) -> bytes:
    return late.call(_SIGNING, "public_key", private)


def sign(private: bytes, digest: bytes) -> bytes:
    """The low-s signature of a digest; always the same one for the same input (RFC 6979)."""
    return late.call(_SIGNING, "sign", private, digest)


def verify(public: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether the signature is good; high s is good too, see `is_low_s`."""
    return late.call(_VERIFYING, "verify", public, digest, signature)


def agree(private: bytes, public: bytes) -> bytes:
    """The shared secret of ECDH, 32 bytes: to be hashed by `hkdf`, never to be used as it is."""
    return late.call(_AGREEING, "agree", private, public)
