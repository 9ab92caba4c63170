"""Payments between two boards on real MicroPython, by tap and by file: once, or not at all."""

import json
from time import sleep
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from firmware.common.hardware.pins import BUZZER
from firmware.common.wire.errors import (
    AMOUNT_DIFFERS,
    BAD_SIGNATURE,
    CANNOT_OPEN,
    KEY_MISSING,
    NOT_FOR_ME,
    OVER_LIMIT,
    REQUEST_UNKNOWN,
    UNAVAILABLE,
    UNKNOWN_PAYEE,
    Refused,
)
from host_tools.finger import HOLD_MS
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


# -- by tap --------------------------------------------------------------------------------------


def test_paid_and_received(pair: Pair) -> None:
    done = pair.pay(4_50)
    assert (done["outcome"], done["why"]) == (PAID, 0)
    paid = pair.payer.wait_to_see("PAID")
    assert paid[:3] == ["PAID", "4.50 EUR", "Anna"]
    received = pair.payee.wait_to_see("RECEIVED")
    assert received[:2] == ["RECEIVED", "4.50 EUR"]
    assert received[2] == paid[3]
    (entry,) = pair.payee.entries()
    assert (entry["hash"][:32], entry["amount"], entry["verdict"]) == (done["id"], 450, None)
    assert pair.payer.payments() == {done["id"]: "delivered"}
    total = pair.payee.call("total")["guaranteed"]
    assert (total["minor"], total["count"], total["unsettled_minor"]) == (450, 1, 450)


def test_received_stays_until_ok(pair: Pair) -> None:
    """Whatever else is pressed or happens: the word is what goods are handed over for."""
    pair.pay(4_50)
    pair.payee.wait_to_see("RECEIVED")
    pair.payee.board.press("cancel")
    pair.payee.board.press("next")
    pair.pay(2_00)
    assert pair.payee.call("status")["title"] == "RECEIVED"
    assert "4.50 EUR" in pair.payee.sees()
    pair.payee.board.press("ok")
    assert "RECEIVED" in pair.payee.wait_to_see("2.00 EUR")
    pair.payee.board.press("ok")
    assert "6.50" in pair.payee.wait_to_see("RECEIVER")


def test_cancel_pays_nothing(pair: Pair) -> None:
    pair.payee.charge(1_00)
    pair.payer.call("pay")
    pair.payer.wait_to_see("HOLD OK")
    pair.payer.board.press("cancel")
    assert pair.payer.outcome()["outcome"] == CANCELLED
    assert "CANCELLED" in pair.payer.wait_to_see("Nothing was paid")
    assert pair.payer.payments() == {}
    assert pair.payee.entries() == []
    with pytest.raises(Refused) as caught:
        pair.payer.call("tap_again")
    assert caught.value.reason == REQUEST_UNKNOWN


def test_a_short_ok_pays_nothing(pair: Pair) -> None:
    """Money leaves only where OK is held."""
    pair.payee.charge(1_00)
    pair.payer.call("pay")
    pair.payer.wait_to_see("HOLD OK")
    for _ in range(3):
        pair.payer.board.press("ok")
    pair.payer.board.press("next")
    sleep(1)
    assert pair.payer.call("status")["title"] == "PAY 1.00 EUR"
    pair.payer.board.press("cancel")
    assert pair.payer.outcome()["outcome"] == CANCELLED
    assert pair.payee.entries() == []


def test_all_by_hand(pair: Pair) -> None:
    """No computer: amount and consent come from the three buttons of either board."""

    def press(button: str, then: str) -> None:
        pair.payee.board.press(button)
        pair.payee.wait_to_see(then)

    pair.payee.wait_to_see("RECEIVER")
    press("ok", "ASK HOW MUCH?")
    press("next", "[1]")
    press("next", "[2]")
    press("ok", "0.02")
    press("ok", "0.22")
    for digit in "3456789=":
        press("next", f"[{digit}]")
    press("ok", "ASKS 0.22 EUR")
    pair.payer.wait_to_see("SENDER")
    pair.payer.board.press("ok")
    pair.payer.wait_to_see("PAY 0.22 EUR")
    pair.payer.board.press("ok", HOLD_MS)
    pair.payer.wait_to_see("PAID")
    assert [entry["amount"] for entry in pair.payee.entries()] == [22]


def test_another_amount_than_asked_for(pair: Pair) -> None:
    """A host may know what is to be paid; the payer's board then pays that and no other."""
    pair.payee.charge(1)
    differs = pair.payer.tap(amount=2)
    assert (differs["outcome"], differs["why"]) == (CANCELLED, AMOUNT_DIFFERS)
    assert pair.payee.entries() == []
    assert pair.payer.tap(amount=1)["outcome"] == PAID
    assert [entry["amount"] for entry in pair.payee.entries()] == [1]


def test_nobody_at_the_other_end(pair: Pair) -> None:
    pair.wire.cut()
    alone = pair.payer.tap()
    assert (alone["outcome"], alone["why"]) == (CANCELLED, UNAVAILABLE)
    assert pair.payer.payments() == {}


def test_a_payee_that_asks_for_nothing(pair: Pair) -> None:
    nothing = pair.payer.tap()
    assert (nothing["outcome"], nothing["why"]) == (CANCELLED, REQUEST_UNKNOWN)
    pair.payee.charge(1)
    pair.payee.call("cancel_request")
    assert pair.payer.tap()["why"] == REQUEST_UNKNOWN
    assert pair.payer.payments() == {}


