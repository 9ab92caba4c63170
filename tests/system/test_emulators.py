"""Both emulators play the same boards: people pay on either, and notice no difference."""

import pytest

from tests.system.people import Room

on_both = pytest.mark.parametrize("room", ["cpython", "micropython"], indirect=True)


@on_both
def test_a_payment_by_wire_and_one_by_file(room: Room) -> None:
    pair = room.pair()
    by_wire = pair.pay(4_50)
    assert by_wire["outcome"] == "PAID"
    assert pair.payer.wait_to_see("PAID")[:4] == ["PAID", "4.50", "to", "anna"]
    assert pair.payee.wait_to_see("RECEIVED")[:4] == ["RECEIVED", "4.50", "from", "bert"]
    pair.payee.board.press("ok")
    by_file, envelope = pair.by_file(12_05)
    entry, proof = pair.payee.take(envelope)
    pair.payer.device.call("confirm", proof, id=by_file, index=entry["index"], head=entry["head"])
    assert pair.payer.payments() == {by_wire["id"]: "delivered", by_file: "delivered"}
    assert [row["amount"] for row in pair.payee.entries()] == [450, 1205]


@on_both
def test_the_screen_tells_who_asks_for_how_much(room: Room) -> None:
    pair = room.pair()
    pair.payer.call("pay", to="anna", amount=7_00, by_wire=True)
    assert pair.payer.wait_to_see("PAY?")[:4] == ["PAY?", "7.00", "to", "anna"]
    pair.payer.board.press("cancel")
    assert pair.payer.outcome()["outcome"] == "CANCELLED"
    assert pair.payee.entries() == []
