"""Layouts and signed messages: one encoding, nothing optional, low s only."""

import hashlib

from firmware.common import crypto
from firmware.common.wire import signed
from firmware.common.wire.codec import Layout
from firmware.common.wire.errors import BAD_SIGNATURE, MALFORMED
from firmware.common.wire.messages import RESUME, TXN
from tests.unit.forms import BANK, OTHER_PAYEE, PAYEE, flipped, other_s
from tests.unit.helpers import raises, refused

SAMPLE = Layout("SAMPLE 200 ver1 0 small1 medium2 large4 name3 key8 net-8")
FIELDS = {
    "small": 255,
    "medium": 0xFFFE,
    "large": 0xFFFFFFFD,
    "name": b"abc",
    "key": b"12345678",
    "net": -2,
}
RAW = b"\x01\x00\xff\xff\xfe\xff\xff\xff\xfdabc12345678" + b"\xff" * 7 + b"\xfe"
REALM = b"realm  1"


def packed(**changes) -> bytes:
    fields = dict(FIELDS)
    fields.update(changes)
    return SAMPLE.pack(**fields)


def test_a_layout_is_what_its_text_says():
    assert (SAMPLE.name, SAMPLE.number, SAMPLE.size) == ("SAMPLE", 200, len(RAW))
    assert packed() == RAW
    record = SAMPLE.read(RAW)
    for name in FIELDS:
        assert getattr(record, name) == FIELDS[name]
    assert record.ver == 1 and record.raw == RAW and record.tail == b"" == record.signature


def test_a_number_that_does_not_fit_is_not_written():
    for name, wrong in (
        ("small", 256),
        ("small", -1),
        ("medium", 65_536),
        ("large", 2**32),
        ("large", 1.0),
        ("small", True),
        ("small", b"\x01"),
        ("net", 2**63),
        ("net", -(2**63) - 1),
        ("name", b"ab"),
        ("name", b"abcd"),
        ("key", b""),
    ):
        raises(ValueError, lambda: packed(**{name: wrong}))  # noqa: B023
    for least, most in ((-(2**63), 2**63 - 1),):
        assert SAMPLE.read(packed(net=least)).net == least
        assert SAMPLE.read(packed(net=most)).net == most


def test_every_field_is_given_once_and_no_other():
    for missing in FIELDS:
        fields = dict(FIELDS)
        del fields[missing]
        raises(ValueError, lambda: SAMPLE.pack(**fields))  # noqa: B023
        fields["other"] = 1
        raises(ValueError, lambda: SAMPLE.pack(**fields))  # noqa: B023
    for further in ("ver", "0", "", "other"):
        raises(ValueError, lambda: packed(**{further: 2}))  # noqa: B023
    assert packed(ver=1) == RAW
    raises(ValueError, SAMPLE.pack, b"tail")
    raises(AttributeError, getattr, SAMPLE.read(RAW), "other")


def test_what_is_not_its_one_encoding_is_refused():
    for wrong in (b"", RAW[:-1], RAW + b"\x00", flipped(RAW, 0), flipped(RAW, 1, 7)):
        refused(MALFORMED, SAMPLE.read, wrong)


def test_a_tail_is_read_only_where_it_is_announced():
    longer = Layout("LONGER 201 ver1 n1 +")
    assert longer.pack(b"more", n=4) == b"\x01\x04more"
    assert longer.read(b"\x01\x04more").tail == b"more"
    assert longer.size == 2
    refused(MALFORMED, longer.read, b"\x01")


def test_records_are_equal_by_their_bytes():
    record = SAMPLE.read(RAW)
    assert record == SAMPLE.read(RAW) and hash(record) == hash(SAMPLE.read(RAW))
    assert record != SAMPLE.read(packed(small=254))
    assert record != RAW


def test_many_layouts_are_read_in_turn():
    layouts = [Layout(f"L{i} {i} ver1 a{i} b4") for i in range(5, 40)]
    for _ in range(2):
        for i, layout in enumerate(layouts):
            raw = layout.pack(a=bytes(i + 5), b=i)
            assert layout.read(raw).b == i


def resume() -> bytes:
    return RESUME.pack(req_nonce=b"12345678", txn_hash=bytes(32))


def test_what_is_signed_is_tagged_with_realm_and_type():
    body = resume()
    data = signed.sign(REALM, RESUME, body, PAYEE.private)
    digest = hashlib.sha256(b"OPG1" + REALM + b"\x08" + body).digest()
    assert data[:-64] == body and crypto.verify(PAYEE.public, digest, data[-64:])
    assert signed.read_signed(REALM, RESUME, data, PAYEE.public).signed == data
    assert signed.realm(BANK.public) == hashlib.sha256(BANK.public).digest()[:8]


def test_a_signature_of_another_realm_type_or_key_is_refused():
    data = signed.sign(REALM, RESUME, resume(), PAYEE.private)
    other = Layout(RESUME.text.replace("RESUME 8", "RESUMED 9"))
    refused(BAD_SIGNATURE, signed.read_signed, b"realm  2", RESUME, data, PAYEE.public)
    refused(BAD_SIGNATURE, signed.read_signed, REALM, other, data, PAYEE.public)
    refused(BAD_SIGNATURE, signed.read_signed, REALM, RESUME, data, OTHER_PAYEE.public)
    refused(MALFORMED, signed.read_signed, REALM, RESUME, data, b"\x01" * 64)
    refused(MALFORMED, signed.read_signed, REALM, TXN, data, PAYEE.public)
    for cut in (b"", data[:63], data[:64], data[:-1], data + b"\x00"):
        refused(MALFORMED, signed.read_signed, REALM, RESUME, cut, PAYEE.public)


def test_the_other_s_is_refused():
    data = signed.sign(REALM, RESUME, resume(), PAYEE.private)
    high = other_s(data)
    digest = signed.digest(REALM, RESUME.number, resume())
    assert crypto.verify(PAYEE.public, digest, high[-64:])  # it is a good one in JSON forms
    refused(BAD_SIGNATURE, signed.read_signed, REALM, RESUME, high, PAYEE.public)


def test_either_of_the_banks_two_keys_may_have_signed():
    data = signed.sign(REALM, RESUME, resume(), PAYEE.private)
    keys = Layout("KEYS 202 pub64")
    banks = [keys.read(pair.public) for pair in (BANK, PAYEE, OTHER_PAYEE)]
    for known in ([banks[1]], banks[:2], banks[1:]):
        assert signed.read_from_bank(REALM, RESUME, data, known).signed == data
    for unknown in ([], [banks[0]], [banks[0], banks[2]]):
        refused(BAD_SIGNATURE, signed.read_from_bank, REALM, RESUME, data, unknown)
