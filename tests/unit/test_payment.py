"""The nouns of a payment: money, names, requests, times, proofs and receipts."""

import hashlib

from firmware.common.payment import acknowledgement, money, receipt, timestamp
from firmware.common.payment.identifier import identifier
from firmware.common.payment.receipt import Receipt
from firmware.common.wire.errors import (
    BAD_SIGNATURE,
    MALFORMED,
    NOT_FOR_ME,
    OVER_LIMIT,
)
from tests.unit.forms import BANK, OTHER_PAYEE, PAYEE, flipped, signature
from tests.unit.helpers import Seeded, refused

HEAD = "ab" * 32


def test_amounts_print_as_javascript_prints_them():
    # What `String(amountMinor / 100)` gives in a browser.
    for amount_minor, printed, shown in (
        (1, "0.01", "0.01"),
        (10, "0.1", "0.10"),
        (99, "0.99", "0.99"),
        (1_00, "1", "1.00"),
        (7_00, "7", "7.00"),
        (10_00, "10", "10.00"),
        (12_50, "12.5", "12.50"),
        (100_00, "100", "100.00"),
        (100_01, "100.01", "100.01"),
        (1_677_721_701, "16777217.01", "16777217.01"),
        (4_000_000_000, "40000000", "40000000.00"),
    ):
        assert money.format_amount(amount_minor) == printed
        assert money.show_amount(amount_minor) == shown
        assert money.parse_amount(printed) == money.parse_amount(shown) == amount_minor


def test_every_amount_comes_back():
    seeded = Seeded("amounts")
    for amount_minor in [1 + seeded.below(4_000_000_000) for _ in range(300)]:
        assert money.parse_amount(money.format_amount(amount_minor)) == amount_minor
        assert money.parse_amount(money.show_amount(amount_minor)) == amount_minor


def test_what_is_no_amount_is_refused():
    for wrong in ("", ".", "1.", ".5", "1.234", "01", "-1", "+1", "1e2", " 1", "1 ", "1,5", "1.-5"):
        refused(MALFORMED, money.parse_amount, wrong)
    for wrong in ("NaN", "\u0665", "1.\u0665", "1..5", "1.5.0", "0x1", "1_0", "\xb2", "true"):
        refused(MALFORMED, money.parse_amount, wrong)
    for wrong in ("0", "0.00", "40000000.01", "9" * 11, "9" * 5_000):
        refused(OVER_LIMIT, money.parse_amount, wrong)


def test_a_host_cannot_propose_an_amount_that_is_no_whole_number_of_cents():
    assert [money.check_amount(amount_minor) for amount_minor in (1, 4_000_000_000)]
    for wrong in (0, -1, 4_000_000_001, -(2**70), 2**70):
        refused(OVER_LIMIT, money.check_amount, wrong)
    for wrong in (12.5, 12.0, 1e3, True, False, "5", None, [5], float("inf"), float("nan")):
        refused(MALFORMED, money.check_amount, wrong)


def test_names_have_1_to_64_bytes_and_nothing_hidden():
    for name in ("a", "x" * 64, "\u20ac" * 21, "\xa0", "B\xe4cker \U0001f968", " ", "~"):
        assert identifier(name) == name
    for wrong in ("", "x" * 65, "\u20ac" * 22, "a\n", "\x00", "\x1b[2J", "\x7f", "\x80", "\x9f"):
        refused(MALFORMED, identifier, wrong)
    for wrong in (None, 5, True, [], ["a"], {}, b"anna", 1.5):
        refused(MALFORMED, identifier, wrong)


