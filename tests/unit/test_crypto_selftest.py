"""The self-test passes, and notices when any one primitive is wrong."""

from firmware.common import crypto
from tests.unit.helpers import raises


def failure_with(name: str, wrong) -> str:
    """What the self-test says while one function of the door is another."""
    right = getattr(crypto, name)
    setattr(crypto, name, wrong(right))
    try:
        return str(raises(crypto.SelfTestFailed, crypto.self_test))
    finally:
        setattr(crypto, name, right)


def last_bit_flipped(right):
    def wrong(*args):
        output = right(*args)
        return output[:-1] + bytes([output[-1] ^ 1])

    return wrong


def test_it_passes():
    crypto.self_test()


def test_it_passes_again():
    crypto.self_test()


def test_wrong_answers_are_found():
    assert failure_with("sign", last_bit_flipped) == "signature"
    assert failure_with("sha256", last_bit_flipped) == "signature"
    assert failure_with("seal", last_bit_flipped) == "AES-GCM"
    assert failure_with("unseal", last_bit_flipped) == "AES-GCM"
    assert failure_with("hkdf", last_bit_flipped) == "HKDF"


def test_an_unseal_that_checks_no_tag_is_found():
    def unchecked(right):
        return lambda key, nonce, sealed, aad: (
            b"\xf3\xe0\xe0\x92\x24\x25\x6b\xf2\x1a\x83\xa5\xde\x8d"
        )

    assert failure_with("unseal", unchecked) == "AES-GCM"


def test_random_bytes_that_repeat_are_found():
    assert failure_with("random_bytes", lambda right: bytes) == "random source"
