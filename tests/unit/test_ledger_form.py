"""The ledger's form: all that a receiver signed arrives at the bank, in order, or nothing does."""

from firmware.common.interchange import ledger, transaction
from firmware.common.payment.ledger import GENESIS, link
from firmware.common.wire.errors import (
    BAD_SIGNATURE,
    CANNOT_OPEN,
    CHAIN_BROKEN,
    KEY_MISSING,
    MALFORMED,
    OVER_LIMIT,
    Refused,
)
from tests.unit import forms
from tests.unit.forms import BANK_ECDH, OTHER_PAYEE, PAYEE, flipped, payment, text
from tests.unit.helpers import Seeded, refused

ENTRIES_MAX = 64


def txn_id(number: int) -> str:
    return f'"{number:08x}-0000-4000-8000-000000000000"'


def opened(inside: dict):
    return ledger.open_ledger(text(forms.encrypted_ledger(inside)), BANK_ECDH.private, ENTRIES_MAX)


def array_of(*entries: str) -> str:
    return "[" + ",".join(entries) + "]"


def three() -> list:
    """Entries of three payments, the second from somebody of another script."""
    return forms.ledger(
        payment(txn_id=txn_id(1)),
        payment(txn_id=txn_id(2), from_id='"\xe4nna \U0001f968"', amount="0.1", high_s=True),
        payment(txn_id=txn_id(3), amount="7"),
    )


def spoilt(reason: int, array: str) -> str:
    """A ledger of these entries, properly signed and sealed, is refused for this reason."""
    return refused(reason, opened, forms.signed_ledger(array))


def test_a_ledger_opens_entry_by_entry():
    batch = opened(forms.signed_ledger(array_of(*three())))
    assert batch.receiver_public_key == PAYEE.public
    assert [entry.ledger_index for entry in batch.entries] == [0, 1, 2]
    assert [entry.refused for entry in batch.entries] == [None] * 3
    amounts = [entry.transaction.amount_minor for entry in batch.entries if entry.transaction]
    assert amounts == [12_50, 10, 7_00]
    for entry in batch.entries:
        assert entry.transaction
        transaction.check_signature(entry.transaction)
        assert entry.txn_hash == entry.transaction.hash


def test_the_chain_is_sha_256_over_the_text_of_both_hashes():
    # Computed with Python's hashlib: SHA-256("GENESIS" + "ab" * 32), then with "cd" * 32.
    first = link(GENESIS, "ab" * 32)
    assert first == "c3c319c2b6d72ca3510437d607c49e1efb4886b0fefd98a7771205390bf95b79"
    second = "4efac90dcacfae8a06690b779b2bb73c5898094113d546140b826c325d9d4c46"
    assert link(first, "cd" * 32) == second


def test_what_a_board_seals_the_bank_opens():
    entries, prev = [], GENESIS
    for number in (1, 2):
        made = transaction.parse(text(payment(txn_id=txn_id(number), from_id='"\xe4nna"')))
        prev = link(prev, made.hash)
        entries.append(ledger.entry_to_json(number - 1, transaction.to_json(made), prev))
    sealed = ledger.seal_ledger(entries, PAYEE.private, PAYEE.public, BANK_ECDH.public)
    batch = ledger.open_ledger(sealed.encode(), BANK_ECDH.private, ENTRIES_MAX)
    assert [entry.hash for entry in batch.entries][-1] == prev
    assert [entry.txn_id for entry in batch.entries] == [txn_id(1)[1:-1], txn_id(2)[1:-1]]


def test_a_later_part_of_a_ledger_opens():
    batch = opened(forms.signed_ledger(array_of(*three()[1:])))
    assert [entry.ledger_index for entry in batch.entries] == [1, 2]


def test_an_empty_ledger_has_no_entries():
    assert opened(forms.signed_ledger("[]")).entries == []


def test_a_ledger_printed_with_spaces_or_escapes_is_the_same_ledger():
    array = array_of(*three())
    pretty = array.replace(",", ",\n    ").replace('":', '" : ').replace("12.5", "12.50")
    escaped = array.replace("\xe4", "\\u00e4").replace("\U0001f968", "\\ud83e\\udd68")
    for sent in (pretty, escaped):
        assert sent != array
        batch = opened(forms.signed_ledger(sent, hashed=array))
        assert [entry.refused for entry in batch.entries] == [None] * 3
        assert opened(forms.signed_ledger(sent)).hash != batch.hash


