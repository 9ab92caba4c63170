"""Payments between two boards on real MicroPython, by wire and by file: once, or not at all."""

import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from firmware.common.wire.errors import (
    AMOUNT_DIFFERS,
    BAD_SIGNATURE,
    CANNOT_OPEN,
    KEY_MISSING,
    NOT_FOR_ME,
    REQUEST_UNKNOWN,
    UNAVAILABLE,
    UNKNOWN_PAYEE,
    Refused,
)
from tests import builder
from tests.system.people import Pair, Payee, Room

PAID, CANCELLED, NOT_CONFIRMED = "PAID", "CANCELLED", "NOT CONFIRMED YET"


@pytest.fixture
def pair(room: Room) -> Pair:
    return room.pair()


def refusal(payee: Payee, envelope: bytes | dict[str, Any]) -> int:
    """The reason why a payee's board does not take an envelope."""
    raw = json.dumps(envelope).encode() if isinstance(envelope, dict) else envelope
    with pytest.raises(Refused) as caught:
        payee.take(raw)
    return caught.value.reason


# -- by wire -------------------------------------------------------------------------------------


def test_paid_and_received(pair: Pair) -> None:
    done = pair.pay(4_50)
    assert (done["outcome"], done["why"]) == (PAID, 0)
    assert pair.payer.wait_to_see("PAID")[:4] == ["PAID", "4.50", "to", "anna"]
    assert pair.payee.wait_to_see("RECEIVED")[:4] == ["RECEIVED", "4.50", "from", "bert"]
    (entry,) = pair.payee.entries()
    assert (entry["id"], entry["amount"], entry["from"]) == (done["id"], 450, "bert")
    assert pair.payer.payments() == {done["id"]: "delivered"}
    total = pair.payee.call("total")
    assert (total["total"], total["count"], total["first_open"]) == (450, 1, 0)


def test_received_stays_until_ok(pair: Pair) -> None:
    """Whatever else is pressed or happens: the word is what goods are handed over for."""
    pair.pay(4_50)
    pair.payee.wait_to_see("RECEIVED")
    pair.payee.board.press("cancel")
    pair.payee.board.press("next")
    pair.pay(2_00)
    assert pair.payee.call("status")["title"] == "RECEIVED"
    assert "4.50" in pair.payee.sees()
    pair.payee.board.press("ok")
    assert "RECEIVED" in pair.payee.wait_to_see("2.00")
    pair.payee.board.press("ok")
    assert "6.50" in pair.payee.wait_to_see("RECEIVER")


def test_cancel_pays_nothing(pair: Pair) -> None:
    pair.payer.call("pay", to="anna", amount=100, by_wire=True)
    assert pair.payer.wait_to_see("PAY?")[:4] == ["PAY?", "1.00", "to", "anna"]
    pair.payer.board.press("cancel")
    assert pair.payer.outcome()["outcome"] == CANCELLED
    assert "CANCELLED" in pair.payer.wait_to_see("Nothing was paid")
    assert pair.payer.payments() == {}
    assert pair.payee.entries() == []
    with pytest.raises(Refused) as caught:
        pair.payer.call("tap_again")
    assert caught.value.reason == REQUEST_UNKNOWN


def test_all_by_hand(pair: Pair) -> None:
    """No computer: payee, amount and consent come from the three buttons."""

    def press(button: str, then: str) -> None:
        pair.payer.board.press(button)
        pair.payer.wait_to_see(then)

    pair.payer.wait_to_see("SENDER")
    press("ok", "PAY WHOM?")
    press("ok", "HOW MUCH?")
    press("next", "[1]")
    press("next", "[2]")
    press("ok", "0.02")
    press("ok", "0.22")
    for digit in "3456789=":
        press("next", f"[{digit}]")
    press("ok", "PAY?")
    press("ok", "PAID")
    assert [entry["amount"] for entry in pair.payee.entries()] == [22]


