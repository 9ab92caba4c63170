"""The random source, also where the machine's own one is stuck or missing."""

from firmware.common import crypto
from firmware.common.crypto import randomness
from tests.unit.helpers import raises


class Stuck:
    """An `os` whose random source always gives the same."""

    @staticmethod
    def urandom(n: int) -> bytes:
        return bytes(range(n))


class Constant:
    """An `os` whose random source gives another byte at each draw, but only that byte."""

    draws = 0

    def urandom(self, n: int) -> bytes:
        self.draws += 1
        return bytes([self.draws]) * n


class Missing:
    """An `os` that has no random source."""


def on_a_board_with(source, call):
    """Call on a freshly booted board with this `os`, and leave everything as it was."""
    before = randomness.os, randomness._pool
    randomness.os, randomness._pool = source, bytes(32)
    try:
        return call()
    finally:
        randomness.os, randomness._pool = before


def boot(secret: bytes, boot_count: int) -> list[bytes]:
    """The first outputs after a boot with a stuck source."""

    def draw() -> list[bytes]:
        crypto.stir(secret, boot_count)
        return [crypto.random_bytes(32) for _ in range(5)]

    return on_a_board_with(Stuck(), draw)


def test_lengths():
    for length in (1, 12, 32, 33, 8160):
        assert len(crypto.random_bytes(length)) == length
    for length in (-1, 0, 8161):
        raises(ValueError, crypto.random_bytes, length)


def test_outputs_differ():
    assert len({crypto.random_bytes(16) for _ in range(200)}) == 200


def test_bits_are_even():
    # 64,000 bits: half of them are set, give or take six standard deviations (759).
    ones = sum(bin(byte).count("1") for byte in crypto.random_bytes(8000))
    assert abs(ones - 32_000) < 759


def test_a_stuck_source_never_repeats_an_output():
    outputs = boot(b"device", 1) + boot(b"device", 2) + boot(b"another device", 1)
    assert len(set(outputs)) == 15


def test_the_same_boot_would_repeat():
    # What the test above rests on: nothing but secret and boot count tells these boots apart.
    assert boot(b"device", 1) == boot(b"device", 1)


def test_stirring_adds_to_what_is_there():
    def draw() -> bytes:
        crypto.stir(b"device", 1)
        crypto.stir(b"more", 1)
        return crypto.random_bytes(32)

    assert on_a_board_with(Stuck(), draw) != on_a_board_with(Stuck(), lambda: boot(b"more", 1)[0])


def test_nothing_stands_in_for_a_missing_source():
    raises(AttributeError, on_a_board_with, Missing(), lambda: crypto.random_bytes(32))


def test_stuck_sources_are_found():
    assert on_a_board_with(Stuck(), randomness.is_stuck)
    assert on_a_board_with(Constant(), randomness.is_stuck)
    assert not randomness.is_stuck()


def test_the_self_test_halts_on_a_stuck_source():
    error = raises(crypto.SelfTestFailed, on_a_board_with, Stuck(), crypto.self_test)
    assert str(error) == "random source"
