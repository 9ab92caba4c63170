"""What the unit tests share on both interpreters: refusals, vectors, and seeded randomness."""

import hashlib
import json


def raises(exception: type[Exception], call, *args) -> Exception:
    """Call, expect exactly this kind of exception, and return it."""
    try:
        call(*args)
    except exception as error:
        return error
    raise AssertionError("nothing raised " + exception.__name__)


def vectors(name: str) -> dict:
    """The vectors of tests/vectors/NAME.json."""
    folder = __file__.rsplit("/", 2)[0]
    with open(folder + "/vectors/" + name + ".json") as file:
        return json.load(file)


class Seeded:
    """Random data that is the same on every interpreter: SHA-256 over the seed and a counter.

    Stands in for hypothesis, which MicroPython does not have. Write the seed into the test.
    """

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.counter = 0

    def data(self, length: int) -> bytes:
        stream = b""
        while len(stream) < length:
            self.counter += 1
            stream += hashlib.sha256((self.seed + ":" + str(self.counter)).encode()).digest()
        return stream[:length]

    def below(self, limit: int) -> int:
        """An integer from 0 to limit - 1 (as even as 64 more bits than 2^256 make it)."""
        return int.from_bytes(self.data(40), "big") % limit

    def among(self, items):
        return items[self.below(len(items))]
