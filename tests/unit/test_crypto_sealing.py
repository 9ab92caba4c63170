"""AES-256-GCM, key derivation and comparison beyond the published vectors."""

from firmware.common import crypto
from firmware.common.crypto import aesgcm, kdf
from tests.unit.helpers import Seeded, raises

# The firmware's own code, and on CPython the door to OpenSSL beside it.
SEAL = {crypto.seal, aesgcm.seal}
UNSEAL = {crypto.unseal, aesgcm.unseal}
HKDF = {crypto.hkdf, kdf.hkdf}
EQUAL = {crypto.equal, kdf.equal}

KEY, NONCE = bytes(range(32)), bytes(range(12))


def test_all_lengths_around_a_block_come_back():
    seeded = Seeded("lengths")
    for length in (0, 1, 15, 16, 17, 31, 32, 33, 1000):
        plaintext, aad = seeded.data(length), seeded.data(seeded.below(40))
        sealed = aesgcm.seal(KEY, NONCE, plaintext, aad)
        assert len(sealed) == length + 16
        for seal in SEAL:
            assert seal(KEY, NONCE, plaintext, aad) == sealed
        for unseal in UNSEAL:
            assert unseal(KEY, NONCE, sealed, aad) == plaintext


def test_every_changed_bit_is_refused():
    sealed = crypto.seal(KEY, NONCE, b"12.50 to Ada", b"header")
    for position in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[position >> 3] ^= 1 << (position & 7)
        for unseal in UNSEAL:
            raises(ValueError, unseal, KEY, NONCE, bytes(changed), b"header")


def test_everything_that_was_sealed_counts():
    sealed = crypto.seal(KEY, NONCE, b"12.50 to Ada", b"header")
    for unseal in UNSEAL:
        assert unseal(KEY, NONCE, sealed, b"header") == b"12.50 to Ada"
        raises(ValueError, unseal, bytes(32), NONCE, sealed, b"header")
        raises(ValueError, unseal, KEY, bytes(12), sealed, b"header")
        raises(ValueError, unseal, KEY, NONCE, sealed, b"heade")
        raises(ValueError, unseal, KEY, NONCE, sealed, b"header\x00")
        raises(ValueError, unseal, KEY, NONCE, sealed)
        raises(ValueError, unseal, KEY, NONCE, sealed[:-1], b"header")
        raises(ValueError, unseal, KEY, NONCE, sealed + b"\x00", b"header")


def test_the_boundary_of_aad_and_text_counts():
    # The same bytes in a row, cut at another place: only the block of lengths tells them apart.
    sealed = crypto.seal(KEY, NONCE, bytes(16), b"")
    for unseal in UNSEAL:
        raises(ValueError, unseal, KEY, NONCE, sealed[16:], sealed[:16])


def test_other_lengths_are_refused():
    for call in SEAL | UNSEAL:
        for key in (b"", bytes(16), bytes(24), bytes(31), bytes(33)):
            raises(ValueError, call, key, NONCE, bytes(32))
        for nonce in (b"", bytes(11), bytes(13), bytes(16)):
            raises(ValueError, call, KEY, nonce, bytes(32))
    for unseal in UNSEAL:
        for length in (0, 1, 12, 15):
            raises(ValueError, unseal, KEY, NONCE, bytes(length))


def test_derived_lengths():
    longest = kdf.hkdf(b"secret", b"salt", b"info", 8160)
    for hkdf in HKDF:
        for length in (1, 31, 32, 33, 64, 8160):
            assert hkdf(b"secret", b"salt", b"info", length) == longest[:length]
        assert hkdf(b"", b"", b"", 32) == hkdf(b"", bytes(32), b"", 32)
        for length in (-1, 0, 8161):
            raises(ValueError, hkdf, b"secret", b"salt", b"info", length)


def test_each_input_of_a_derivation_counts():
    for hkdf in HKDF:
        keys = {
            hkdf(b"secret", b"salt", b"info", 32),
            hkdf(b"Secret", b"salt", b"info", 32),
            hkdf(b"secret", b"Salt", b"info", 32),
            hkdf(b"secret", b"salt", b"Info", 32),
        }
        assert len(keys) == 4


def test_equal():
    for equal in EQUAL:
        assert equal(b"", b"") and equal(b"abc", b"abc")
        for other in (b"abd", b"bbc", b"ab", b"abcd", b""):
            assert not equal(b"abc", other)


def work_of(call, *args) -> memoryview:
    """The buffer in which the firmware's own code worked, as it is left behind."""
    started, kept = aesgcm._start, []

    def start(key: bytes, nonce: bytes, length: int) -> memoryview:
        kept.append(started(key, nonce, length))
        return kept[-1]

    aesgcm._start = start
    try:
        call(*args)
    except ValueError:
        pass
    finally:
        aesgcm._start = started
    return kept[0]


def test_nothing_of_the_key_is_left_behind():
    for length in (0, 5, 16, 300):
        plaintext = bytes(length)  # so the key stream itself is what comes out
        sealed = aesgcm.seal(KEY, NONCE, plaintext, b"aad")
        length_word = length.to_bytes(4, "little")
        for call, given, left in (
            (aesgcm.seal, plaintext, sealed),
            (aesgcm.unseal, sealed, plaintext),
        ):
            work = work_of(call, KEY, NONCE, given, b"aad")
            assert bytes(work[2056:2060]) == length_word
            work[2056:2060] = bytes(4)
            assert bytes(work[:2112]) == bytes(2112)
            assert bytes(work[2112:]) == left + bytes(len(work) - 2112 - len(left))
        refused_work = work_of(aesgcm.unseal, KEY, NONCE, sealed[:-1] + b"\x00", b"aad")
        assert bytes(refused_work) == bytes(len(refused_work))
