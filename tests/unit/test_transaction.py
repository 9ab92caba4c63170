"""The transaction: what a payer signs is exactly what is counted, shown and settled."""

from firmware.common.interchange import transaction
from firmware.common.interchange.transaction import Transaction
from firmware.common.wire.errors import (
    BAD_SIGNATURE,
    KEY_MISSING,
    MALFORMED,
    OVER_LIMIT,
    TOO_LARGE,
)
from tests.unit.forms import (
    OTHER_PAYER,
    PAYER,
    SIGNED,
    TIMESTAMP,
    TXN_ID,
    b64,
    flipped,
    jwk,
    payment,
    payment_hash,
    signature,
    text,
)
from tests.unit.helpers import Seeded, refused

ALL = SIGNED + ("hash", "signature", "sender_public_key")  # noqa: RUF005 - see pyproject.toml


def parse(form: dict, names=None) -> Transaction:
    return transaction.parse(text(form, names))


def signed(**members) -> Transaction:
    """Parsed and its signature checked, as by board and bank."""
    parsed = parse(payment(**members))
    transaction.check_signature(parsed)
    return parsed


def spoilt(reason: int, **members) -> str:
    """A payment correctly signed over a wrong member is refused for this reason."""
    return refused(reason, parse, payment(**members))


def test_a_payment_is_read_member_by_member():
    parsed = signed(prev_hash='"' + "ab" * 32 + '"', wallet_id='"savings"')
    assert (parsed.txn_id, parsed.timestamp) == (TXN_ID, TIMESTAMP)
    assert (parsed.from_id, parsed.to_id, parsed.amount_minor) == ("anna", "bert", 12_50)
    assert (parsed.prev_hash, parsed.wallet_id) == ("ab" * 32, "savings")
    assert parsed.sender_public_key == PAYER.public


def test_the_hash_is_that_of_the_documented_text():
    # SHA-256 of the canonical text written out by hand, computed with Python's hashlib.
    parsed = Transaction(TXN_ID, "\xe4nna", '\u5e97 "7"', 12_50, TIMESTAMP, "", None)
    assert parsed.hash == "a55d2595297bcfe921a0ac378c23f6b1d02b50e45fa068fef3b5ba432c443e3b"
    parsed = Transaction(TXN_ID, "\xe4nna", '\u5e97 "7"', 10, TIMESTAMP, "ab" * 32, "w1")
    assert parsed.hash == "7bf212d0518bb8356c1ace67639385c1a2d5655b1fb958fcaa4f33a4e91a4812"


def test_members_may_stand_in_any_order_and_with_any_space():
    form = payment()
    for names in (ALL, sorted(ALL), sorted(ALL, reverse=True)):
        assert parse(form, names).hash == form["hash"][1:-1]
    spaced = text(form, ALL).replace(b",", b" ,\n ").replace(b'":', b'" : ')
    assert transaction.parse(spaced).hash == form["hash"][1:-1]


def test_names_in_ascii_escapes_are_the_same_names():
    form = payment(from_id='"B\xe4cker \U0001f968"')
    form["from_id"] = '"B\\u00e4cker \\ud83e\\udd68"'
    parsed = parse(form)
    transaction.check_signature(parsed)
    assert parsed.from_id == "B\xe4cker \U0001f968"


def test_each_member_is_needed():
    for name in ALL:
        form = payment()
        del form[name]
        if name in ("prev_hash", "wallet_id"):
            assert parse(form).hash == form["hash"][1:-1]  # absent is null
        else:
            reason = KEY_MISSING if name == "sender_public_key" else MALFORMED
            assert name in refused(reason, parse, form)


def test_no_other_member_is_taken():
    for name in ("memo", "Amount", "amount_minor", "", "toString", "sender_ecdh_public_key"):
        form = payment()
        form[name] = "1"
        refused(MALFORMED, parse, form)
    doubled = text(payment()).replace(b'"to_id"', b'"to_id":"eve","to_id"')
    refused(MALFORMED, transaction.parse, doubled)
    escaped = text(payment()).replace(b'"to_id"', b'"to_\\u0069d":"eve","to_id"')
    refused(MALFORMED, transaction.parse, escaped)


