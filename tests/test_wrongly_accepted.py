"""What another implementation of these forms was seen to accept, line by line, and who refuses it.

The list is data, from the description of the forms. Every line has its tests: the boards' below,
on a payee's board put together as on the real one; the bank's in `tests/bank`.
"""

import ast
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from firmware.common.wire.errors import (
    BAD_SIGNATURE,
    KEY_MISMATCH,
    KEY_MISSING,
    MALFORMED,
    NOT_FOR_ME,
    OVER_LIMIT,
    Refused,
)
from firmware.receiver.filing import take_envelope
from tests import builder
from tests.builder import Device, Raw, transaction
from tests.unit import roles

THE_LIST = (
    "negative, zero, NaN, boolean or text amounts · a transaction without `sender_public_key` or"
    " with a random signature of the right length · a key that is not the one enrolled for"
    " `from_id` · another owner's `wallet_id` · an overdraft with `wallet_id` null · an envelope"
    " for another `to_id` · the same envelope imported twice (ours: the second import answers"
    ' "already have it", the ledger is unchanged) · an outer key or txn_id that differs from the'
    " inner · a stolen envelope re-sealed by a third party · a ledger settled by somebody who is"
    " not its receiver · an unsigned plaintext ledger · a ledger whose entries differ from those"
    " uploaded before (an identical re-sent beginning is no error: those entries answer their"
    " stored verdicts, as the existing receiver always sends its whole ledger) · a `txn_id` burned"
    " by an outsider so that the honest payment is refused later · one bad entry in the middle"
    " leaving the earlier ones settled while the answer is an error · the same ledger posted ten"
    " times at once settling more than once · ten payments of 80 from a wallet of 100 through four"
    " workers (it settled 320) · a 50 MiB body · stored script in names shown to the operator"
)

ROOT = Path(__file__).parent
HERE = "test_wrongly_accepted.py"
BANK = "bank/test_wrongly_accepted.py"
WORKERS = "bank/test_workers.py"
ONE_PAYMENT = "test_a_payment_that_is_refused"

# The beginning of each line, and the tests that name it: (file, function).
TESTS: dict[str, list[tuple[str, str]]] = {
    "negative, zero, NaN, boolean or text amounts": [
        (BANK, ONE_PAYMENT),
        (BANK, "test_NaN_amounts"),
        (HERE, "test_negative_zero_NaN_boolean_or_text_amounts"),
    ],
    "a transaction without `sender_public_key` or with a random signature": [
        (BANK, ONE_PAYMENT),
        (HERE, "test_a_transaction_without_sender_public_key"),
        (HERE, "test_a_random_signature_of_the_right_length"),
    ],
    "a key that is not the one enrolled for `from_id`": [(BANK, ONE_PAYMENT)],
    "another owner's `wallet_id`": [(BANK, ONE_PAYMENT)],
    "an overdraft with `wallet_id` null": [(BANK, ONE_PAYMENT)],
    "an envelope for another `to_id`": [(HERE, "test_an_envelope_for_another_to_id")],
    "the same envelope imported twice": [(HERE, "test_the_same_envelope_imported_twice")],
    "an outer key or txn_id that differs from the inner": [
        (HERE, "test_an_outer_key_or_txn_id_that_differs_from_the_inner")
    ],
    "a stolen envelope re-sealed by a third party": [
        (HERE, "test_a_stolen_envelope_re_sealed_by_a_third_party"),
        (BANK, "test_a_stolen_envelope_re_sealed_by_a_third_party"),
    ],
    "a ledger settled by somebody who is not its receiver": [
        (BANK, "test_a_ledger_settled_by_somebody_who_is_not_its_receiver")
    ],
    "an unsigned plaintext ledger": [(BANK, "test_an_unsigned_plaintext_ledger")],
    "a ledger whose entries differ from those uploaded before": [
        (BANK, "test_a_ledger_whose_entries_differ_from_those_uploaded_before"),
        (BANK, "test_an_identical_re_sent_beginning_is_no_error"),
    ],
    "a `txn_id` burned by an outsider": [
        (
            BANK,
            "test_a_txn_id_burned_by_an_outsider_so_that_the_honest_payment_is_refused_later",
        )
    ],
    "one bad entry in the middle": [
        (
            BANK,
            "test_one_bad_entry_in_the_middle_leaving_the_earlier_ones_settled_while_the_answer"
            "_is_an_error",
        ),
        (BANK, "test_structure_is_all_or_nothing"),
    ],
    "the same ledger posted ten times at once": [
        (WORKERS, "test_one_ledger_posted_twenty_times_settles_once")
    ],
    "ten payments of 80 from a wallet of 100 through four workers": [
        (WORKERS, "test_ten_payments_of_80_through_four_workers_settle_once")
    ],
    "a 50 MiB body": [
        (BANK, "test_a_50_MiB_body"),
        (WORKERS, "test_a_body_of_50_mib_is_refused_before_it_is_read"),
    ],
    "stored script in names shown to the operator": [
        (BANK, "test_stored_script_in_names_shown_to_the_operator")
    ],
}
# Of the lines that one parametrised test of the bank holds: its cases, one a thing listed.
CASES = (
    "negative amounts",
    "zero amounts",
    "boolean amounts",
    "text amounts",
    "a transaction without `sender_public_key`",
    "a transaction with a random signature of the right length",
    "a key that is not the one enrolled for `from_id`",
    "another owner's `wallet_id`",
    "an overdraft with `wallet_id` null",
)


