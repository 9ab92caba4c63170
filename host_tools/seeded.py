"""Random bytes from a seed, so that a trial or a measurement runs the same again."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from firmware.common.crypto import randomness


class _SeededOs:
    """Stands for `os` where the crypto door draws from it."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def urandom(self, size: int) -> bytes:
        return self._random.randbytes(size)


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