def test_times_print_as_in_a_browser():
    # `new Date(ms).toISOString()`; the same as Python's datetime gives.
    for unix_ms, printed in (
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (946_684_800_000, "2000-01-01T00:00:00.000Z"),
        (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
        (1_795_359_666_904, "2026-11-22T15:01:06.904Z"),
        (4_102_444_799_999, "2099-12-31T23:59:59.999Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
    ):
        assert timestamp.format_utc(unix_ms) == printed


def test_every_day_of_four_years_follows_the_one_before():
    lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    day_ms = 1_735_689_600_000  # 2025-01-01
    for year in (2025, 2026, 2027, 2028):
        for month in range(12):
            leap = 1 if month == 1 and year == 2028 else 0
            for day in range(lengths[month] + leap):
                expected = f"{year}-{month + 1:02d}-{day + 1:02d}T00:00:00.000Z"
                assert timestamp.format_utc(day_ms) == expected
                day_ms += 86_400_000


def test_an_acknowledgement_is_the_documented_hmac():
    # Python: hmac.new(bytes(range(32)), b"ab" * 32 + b"cd" * 32 + b"00000007", sha256)
    proof = acknowledgement.acknowledge(bytes(range(32)), "ab" * 32, 7, "cd" * 32)
    assert proof.hex() == "b5e88e9095fbedd28c1ca53853a5cdff573821f56c7f4d9867d862c727bbc5dd"


def test_an_acknowledgement_is_of_one_payment_at_one_place():
    seen = set()
    for key, txn_hash, index, head in (
        (bytes(32), "ab" * 32, 7, "cd" * 32),
        (bytes(31) + b"\x01", "ab" * 32, 7, "cd" * 32),
        (bytes(32), "ba" * 32, 7, "cd" * 32),
        (bytes(32), "ab" * 32, 8, "cd" * 32),
        (bytes(32), "ab" * 32, 7, "dc" * 32),
    ):
        seen.add(acknowledgement.acknowledge(key, txn_hash, index, head))
    assert len(seen) == 5


def judged() -> Receipt:
    verdicts = [(3, "ab" * 32, receipt.SETTLED, 0), (4, "cd" * 32, receipt.UNGUARANTEED, 7)]
    return Receipt("ef" * 32, 3, verdicts, HEAD, 1_795_359_666)


def receipt_text(members: str) -> tuple:
    """A receipt of these members for PAYEE, properly signed by the bank."""
    tag = hashlib.sha256(PAYEE.public).digest().hex()[:16]
    body = members.replace("TAG", tag).encode()
    # `signature` signs SHA-256 of what it is given in hex, so it is given the text itself.
    return body, signature(BANK, body.hex())


GOOD = (
    '{"type":"opg-json-receipt","receiver":"TAG","ledger_hash":"' + "ef" * 32 + '",'
    '"first_index":3,"verdicts":[[3,"' + "ab" * 32 + '",0,0]],"head":"' + HEAD + '","time":5}'
)


def test_a_receipt_comes_back_as_it_was():
    made, bank_signature = receipt.make_receipt(BANK.private, PAYEE.public, judged())
    found = receipt.open_receipt(made.encode(), bank_signature, BANK.public, PAYEE.public)
    assert found.verdicts == judged().verdicts
    assert (found.ledger_hash, found.first_index) == ("ef" * 32, 3)
    assert (found.head, found.time) == (HEAD, 1_795_359_666)


def test_a_receipt_by_another_hand_opens():
    body, bank_signature = receipt_text(GOOD)
    found = receipt.open_receipt(body, bank_signature, BANK.public, PAYEE.public)
    assert found.verdicts == [(3, "ab" * 32, 0, 0)]


def test_a_receipt_for_another_board_is_refused():
    made, bank_signature = receipt.make_receipt(BANK.private, PAYEE.public, judged())
    arguments = made.encode(), bank_signature, BANK.public, OTHER_PAYEE.public
    refused(NOT_FOR_ME, receipt.open_receipt, *arguments)


def test_a_receipt_that_the_bank_did_not_sign_marks_nothing():
    made, good = receipt.make_receipt(BANK.private, PAYEE.public, judged())
    raw = made.encode()
    arguments = BANK.public, PAYEE.public
    for position in range(0, 64, 5):
        refused(BAD_SIGNATURE, receipt.open_receipt, raw, flipped(good, position), *arguments)
    for position in range(0, len(raw), 17):
        refused(BAD_SIGNATURE, receipt.open_receipt, flipped(raw, position), good, *arguments)
    for length in (0, 1, 63, 65):
        refused(BAD_SIGNATURE, receipt.open_receipt, raw, bytes(length), *arguments)
    refused(BAD_SIGNATURE, receipt.open_receipt, raw, bytes(64), *arguments)
    refused(BAD_SIGNATURE, receipt.open_receipt, raw, good, OTHER_PAYEE.public, PAYEE.public)


def test_something_else_that_the_bank_signed_is_no_receipt():
    for old, new in (
        ("opg-json-receipt", "opg-other"),
        ('"time":5', '"time":"5"'),
        ('"time":5', '"time":-5'),
        ('"time":5', '"time":5.0'),
        ('"time":5', '"time":12345678901'),
        ('"time":5', '"tome":5'),
        ('"first_index":3', '"first_index":null'),
        ('"head":"', '"heed":"'),
        (",0,0]]", ",0]]"),
        (",0,0]]", ",0,0,0]]"),
        (",0,0]]", ",0,true]]"),
        (",0,0]]", ",0,0],3]"),
        ("[[3,", '[["3",'),
        ('"verdicts":[', '"verdicts":{}['),
        ("}", "}}"),
    ):
        changed = GOOD.replace(old, new)
        assert changed != GOOD
        body, bank_signature = receipt_text(changed)
        refused(MALFORMED, receipt.open_receipt, body, bank_signature, BANK.public, PAYEE.public)
    body, bank_signature = receipt_text("\xff")
    refused(MALFORMED, receipt.open_receipt, body, bank_signature, BANK.public, PAYEE.public)


def test_tenths_add_up_and_large_amounts_keep_their_cents():
    # As floats, 0.10 + 0.20 is not 0.30, and an ESP32's 24 bits make 16777217.01 16777216.00.
    assert money.show_amount(money.parse_amount("0.10") + money.parse_amount("0.20")) == "0.30"
    assert money.show_amount(money.parse_amount("16777217.01")) == "16777217.01"
    assert money.show_amount(money.parse_amount("40000000.00")) == "40000000.00"
