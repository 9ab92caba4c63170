"""A board that is lost, stolen or copied: what the operator does, and what becomes of the money.

The steps are those of docs/operating.md.
"""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from werkzeug.serving import make_server

from bank.config import Settings
from firmware.common.wire.errors import (
    CHAIN_BROKEN,
    FROZEN,
    LEDGER_FORK,
    MALFORMED,
    NOT_ENROLLED,
    OK,
)
from host_tools.bank_client import BankClient
from host_tools.bridge import Bridge
from host_tools.commands.bank import bank as opg_bank
from host_tools.outbox import Batch, Outbox
from tests import builder
from tests.bank import opg1_teller
from tests.bank.conftest import FUNDS_MINOR
from tests.bank.mortal import Handler
from tests.bank.opg1_teller import (
    CLOSING,
    REVOKED,
    WITH_ACK,
    Board,
    Opg1Teller,
    Purse,
    entry,
    reason,
    unbundle,
)
from tests.bank.teller import Teller, verdicts
from tests.bank.till import ENDED_S, LAST, REVDELTA, Till, acknowledgement, report, shop
from tests.builder import Device, Ledger, transaction
from tests.opg1_builder import Key

SETTLED, DUPLICATE = ("SETTLED", OK), ("DUPLICATE", OK)
SETTLED_TAP, DUPLICATE_TAP = opg1_teller.SETTLED, opg1_teller.DUPLICATE
Opg = Callable[..., dict[str, Any]]


@pytest.fixture
def opg(settings: Settings) -> Opg:
    """`opg bank …`, in this process."""

    def run(*arguments: str) -> dict[str, Any]:
        environment = {**settings.environment(), "OPG_HOME": str(settings.key_dir.parent)}
        done = CliRunner().invoke(opg_bank, [*arguments, "--json"], env=environment)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return run


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, True, request_handler=Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


def actions(teller: Teller, account_id: str) -> list[tuple[str, str, int]]:
    """(action, subject, reason) of what the log holds about an account, oldest first."""
    rows = teller.look("/bank-logs?limit=500")["logs"]
    rows = [row for row in reversed(rows) if row["account_id"] == account_id]
    return [(row["action"], row["subject"], row["reason"]) for row in rows]


def test_a_payees_board_is_lost(teller: Teller, opg: Opg, url: str, tmp_path: Path) -> None:
    anna, lost = teller.open("anna", 100_00), teller.open("bert")
    ledger = Ledger().append(*(transaction(anna, "bert", "10") for _ in range(2)))
    assert verdicts(teller.upload(lost, ledger.entries).json) == [SETTLED] * 2
    ledger.append(transaction(anna, "bert", "5"))
    outbox = Outbox(tmp_path / "outbox")  # the bridge has it, the board is gone
    pending = builder.encrypted_ledger(ledger.entries[2:], lost, teller.ecdh_jwk)
    outbox.put(Batch(lost.device_id, 2, 1), "ledger", pending.encode())

    opg("freeze", "bert", "--device", lost.device_id)
    assert upload(outbox, url) == [FROZEN]
    assert teller.balance("bert") == 20_00  # what was uploaded stays settled
    assert outbox.waiting("ledger")  # and what was not is kept

    new = Device("bert")
    assert teller.enrol(new).status_code == 200
    assert verdicts(teller.settle(new, transaction(anna, "bert", "1"))) == [SETTLED]

    opg("unfreeze", "bert", "--device", lost.device_id)
    assert upload(outbox, url) == []
    assert outbox.waiting("ledger") == []
    opg("freeze", "bert", "--device", lost.device_id)
    assert teller.balance("bert") == 26_00
    log = actions(teller, "bert")
    device = f"device {lost.device_id}"
    assert [row for row in log if row[0] in ("freeze", "unfreeze")] == [
        ("freeze", device, OK),
        ("unfreeze", device, OK),
        ("freeze", device, OK),
    ]
    assert ("refuse ledger", FROZEN) in [(action, reason) for action, _, reason in log]
    assert ("enrol", f"device {new.device_id}", OK) in log