def test_every_line_has_its_tests() -> None:
    lines = THE_LIST.split(" · ")
    assert len(lines) == 18
    for line in lines:
        assert [start for start in TESTS if line.startswith(start)], line
    for start in TESTS:
        assert len([line for line in lines if line.startswith(start)]) == 1, start


@pytest.mark.parametrize(
    ("file", "name"), sorted({test for tests in TESTS.values() for test in tests})
)
def test_every_named_test_exists(file: str, name: str) -> None:
    tree = parsed(file)
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("case", CASES)
def test_every_case_of_the_one_payment_exists(case: str) -> None:
    texts = {node.value for node in ast.walk(parsed(BANK)) if isinstance(node, ast.Constant)}
    assert case in texts


@pytest.fixture
def payee(tmp_path: Path) -> "Payee":
    return Payee(tmp_path)


class Payee:
    """Bert's board: the receiver's own code, on fake hardware."""

    def __init__(self, folder: Path) -> None:
        self.app: Any = roles.payee(str(folder), "bert")
        private = int.from_bytes(self.app.device.store.keys.ecdh)
        self.ecdh_jwk = builder.jwk(ec.derive_private_key(private, builder.CURVE))

    def take(self, envelope: Raw) -> tuple[dict[str, Any], bool]:
        return take_envelope(self.app, builder.text(envelope).encode())

    def refuses(self, envelope: Raw) -> int:
        """The reason; the ledger is what it was."""
        before = self.ledger
        with pytest.raises(Refused) as refused:
            self.take(envelope)
        assert self.ledger == before
        return refused.value.reason

    @property
    def ledger(self) -> tuple[int, int, str]:
        book = roles.book(self.app)
        return book.count, book.total_minor, book.head


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("-5", MALFORMED),
        ("0", OVER_LIMIT),
        ("NaN", MALFORMED),
        ("true", MALFORMED),
        ('"5"', MALFORMED),
        ("null", MALFORMED),
    ],
)
def test_negative_zero_NaN_boolean_or_text_amounts(  # noqa: N802
    payee: Payee, amount: str, reason: int
) -> None:
    assert payee.refuses(sealed(payee, lambda anna: transaction(anna, "bert", amount))) == reason


def test_a_transaction_without_sender_public_key(payee: Payee) -> None:
    def make(anna: Device) -> Raw:
        payment = transaction(anna, "bert")
        del payment["sender_public_key"]
        return payment

    assert payee.refuses(sealed(payee, make)) == KEY_MISSING
    envelope = sealed(payee, lambda anna: transaction(anna, "bert"))
    del envelope["sender_public_key"]
    assert payee.refuses(envelope) == KEY_MISSING


def test_a_random_signature_of_the_right_length(payee: Payee) -> None:
    signature = builder.quote(builder.b64(bytes(range(7, 71))))
    envelope = sealed(payee, lambda anna: transaction(anna, "bert", signature=signature))
    assert payee.refuses(envelope) == BAD_SIGNATURE


def test_an_envelope_for_another_to_id(payee: Payee) -> None:
    """Sealed to this board's key all the same."""
    assert payee.refuses(sealed(payee, lambda anna: transaction(anna, "carl"))) == NOT_FOR_ME


def test_the_same_envelope_imported_twice(payee: Payee) -> None:
    envelope = sealed(payee, lambda anna: transaction(anna, "bert"))
    entry, new = payee.take(envelope)
    assert new
    before = payee.ledger
    assert payee.take(envelope) == (entry, False)
    assert payee.ledger == before and before[:2] == (1, 12_50)


def test_an_outer_key_or_txn_id_that_differs_from_the_inner(payee: Payee) -> None:
    envelope = sealed(payee, lambda anna: transaction(anna, "bert"))
    other_key = {**envelope, "sender_public_key": builder.jwk(builder.new_key())}
    other_id = {**envelope, "txn_id": '"8d8ac610-566d-4ef0-9c22-186b2a5ed793"'}
    assert payee.refuses(other_key) == KEY_MISMATCH
    assert payee.refuses(other_id) == KEY_MISMATCH
    assert payee.take(envelope)[1]


def test_a_stolen_envelope_re_sealed_by_a_third_party(payee: Payee) -> None:
    """Who got at the inside can seal it anew, but not as another payer's or payee's."""
    anna, mallory = Device("anna"), Device("mallory")
    stolen = transaction(anna, "carl")
    assert payee.refuses(builder.envelope(stolen, mallory, payee.ecdh_jwk)) == KEY_MISMATCH
    assert payee.refuses(builder.envelope(stolen, anna, payee.ecdh_jwk)) == NOT_FOR_ME
    renamed = {**stolen, "to_id": '"bert"'}
    assert payee.refuses(builder.envelope(renamed, anna, payee.ecdh_jwk)) == BAD_SIGNATURE
    for_bert = transaction(anna, "bert")
    own_key = {**for_bert, "sender_public_key": builder.jwk(mallory.signing)}
    assert payee.refuses(builder.envelope(own_key, mallory, payee.ecdh_jwk)) == BAD_SIGNATURE
    # Anna's own payment to Bert is hers whoever carries it, and counts once.
    assert payee.take(builder.envelope(for_bert, anna, payee.ecdh_jwk))[1]
    resealed = {**builder.envelope(for_bert, mallory, payee.ecdh_jwk)}
    resealed["sender_public_key"] = builder.jwk(anna.signing)
    assert payee.take(resealed)[1] is False


def sealed(payee: Payee, make: Callable[[Device], Raw]) -> Raw:
    """What Anna hands to Bert."""
    anna = Device("anna")
    return builder.envelope(make(anna), anna, payee.ecdh_jwk)


@cache
def parsed(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text())
