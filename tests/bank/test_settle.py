"""What settling a ledger does: verdict by verdict, and to the money."""

import json
import uuid

import pytest

from firmware.common.wire.errors import (
    BAD_SIGNATURE,
    CHAIN_BROKEN,
    FROZEN,
    LEDGER_FORK,
    MALFORMED,
    NO_FUNDS,
    NOT_ENROLLED,
    NOT_FOR_ME,
    OK,
    OVER_LIMIT,
    REPLAY,
    WRONG_WALLET,
)
from tests import builder
from tests.bank.teller import Teller, verdicts
from tests.builder import Device, Ledger, transaction

SETTLED = ("SETTLED", OK)
DUPLICATE = ("DUPLICATE", OK)
UNGUARANTEED = ("UNGUARANTEED", NO_FUNDS)


def test_a_payment_moves_its_money(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    payment = transaction(anna, "bert", "12.5")
    answer = teller.settle(bert, payment)
    assert answer["settled"] is True
    assert answer["settled_transactions"] == [json.loads(payment["txn_id"])]
    assert answer["errors"] == []
    assert verdicts(answer) == [SETTLED]
    assert (teller.balance("anna"), teller.balance("bert")) == (87_50, 12_50)


@pytest.mark.parametrize(
    ("amount", "minor"),
    [
        ("0.1", 10),
        ("0.01", 1),
        ("7", 700),
        ("12.5", 12_50),
        ("12.34", 12_34),
        ("40000000", 4 * 10**9),
    ],
)
def test_amounts_are_exact(teller: Teller, amount: str, minor: int) -> None:
    anna, bert = teller.open("anna", 4 * 10**9), teller.open("bert")
    assert verdicts(teller.settle(bert, transaction(anna, "bert", amount))) == [SETTLED]
    assert teller.balance("bert") == minor


def test_names_may_be_of_any_script(teller: Teller) -> None:
    anna, bert = teller.open("änna 🦊", 100_00, "Änna"), teller.open("بقالة", name="店")
    assert verdicts(teller.settle(bert, transaction(anna, "بقالة"))) == [SETTLED]
    assert teller.balance("بقالة") == 12_50


@pytest.mark.parametrize("high_s", [False, True])
def test_signatures_of_either_s_are_taken(teller: Teller, high_s: bool) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    entries = Ledger().append(transaction(anna, "bert", high_s=high_s)).entries
    assert verdicts(teller.upload(bert, entries, high_s=high_s).json) == [SETTLED]


def test_the_receipt_is_signed_by_the_bank(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    ledger = Ledger().append(transaction(anna, "bert"), transaction(anna, "bert", "1000"))
    answer = teller.upload(bert, ledger.entries).get_json()
    signing_jwk = json.dumps(teller.public_keys["signing_key"])
    text = answer["receipt"].encode()
    builder.check_signature(signing_jwk, answer["receipt_signature"], text)
    receipt = json.loads(text)
    hashes = [json.loads(entry)["transaction"]["hash"] for entry in ledger.entries]
    assert receipt["type"] == "opg-json-receipt"
    assert receipt["receiver"] == bert.device_id
    assert receipt["ledger_hash"] == builder.sha256(f"[{','.join(ledger.entries)}]".encode()).hex()
    assert receipt["first_index"] == 0
    assert receipt["verdicts"] == [[0, hashes[0], 0, OK], [1, hashes[1], 9, NO_FUNDS]]
    assert receipt["head"] == ledger.hashes[-1]


def test_verify_ledger_says_the_same_and_moves_nothing(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    payments = [transaction(anna, "bert", "80"), transaction(anna, "bert", "80")]
    entries = Ledger().append(*payments).entries
    checked = teller.upload(bert, entries, "verify-ledger").get_json()
    assert verdicts(checked) == [SETTLED, UNGUARANTEED]
    assert "receipt" not in checked
    assert teller.balance("bert") == 0
    settled = teller.upload(bert, entries).get_json()
    assert settled["verdicts"] == checked["verdicts"]
    assert teller.balance("bert") == 80_00


def test_a_payment_may_come_from_a_further_wallet(teller: Teller) -> None:
    anna, bert = teller.open("anna", 5_00), teller.open("bert")
    assert teller.operate("wallets", account_id="anna", wallet_id="trip").status_code == 200
    teller.fund("anna", 20_00, "trip")
    assert verdicts(teller.settle(bert, transaction(anna, "bert", wallet_id='"trip"'))) == [SETTLED]
    assert (teller.balance("anna"), teller.balance("anna", "trip")) == (5_00, 7_50)


def test_one_bad_entry_in_the_middle_holds_up_no_other(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    bad = transaction(anna, "bert", signature=builder.quote(builder.b64(bytes(range(64)))))
    answer = teller.settle(bert, transaction(anna, "bert"), bad, transaction(anna, "bert"))
    assert verdicts(answer) == [SETTLED, ("REFUSED", BAD_SIGNATURE), SETTLED]
    assert answer["settled"] is False
    assert len(answer["errors"]) == 1 and "entry 1" in answer["errors"][0]
    assert teller.balance("bert") == 25_00


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("-5", MALFORMED),
        ("0", OVER_LIMIT),
        ("40000000.01", OVER_LIMIT),
        ("0.00", OVER_LIMIT),
        ("0.001", MALFORMED),
        ("1e2", MALFORMED),
        ("true", MALFORMED),
        ("null", MALFORMED),
        ('"12.5"', MALFORMED),
        ("[1]", MALFORMED),
    ],
)
def test_wrong_amounts_are_refused(teller: Teller, amount: str, reason: int) -> None:
    """Negative, zero, boolean or text amounts."""
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    assert verdicts(teller.settle(bert, transaction(anna, "bert", amount))) == [("REFUSED", reason)]
    assert teller.balance("bert") == 0


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-", "01", ".5", "1.", "0x10"])
def test_what_is_no_json_number_refuses_the_ledger(teller: Teller, amount: str) -> None:
    """NaN amounts, and whatever else is not JSON."""
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    response = teller.upload(bert, Ledger().append(transaction(anna, "bert", amount)).entries)
    assert (response.status_code, response.get_json()["reason"]) == (400, MALFORMED)


def test_without_the_payers_key_it_is_refused(teller: Teller) -> None:
    """A transaction without `sender_public_key`."""
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    payment = transaction(anna, "bert")
    del payment["sender_public_key"]
    (verdict,) = verdicts(teller.settle(bert, payment))
    assert verdict[0] == "REFUSED"


def test_a_random_signature_of_the_right_length_is_refused(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    payment = transaction(anna, "bert", signature=builder.quote(builder.b64(b"\x5a" * 64)))
    assert verdicts(teller.settle(bert, payment)) == [("REFUSED", BAD_SIGNATURE)]


def test_a_changed_amount_is_refused(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    payment = {**transaction(anna, "bert", "1"), "amount": "99"}
    assert verdicts(teller.settle(bert, payment)) == [("REFUSED", BAD_SIGNATURE)]


def test_a_key_that_is_not_enrolled_for_the_payer_is_refused(teller: Teller) -> None:
    teller.open("anna", 100_00)
    bert, carl = teller.open("bert"), teller.open("carl")
    for thief in (Device("anna"), Device("anna", carl.signing), Device("nobody")):
        ledger = Ledger().append(transaction(thief, "bert"))
        entries = teller.upload(bert, ledger.entries, "verify-ledger").get_json()
        assert verdicts(entries) == [("REFUSED", NOT_ENROLLED)]


def test_another_owners_wallet_is_refused(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    teller.open("carl", 100_00)
    assert teller.operate("wallets", account_id="carl", wallet_id="w-carl").status_code == 200
    teller.fund("carl", 50_00, "w-carl")
    payment = transaction(anna, "bert", wallet_id='"w-carl"')
    assert verdicts(teller.settle(bert, payment)) == [("REFUSED", WRONG_WALLET)]
    assert teller.balance("carl", "w-carl") == 50_00


def test_an_overdraft_without_a_wallet_is_not_paid(teller: Teller) -> None:
    anna, bert = teller.open("anna", 10_00), teller.open("bert")
    answer = teller.settle(bert, transaction(anna, "bert", "10.01", wallet_id="null"))
    assert verdicts(answer) == [UNGUARANTEED]
    assert (teller.balance("anna"), teller.balance("bert")) == (10_00, 0)


def test_a_payment_to_another_payee_is_refused(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    teller.open("carl")
    assert verdicts(teller.settle(bert, transaction(anna, "carl"))) == [("REFUSED", NOT_FOR_ME)]


def test_a_payment_to_oneself_is_refused(teller: Teller) -> None:
    anna = teller.open("anna", 100_00)
    assert verdicts(teller.settle(anna, transaction(anna, "anna"))) == [("REFUSED", MALFORMED)]


def test_ten_payments_of_80_from_100_settle_once(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    payments = [transaction(anna, "bert", "80") for _ in range(10)]
    assert verdicts(teller.settle(bert, *payments)) == [SETTLED] + [UNGUARANTEED] * 9
    assert (teller.balance("anna"), teller.balance("bert")) == (20_00, 80_00)


def test_what_found_no_funds_is_judged_anew(teller: Teller) -> None:
    anna, bert = teller.open("anna", 10_00), teller.open("bert")
    ledger = Ledger().append(transaction(anna, "bert", "30"), transaction(anna, "bert", "5"))
    assert verdicts(teller.upload(bert, ledger.entries).json) == [UNGUARANTEED, SETTLED]
    teller.fund("anna", 50_00)
    assert verdicts(teller.upload(bert, ledger.entries).json) == [SETTLED, SETTLED]
    assert teller.balance("bert") == 35_00


def test_a_ledger_sent_again_answers_what_was_decided(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    bad = transaction(anna, "bert", signature=builder.quote(builder.b64(bytes(64))))
    ledger = Ledger().append(transaction(anna, "bert", "1"), bad)
    first = teller.upload(bert, ledger.entries).get_json()
    assert teller.upload(bert, ledger.entries).get_json()["verdicts"] == first["verdicts"]
    ledger.append(transaction(anna, "bert", "2"))
    whole = teller.upload(bert, ledger.entries).get_json()
    assert whole["verdicts"][:2] == first["verdicts"]
    assert verdicts(whole)[2] == SETTLED
    assert teller.balance("bert") == 3_00


def test_a_ledger_may_come_in_parts(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    ledger = Ledger().append(*(transaction(anna, "bert", "1") for _ in range(6)))
    for first, end in ((0, 2), (2, 5), (3, 6), (5, 6)):
        answer = teller.upload(bert, ledger.entries[first:end]).get_json()
        assert verdicts(answer) == [SETTLED] * (end - first)
        receipt = json.loads(answer["receipt"])
        assert receipt["first_index"] == first
        assert receipt["head"] == ledger.hashes[end - 1]
    assert teller.balance("bert") == 6_00


def test_a_gap_is_refused(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    ledger = Ledger().append(*(transaction(anna, "bert") for _ in range(3)))
    response = teller.upload(bert, ledger.entries[1:])
    assert (response.status_code, response.get_json()["reason"]) == (409, CHAIN_BROKEN)
    assert teller.balance("bert") == 0


def test_a_continuation_of_another_ledger_is_refused(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    ledger, other = (Ledger().append(transaction(anna, "bert", "1")) for _ in range(2))
    teller.upload(bert, ledger.entries)
    other.append(transaction(anna, "bert", "1"))
    response = teller.upload(bert, other.entries[1:])
    assert (response.status_code, response.get_json()["reason"]) == (409, CHAIN_BROKEN)


def test_entries_that_do_not_chain_are_refused_as_a_whole(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    ledger, other = (
        Ledger().append(transaction(anna, "bert"), transaction(anna, "bert")) for _ in range(2)
    )
    response = teller.upload(bert, [ledger.entries[0], other.entries[1]])
    assert (response.status_code, response.get_json()["reason"]) == (409, CHAIN_BROKEN)
    assert teller.balance("bert") == 0


def test_a_forked_ledger_is_refused_and_its_device_frozen(teller: Teller) -> None:
    """A ledger whose entries differ from those uploaded before."""
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    teller.settle(bert, transaction(anna, "bert", "1"))
    other = Ledger().append(transaction(anna, "bert", "2"), transaction(anna, "bert", "3"))
    response = teller.upload(bert, other.entries)
    answer = response.get_json()
    assert (response.status_code, answer["reason"]) == (409, LEDGER_FORK)
    (log,) = [
        row for row in teller.look("/bank-logs")["logs"] if row["id"] in answer["audit_log_ids"]
    ]
    assert (log["account_id"], log["reason"]) == ("bert", LEDGER_FORK)
    assert teller.upload(bert, other.entries).get_json()["reason"] == FROZEN
    assert teller.balance("bert") == 1_00


def test_a_ledger_of_somebody_who_is_not_its_receiver_is_refused(teller: Teller) -> None:
    """A ledger settled by somebody who is not its receiver."""
    anna, mallory = teller.open("anna", 100_00), teller.open("mallory")
    teller.open("bert")
    entries = Ledger().append(transaction(anna, "bert")).entries
    assert verdicts(teller.upload(mallory, entries).json) == [("REFUSED", NOT_FOR_ME)]
    response = teller.upload(Device("bert"), entries)
    assert (response.status_code, response.get_json()["reason"]) == (403, NOT_ENROLLED)


def test_a_payment_settles_once_whatever_way_it_comes(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    second_till = Device("bert")
    assert teller.enrol(second_till).status_code == 200
    payment = transaction(anna, "bert", "5")
    assert verdicts(teller.settle(bert, payment, payment)) == [SETTLED, DUPLICATE]
    assert verdicts(teller.settle(second_till, payment)) == [DUPLICATE]
    assert teller.balance("bert") == 5_00


def test_a_txn_id_of_two_payments_is_a_replay(teller: Teller) -> None:
    anna, bert, carl = teller.open("anna", 100_00), teller.open("bert"), teller.open("carl")
    txn_id = builder.quote(str(uuid.uuid4()))
    first = transaction(anna, "bert", "5", txn_id=txn_id)
    second = transaction(anna, "bert", "6", txn_id=txn_id)
    elsewhere = transaction(anna, "carl", "7", txn_id=txn_id)
    assert verdicts(teller.settle(bert, first, second)) == [SETTLED, ("REFUSED", REPLAY)]
    assert verdicts(teller.settle(carl, elsewhere)) == [("REFUSED", REPLAY)]
    assert teller.balance("anna") == 95_00


def test_an_outsider_cannot_burn_a_txn_id(teller: Teller) -> None:
    """A `txn_id` burned by an outsider so that the honest payment is refused later."""
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    mallory, shop = teller.open("mallory", 100_00), teller.open("shop")
    honest = transaction(anna, "bert")
    txn_id = honest["txn_id"]
    forged = transaction(Device("anna"), "shop", txn_id=txn_id)
    own = transaction(mallory, "shop", txn_id=txn_id)
    answer = teller.settle(shop, forged, own)
    assert verdicts(answer) == [("REFUSED", NOT_ENROLLED), SETTLED]
    assert verdicts(teller.settle(bert, honest)) == [SETTLED]


def test_a_frozen_payer_pays_nothing(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    assert teller.operate("freeze", account_id="anna").status_code == 200
    ledger = Ledger().append(transaction(anna, "bert"))
    assert verdicts(teller.upload(bert, ledger.entries).json) == [("UNGUARANTEED", FROZEN)]
    assert teller.balance("bert") == 0


def test_what_a_frozen_payer_paid_is_settled_once_the_freeze_is_lifted(teller: Teller) -> None:
    anna, bert = teller.open("anna", 12_50), teller.open("bert")
    ledger = Ledger().append(transaction(anna, "bert"), transaction(anna, "bert", "9"))
    for frozen in ("freeze", "freeze", "unfreeze"):
        assert teller.operate(frozen, account_id="anna").status_code == 200
        found = verdicts(teller.upload(bert, ledger.entries).json)
    assert found == [SETTLED, UNGUARANTEED]
    assert teller.balance("bert") == 12_50
    # The reason kept is the last one.
    assert verdicts(teller.upload(bert, ledger.entries, "verify-ledger").json) == found


def test_a_frozen_payee_settles_nothing(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    entries = Ledger().append(transaction(anna, "bert")).entries
    teller.operate("freeze", account_id="bert", device_id=bert.device_id)
    response = teller.upload(bert, entries)
    assert (response.status_code, response.get_json()["reason"]) == (403, FROZEN)
    teller.operate("unfreeze", account_id="bert", device_id=bert.device_id)
    assert verdicts(teller.upload(bert, entries).json) == [SETTLED]


def test_every_decision_is_in_the_audit_log(teller: Teller) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    bad = transaction(anna, "bert", "1000")
    good = transaction(anna, "bert")
    answer = teller.settle(bert, bad, good)
    logs = [
        row for row in teller.look("/bank-logs")["logs"] if row["id"] in answer["audit_log_ids"]
    ]
    found = {row["subject"]: (row["action"], row["reason"]) for row in logs}
    assert found[json.loads(bad["txn_id"])] == ("unguaranteed", NO_FUNDS)
    assert found[json.loads(good["txn_id"])] == ("settled", OK)
    assert "settle ledger" in {row["action"] for row in logs}
