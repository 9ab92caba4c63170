"""What OPG1 leaves in the log of decisions, and what makes it grow and what does not."""

from typing import Any

import pytest

from bank import audit, limits
from bank.db import Database
from firmware.common.wire.errors import (
    BAD_CODE,
    BUSY,
    CHAIN_BROKEN,
    FROZEN,
    LEDGER_FORK,
    NO_FUNDS,
    NOT_ENROLLED,
    NOT_FOR_ME,
    OVER_LIMIT,
    Refused,
)
from tests.bank.opg1_teller import DAY_S, Board, Opg1Teller, Purse, entry, reason
from tests.bank.till import EQUIV, Till, bundle, shop
from tests.builder import Device, Ledger, transaction
from tests.opg1_builder import Key

LIFE_AND_GRACE_S = 22 * 86_400


def rows(opg1: Opg1Teller, *actions: str) -> list[dict[str, Any]]:
    """Rows of these actions, oldest first; all rows where none is named."""
    found = opg1.look(f"/bank-logs?limit={limits.PAGE_ROWS_MAX}")["logs"]
    assert len(found) < limits.PAGE_ROWS_MAX
    return [row for row in reversed(found) if not actions or row["action"] in actions]


def counts(opg1: Opg1Teller) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in opg1.look("/bank-refusals")["refusals"]:
        found[row["name"]] = found.get(row["name"], 0) + row["count"]
    return found


def test_junk_from_anybody_adds_no_row_but_a_count(opg1: Opg1Teller, anna: Board) -> None:
    before = rows(opg1)
    for path in ("settle-ledger", "sync", "enrol", "proofs"):
        for junk in (b"", b"x", bytes(200), bytes(limits.SEALED_BYTES_MAX + 1)):
            assert 400 <= opg1.post_bytes(path, junk).status_code < 500
    stranger = Board("stranger")
    for n in range(3):
        assert (
            reason(Till(opg1, stranger).append(b"\1" * 145 + bytes([n])).upload()) == NOT_ENROLLED
        )
        assert reason(opg1.sync(stranger)) == NOT_ENROLLED
    assert rows(opg1) == before
    assert sum(counts(opg1).values()) == 16 + 6
    assert counts(opg1)["too large"] == 4


def test_a_forged_signature_of_an_enrolled_device_is_not_its_word(
    opg1: Opg1Teller, anna: Board, till: Till
) -> None:
    """Whoever knows a board's public key cannot fill its account's log."""
    before = rows(opg1)
    thief = Board("thief")
    thief.device_id = anna.device_id
    assert opg1.sync(thief).status_code == 400
    thief.device_id = till.board.device_id
    assert Till(opg1, thief).append(bytes(146)).upload().status_code == 400
    assert rows(opg1) == before
    assert sum(counts(opg1).values()) == 2


def test_the_same_refusal_of_a_device_is_recorded_once(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till
) -> None:
    till.append(*(purse.pay(till.board, 1_00) for _ in range(3)))
    answers = [till.upload(1) for _ in range(4)]
    assert {reason(answer) for answer in answers} == {CHAIN_BROKEN}
    ids = {tuple(answer.get_json()["audit_log_ids"]) for answer in answers}
    (row,) = rows(opg1, "refuse ledger")
    assert ids == {(row["id"],)}
    assert (row["account_id"], row["reason"]) == ("bert", CHAIN_BROKEN)
    carl = opg1.board("carl")
    for _ in range(3):
        assert reason(opg1.sync(carl, purse)) == NOT_FOR_ME
    (row,) = rows(opg1, "refuse report")
    assert (row["account_id"], row["reason"]) == ("carl", NOT_FOR_ME)
    assert sum(counts(opg1).values()) == 0


def test_a_fork_freezes_and_is_recorded_each_time_an_operator_lifts_it(
    opg1: Opg1Teller, purse: Purse, till: Till
) -> None:
    txns = [purse.pay(till.board, 1_00) for _ in range(2)]
    till.append(txns[0]).settle()
    fork = Till(opg1, till.board).append(txns[1])
    for _ in range(2):
        assert [reason(fork.upload()) for _ in range(3)] == [LEDGER_FORK, FROZEN, FROZEN]
        opg1.operate("unfreeze", account_id="bert", device_id=till.board.device_id.hex())
    found = sorted(row["reason"] for row in rows(opg1, "refuse ledger"))
    assert found == sorted([LEDGER_FORK, FROZEN, LEDGER_FORK])


def test_a_purse_that_is_not_given_is_recorded_once(opg1: Opg1Teller, bert: Board) -> None:
    for nonce in (b"nonce--1", b"nonce--2"):
        assert opg1.no_purse(bert, new_key=Key("new"), amount=10_00, nonce=nonce) == NO_FUNDS
    (row,) = rows(opg1, "refuse top up")
    assert (row["reason"], row["detail"]) == (NO_FUNDS, {"amount_minor": 10_00})