def test_a_payers_board_is_lost(teller: Teller, opg: Opg) -> None:
    lost, bert = teller.open("anna", 100_00), teller.open("bert")
    before = transaction(lost, "bert", "10")
    ledger = Ledger().append(before)
    assert verdicts(teller.upload(bert, ledger.entries).json) == [SETTLED]

    opg("freeze", "anna", "--device", lost.device_id)
    ledger.append(transaction(lost, "bert", "20"))  # in the payee's hands, or by a thief
    unpaid = ("UNGUARANTEED", FROZEN)
    assert verdicts(teller.upload(bert, ledger.entries).json) == [SETTLED, unpaid]
    new = Device("anna")
    assert teller.enrol(new).status_code == 200
    ledger.append(transaction(new, "bert", "30"))
    assert verdicts(teller.upload(bert, ledger.entries).json) == [SETTLED, unpaid, SETTLED]
    assert teller.balance("anna") == 60_00

    opg("unfreeze", "anna", "--device", lost.device_id)
    assert verdicts(teller.upload(bert, ledger.entries).json) == [SETTLED] * 3
    opg("freeze", "anna", "--device", lost.device_id)
    assert verdicts(teller.upload(bert, ledger.entries).json) == [SETTLED] * 3
    assert teller.balance("bert") == 60_00


def test_a_payers_board_with_a_purse_is_lost(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till, opg: Opg
) -> None:
    """Its purse is in the news at once; what payees took before they heard of it is paid."""
    clara = shop(opg1, "clara")
    till.append(purse.pay(till.board, 10_00)).settle()
    till.append(purse.pay(till.board, 5_00))  # not uploaded yet
    opg("freeze", "anna", "--device", anna.device_id.hex())
    assert revoked(opg1) == [purse.id8, anna.device_id]
    assert opg1.no_purse(anna, purse, None, Key("thief"), 10_00) == FROZEN
    assert till.settle(1, kind=LAST).verdicts == [SETTLED_TAP]
    assert opg1.balance("bert") == 15_00
    clara.append(purse.pay(clara.board, 7_00), rev_seq=2)  # a thief, at a till that knew
    assert clara.settle().verdicts == [REVOKED]
    new = opg1.board("anna", name="new")
    assert opg1.top_up(new, 50_00, "of the new board")

    opg("unfreeze", "anna", "--device", anna.device_id.hex())  # it was found
    assert opg1.stored(purse).state == "revoked"  # what boards have heard stays
    clara.append(purse.pay(clara.board, 7_00), rev_seq=2)
    assert clara.settle(1).verdicts == [REVOKED]
    assert (
        till.append(opg1.top_up(anna, 20_00, "after").pay(till.board, 1_00)).settle(2).net == 1_00
    )
    opg1.now += ENDED_S
    opg1.operate("lapse")
    assert opg1.balance("anna") == FUNDS_MINOR - 16_00
    log = [row for row in actions(opg1, "anna") if row[0].startswith(("revoke", "freeze"))]
    assert log == [
        ("freeze", f"device {anna.device_id.hex()}", OK),
        ("revoke purse", f"purse {purse.id8.hex()}", OK),
        ("revoke device", f"device {anna.device_id.hex()}", OK),
    ]


def test_a_payees_board_with_taps_is_lost(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till, opg: Opg
) -> None:
    """Payers hear of it; what it took is paid by its own ledger or by the payers' copies."""
    txns = [purse.pay(till.board, 1_00 * n) for n in (1, 2, 3)]
    till.append(*txns).settle(0, 1)
    where = ("bert", "--device", till.board.device_id.hex())
    opg("freeze", *where)
    assert revoked(opg1) == [till.board.device_id]
    assert reason(till.upload(1)) == FROZEN
    acked = entry(WITH_ACK, txns[1], acknowledgement(till, 1, txns[1]))
    assert report(opg1, anna, purse, acked)[2] == SETTLED_TAP
    opg("unfreeze", *where)
    assert till.settle(1).verdicts == [DUPLICATE_TAP, SETTLED_TAP]
    opg("freeze", *where)
    assert opg1.balance("bert") == 6_00
    assert revoked(opg1) == [till.board.device_id]  # once