def test_another_order_or_value_than_was_signed_is_refused():
    array = array_of(*three())
    for sent in (
        array_of(*three()[:2]),
        array.replace('"status":"verified"', '"status":"settled"'),
        array.replace('"amount":7', '"amount":8'),
        array.replace('"amount":7,', "").replace('"to_id"', '"amount":7,"to_id"'),
        "[]",
    ):
        assert sent != array
        refused(BAD_SIGNATURE, opened, forms.signed_ledger(sent, hashed=array))


def test_a_ledger_signed_by_nobody_or_somebody_else_is_refused():
    inside = forms.signed_ledger(array_of(*three()))
    for position in range(0, 64, 7):
        good = forms.signature(PAYEE, inside["hash"][1:-1])
        bad = dict(inside)
        bad["signature"] = f'"{forms.b64(flipped(good, position))}"'
        refused(BAD_SIGNATURE, opened, bad)
    bad = dict(inside)
    bad["receiver_public_key"] = forms.jwk(OTHER_PAYEE.public)
    refused(BAD_SIGNATURE, opened, bad)
    bad["receiver_public_key"] = "null"
    refused(KEY_MISSING, opened, bad)


def test_each_member_is_needed():
    for name in ("ledger", "hash", "signature", "receiver_public_key"):
        inside = forms.signed_ledger("[]")
        del inside[name]
        refused(KEY_MISSING if "key" in name else MALFORMED, opened, inside)
    for name in ("encrypted_payload", "encrypted_aes_key", "iv", "receiver_public_key"):
        form = forms.encrypted_ledger(forms.signed_ledger("[]"))
        del form[name]
        reason = KEY_MISSING if "public_key" in name else MALFORMED
        refused(reason, ledger.open_ledger, text(form), BANK_ECDH.private, ENTRIES_MAX)


def test_members_of_another_type_are_refused():
    for name in ("ledger", "hash", "signature", "receiver_public_key"):
        for wrong in ("5", "true", '"x"', "{}", '{"a":1}'):
            inside = forms.signed_ledger("[]")
            inside[name] = wrong
            if name == "ledger":
                inside = forms.signed_ledger(wrong)
            refused(MALFORMED, opened, inside)


def test_an_unsigned_plaintext_ledger_is_refused():
    plain = text({"ledger": array_of(*three())})
    refused(KEY_MISSING, ledger.open_ledger, plain, BANK_ECDH.private, ENTRIES_MAX)
    plain = text(forms.signed_ledger(array_of(*three())))  # signed, but not sealed
    refused(MALFORMED, ledger.open_ledger, plain, BANK_ECDH.private, ENTRIES_MAX)


def test_a_ledger_sealed_to_another_bank_does_not_open():
    raw = text(forms.encrypted_ledger(forms.signed_ledger("[]")))
    refused(CANNOT_OPEN, ledger.open_ledger, raw, PAYEE.private, ENTRIES_MAX)


def test_a_gap_a_swap_or_a_repetition_breaks_the_chain():
    first, second, third = three()
    for entries in (
        (first, third),
        (second, first),
        (first, first),
        (first, second, second),
        (third, first),
        (first, second.replace('"ledger_index":1', '"ledger_index":2')),
        (first, second.replace('"ledger_index":1', '"ledger_index":0')),
    ):
        spoilt(CHAIN_BROKEN, array_of(*entries))


def test_an_entry_whose_hash_is_not_its_own_breaks_the_chain():
    first, second, third = three()
    other, other_hash = forms.entry(1, GENESIS, payment(txn_id=txn_id(2)))
    assert other_hash not in second
    spoilt(CHAIN_BROKEN, array_of(first, other, third))


