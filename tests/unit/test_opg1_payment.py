"""The nouns of a payment in OPG1, on both interpreters: what is not quite right is refused."""

from firmware.common.payment import (
    answer,
    asking,
    certificate,
    evidence,
    label,
    proof,
    purse,
    transaction,
    words,
)
from firmware.common.wire.errors import (
    AMOUNT_DIFFERS,
    BAD_CERTIFICATE,
    BAD_SIGNATURE,
    EXPIRED,
    KEY_MISMATCH,
    MALFORMED,
    NOT_FOR_ME,
    OVER_LIMIT,
    REPLAY,
)
from tests.unit.forms import BANK, OTHER_PAYEE, PAYEE, PAYEE_ECDH
from tests.unit.helpers import raises, refused
from tests.unit.opg1 import (
    ACKED,
    BANKS,
    DEVICE,
    END,
    HASH,
    HEAD,
    ME,
    NONCE,
    NOW,
    PAYMENT,
    PURSE_KEY,
    PURSE_RECORD,
    REALM,
    ROOT,
    TRANSCRIPT,
    a_purse,
    bank_key,
    close,
    core,
    device,
    record_of,
    request,
    txn,
)


def check_device(data: bytes, now: int = NOW, roles: int = certificate.PAYEE):
    return certificate.check_device(REALM, BANKS, data, now, roles)


def test_the_banks_key_holds_until_it_ends():
    for now in (0, END + 4):
        assert certificate.check_bank_key(ROOT.public, bank_key(), now) == BANKS[0]
    refused(EXPIRED, certificate.check_bank_key, ROOT.public, bank_key(), END + 5)
    refused(BAD_SIGNATURE, certificate.check_bank_key, BANK.public, bank_key())
    for changes in ({"kind": 2}, {"issued": END + 5}, {"pub": bytes(64)}, {"ecdh": b"\x01" * 64}):
        refused(BAD_CERTIFICATE, certificate.check_bank_key, ROOT.public, bank_key(**changes))


def test_a_certificate_is_of_a_role_and_a_time():
    assert check_device(device(kind=3)).serial == 1
    refused(BAD_CERTIFICATE, check_device, device(kind=1))
    refused(BAD_CERTIFICATE, check_device, device(), NOW, 3)
    refused(EXPIRED, check_device, device(), END)
    for changes in ({"kind": 0}, {"kind": 6}, {"issued": END}, {"pub": bytes(64)}):
        refused(BAD_CERTIFICATE, check_device, device(**changes))
    for name in (b"\x1b[2J" + bytes(12), b"\xff" * 16, b"a\x00b" + bytes(13)):
        refused(MALFORMED, check_device, device(name=name))
    raises(ValueError, lambda: certificate.make_device(REALM, BANKS[0], b"", **ends(END + 6)))


def ends(not_after: int) -> dict:
    return {"issued": 1, "not_after": not_after}


def test_a_purse_makes_sense():
    raises(ValueError, lambda: purse.make_purse(REALM, BANKS[0], b"", **ends(END + 6)))
    for changes in (
        {"tx_max": 0},
        {"tx_max": 100_01},
        {"allowance": 0},
        {"allowance": 4_000_000_001},
        {"ctr_max": 0},
        {"issued": END},
        {"pub": b"\x02" * 64},
    ):
        refused(BAD_CERTIFICATE, purse.check_purse, REALM, BANKS, a_purse(**changes))
    purse.check_time(PURSE_RECORD, END - 1)
    refused(EXPIRED, purse.check_time, PURSE_RECORD, END)