def test_a_frozen_account_takes_all_its_boards_and_purses_with_it(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till, opg: Opg
) -> None:
    second, json_board = opg1.board("anna", name="second"), Device("anna")
    opg1.enrol(json_board)  # of files alone: it is in no news
    other = opg1.top_up(second, 50_00, "second")
    closed = opg1.top_up(anna, 20_00, "closed")
    report(opg1, anna, closed, entry(CLOSING, closed.close()))
    opg("freeze", "anna")
    found = revoked(opg1)
    assert found[0] == closed.id8
    assert set(found[1:3]) == {purse.id8, other.id8}
    assert set(found[3:]) == {anna.device_id, second.device_id}
    for board in (anna, second):
        key = Key(f"after {board.device_id.hex()}")
        assert opg1.no_purse(board, new_key=key, amount=1_00) == FROZEN
    opg("freeze", "anna")
    assert revoked(opg1) == found


def revoked(opg1: Opg1Teller) -> list[bytes]:
    """What boards are told, in the order of the numbers."""
    news = unbundle(opg1.client.get("/news").get_data())
    ids = b"".join(data[16:-64] for number, data in news if number == REVDELTA)
    return [ids[i : i + 8] for i in range(0, len(ids), 8)]


def test_a_ledger_is_forked(teller: Teller, opg: Opg) -> None:
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    payments = [transaction(anna, "bert", "10") for _ in range(3)]
    teller.settle(bert, *payments[:2])
    fork = Ledger().append(payments[2], payments[0])
    assert reason_of(teller, bert, fork) == LEDGER_FORK
    assert reason_of(teller, bert, fork) == FROZEN

    asked = ("new-ledger", "bert", bert.device_id)
    assert opg(*asked)["generation"] == 1
    assert opg(*asked) == {
        "account_id": "bert",
        "device_id": bert.device_id,
        "generation": 1,
        "result": "exists",
    }
    assert reason_of(teller, bert, fork) == FROZEN  # until the operator says so
    opg("unfreeze", "bert", "--device", bert.device_id)
    assert reason_of(teller, bert, fork) == CHAIN_BROKEN
    for wrong in (f"GENESIS:{anna.device_id}:1", f"GENESIS:{bert.device_id}:2"):
        assert reason_of(teller, bert, Ledger(genesis=wrong).append(payments[2])) == CHAIN_BROKEN

    later = Ledger(genesis=f"GENESIS:{bert.device_id}:1").append(payments[2], payments[0])
    assert verdicts(teller.upload(bert, later.entries).json) == [SETTLED, DUPLICATE]
    later.append(transaction(anna, "bert", "1"))
    answer = teller.upload(bert, later.entries[2:]).get_json()
    assert verdicts(answer) == [SETTLED]
    assert json.loads(answer["receipt"])["head"] == later.hashes[-1]
    assert teller.balance("bert") == 31_00
    assert opg("check")["intact"] is True
    log = actions(teller, "bert")
    device = f"device {bert.device_id}"
    assert [row for row in log if row[0] in ("open ledger", "unfreeze")] == [
        ("open ledger", device, OK),
        ("unfreeze", device, OK),
    ]
    assert LEDGER_FORK in [reason for _, _, reason in log]


def test_a_new_ledger_is_for_the_accounts_own_device(teller: Teller) -> None:
    anna = teller.open("anna")
    teller.open("bert")
    for device_id in (anna.device_id, "00" * 8):
        response = teller.operate("ledgers", account_id="bert", device_id=device_id)
        assert (response.status_code, response.get_json()["reason"]) == (403, NOT_ENROLLED)
    for device_id in ("", "xyz", "A" * 16, anna.device_id + " ", "ab\n" * 8):
        for path in ("ledgers", "freeze"):
            response = teller.operate(path, account_id="anna", device_id=device_id)
            assert (response.status_code, response.get_json()["reason"]) == (400, MALFORMED)


def upload(outbox: Outbox, url: str) -> list[int]:
    """What `opg bridge --bank URL` does; the reasons of what is refused."""
    bridge = Bridge(outbox, BankClient(url), lambda line: None, lambda s: None)
    bridge.upload()
    return [refusal["reason"] for refusal in bridge.refusals]


def reason_of(teller: Teller, receiver: Device, ledger: Ledger) -> int:
    return teller.upload(receiver, ledger.entries).get_json()["reason"]
