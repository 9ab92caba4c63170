"""What another bank for these forms was seen to accept: each line by its words, refused here.

`tests/test_wrongly_accepted.py` holds the whole list, with the boards' side, and proves that no
line is without its test. What needs several workers stands in `test_workers`.
"""

import json
from collections.abc import Callable

import pytest

from firmware.common.wire.errors import (
    BAD_SIGNATURE,
    FROZEN,
    KEY_MISSING,
    LEDGER_FORK,
    MALFORMED,
    NO_FUNDS,
    NOT_ENROLLED,
    NOT_FOR_ME,
    OK,
    OVER_LIMIT,
    TOO_LARGE,
    WRONG_WALLET,
)
from tests import builder
from tests.bank.teller import Teller, verdicts
from tests.builder import Device, Ledger, Raw, transaction

RANDOM_SIGNATURE = builder.quote(builder.b64(bytes(range(7, 71))))
Make = Callable[[Teller, Device], Raw]


def without_key(anna: Device) -> Raw:
    payment = transaction(anna, "bert")
    del payment["sender_public_key"]
    return payment


def from_another_owners_wallet(teller: Teller, anna: Device) -> Raw:
    teller.open("carl")
    assert teller.operate("wallets", account_id="carl", wallet_id="w-carl").status_code == 200
    teller.fund("carl", 50_00, "w-carl")
    return transaction(anna, "bert", wallet_id='"w-carl"')


ONE_PAYMENT: dict[str, tuple[Make, str, int]] = {
    "negative amounts": (lambda _, anna: transaction(anna, "bert", "-5"), "REFUSED", MALFORMED),
    "zero amounts": (lambda _, anna: transaction(anna, "bert", "0"), "REFUSED", OVER_LIMIT),
    "boolean amounts": (lambda _, anna: transaction(anna, "bert", "true"), "REFUSED", MALFORMED),
    "text amounts": (lambda _, anna: transaction(anna, "bert", '"5"'), "REFUSED", MALFORMED),
    "a transaction without `sender_public_key`": (
        lambda _, anna: without_key(anna),
        "REFUSED",
        KEY_MISSING,
    ),
    "a transaction with a random signature of the right length": (
        lambda _, anna: transaction(anna, "bert", signature=RANDOM_SIGNATURE),
        "REFUSED",
        BAD_SIGNATURE,
    ),
    "a key that is not the one enrolled for `from_id`": (
        lambda _, anna: transaction(Device("anna"), "bert"),
        "REFUSED",
        NOT_ENROLLED,
    ),
    "another owner's `wallet_id`": (from_another_owners_wallet, "REFUSED", WRONG_WALLET),
    "an overdraft with `wallet_id` null": (
        lambda _, anna: transaction(anna, "bert", "100.01", wallet_id="null"),
        "UNGUARANTEED",
        NO_FUNDS,
    ),
}


@pytest.mark.parametrize("line", ONE_PAYMENT)
def test_a_payment_that_is_refused(teller: Teller, line: str) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    make, verdict, reason = ONE_PAYMENT[line]
    answer = teller.settle(bert, make(teller, anna))
    assert answer["settled"] is False
    assert verdicts(answer) == [(verdict, reason)]
    assert (teller.balance("anna"), teller.balance("bert")) == (100_00, 0)


def test_NaN_amounts(teller: Teller) -> None:  # noqa: N802
    """Not JSON at all: it refuses the ledger that it stands in."""
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    refused(teller, bert, Ledger().append(transaction(anna, "bert", "NaN")).entries, 400, MALFORMED)


def test_a_stolen_envelope_re_sealed_by_a_third_party(teller: Teller) -> None:
    """Mallory opened nothing, but has the inside from elsewhere and uploads it as her own."""
    anna, mallory = teller.open("anna", 100_00), teller.open("mallory")
    teller.open("bert")
    stolen = transaction(anna, "bert")
    assert verdicts(teller.settle(mallory, stolen)) == [("REFUSED", NOT_FOR_ME)]
    # With her own name or key in it, it is no longer what Anna signed.
    forged = {**stolen, "to_id": '"mallory"'}
    second = Device("mallory")
    assert teller.enrol(second).status_code == 200
    assert verdicts(teller.settle(second, forged)) == [("REFUSED", BAD_SIGNATURE)]
    third = Device("mallory")
    assert teller.enrol(third).status_code == 200
    own_key = {**transaction(anna, "mallory"), "sender_public_key": builder.jwk(mallory.signing)}
    assert verdicts(teller.settle(third, own_key)) == [("REFUSED", BAD_SIGNATURE)]


