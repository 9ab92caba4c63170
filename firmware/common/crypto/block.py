"""The AES block cipher, the one primitive that neither side's own code has."""

import sys

if sys.implementation.name == "micropython":
    from cryptolib import aes  # type: ignore[import-not-found]

    _MODE_ECB = 1

    def encrypt_blocks(key: bytes, blocks: bytearray | memoryview) -> None:
        """Encrypt each 16 bytes on their own, in place."""
        aes(key, _MODE_ECB).encrypt(blocks, blocks)

else:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    def encrypt_blocks(key: bytes, blocks: bytearray | memoryview) -> None:
        """Encrypt each 16 bytes on their own, in place."""
        blocks[:] = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(blocks)