def test_a_value_of_another_type_is_refused():
    for name in ALL:
        for wrong in ("5", "true", "[]", "{}", '["anna"]', "null"):
            form = payment()
            if (name, wrong) == ("amount", "5") or (
                name in ("prev_hash", "wallet_id") and wrong == "null"
            ):
                continue
            form[name] = wrong
            if name in SIGNED:
                form["hash"] = f'"{payment_hash(form)}"'
            key_is_missing = (name, wrong) == ("sender_public_key", "null")
            refused(KEY_MISSING if key_is_missing else MALFORMED, parse, form)


def test_amounts_are_exact():
    for raw, amount_minor in (
        ("0.01", 1),
        ("0.1", 10),
        ("0.10", 10),
        ("0.3", 30),
        ("7", 7_00),
        ("7.0", 7_00),
        ("12.5", 12_50),
        ("12.50", 12_50),
        ("167772.17", 16_777_217),  # one more than a 24-bit float holds
        ("16777217.01", 1_677_721_701),
        ("39999999.99", 3_999_999_999),
        ("40000000", 4_000_000_000),
        ("40000000.00", 4_000_000_000),
    ):
        form = payment(amount=raw.rstrip("0").rstrip(".") if "." in raw else raw)
        form["amount"] = raw
        parsed = parse(form)
        transaction.check_signature(parsed)
        assert parsed.amount_minor == amount_minor


def test_ten_and_twenty_cents_are_thirty():
    ten, twenty = signed(amount="0.1"), signed(amount="0.2")
    assert ten.amount_minor + twenty.amount_minor == signed(amount="0.3").amount_minor == 30


def test_amounts_that_are_no_amounts_are_refused():
    for raw in ("-1", "-0.01", "-0", "1e2", "1E2", "1e-2", "0.1e1", "0.001", "1.999", "0.100"):
        spoilt(MALFORMED, amount=raw)
    for raw in ("true", "false", "null", '"5"', '"12.5"', "[5]", "{}", '""'):
        spoilt(MALFORMED, amount=raw)
    for raw in ("NaN", "Infinity", "-Infinity", "01", "00", "007", ".5", "5.", "+5", "5,0", "0x5"):
        spoilt(MALFORMED, amount=raw)
    for raw in ("0", "0.0", "0.00", "40000000.01", "40000001", "99999999999", "9" * 400):
        spoilt(OVER_LIMIT, amount=raw)


def test_an_amount_changed_after_signing_is_noticed():
    for raw in ("12.51", "125", "1250"):
        form = payment()
        form["amount"] = raw
        refused(BAD_SIGNATURE, parse, form)


def test_each_signed_member_changed_after_signing_is_noticed():
    changes = {
        "txn_id": '"4f2c1f0e-8a43-4a5e-9d5d-0c9a8f6f2b12"',
        "from_id": '"eve"',
        "to_id": '"eve"',
        "timestamp": '"2026-11-22T15:01:06.905Z"',
        "prev_hash": '"' + "00" * 32 + '"',
        "wallet_id": '"other"',
        "hash": '"' + "00" * 32 + '"',
    }
    for name, raw in changes.items():
        form = payment()
        form[name] = raw
        refused(BAD_SIGNATURE, parse, form)


def test_a_hash_has_one_spelling():
    form = payment()
    correct = form["hash"]
    for raw in (correct.upper(), correct[:-2] + '"', '"0x' + correct[1:], correct[:-1] + ' "'):
        form["hash"] = raw
        refused(BAD_SIGNATURE, parse, form)


def test_signatures_of_browsers_count_with_low_and_high_s():
    low, high = payment(), payment(high_s=True)
    assert low["signature"] != high["signature"]
    for form in (low, high):
        transaction.check_signature(parse(form))
    assert parse(low).hash == parse(high).hash  # else it could be paid twice


