"""Random bytes from a seed, so that a trial or a measurement runs the same again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from firmware.common.crypto import hkdf, randomness


class _SeededOs:
    """Stands for `os` where the crypto door draws from it; no draw is like the one before."""

    def __init__(self, seed: int) -> None:
        self._seed = seed.to_bytes(8, "big", signed=True)
        self._draws = 0

    def urandom(self, size: int) -> bytes:
        self._draws += 1
        return hkdf(self._seed, b"", self._draws.to_bytes(8, "big"), size)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Everything drawn within the block follows from the seed."""
    module: Any = randomness
    kept = module.os, module._pool
    module.os, module._pool = _SeededOs(seed), bytes(32)
    try:
        yield
    finally:
        module.os, module._pool = kept