def test_another_amount_than_asked_for(pair: Pair) -> None:
    payee = pair.payee.board
    pair.payee.wait_to_see("RECEIVER")
    for button, then in (("ok", "ASK HOW MUCH?"), ("next", "[1]"), ("ok", "0.01")):
        payee.press(button)
        pair.payee.wait_to_see(then)
    for digit in "23456789=":
        payee.press("next")
        pair.payee.wait_to_see(f"[{digit}]")
    payee.press("ok")
    pair.payee.wait_to_see("asks 0.01")
    differs = pair.pay(2)
    assert (differs["outcome"], differs["why"]) == (NOT_CONFIRMED, AMOUNT_DIFFERS)
    assert pair.payee.entries() == []
    assert pair.pay(1)["outcome"] == PAID
    assert [entry["amount"] for entry in pair.payee.entries()] == [1]


def test_nobody_at_the_other_end(pair: Pair) -> None:
    pair.wire.cut()
    alone = pair.pay()
    assert (alone["outcome"], alone["why"]) == (NOT_CONFIRMED, UNAVAILABLE)
    assert "NOT CONFIRMED" in pair.payer.wait_to_see("yet - tap again")
    pair.wire.mend()
    again = pair.payer.tap_again()
    assert (again["outcome"], again["id"]) == (PAID, alone["id"])
    assert [entry["id"] for entry in pair.payee.entries()] == [alone["id"]]


def test_next_taps_again(pair: Pair) -> None:
    made, _ = pair.by_file()
    pair.payer.board.press("ok")
    assert "SENDER" in pair.payer.wait_to_see("1 not confirmed")
    pair.payer.board.press("next")
    pair.payer.wait_to_see("PAID")
    assert [entry["id"] for entry in pair.payee.entries()] == [made]


def test_one_tap_hands_over_all_that_is_pending(pair: Pair) -> None:
    made = [pair.by_file(amount)[0] for amount in (10, 20)]
    done = pair.pay(30)
    assert (done["outcome"], done["why"]) == (PAID, 0)
    assert [(e["id"], e["amount"]) for e in pair.payee.entries()] == [
        (made[0], 10),
        (made[1], 20),
        (done["id"], 30),
    ]
    assert set(pair.payer.payments().values()) == {"delivered"}


def test_a_payee_nobody_imported(pair: Pair) -> None:
    with pytest.raises(Refused) as caught:
        pair.payer.call("pay", to="mallory", amount=100, by_wire=True)
    assert caught.value.reason == UNKNOWN_PAYEE
    assert pair.payer.payments() == {}


def test_a_payee_known_under_an_old_key(room: Room) -> None:
    """A till that shows another key than the one imported gets nothing, not even an old payment."""
    pair = room.pair()
    pair.payer.call("import_key", builder.jwk(builder.new_key()).encode(), account="anna")
    refused = pair.pay()
    assert (refused["outcome"], refused["why"]) == (NOT_CONFIRMED, NOT_FOR_ME)
    assert pair.payee.entries() == []


# -- by file -------------------------------------------------------------------------------------


def test_by_file_once(pair: Pair) -> None:
    txn_id, envelope = pair.by_file(2_40)
    assert pair.payer.payments() == {txn_id: "pending"}
    entered, proof = pair.payee.take(envelope)
    ledger = pair.payee.entries()
    again, same_proof = pair.payee.take(envelope)
    assert (entered["new"], again["new"]) == (True, False)
    assert proof == same_proof
    assert pair.payee.entries() == ledger
    assert [(entry["id"], entry["amount"]) for entry in ledger] == [(txn_id, 2_40)]

    forged = bytes((proof[0] ^ 1,)) + proof[1:]
    place = {"id": txn_id, "index": entered["index"], "head": entered["head"]}
    with pytest.raises(Refused) as caught:
        pair.payer.call("confirm", forged, **place)
    assert caught.value.reason == BAD_SIGNATURE
    assert pair.payer.payments() == {txn_id: "pending"}
    pair.payer.call("confirm", proof, **place)
    assert pair.payer.payments() == {txn_id: "delivered"}


