"""A board's heap: the whole of what it does fits, with room for what is to come."""

import json
from pathlib import Path

import pytest

from host_tools.bench import memory
from host_tools.demo import hands
from host_tools.demo.hands import PAYEE, PAYER, Hand
from host_tools.device import Device
from host_tools.emulator.board import HEAP, VirtualBoard
from host_tools.emulator.wire import Wire

SPARE_KB = 4  # what a board that ships must not need
LEFT_BYTES = 12_000  # at the moment when a tap has most of its code and the curve's loaded
STAYS_BYTES = 1_000  # what five payments may add to what a till remembers of each


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two boards that know the bank and each other."""
    folder = tmp_path_factory.mktemp("memory")
    memory.prepare(folder)
    return folder


def test_all_of_it_on_boards_with_less_heap_than_they_have(home: Path) -> None:
    heap = f"{int(HEAP[:-1]) - SPARE_KB}K"
    with (
        VirtualBoard(home / PAYER, heap) as first,
        VirtualBoard(home / PAYEE, heap) as second,
        Wire(first.tap_port, second.tap_port),
        Device(first.repl_port) as bert,
        Device(second.repl_port) as anna,
    ):
        payer, payee = Hand(PAYER, first, bert), Hand(PAYEE, second, anna)
        for amount_minor in (4_50, 12_50):
            assert hands.tap(payer, payee, amount_minor)["outcome"] == "PAID"
            payee.put_away()
        assert payee.agree("refund", "GIVE BACK?", index=1, amount=1_00) == "DONE"
        assert len(anna.call("evidence", index=0)[1]) == 1_014
        assert anna.call("upload")[0]["count"] == 3
        assert bert.call("sync")[0]["entries"] == 2
        for _ in range(3):
            txn_id, envelope = hands.by_file(payer, payee, 3_00)
            entered, proof = anna.call("import", envelope)
            payee.put_away()
            place = {name: entered[name] for name in ("index", "head")}
            bert.call("confirm", proof, id=txn_id, **place)
        exported = [anna.call("export", first=first) for first in (0, 2)]
    assert [header["count"] for header, _ in exported] == [2, 1]
    assert all("encrypted_payload" in json.loads(body) for _, body in exported)


@pytest.mark.parametrize("role", ["sender", "receiver"])
def test_heap_is_left_at_the_peak_of_a_payment(home: Path, role: str) -> None:
    used, left = memory.peak(home, role)
    assert left >= LEFT_BYTES, f"{left} bytes are left, {used} in use"


def test_a_day_of_payments_takes_no_heap_away(home: Path) -> None:
    """Between two taps as much is free as before: nothing that was loaded for one stays."""
    with (
        VirtualBoard(home / PAYER) as first,
        VirtualBoard(home / PAYEE) as second,
        Wire(first.tap_port, second.tap_port),
        Device(first.repl_port) as bert,
        Device(second.repl_port) as anna,
    ):
        payer, payee = Hand(PAYER, first, bert), Hand(PAYEE, second, anna)
        free = []
        for _ in range(5):
            assert hands.tap(payer, payee, 10)["outcome"] == "PAID"
            payee.put_away()
            free.append([hand.device.status()["heap_free"] for hand in (payer, payee)])
    for first_time, last_time in zip(free[0], free[-1], strict=True):
        assert last_time > first_time - STAYS_BYTES