def test_an_entry_has_exactly_four_members():
    first = three()[0]
    for entry in (
        first.replace('"status":"verified"', '"status":"settled"'),
        first.replace('"status":"verified"', '"status":null'),
        first.replace(',"status":"verified"', ""),
        first.replace('"status"', '"memo":1,"status"'),
        first.replace('"status"', '"ledger_index":0,"status"'),
        first.replace('"ledger_index":0,', ""),
        first.replace('"ledger_index":0', '"ledger_index":"0"'),
        first.replace('"ledger_index":0', '"ledger_index":-1'),
        first.replace('"ledger_index":0', '"ledger_index":1.5'),
        first.replace('"ledger_index":0', '"ledger_index":null'),
        first.replace('"ledger_index":0', '"ledger_index":12345678901'),
        '{"ledger_index":0,"transaction":null,"hash":"x","status":"verified"}',
        "null",
        "[]",
        "5",
    ):
        assert entry != first
        spoilt(MALFORMED, array_of(entry))


def test_an_unreadable_payment_holds_up_no_other():
    good, bad = payment(txn_id=txn_id(1)), payment(txn_id=txn_id(2))
    last = payment(txn_id=txn_id(3))
    for name, wrong, reason in (
        ("amount", "-5", MALFORMED),
        ("amount", '"5"', MALFORMED),
        ("amount", "true", MALFORMED),
        ("amount", "0.001", MALFORMED),
        ("amount", "0", OVER_LIMIT),
        ("amount", "13", BAD_SIGNATURE),
        ("to_id", "null", MALFORMED),
        ("signature", '"AAAA"', MALFORMED),
        ("sender_public_key", "null", KEY_MISSING),
        ("sender_public_key", "{}", MALFORMED),
        ("memo", '"more"', MALFORMED),
    ):
        spoiled = dict(bad)
        spoiled[name] = wrong
        batch = opened(forms.signed_ledger(array_of(*forms.ledger(good, spoiled, last))))
        first, second, third = batch.entries
        assert first.transaction and third.transaction and second.transaction is None
        assert isinstance(second.refused, Refused) and second.refused.reason == reason
        assert second.txn_hash == bad["hash"][1:-1]
        assert second.txn_id == txn_id(2)[1:-1]


def test_an_amount_that_only_a_float_could_print_holds_up_no_other():
    # The existing receiver takes such amounts, and JavaScript writes them as 1e-7 and 1e+21.
    for amount in ("1e-7", "1e+21", "0.1234567890123456"):
        spoiled = payment(txn_id=txn_id(1))
        spoiled["amount"] = amount
        array = array_of(*forms.ledger(spoiled, payment(txn_id=txn_id(2))))
        first, second = opened(forms.signed_ledger(array)).entries
        assert first.refused and first.refused.reason == MALFORMED
        assert second.transaction


def test_a_payment_whose_id_cannot_be_told_still_has_its_place():
    for wrong in ("5", "null", '"x"', '"' + "x" * 500 + '"'):
        spoiled = payment()
        spoiled["txn_id"] = wrong
        (entry,) = opened(forms.signed_ledger(array_of(*forms.ledger(spoiled)))).entries
        assert (entry.txn_id, entry.transaction) == ("", None)
        assert entry.txn_hash == spoiled["hash"][1:-1]


def test_a_payment_without_a_hash_has_no_place_in_a_chain():
    for wrong in ('"' + "AB" * 32 + '"', '""', "5", "null", '"' + "ab" * 31 + '"'):
        entry = three()[0].replace(payment(txn_id=txn_id(1))["hash"], wrong, 1)
        spoilt(MALFORMED, array_of(entry))


def test_more_entries_than_asked_for_are_refused():
    entries = three()
    raw = text(forms.encrypted_ledger(forms.signed_ledger(array_of(*entries))))
    assert len(ledger.open_ledger(raw, BANK_ECDH.private, 3).entries) == 3
    refused(MALFORMED, ledger.open_ledger, raw, BANK_ECDH.private, 2)


def test_every_flipped_bit_of_the_upload_is_noticed():
    seeded = Seeded("upload")
    good = text(forms.encrypted_ledger(forms.signed_ledger(array_of(*three()))))
    for position in [seeded.below(len(good)) for _ in range(120)]:
        bad = flipped(good, position, seeded.below(8))
        try:
            ledger.open_ledger(bad, BANK_ECDH.private, ENTRIES_MAX)
        except Refused:
            continue
        raise AssertionError(f"the flip at {position} was not noticed")
