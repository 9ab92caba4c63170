"""What a board keeps over a power cycle and a new firmware: keys, ledger, outbox, log, time."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from time import time
from typing import Any

import pytest

from host_tools import flash
from host_tools.board_repl import BoardRepl
from tests import builder
from tests.system.people import Pair, Payee, Payer, Person, Room

MARK = "/firmware/installed.json"  # what flashing compares; without it every file is copied anew
LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (.*)")


@pytest.fixture
def pair(room: Room) -> Pair:
    return room.pair()


def kept(payer: Payer, payee: Payee) -> dict[str, Any]:
    """All that must be the same after a restart."""
    return {
        "keys": [person.device.call("key") for person in (payer, payee)],
        "accounts": [person.call("status")["account"] for person in (payer, payee)],
        "payees": payer.call("payees")["payees"],
        "purses": payer.call("purses"),
        "payments": payer.device.pages("payments"),
        "files": payer.device.pages("json_payments"),
        "ledger": payee.entries(),
        "ledger of files": payee.files(),
        "total": payee.call("total"),
    }


def with_new_firmware(person: Person, role: str) -> None:
    person.device.close()
    with BoardRepl(person.board.repl_port, restart=False) as repl:
        repl.write(MARK, b"{}", lambda _written: None)
    done = flash.flash(person.board.repl_port, role, lambda *_: None)
    assert MARK in done.copied
    person.reconnect()


def test_a_power_cycle_changes_nothing(pair: Pair) -> None:
    assert pair.pay()["outcome"] == "PAID"
    _, envelope = pair.by_file(2_00)
    before = kept(pair.payer, pair.payee)
    for _ in range(2):
        pair.payer.restart()
        pair.payee.restart()
        assert kept(pair.payer, pair.payee) == before
    ((txn_id, state),) = pair.payer.files().items()
    assert state == "pending"
    assert pair.payer.envelope(txn_id) == envelope
    assert pair.pay()["outcome"] == "PAID"


def test_a_new_firmware_changes_nothing(pair: Pair) -> None:
    assert pair.pay()["outcome"] == "PAID"
    pair.by_file(2_00)
    before = kept(pair.payer, pair.payee)
    with_new_firmware(pair.payer, "sender")
    with_new_firmware(pair.payee, "receiver")
    assert kept(pair.payer, pair.payee) == before
    assert pair.pay()["outcome"] == "PAID"


def test_a_request_survives_and_its_payment_is_asked_about(pair: Pair) -> None:
    """After a restart the cashier is asked before an old request is taken as paid."""
    pair.payee.charge(1_25)
    pair.wire.pass_on = lose_once_signed(pair)
    lost = pair.payer.tap()
    assert lost["outcome"] == "NOT CONFIRMED YET"
    pair.wire.pass_on = lambda _direction, data: data
    pair.payee.restart()
    pair.payer.call("tap_again")
    pair.payee.wait_to_see("TAKE IT NOW?")
    pair.payee.board.press("ok")
    assert pair.payer.outcome() == {"outcome": "PAID", "why": 0, "id": lost["id"]}
    assert pair.payee.ids() == [lost["id"]]


def lose_once_signed(pair: Pair) -> Callable[[int, bytes], bytes]:
    """The wire comes off when the payer's board has journalled its payment."""

    def pass_on(_direction: int, data: bytes) -> bytes:
        signed = any("NOT CONFIRMED" in line for line in pair.payer.sees())
        return b"" if signed else data

    return pass_on


def test_each_file_names_the_one_before(room: Room) -> None:
    """`prev_hash` chains what a payer signs in the JSON form, over a restart too."""
    pair = room.pair()
    for _ in range(2):
        pair.by_file()
        pair.payer.restart()
    made = [row["hash"] for row in pair.payer.device.pages("json_payments")]
    for txn_id in pair.payer.files():
        pair.payee.take(pair.payer.envelope(txn_id))
    sent = pair.payee.device.call("export", first=0)[1].decode()
    inside = json.loads(builder.unseal(sent, room.bank_ecdh, "receiver_public_key"))
    found = [entry["transaction"]["prev_hash"] for entry in inside["ledger"]]
    assert found == ["", made[0]]


def test_the_log_tells_what_happened(pair: Pair) -> None:
    made = pair.pay(1_25)["id"]
    pair.payee.put_away()
    assert pair.payee.ask("regenerate") == "DONE"
    mark = pair.payee.call("status")["fingerprint"]
    expected: list[tuple[Person, list[str]]] = [
        (pair.payer, ["ENROLLED bert", f"SIGNED {made}", f"DELIVERED {made}"]),
        (pair.payee, ["ENROLLED anna", "ASKED 125", "ACCEPTED entry 0", f"KEY REGENERATED {mark}"]),
    ]
    for person, lines in expected:
        found = [LINE.fullmatch(line) for line in person.log()]
        told = [line[2] for line in found if line]
        assert len(told) == len(found)
        assert [line for line in told if line in lines] == lines


def test_files_follow_each_other_in_time(pair: Pair) -> None:
    """No host tells these boards the time again: they go by what their journals kept."""
    assert pair.payer.call("status")["time"][:10] == datetime.now(UTC).date().isoformat()
    for _ in range(3):
        _, envelope = pair.by_file()
        pair.payee.take(envelope)
        pair.payer.restart()
        pair.payee.restart()
    signed = [row["time"] for row in pair.payer.device.pages("json_payments")]
    entered = [line.split()[0] for line in pair.payee.log() if " ACCEPTED " in line]
    for moments in (signed, entered):
        assert len(moments) == 3
        assert all(earlier < later for earlier, later in pairwise(moments))


def test_a_host_sets_the_clock_forward_only(pair: Pair) -> None:
    ahead = int(time() * 1000) + 10 * 86_400_000
    pair.payer.call("status", time=ahead)
    then = pair.payer.call("status", time=ahead - 86_400_000)["time"]
    pair.payer.restart()
    hour_before = (datetime.fromisoformat(then) - timedelta(hours=1)).isoformat()
    assert pair.payer.call("status", time=ahead - 86_400_000)["time"] >= hour_before[:19]
