"""Both emulators play the same boards: people pay on either, and notice no difference."""

import pytest

from tests.system.people import Room

on_both = pytest.mark.parametrize("room", ["cpython", "micropython"], indirect=True)


@on_both
def test_a_tap_and_a_payment_by_file(room: Room) -> None:
    pair = room.pair()
    tapped = pair.pay(4_50)
    assert tapped["outcome"] == "PAID"
    paid = pair.payer.wait_to_see("PAID")
    assert paid[:3] == ["PAID", "4.50 EUR", "Anna"]
    received = pair.payee.wait_to_see("RECEIVED")
    assert received[:2] == ["RECEIVED", "4.50 EUR"]
    assert received[2] == paid[3]  # the two words of this tap
    assert "-" in paid[3]
    pair.payee.put_away()
    by_file, envelope = pair.by_file(12_05)
    entry, proof = pair.payee.take(envelope)
    pair.payer.device.call("confirm", proof, id=by_file, index=entry["index"], head=entry["head"])
    assert pair.payer.payments() == {tapped["id"]: "delivered"}
    assert pair.payer.files() == {by_file: "delivered"}
    assert [row["amount"] for row in pair.payee.entries()] == [450]
    assert [row["amount"] for row in pair.payee.files()] == [1205]


@on_both
def test_the_screen_tells_who_asks_for_how_much(room: Room) -> None:
    pair = room.pair()
    pair.payee.charge(7_00)
    assert pair.payee.wait_to_see("ASKS")[0] == "ASKS 7.00 EUR"
    pair.payer.call("pay")
    asked = pair.payer.wait_to_see("HOLD OK")
    assert asked[:2] == ["PAY 7.00 EUR", "Anna"]
    pair.payer.board.press("cancel")
    assert pair.payer.outcome()["outcome"] == "CANCELLED"
    assert pair.payee.entries() == []