def test_a_random_signature_of_the_right_length_is_refused():
    form = payment()
    seeded = Seeded("signatures")
    good = signature(PAYER, form["hash"][1:-1])
    wrong = [seeded.data(64) for _ in range(8)]
    wrong += [bytes(64), b"\xff" * 64, good[32:] + good[:32], bytes(32) + good[32:]]
    wrong += [good[:32] + bytes(32), signature(OTHER_PAYER, form["hash"][1:-1])]
    wrong += [flipped(good, position, position % 8) for position in range(64)]
    for candidate in wrong:
        form["signature"] = f'"{b64(candidate)}"'
        refused(BAD_SIGNATURE, transaction.check_signature, parse(form))


def test_a_signature_of_another_length_is_refused():
    for length in (0, 1, 32, 63, 65, 70, 72, 128):
        form = payment()
        form["signature"] = f'"{b64(bytes(length))}"'
        refused(MALFORMED, parse, form)


def test_a_key_swapped_for_another_is_noticed():
    form = payment()
    form["sender_public_key"] = jwk(OTHER_PAYER.public)
    refused(BAD_SIGNATURE, transaction.check_signature, parse(form))


def test_a_signature_over_the_text_of_the_hash_is_not_one_over_its_bytes():
    form = payment()
    as_text = form["hash"][1:-1].encode().hex()  # what signs the hex digits themselves
    form["signature"] = f'"{b64(signature(PAYER, as_text))}"'
    refused(BAD_SIGNATURE, transaction.check_signature, parse(form))


def test_ids_of_payments_are_uuids_of_version_4_in_one_spelling():
    for txn_id in (TXN_ID, "00000000-0000-4000-8000-000000000000", TXN_ID[:19] + "b" + TXN_ID[20:]):
        assert signed(txn_id=f'"{txn_id}"').txn_id == txn_id
    for wrong in (
        TXN_ID.upper(),
        TXN_ID.replace("-", ""),
        "{" + TXN_ID + "}",
        "urn:uuid:" + TXN_ID,
        TXN_ID[:14] + "1" + TXN_ID[15:],  # version 1
        TXN_ID[:14] + "7" + TXN_ID[15:],
        TXN_ID[:19] + "7" + TXN_ID[20:],  # the variant of another standard
        TXN_ID[:19] + "c" + TXN_ID[20:],
        TXN_ID[:-1],
        TXN_ID + "1",
        TXN_ID[:-1] + "g",
        TXN_ID[:8] + TXN_ID[9:],
        TXN_ID[:-2] + "\u0663\u0663",
        TXN_ID + "-",
        " " + TXN_ID[1:],
        "0" * 36,
        "----",
    ):
        spoilt(MALFORMED, txn_id=f'"{wrong}"')


def test_names_of_people_and_wallets_may_be_of_any_script():
    for name in ("\xe4nna", "\u5e97", "\U0001f968", "O'Hara \\\" \\\\ Co", "a b", "x" * 64):
        raw = f'"{name}"'
        assert signed(from_id=raw, to_id='"till"').to_id == "till"
        assert signed(to_id=raw).from_id == "anna"
        assert signed(wallet_id=raw).wallet_id
    assert signed(to_id='"' + "\u20ac" * 21 + '"').to_id == "\u20ac" * 21  # 63 bytes


def test_names_that_hide_something_or_do_not_end_are_refused():
    for name in ("from_id", "to_id", "wallet_id"):
        for raw in (
            "x" * 65,
            "\u20ac" * 22,  # 22 letters, 66 bytes
            "\U0001f968" * 17,
            "a\\u0000",
            "\\u0001",
            "a\\nb",
            "a\\tb",
            "\\u001b[2J",
            "a\\u007f",
            "a\\u0085b",  # a line end to some
            "a\\u009b2J",  # what an escape sequence begins with in eight bits
        ):
            spoilt(MALFORMED, **{name: f'"{raw}"'})