def test_more_than_the_bank_stands_for(pair: Pair) -> None:
    """More than one payment may be, or more of one purse than one payee takes unsettled."""
    with pytest.raises(Refused) as caught:
        pair.payee.charge(50_01)
    assert caught.value.reason == OVER_LIMIT
    assert pair.pay(50_00)["outcome"] == PAID
    pair.payee.put_away()
    refused = pair.pay(1)
    assert (refused["outcome"], refused["why"]) == (CANCELLED, OVER_LIMIT)
    assert [entry["amount"] for entry in pair.payee.entries()] == [50_00]
    assert list(pair.payer.payments().values()) == ["delivered"]


def test_next_taps_again(pair: Pair) -> None:
    """The acknowledgement was lost; the payee has the payment, and says so again."""
    pair.payee.charge(1_25)
    beeps = f"pin {BUZZER} 1"
    pair.wire.pass_on = lambda _direction, data: (
        b"" if any(event == beeps for _, event in pair.payee.board.events()) else data
    )
    lost = pair.payer.tap()
    assert (lost["outcome"], lost["why"]) == (NOT_CONFIRMED, UNAVAILABLE)
    assert "NOT CONFIRMED" in pair.payer.wait_to_see("yet - tap again")
    pair.wire.pass_on = lambda _direction, data: data
    pair.payer.board.press("ok")
    assert "SENDER" in pair.payer.wait_to_see("1 not confirmed")
    pair.payer.board.press("next")
    pair.payer.wait_to_see("PAID")
    assert pair.payee.ids() == [lost["id"]]


# -- by file -------------------------------------------------------------------------------------


def test_by_file_once(pair: Pair) -> None:
    txn_id, envelope = pair.by_file(2_40)
    assert pair.payer.files() == {txn_id: "pending"}
    entered, proof = pair.payee.take(envelope)
    ledger = pair.payee.files()
    again, same_proof = pair.payee.take(envelope)
    assert (entered["new"], again["new"]) == (True, False)
    assert proof == same_proof
    assert pair.payee.files() == ledger
    assert [(entry["id"], entry["amount"]) for entry in ledger] == [(txn_id, 2_40)]

    forged = bytes((proof[0] ^ 1,)) + proof[1:]
    place = {"id": txn_id, "index": entered["index"], "head": entered["head"]}
    with pytest.raises(Refused) as caught:
        pair.payer.call("confirm", forged, **place)
    assert caught.value.reason == BAD_SIGNATURE
    assert pair.payer.files() == {txn_id: "pending"}
    pair.payer.call("confirm", proof, **place)
    assert pair.payer.files() == {txn_id: "delivered"}


def test_a_file_is_unguaranteed(pair: Pair) -> None:
    """The screens of both boards say so, and so do the totals."""
    pair.payer.call("pay", to="anna", amount=2_40)
    assert "UNGUARANTEED" in pair.payer.wait_to_see("PAY?")
    pair.payer.board.press("ok")
    made = pair.payer.outcome()["id"]
    pair.payee.take(pair.payer.envelope(made))
    assert "UNGUARANTEED" in pair.payee.wait_to_see("RECEIVED")
    total = pair.payee.call("total")
    assert total["unguaranteed"] == {"count": 1, "minor": 240}
    assert (total["guaranteed"]["count"], total["guaranteed"]["minor"]) == (0, 0)


def test_a_payee_nobody_imported(pair: Pair) -> None:
    with pytest.raises(Refused) as caught:
        pair.payer.call("pay", to="mallory", amount=100)
    assert caught.value.reason == UNKNOWN_PAYEE
    assert pair.payer.files() == {}


def test_an_envelope_for_another_payee(room: Room) -> None:
    pair = room.pair()
    _, envelope = pair.by_file()
    carol = room.payee("carol")
    assert refusal(carol, envelope) == CANNOT_OPEN
    payer = builder.Device("dave")
    for_anna = builder.transaction(payer, "anna")
    to_carol = builder.envelope(for_anna, payer, carol.code().decode())
    assert refusal(carol, builder.text(to_carol).encode()) == NOT_FOR_ME
    assert carol.files() == []


def test_a_senders_ecdh_key_is_missing(pair: Pair) -> None:
    _, envelope = pair.by_file()
    form = json.loads(envelope)
    del form["sender_ecdh_public_key"]
    assert refusal(pair.payee, form) == KEY_MISSING
    assert pair.payee.files() == []
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

    assert pair.payer.call("import_key", after, account="anna")["replaced"]
    new, again = pair.by_file(3_00)
    assert pair.payee.take(again)[0]["new"]
    assert [entry["id"] for entry in pair.payee.files()] == [new]
    assert pair.pay(1_00)["outcome"] == PAID  # by tap nothing has changed


def test_a_key_is_kept_when_the_user_cancels(pair: Pair) -> None:
    before = pair.payee.code()
    pair.payee.call("regenerate")
    pair.payee.wait_to_see("NEW KEY PAIR?")
    pair.payee.board.press("cancel")
    assert pair.payee.device.wait_for_outcome(10)[0] == CANCELLED
    assert pair.payee.code() == before