def test_wrong_codes_add_no_more_rows_than_a_code_has_tries(opg1: Opg1Teller) -> None:
    opg1.operate("accounts", account_id="anna", name="Anna")
    opg1.code("anna")
    for n in range(20):
        assert reason(opg1.ask(Board("mallory", str(n)), "guess")) == BAD_CODE
    assert len(rows(opg1, "wrong code")) == limits.CODE_TRIES_MAX
    assert counts(opg1) == {"bad code": 20}


def test_a_database_that_cannot_work_is_nobodys_refusal(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was decided: neither a row nor a count."""
    before = rows(opg1)

    def fail(self: Database, work: Any) -> Any:
        if "answer" in work.__code__.co_names or "_settle" in work.__code__.co_names:
            raise Refused(BUSY, "too many others")
        return real(self, work)

    real = Database.run
    monkeypatch.setattr(Database, "run", fail)
    assert till.append(purse.pay(till.board, 1_00)).upload().status_code == 503
    assert opg1.sync(anna, purse).status_code == 503
    assert (rows(opg1), counts(opg1)) == (before, {})


def test_every_action_can_be_searched_for(opg1: Opg1Teller) -> None:
    """All that a bank may write, written once; and each can be asked for."""
    _json_actions(opg1)
    _enrolments(opg1)
    _payments(opg1)
    _renewal(opg1)
    assert {row["action"] for row in rows(opg1)} == set(audit.ACTIONS)
    for action in audit.ACTIONS:
        found = opg1.look(f"/bank-logs?action={action.replace(' ', '%20')}")["logs"]
        assert {row["action"] for row in found} == {action}


def _json_actions(opg1: Opg1Teller) -> None:
    anna, bert = opg1.open("jane", 100_00), opg1.open("john")
    opg1.operate("wallets", account_id="jane", wallet_id="trip")
    good = transaction(anna, "john", "1")
    bad = transaction(Device("jane"), "john", "1")
    opg1.settle(bert, good, good, transaction(anna, "john", "1000"), bad)
    opg1.operate("freeze", account_id="john")
    opg1.operate("unfreeze", account_id="john")
    opg1.operate("ledgers", account_id="john", device_id=bert.device_id)
    opg1.upload(bert, Ledger().append(good, good).entries[1:])
    opg1.operate("fraud-fund", amount=5)
    opg1.operate("guarantee", account_id="john", amount=5)


def _enrolments(opg1: Opg1Teller) -> None:
    opg1.operate("accounts", account_id="carl", name="Carl")
    carl, code = Board("carl"), opg1.code("carl")
    opg1.ask(carl, "guess")
    opg1.ask(carl, code)
    opg1.operate("decline", device_id=carl.device_id.hex())


def _renewal(opg1: Opg1Teller) -> None:
    opg1.operate("accounts", account_id="erik", name="Erik")
    erik, code = Board("erik"), opg1.code("erik")
    opg1.ask(erik, code)
    opg1.confirm(erik)
    certificate = opg1.ask(erik, code).get_data()
    opg1.now += 365 * DAY_S
    assert opg1.post_bytes("renew", certificate).status_code == 200


def _payments(opg1: Opg1Teller) -> None:
    anna, till = opg1.board("anna", 300_00), shop(opg1, "bert")
    purse, clone = opg1.top_up(anna), Purse(opg1.realm8, Key("forged"), bytes(160))
    alone, voided, paid = (purse.pay(till.board, 1_00) for _ in range(3))
    void, revoke = opg1.void(till.board, voided), opg1.void(till.board, paid)
    till.append(paid, clone.pay(till.board, 1))
    till.settle()
    till.refund(paid, 1, purse)
    till.settle(2)
    report = [entry(1, alone), entry(3, voided, void), entry(3, paid, revoke)]
    opg1.report(anna, purse, report)
    opg1.report(anna, purse, [entry(4, purse.close())])
    opg1.operate("unfreeze", account_id="bert")
    other = opg1.top_up(anna, 50_00, "other")
    twin = other.clone()
    till.append(other.pay(till.board, 1_00), twin.pay(till.board, 2_00))
    till.settle(3)
    assert opg1.no_purse(anna, new_key=Key("rich"), amount=90_000_00) == OVER_LIMIT
    opg1.operate("freeze", account_id="anna", device_id=anna.device_id.hex())
    assert reason(opg1.sync(opg1.board("dora"), purse)) == NOT_FOR_ME
    opg1.now += LIFE_AND_GRACE_S
    opg1.operate("lapse")


def test_a_proof_that_proves_nothing_is_counted(opg1: Opg1Teller) -> None:
    assert opg1.post_bytes("proofs", bundle((EQUIV, bytes(452)))).status_code == 400
    assert opg1.post_bytes("proofs", bundle((EQUIV, bytes(1)))).status_code == 400
    assert sum(counts(opg1).values()) == 2