def test_a_request_is_of_this_payee_and_this_connection():
    found = asking.check_request(REALM, DEVICE, request(), TRANSCRIPT)
    assert found.amount == 4_50 and asking.request_hash(found.raw) == asking.request_hash(core())
    refused(REPLAY, asking.check_request, REALM, DEVICE, request(), b"u" * 16)
    for reason, changes in (
        (KEY_MISMATCH, {"payee": b"somebody"}),
        (OVER_LIMIT, {"amount": 50_01}),
        (MALFORMED, {"amount": 0}),
        (MALFORMED, {"flags": 1}),
        (MALFORMED, {"flags": 2}),
        (MALFORMED, {"ref": b"\n" + bytes(11)}),
    ):
        refused(reason, asking.check_request, REALM, DEVICE, request(**changes), TRANSCRIPT)
    nobody = request(flags=asking.NO_REQUEST, amount=0)
    assert asking.check_request(REALM, DEVICE, nobody, TRANSCRIPT).amount == 0
    refused(MALFORMED, asking.make_request, REALM, PAYEE.private, core()[:-1], TRANSCRIPT)


def check_payment(**changes) -> None:
    transaction.check_payment(REALM, PURSE_RECORD, record_of(txn(**changes)))


def test_a_payment_is_within_its_purse():
    check_payment()
    check_payment(ctr=250, cum=100_00, amount=50_00)
    for reason, changes in (
        (MALFORMED, {"amount": 0}),
        (MALFORMED, {"amount": 4_51}),
        (MALFORMED, {"ctr": 0}),
        (MALFORMED, {"kind": 2}),
        (MALFORMED, {"kind": 0}),
        (OVER_LIMIT, {"cum": 100_01}),
        (OVER_LIMIT, {"cum": 50_01, "amount": 50_01}),
        (OVER_LIMIT, {"ctr": 251}),
        (NOT_FOR_ME, {"purse": b"purse  2"}),
    ):
        refused(reason, lambda: check_payment(**changes))  # noqa: B023
    other = record_of(txn()[:-64] + txn(amount=1)[-64:])
    refused(BAD_SIGNATURE, transaction.check_payment, REALM, PURSE_RECORD, other)
    arguments = (REALM, PURSE_KEY.private, PURSE_RECORD, 1, 50_01, 50_01, ME, b"", b"", 0)
    refused(OVER_LIMIT, transaction.make_payment, *arguments)


def test_a_closing_gives_back_the_rest_of_the_line():
    transaction.check_close(REALM, PURSE_RECORD, close())
    for reason, changes in (
        (MALFORMED, {"kind": 1}),
        (MALFORMED, {"payee": ME}),
        (MALFORMED, {"req_hash": NONCE + b"12345678"}),
        (OVER_LIMIT, {"cum": 99_00, "amount": 1}),
        (OVER_LIMIT, {"amount": 0}),
    ):
        refused(reason, transaction.check_close, REALM, PURSE_RECORD, close(**changes))
    arguments = (REALM, PURSE_KEY.private, PURSE_RECORD, 2, 100_00, NONCE, bytes(32), NOW)
    raises(ValueError, transaction.make_close, *arguments)


def test_an_answer_is_about_one_payment_of_one_payee():
    assert answer.check_ack(REALM, PAYEE.public, ACKED, ME, HASH).index == 0
    refused(NOT_FOR_ME, answer.check_ack, REALM, PAYEE.public, ACKED, b"somebody", HASH)
    refused(NOT_FOR_ME, answer.check_ack, REALM, PAYEE.public, ACKED, ME, bytes(32))
    refused(BAD_SIGNATURE, answer.check_ack, REALM, OTHER_PAYEE.public, ACKED, ME, HASH)
    req_hash = bytes(16)
    void = answer.make_void(REALM, PAYEE.private, ME, HASH, req_hash, 15, NOW)
    assert answer.check_void(REALM, PAYEE.public, void, ME, HASH, req_hash).reason == 15
    refused(NOT_FOR_ME, answer.check_void, REALM, PAYEE.public, void, ME, HASH, b"r" * 16)
    void = answer.make_void(REALM, PAYEE.private, ME, HASH, req_hash, 0, NOW)
    refused(MALFORMED, answer.check_void, REALM, PAYEE.public, void, ME, HASH, req_hash)


