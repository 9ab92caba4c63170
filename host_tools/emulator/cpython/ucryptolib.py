"""MicroPython's `cryptolib` on a computer: the AES block cipher, over `cryptography`.

https://docs.micropython.org/en/latest/library/cryptolib.html
"""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

Buffer = bytes | bytearray

MODE_ECB = 1
MODE_CBC = 2
MODE_CTR = 6


class aes:  # noqa: N801 - the name it has there
    """A cipher that keeps its state, and serves for one direction only."""

    def __init__(self, key: bytes, mode: int, iv: bytes = b"") -> None:
        made = {MODE_ECB: modes.ECB, MODE_CBC: modes.CBC, MODE_CTR: modes.CTR}
        if mode not in made:
            raise ValueError("mode")
        self._cipher = Cipher(algorithms.AES(key), made[mode](*((iv,) if iv else ())))
        self._decrypts: bool | None = None

    def encrypt(self, source: Buffer, target: bytearray | None = None) -> Buffer:
        return self._process(source, target, False)

    def decrypt(self, source: Buffer, target: bytearray | None = None) -> Buffer:
        return self._process(source, target, True)

    def _process(self, source: Buffer, target: bytearray | None, decrypts: bool) -> Buffer:
        if self._decrypts is None:
            self._decrypts = decrypts
            self._engine = self._cipher.decryptor() if decrypts else self._cipher.encryptor()
        if self._decrypts != decrypts:
            raise ValueError("can't encrypt & decrypt")
        done = self._engine.update(bytes(source))
        if len(done) != len(source):
            raise ValueError("blksize % 16")
        if target is None:
            return done
        target[: len(done)] = done
        return target