def test_a_ledger_settled_by_somebody_who_is_not_its_receiver(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    mallory = teller.open("mallory")
    entries = Ledger().append(transaction(anna, "bert")).entries
    assert verdicts(teller.upload(mallory, entries).json) == [("REFUSED", NOT_FOR_ME)]
    refused(teller, Device("bert"), entries, 403, NOT_ENROLLED)
    # Bert's own signed inside, sealed anew by a third party, still settles for Bert alone.
    inside = builder.signed_ledger("[" + ",".join(entries) + "]", bert)
    answer = teller.post(builder.seal_ledger(inside, mallory, teller.ecdh_jwk)).get_json()
    assert verdicts(answer) == [("SETTLED", OK)]
    assert (teller.balance("bert"), teller.balance("mallory")) == (12_50, 0)


def test_an_unsigned_plaintext_ledger(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    array = "[" + ",".join(Ledger().append(transaction(anna, "bert")).entries) + "]"
    bodies = {
        array: MALFORMED,
        '{"ledger":' + array + "}": KEY_MISSING,
        builder.text(builder.signed_ledger(array, bert)): MALFORMED,  # signed, not sealed
        builder.seal_ledger({"ledger": array}, bert, teller.ecdh_jwk): KEY_MISSING,
    }
    for body, reason in bodies.items():
        response = teller.post(body)
        assert (response.status_code, response.get_json()["reason"]) == (400, reason)
    assert teller.balance("bert") == 0


def test_a_ledger_whose_entries_differ_from_those_uploaded_before(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    teller.settle(bert, transaction(anna, "bert", "1"))
    other = Ledger().append(transaction(anna, "bert", "2")).entries
    refused(teller, bert, other, 409, LEDGER_FORK)
    refused(teller, bert, other, 403, FROZEN)
    assert teller.balance("bert") == 1_00


def test_an_identical_re_sent_beginning_is_no_error(teller: Teller) -> None:
    """A web receiver always sends its whole ledger: what was judged answers what was decided."""
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    bad = transaction(anna, "bert", signature=RANDOM_SIGNATURE)
    ledger = Ledger()
    expected: list[tuple[str, int]] = []
    for payment, verdict in (
        (transaction(anna, "bert", "10"), ("SETTLED", OK)),
        (bad, ("REFUSED", BAD_SIGNATURE)),
        (transaction(anna, "bert", "1000"), ("UNGUARANTEED", NO_FUNDS)),
        (transaction(anna, "bert", "20", high_s=True), ("SETTLED", OK)),
        (transaction(anna, "bert", "0.1"), ("SETTLED", OK)),
    ):
        ledger.append(payment)
        expected.append(verdict)
        assert verdicts(teller.upload(bert, ledger.entries).json) == expected
    assert teller.balance("bert") == 30_10


def test_a_txn_id_burned_by_an_outsider_so_that_the_honest_payment_is_refused_later(
    teller: Teller,
) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    mallory, shop = teller.open("mallory", 100_00), teller.open("shop")
    honest = transaction(anna, "bert")
    burned = [
        transaction(Device("anna"), "shop", txn_id=honest["txn_id"]),  # in Anna's name
        transaction(mallory, "shop", txn_id=honest["txn_id"]),  # in her own
        transaction(anna, "shop", txn_id=honest["txn_id"], signature=RANDOM_SIGNATURE),
    ]
    teller.settle(shop, *burned)
    assert verdicts(teller.settle(bert, honest)) == [("SETTLED", OK)]


def test_one_bad_entry_in_the_middle_leaving_the_earlier_ones_settled_while_the_answer_is_an_error(
    teller: Teller,
) -> None:
    """The answer says of each entry what became of it, and that is what became of it."""
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    bad = transaction(anna, "bert", signature=RANDOM_SIGNATURE)
    good = [transaction(anna, "bert") for _ in range(2)]
    response = teller.upload(bert, Ledger().append(good[0], bad, good[1]).entries)
    answer = response.get_json()
    assert response.status_code == 200 and answer["settled"] is False
    assert answer["settled_transactions"] == [json.loads(payment["txn_id"]) for payment in good]
    assert verdicts(answer)[1] == ("REFUSED", BAD_SIGNATURE)
    assert teller.balance("bert") == 25_00


def test_structure_is_all_or_nothing(teller: Teller) -> None:
    """The other half of that line: where the answer is an error, nothing was settled."""
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    entries = Ledger().append(*(transaction(anna, "bert") for _ in range(3))).entries
    entries[1] = entries[1].replace('"verified"', '"settled"')
    refused(teller, bert, entries, 400, MALFORMED)
    assert teller.balance("bert") == 0


def test_a_50_MiB_body(teller: Teller) -> None:  # noqa: N802
    response = teller.post(b"{" + b" " * (50 * 1024 * 1024) + b"}")
    assert (response.status_code, response.get_json()["reason"]) == (413, TOO_LARGE)


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "\\u003c"]
)
def test_stored_script_in_names_shown_to_the_operator(teller: Teller, name: str) -> None:
    """What comes back is JSON that no browser takes for a page, on whatever path it is shown."""
    anna = teller.open("anna", 1_00, name=name)
    teller.open(name, name=name)
    teller.settle(anna, transaction(Device(name), "anna"))
    headers = {"Authorization": f"Bearer {teller.bank.operator_token}"}
    for path in ("/operator/accounts", "/bank-logs"):
        response = teller.client.get(path, headers=headers)
        assert response.content_type == "application/json"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert name in json.dumps(response.get_json(), ensure_ascii=False) or "\\" in name


def refused(teller: Teller, receiver: Device, entries: list[str], status: int, reason: int) -> None:
    response = teller.upload(receiver, entries)
    assert (response.status_code, response.get_json()["reason"]) == (status, reason)