def test_a_wallet_may_be_null_empty_or_absent_and_hashes_the_same():
    null, empty = payment(wallet_id="null"), payment(wallet_id='""')
    assert null["hash"] == empty["hash"]
    for form in (null, empty):
        parsed = parse(form)
        transaction.check_signature(parsed)
        assert parsed.wallet_id is None
    del null["wallet_id"]
    assert parse(null).wallet_id is None
    assert payment(wallet_id='"a"')["hash"] != empty["hash"]


def test_the_hash_of_the_payment_before_is_empty_or_64_lower_case_hex_digits():
    for raw in ('""', "null", '"' + "0f" * 32 + '"'):
        signed(prev_hash=raw)
    for raw in ("0f" * 31, "0f" * 33, "0F" * 32, "0g" * 32, "GENESIS", " ", "0x" + "0f" * 31):
        spoilt(MALFORMED, prev_hash=f'"{raw}"')


def test_timestamps_have_one_form_and_name_a_moment():
    for stamp in (TIMESTAMP, "2000-01-01T00:00:00.000Z", "2028-02-29T23:59:59.999Z"):
        assert signed(timestamp=f'"{stamp}"').timestamp == stamp
    for wrong in (
        "2026-11-22T15:01:06Z",
        "2026-11-22T15:01:06.9Z",
        "2026-11-22T15:01:06.904",
        "2026-11-22T15:01:06.904+00:00",
        "2026-11-22 15:01:06.904Z",
        "2026-11-22t15:01:06.904z",
        "2026-11-22T15:01:06,904Z",
        "2026/11/22T15:01:06.904Z",
        "20261-1-22T15:01:06.904Z",
        "2026-11-22T15:01:06.904Z ",
        "2026-11-22T15:01:06.904ZZ",
        "2026-11-22T15:01:06.9042Z",
        "2026-13-22T15:01:06.904Z",
        "2026-00-22T15:01:06.904Z",
        "2026-11-00T15:01:06.904Z",
        "2026-11-32T15:01:06.904Z",
        "2026-11-22T24:01:06.904Z",
        "2026-11-22T15:60:06.904Z",
        "2026-11-22T15:01:60.904Z",
        "2026-11-22T15:01:0\u0666.904Z",
        "-026-11-22T15:01:06.904Z",
        "+026-11-22T15:01:06.904Z",
        "2026-11-22T15:01:06.90aZ",
        "now",
    ):
        spoilt(MALFORMED, timestamp=f'"{wrong}"')


def test_a_payment_of_any_size_is_refused_before_it_is_read():
    refused(TOO_LARGE, transaction.parse, text(payment()) + b" " * 2_000)
    refused(TOO_LARGE, transaction.parse, b"[" * 100_000)


def test_what_the_firmware_writes_is_what_it_reads():
    seeded = Seeded("round trips")
    for _ in range(8):
        made = Transaction(
            transaction.new_id(),
            seeded.among(("anna", "\xe4nna", 'a"\\b', "\U0001f968")),
            seeded.among(("bert", "\u5e97")),
            1 + seeded.below(4_000_000_000),
            TIMESTAMP,
            seeded.among(("", seeded.data(32).hex())),
            seeded.among((None, "savings", "\xe9")),
        )
        transaction.sign(made, PAYER.private, PAYER.public)
        written = transaction.to_json(made)
        read = transaction.parse(written.encode())
        transaction.check_signature(read)
        assert transaction.to_json(read) == written
        assert (read.hash, read.amount_minor) == (made.hash, made.amount_minor)


def test_new_ids_are_uuids_and_differ():
    ids = {transaction.new_id() for _ in range(50)}
    assert len(ids) == 50
    for txn_id in ids:
        assert [len(part) for part in txn_id.split("-")] == [8, 4, 4, 4, 12]
        assert txn_id[14] == "4" and txn_id[19] in "89ab"
    assert {txn_id[0] for txn_id in ids} != {sorted(ids)[0][0]}
