"""Anything and almost-good bytes at OPG1's readers: refused, or one message with one encoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.common.wire import sealed_box, signed
from firmware.common.wire.codec import Layout
from firmware.common.wire.errors import BAD_SIGNATURE, CANNOT_OPEN, MALFORMED, Refused
from tests import opg1_builder as builder
from tests import opg1_town as town
from tests.opg1_builder import MESSAGES, Key
from tests.opg1_town import CHECKED, REALM, Checked, layout


def refusal(check, data: bytes) -> Refused | None:
    """What is said to these bytes; anything but a refusal is a crash and fails the test."""
    try:
        check(data)
    except Refused as refused:
        return refused
    return None


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("it", CHECKED, ids=lambda it: it.name)
def test_one_flipped_bit_in_any_byte_is_refused(it: Checked) -> None:
    for position in range(len(it.data)):
        changed = flip(it.data, 8 * position + position % 8)
        assert refusal(it.check, changed), f"byte {position} was changed, and nobody minded"


@pytest.mark.parametrize("it", CHECKED, ids=lambda it: it.name)
def test_every_other_length_is_refused(it: Checked) -> None:
    for length in range(len(it.data)):
        assert refusal(it.check, it.data[:length])
    for more in (b"\x00", b"\xff", it.data, bytes(64)):
        assert refusal(it.check, it.data + more)
        assert refusal(it.check, more + it.data)


@pytest.mark.parametrize("it", CHECKED, ids=lambda it: it.name)
@given(data=st.data())
def test_any_change_is_refused(it: Checked, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(it.data)))
    end = data.draw(st.integers(start, min(len(it.data), start + 40)))
    changed = it.data[:start] + data.draw(st.binary(max_size=40)) + it.data[end:]
    if changed != it.data:
        assert refusal(it.check, changed)


@pytest.mark.parametrize("name", MESSAGES)
@given(data=st.data())
def test_what_is_read_has_one_encoding(name: str, data: st.DataObject) -> None:
    it: Layout = layout(name)
    length = data.draw(st.sampled_from([it.size] * 8 + [it.size - 1, it.size + 1, 0]))
    raw = data.draw(st.binary(min_size=length, max_size=length))
    if data.draw(st.booleans()) and length:
        raw = b"\x01\x00" + raw[2:]
    refused = refusal(it.read, raw)
    if refused:
        assert refused.reason == MALFORMED
        wrong_size = length != it.size and not (it.has_tail and length > it.size)
        assert wrong_size or raw[0] != 1 or raw[1] != 0
        return
    record = it.read(raw)
    names = [field for field in MESSAGES[name][2].split() if field not in ("ver", "0")]
    assert it.pack(record.tail, **{field: getattr(record, field) for field in names}) == raw


SIGNERS = {"DCERT": town.BANK, "PURSE": town.BANK, "BEACON": town.BANK, "SRCPT": town.BANK}
SIGNERS |= {"PREQ": town.PAYEE, "ACK": town.PAYEE, "UPLOAD": town.PAYEE, "VOID": town.PAYEE}
SIGNERS |= {"BKEY": town.ROOT, "SYNC": town.PAYER, "TXN": town.PURSE_KEY, "ENROL": town.PAYEE}
SIGNERS |= {"REFUND": town.PAYEE, "REVDELTA": town.BANK, "STATEMENT": town.BANK}


@pytest.mark.parametrize("name", SIGNERS)
def test_a_signature_is_of_one_type_one_realm_one_key_and_has_a_low_s(name: str) -> None:
    it = next(it for it in CHECKED if it.name == name)
    signer, message = SIGNERS[name], it.data[:-64]
    assert refusal(it.check, signer.sign(REALM, name, message)) is None
    spoilt = [
        signer.sign(REALM, name, message, high_s=True),
        signer.sign(b"another!", name, message),
        Key("somebody else").sign(REALM, name, message),
        message + bytes(64),
        message + b"\xff" * 64,
    ]
    spoilt += [signer.sign(REALM, other, message) for other in MESSAGES if other != name]
    for data in spoilt:
        refused = refusal(it.check, data)
        assert refused and refused.reason == BAD_SIGNATURE


def test_a_key_off_the_curve_is_refused_and_no_crash() -> None:
    txn = signed.parse_signed(layout("TXN"), town.TXN)
    for public in (bytes(64), b"\xff" * 64, b"\x01" * 64):
        with pytest.raises(Refused):
            signed.check_signature(REALM, txn, public)


BOX = builder.seal_box(Key("e"), 14, town.PAYEE_ID, REALM, town.BANK_ECDH.public, b"what is inside")


def open_box(data: bytes) -> bytes:
    own = town.BANK_ECDH
    return sealed_box.Box(data).open(REALM, own.private, own.public)


def test_a_box_opens_as_it_is_and_in_no_other_way() -> None:
    assert open_box(BOX) == b"what is inside"
    for position in range(len(BOX)):
        refused = refusal(open_box, flip(BOX, 8 * position + position % 8))
        assert refused and refused.reason == CANNOT_OPEN
        assert refusal(open_box, BOX[:position])
    assert refusal(open_box, BOX + b"\x00")


def test_a_box_is_for_one_recipient() -> None:
    own, other = town.BANK_ECDH, Key("another bank")
    for recipient, key in ((town.PAYEE_ID, own), (REALM, other)):
        with pytest.raises(Refused):
            sealed_box.Box(BOX).open(recipient, key.private, key.public)
    claimed = BOX[:9] + builder.sha256(other.public)[:4] + BOX[13:]
    with pytest.raises(Refused):
        sealed_box.Box(claimed).open(REALM, other.private, other.public)


@given(st.binary(max_size=200))
def test_anything_is_no_box(data: bytes) -> None:
    assert refusal(open_box, data)