def test_by_file_and_by_wire_is_one_payment(pair: Pair) -> None:
    txn_id, envelope = pair.by_file()
    pair.payee.take(envelope)
    assert pair.payer.tap_again()["outcome"] == PAID
    assert [entry["id"] for entry in pair.payee.entries()] == [txn_id]


def test_an_envelope_for_another_payee(room: Room) -> None:
    pair = room.pair()
    _, envelope = pair.by_file()
    carol = room.payee("carol")
    assert refusal(carol, envelope) == CANNOT_OPEN
    payer = builder.Device("dave")
    for_anna = builder.transaction(payer, "anna")
    to_carol = builder.envelope(for_anna, payer, carol.code().decode())
    assert refusal(carol, builder.text(to_carol).encode()) == NOT_FOR_ME
    assert carol.entries() == []


def test_a_senders_ecdh_key_is_missing(pair: Pair) -> None:
    _, envelope = pair.by_file()
    form = json.loads(envelope)
    del form["sender_ecdh_public_key"]
    assert refusal(pair.payee, form) == KEY_MISSING
    assert pair.payee.entries() == []
    assert pair.payee.take(envelope)[0]["new"]


def test_an_envelope_made_elsewhere(room: Room) -> None:
    """As the web sender makes it, with a static ECDH key; the ledger opens for the bank alone."""
    anna = room.payee("anna")
    payer = builder.Device("dörte ☂")
    payments = [builder.transaction(payer, "anna", amount) for amount in ("12.5", "0.01")]
    for payment in payments:
        form = builder.envelope(payment, payer, anna.code().decode())
        assert anna.take(builder.text(form).encode())[0]["new"]
    sent = anna.device.call("export", first=0)[1].decode()
    inside = json.loads(builder.unseal(sent, room.bank_ecdh, "receiver_public_key"))
    expected = builder.Ledger().append(*payments)
    assert inside["ledger"] == [json.loads(entry) for entry in expected.entries]
    assert inside["hash"] == builder.sha256(f"[{','.join(expected.entries)}]".encode()).hex()
    signing_jwk = anna.call("key")["signing_key"]
    assert inside["receiver_public_key"] == json.loads(signing_jwk)
    message = bytes.fromhex(inside["hash"])
    builder.check_signature(signing_jwk, inside["signature"], message)
    with pytest.raises(InvalidSignature):
        builder.check_signature(signing_jwk, inside["signature"], bytes(32))


# -- keys ----------------------------------------------------------------------------------------


def test_a_key_regenerated_after_it_was_shared(pair: Pair) -> None:
    """Both sides say so; with the new code payments go through again."""
    _, envelope = pair.by_file()
    before = pair.payee.code()
    pair.payee.call("regenerate")
    assert "Envelopes sealed" in pair.payee.wait_to_see("NEW KEY PAIR?")
    pair.payee.board.press("ok")
    assert pair.payee.device.wait_for_outcome(10)[0] == "DONE"
    after = pair.payee.code()
    assert after != before
    assert refusal(pair.payee, envelope) == CANNOT_OPEN
    assert any("REFUSED 29" in line for line in pair.payee.log())

    lost = pair.payer.tap_again()
    assert (lost["outcome"], lost["why"]) == (NOT_CONFIRMED, NOT_FOR_ME)
    assert pair.payer.call("import_key", after, account="anna")["replaced"]
    old = pair.payer.tap_again()
    assert (old["outcome"], old["why"]) == (NOT_CONFIRMED, CANNOT_OPEN)
    assert "cannot open" in pair.payer.wait_to_see("NOT CONFIRMED")
    new = pair.pay(3_00)
    assert new["outcome"] == PAID
    assert [entry["id"] for entry in pair.payee.entries()] == [new["id"]]


def test_a_key_is_kept_when_the_user_cancels(pair: Pair) -> None:
    before = pair.payee.code()
    pair.payee.call("regenerate")
    pair.payee.wait_to_see("NEW KEY PAIR?")
    pair.payee.board.press("cancel")
    assert pair.payee.device.wait_for_outcome(10)[0] == CANCELLED
    assert pair.payee.code() == before
