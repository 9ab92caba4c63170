"""What the unit tests share on both interpreters: refusals, vectors, folders, seeded randomness."""

import hashlib
import json
import os

from firmware.common.wire.errors import Refused


def raises(exception: type[Exception], call, *args) -> Exception:
    """Call, expect exactly this kind of exception, and return it."""
    try:
        call(*args)
    except exception as error:
        return error
    raise AssertionError("nothing raised " + exception.__name__)


def refused(reason: int, call, *args) -> str:
    """Call, expect a refusal for this reason, and return its detail."""
    error = raises(Refused, call, *args)
    assert isinstance(error, Refused)
    assert error.reason == reason, f"reason {error.reason}: {error.detail}"
    return error.detail


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


class Folder:
    """A folder of its own for one test, gone afterwards: `with Folder() as path`."""

    def __init__(self) -> None:
        self.path = (os.getenv("TMPDIR") or "/tmp") + "/unit-" + os.urandom(8).hex()

    def __enter__(self) -> str:
        os.mkdir(self.path)
        return self.path

    def __exit__(self, *_) -> None:
        _remove(self.path)


def _remove(folder: str) -> None:
    for name in os.listdir(folder):
        path = folder + "/" + name
        if os.stat(path)[0] & 0x4000:
            _remove(path)
        else:
            os.remove(path)
    os.rmdir(folder)


def read_bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def write_bytes(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
