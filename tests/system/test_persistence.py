"""What a board keeps over a power cycle and a new firmware: keys, ledger, outbox, log, time."""

import json
import re
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
        "payments": payer.call("payments", first=0),
        "ledger": payee.entries(),
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
    ((txn_id, _),) = [row for row in pair.payer.payments().items() if row[1] == "pending"]
    assert pair.payer.envelope(txn_id) == envelope
    assert pair.payer.tap_again()["outcome"] == "PAID"


def test_a_new_firmware_changes_nothing(pair: Pair) -> None:
    assert pair.pay()["outcome"] == "PAID"
    pair.by_file(2_00)
    before = kept(pair.payer, pair.payee)
    with_new_firmware(pair.payer, "sender")
    with_new_firmware(pair.payee, "receiver")
    assert kept(pair.payer, pair.payee) == before
    assert pair.payer.tap_again()["outcome"] == "PAID"


def test_each_payment_names_the_one_before(room: Room) -> None:
    """`prev_hash` chains what a payer signs, over a restart too."""
    pair = room.pair()
    for _ in range(2):
        pair.by_file()
        pair.payer.restart()
    made = [row["hash"] for row in pair.payer.call("payments", first=0)["payments"]]
    for txn_id in pair.payer.payments():
        pair.payee.take(pair.payer.envelope(txn_id))
    sent = pair.payee.device.call("export", first=0)[1].decode()
    inside = json.loads(builder.unseal(sent, room.bank_ecdh, "receiver_public_key"))
    found = [entry["transaction"]["prev_hash"] for entry in inside["ledger"]]
    assert found == ["", made[0]]


def test_the_log_tells_what_happened(pair: Pair) -> None:
    made = pair.pay()["id"]
    pair.payee.board.press("ok")
    assert pair.payee.ask("regenerate") == "DONE"
    mark = pair.payee.call("status")["fingerprint"]
    expected: list[tuple[Person, list[str]]] = [
        (pair.payer, ["START ", "ENROLLED bert", f"SIGNED {made}", f"DELIVERED {made}"]),
        (pair.payee, ["START ", "ENROLLED anna", f"ACCEPTED {made}", f"KEY REGENERATED {mark}"]),
    ]
    for person, lines in expected:
        found = [LINE.fullmatch(line) for line in person.log()]
        assert [line and line[2] for line in found] == lines


def test_payments_follow_each_other_in_time(pair: Pair) -> None:
    """No host tells these boards the time again: they go by what their journals kept."""
    assert pair.payer.call("status")["time"][:10] == datetime.now(UTC).date().isoformat()
    for _ in range(3):
        assert pair.pay()["outcome"] == "PAID"
        pair.payer.restart()
        pair.payee.restart()
    signed = [row["time"] for row in pair.payer.call("payments", first=0)["payments"]]
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