def test_the_same_payment_is_acknowledged_in_the_same_bytes():
    assert answer.make_ack(REALM, PAYEE.private, ME, HASH, 0, 0, HEAD, NOW) == ACKED


def test_a_proof_is_two_payments_that_contradict():
    late = record_of(txn(ctr=2, cum=9_00))
    over = record_of(txn(ctr=2, cum=8_99))
    raises(ValueError, proof.make_proof, PURSE_RECORD, PAYMENT, late)
    data = proof.make_proof(PURSE_RECORD, over, PAYMENT)
    assert proof.check_proof(REALM, BANKS, data) == PURSE_RECORD
    first, second = PAYMENT.signed, over.signed
    for a, b in ((second, first), (first, first), (first, late.signed)):
        refused(MALFORMED, proof.check_proof, REALM, BANKS, data[:160] + a + b)
    forged = over.raw + PAYMENT.signature
    refused(BAD_SIGNATURE, proof.check_proof, REALM, BANKS, data[:160] + first + forged)


def test_evidence_needs_every_one_of_its_parts():
    parts = [bank_key(), device(), a_purse(), request(), PAYMENT.signed, ACKED]
    pack = evidence.make_evidence(*parts)
    assert len(pack) == 1_014
    assert evidence.check_evidence(ROOT.public, pack)[3] == PAYMENT
    keys = bank_key(pub=OTHER_PAYEE.public) + bank_key()
    longer = evidence.make_evidence(keys, *parts[1:])
    assert evidence.check_evidence(ROOT.public, longer)[3] == PAYMENT
    refused(BAD_SIGNATURE, evidence.check_evidence, ROOT.public, keys[:202] + pack[202:])
    refused(BAD_SIGNATURE, evidence.check_evidence, BANK.public, pack)
    for reason, place, other in (
        (NOT_FOR_ME, 3, request(amount=4_51)),
        (NOT_FOR_ME, 3, request(req_nonce=b"m" * 8)),
        (AMOUNT_DIFFERS, 4, txn(amount=4_49)),
        (AMOUNT_DIFFERS, 2, a_purse(cur=840)),
        (NOT_FOR_ME, 4, txn(payee=b"somebody")),
        (NOT_FOR_ME, 4, txn(purse=b"purse  2")),
        (NOT_FOR_ME, 5, answer.make_ack(REALM, PAYEE.private, ME, bytes(32), 0, 0, HEAD, NOW)),
        (BAD_CERTIFICATE, 1, device(kind=1)),
    ):
        spoilt = parts[:]
        spoilt[place] = other
        refused(reason, evidence.check_evidence, ROOT.public, evidence.make_evidence(*spoilt))
    refused(MALFORMED, evidence.check_evidence, ROOT.public, pack + b"\x00")


def test_a_text_fits_its_field():
    for text in ("", "Anna", "Bäckerei", "0123456789abcdef"):
        assert label.to_text(label.to_bytes(text, 16)) == text
    for wrong in ("0123456789abcdefg", "é" * 9, "a\n", "\x7f"):
        raises(ValueError, label.to_bytes, wrong, 16)
    for wrong in (b"a\x00b", b"\xff", b"\x1b"):
        refused(MALFORMED, label.to_text, wrong)


def test_words_are_many_short_and_different():
    listed = set()
    for index in range(0, words.COUNT, 7):
        code = (index << 53 | (words.COUNT - 1 - index) << 42).to_bytes(8, "big")
        one, other = words.tap_words(code).split("-")
        assert one < other or index > words.COUNT // 2
        listed |= {one, other}
    assert len(listed) > 500
    for word in listed:
        assert 3 <= len(word) <= 8 and all("a" <= c <= "z" for c in word)
    assert words.tap_words(bytes(8)) == "abacus-abacus"
    assert words.tap_words(b"\xff" * 8) == "zucchini-zucchini"
    assert len(words.key_words(PAYEE.public, PAYEE_ECDH.public).split(" ")) == 4
