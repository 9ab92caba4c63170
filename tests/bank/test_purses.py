"""Purses from the payer's side: topped up, reported on, closed, lapsed, ended.

Conservation and every other invariant is proved when each test ends (`opg1`).
"""

import struct
from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import limits, policy
from firmware.common.wire.errors import (
    BAD_CERTIFICATE,
    BAD_SIGNATURE,
    CANNOT_OPEN,
    EXPIRED,
    FROZEN,
    KEY_MISMATCH,
    MALFORMED,
    NO_FUNDS,
    NOT_ENROLLED,
    NOT_FOR_ME,
    OVER_LIMIT,
    TOO_LARGE,
)
from tests import opg1_builder as builder
from tests.bank.conftest import FUNDS_MINOR as FUNDS
from tests.bank.opg1_teller import (
    BAD_SIG,
    DAY_S,
    LAPSED,
    LATE,
    OVER,
    PENDING,
    SETTLED,
    VOIDED,
    Board,
    Opg1Teller,
    entry,
    reason,
)
from tests.bank.till import Till, acknowledgement
from tests.opg1_builder import Key

GRACE_OVER_S = policy.PURSE_DAYS * DAY_S + policy.GRACE_H * 3_600 + limits.END_SLACK_S + 1


def test_a_top_up_reserves_allowance_and_bond(opg1: Opg1Teller, anna: Board) -> None:
    purse = opg1.top_up(anna, 40_05)
    assert opg1.reserved(purse) == (40_05, 4_01)  # 10 %, rounded up
    assert opg1.balance("anna") == FUNDS - 40_05 - 4_01
    (row,) = [r for r in opg1.look("/operator/accounts")["accounts"] if r["account_id"] == "anna"]
    assert (row["balance_minor"], row["reserved_minor"]) == (FUNDS - 44_06, 44_06)


def test_what_a_purse_says(opg1: Opg1Teller, anna: Board) -> None:
    purse = opg1.top_up(anna, 40_00)
    fields = struct.unpack(builder.MESSAGES["PURSE"][1], purse.signed[:-64])
    names = builder.MESSAGES["PURSE"][2].split()
    found = dict(zip(names, fields, strict=True))
    assert found["pub"] == purse.key.public
    assert (found["allowance"], found["tx_max"], found["ctr_max"]) == (40_00, 40_00, 250)
    assert (found["cur"], found["grace_h"]) == (978, 168)
    assert (found["issued"], found["not_after"]) == (opg1.now, opg1.now + 14 * DAY_S)


def test_the_same_key_gets_the_same_purse(opg1: Opg1Teller, anna: Board) -> None:
    key = Key("new")
    first = opg1.report(anna, new_key=key, amount=50_00).purse
    again = opg1.report(anna, new_key=key, amount=50_00, nonce=b"other--8").purse
    assert first == again
    assert opg1.balance("anna") == FUNDS - 55_00


def test_twenty_top_ups_of_one_key_at_once_reserve_once(opg1: Opg1Teller, anna: Board) -> None:
    message = {"new_key": Key("new"), "amount": 50_00}
    app = opg1.client.application

    def once(_: int) -> bytes:
        other = Opg1Teller.__new__(Opg1Teller)
        other.__dict__.update(opg1.__dict__, client=app.test_client())
        return other.report(anna, **message).purse

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(once, range(20)))) == 1
    assert opg1.balance("anna") == FUNDS - 55_00


def test_no_funds_for_allowance_and_bond(opg1: Opg1Teller) -> None:
    carl = opg1.board("carl", 54_99)
    assert opg1.no_purse(carl, new_key=Key("k"), amount=50_00) == NO_FUNDS
    assert opg1.balance("carl") == 54_99
    opg1.fund("carl", 1)
    assert opg1.report(carl, new_key=Key("l"), amount=50_00).purse
    assert opg1.balance("carl") == 0


def test_a_key_that_was_refused_gets_no_purse_any_more(opg1: Opg1Teller) -> None:
    """The board has forgotten it, and a report of before comes late: nobody could spend that."""
    carl = opg1.board("carl", 10_00)
    for amount in (50_00, 5_00):
        assert opg1.no_purse(carl, new_key=Key("k"), amount=amount) == NO_FUNDS
    opg1.fund("carl", 100_00)
    late = opg1.report(carl, new_key=Key("k"), amount=50_00)
    assert (late.purse, late.refused, late.balance) == (b"", NO_FUNDS, 110_00)
    assert opg1.report(carl, new_key=Key("l"), amount=50_00).purse
    assert opg1.balance("carl") == 55_00


def test_limits_of_top_ups(opg1: Opg1Teller) -> None:
    rich = opg1.board("rich", 10_000_00)
    too_much = policy.ALLOWANCE_MAX_MINOR + 1
    assert opg1.no_purse(rich, new_key=Key("a"), amount=too_much) == OVER_LIMIT
    purses = [opg1.top_up(rich, 90_00, name=str(n)) for n in range(policy.PURSES_MAX)]
    assert opg1.no_purse(rich, new_key=Key("b"), amount=1_00) == OVER_LIMIT
    close = entry(4, purses[0].close())
    opg1.report(rich, purses[0], [close])
    # A place is free again, but 270 of the 300 a day are given.
    assert opg1.no_purse(rich, new_key=Key("c"), amount=30_01) == OVER_LIMIT
    assert opg1.report(rich, new_key=Key("d"), amount=30_00).purse
    opg1.report(rich, purses[1], [entry(4, purses[1].close())])
    assert opg1.no_purse(rich, new_key=Key("e"), amount=1_00) == OVER_LIMIT
    opg1.now += DAY_S
    assert opg1.report(rich, new_key=Key("f"), amount=100_00).purse


def test_an_account_gets_no_purse_for_cents(opg1: Opg1Teller) -> None:
    rich = opg1.board("rich", 10_000_00)
    assert opg1.no_purse(rich, new_key=Key("a"), amount=99) == OVER_LIMIT
    assert opg1.report(rich, new_key=Key("b"), amount=1_00).purse


def test_an_account_gets_so_many_purses_a_day(opg1: Opg1Teller) -> None:
    """Each is closed at once, and is then a revocation that every board has to keep."""
    boards = [opg1.board("rich", 10_000_00), opg1.board("rich", name="second")]
    other = opg1.board("other", 10_00)
    for n in range(10):
        purse = opg1.top_up(boards[n % 2], 1_00, name=str(n))
        opg1.report(boards[n % 2], purse, [entry(4, purse.close())])
    for board in boards:
        assert opg1.no_purse(board, new_key=Key(board.device_id.hex()), amount=1_00) == OVER_LIMIT
    assert opg1.top_up(other, 1_00)
    opg1.now += DAY_S
    assert opg1.top_up(boards[0], 1_00, name="tomorrow")


def test_two_boards_of_an_account_get_its_last_purse_of_a_day_once(
    opg1: Opg1Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "PURSES_DAY_MAX", 1)
    boards = [opg1.board("rich", 10_000_00), *(opg1.board("rich", name=n) for n in "bcdefgh")]

    def ask(board: Board) -> int:
        return opg1.report(board, new_key=Key(board.device_id.hex()), amount=1_00).refused

    with ThreadPoolExecutor(len(boards)) as pool:
        refused = sorted(pool.map(ask, boards))
    assert refused == [0] + [OVER_LIMIT] * 7


def test_a_purse_that_is_spent_to_its_end_takes_no_place(opg1: Opg1Teller, till: Till) -> None:
    rich = opg1.board("rich", 10_000_00)
    purses = [opg1.top_up(rich, 10_00, name=str(n)) for n in range(policy.PURSES_MAX)]
    till.append(purses[0].pay(till.board, 9_99)).settle()
    assert opg1.no_purse(rich, new_key=Key("a"), amount=10_00) == OVER_LIMIT
    till.append(purses[0].pay(till.board, 1)).settle(1)
    assert opg1.report(rich, new_key=Key("b"), amount=10_00).purse


def test_another_devices_key_is_refused(opg1: Opg1Teller, anna: Board, bert: Board) -> None:
    first = opg1.report(anna, new_key=Key("k"), amount=1_00).purse
    opg1.fund("bert", 100_00)
    assert opg1.no_purse(bert, new_key=Key("k"), amount=1_00) == KEY_MISMATCH
    assert opg1.report(anna, new_key=Key("k"), amount=1_00).purse == first


def test_a_payment_with_its_receipt_is_settled_once(
    opg1: Opg1Teller, anna: Board, bert: Board
) -> None:
    purse = opg1.top_up(anna)
    txn = purse.pay(bert, 12_50)
    report = [entry(2, txn, opg1.ack(bert, txn))]
    statements = [opg1.report(anna, purse, report) for _ in range(3)]
    assert [statement.verdicts for statement in statements] == [{1: SETTLED}] * 3
    assert opg1.balance("bert") == 12_50
    assert opg1.reserved(purse) == (87_50, 10_00)
    assert statements[-1].balance == FUNDS - 110_00


def test_many_payments_to_several_payees_in_one_report(
    opg1: Opg1Teller, anna: Board, bert: Board
) -> None:
    carl, purse = opg1.board("carl"), opg1.top_up(anna)
    report = []
    for n in range(40):
        payee = (bert, carl)[n % 2]
        txn = purse.pay(payee, 1_00 + n)
        report.append(entry(2, txn, opg1.ack(payee, txn)))
    shuffled = report[20:] + report[:20]
    assert opg1.report(anna, purse, shuffled).verdicts == dict.fromkeys(range(1, 41), SETTLED)
    assert opg1.balance("bert") == sum(100 + n for n in range(0, 40, 2))
    assert opg1.balance("carl") == sum(100 + n for n in range(1, 40, 2))


def test_lower_counters_may_come_later(opg1: Opg1Teller, anna: Board, bert: Board) -> None:
    purse = opg1.top_up(anna)
    txns = [purse.pay(bert, 1_00) for _ in range(3)]
    for n in (2, 0, 1):
        report = [entry(2, txns[n], opg1.ack(bert, txns[n]))]
        assert opg1.report(anna, purse, report).verdicts[n + 1] == SETTLED
    assert opg1.balance("bert") == 3_00
    assert opg1.stored(purse).state == "open"


def test_alone_it_waits_and_lapses_when_the_purse_ends(
    opg1: Opg1Teller, anna: Board, bert: Board
) -> None:
    purse = opg1.top_up(anna)
    txn = purse.pay(bert, 12_50)
    assert opg1.report(anna, purse, [entry(1, txn)]).verdicts == {1: PENDING}
    assert opg1.balance("bert") == 0
    opg1.now += GRACE_OVER_S
    assert opg1.report(anna, purse, [entry(1, txn)]).verdicts == {1: LAPSED}
    assert opg1.balance("anna") == FUNDS
    ack = opg1.ack(bert, txn)
    assert opg1.report(anna, purse, [entry(2, txn, ack)]).verdicts == {1: LAPSED}
    assert opg1.balance("bert") == 0


def test_after_the_grace_nothing_is_settled(opg1: Opg1Teller, anna: Board, bert: Board) -> None:
    purse = opg1.top_up(anna)
    txn = purse.pay(bert, 12_50)
    report = [entry(2, txn, opg1.ack(bert, txn))]
    opg1.now += policy.PURSE_DAYS * DAY_S + policy.GRACE_H * 3_600
    twin = opg1.top_up(anna, 50_00, "other")
    assert opg1.report(anna, purse, report).verdicts == {1: SETTLED}  # its last second
    late = purse.pay(bert, 1_00)
    opg1.now += 1
    report = [entry(2, late, opg1.ack(bert, late))]
    assert opg1.report(anna, purse, report).verdicts == {1: SETTLED, 2: LATE}
    assert opg1.stored(twin).state == "open"


def test_an_ended_purse_returns_exactly_what_is_left(
    opg1: Opg1Teller, anna: Board, bert: Board, owner: Cursor
) -> None:
    purse = opg1.top_up(anna)
    paid, voided, alone = (purse.pay(bert, amount) for amount in (12_50, 7_00, 3_00))
    report = [
        entry(2, paid, opg1.ack(bert, paid)),
        entry(3, voided, opg1.void(bert, voided)),
        entry(1, alone),
    ]
    verdicts = opg1.report(anna, purse, report).verdicts
    assert verdicts == {1: SETTLED, 2: VOIDED, 3: PENDING}
    assert opg1.balance("anna") == FUNDS - 110_00  # nothing returns before the end
    opg1.now += GRACE_OVER_S - limits.END_SLACK_S
    assert opg1.operate("lapse").get_json() == {"ended": 0}
    opg1.now += limits.END_SLACK_S
    assert opg1.operate("lapse").get_json() == {"ended": 1}
    assert opg1.operate("lapse").get_json() == {"ended": 0}
    assert (opg1.balance("anna"), opg1.balance("bert")) == (FUNDS - 12_50, 12_50)
    assert opg1.reserved(purse) == (0, 0)
    owner.execute("SELECT count(*) FROM transfers WHERE kind = 'release'")
    assert owner.fetchone() == (1,)
    statement = opg1.report(anna, purse)
    assert statement.verdicts == {1: SETTLED, 2: VOIDED, 3: LAPSED}


def test_closing_revokes_at_once_and_returns_at_the_end(
    opg1: Opg1Teller, anna: Board, bert: Board
) -> None:
    purse = opg1.top_up(anna)
    txn, close = purse.pay(bert, 12_50), purse.close()
    report = [entry(2, txn, opg1.ack(bert, txn)), entry(4, close)]
    statements = [opg1.report(anna, purse, report) for _ in range(2)]
    assert [statement.verdicts for statement in statements] == [{1: SETTLED, 2: SETTLED}] * 2
    stored = opg1.stored(purse)
    assert (stored.state, stored.revoked_seq, stored.claimed_minor) == ("closed", 1, 100_00)
    assert opg1.balance("anna") == FUNDS - 110_00
    deltas = [data for number, data in statements[1].news if number == 11]
    assert [data[16:24] for data in deltas] == [purse.id8]
    opg1.now += GRACE_OVER_S
    opg1.operate("lapse")
    assert opg1.balance("anna") == FUNDS - 12_50


def test_wrong_entries_hold_up_no_other(opg1: Opg1Teller, anna: Board, bert: Board) -> None:
    purse = opg1.top_up(anna)
    carl = opg1.board("carl")
    good = purse.pay(bert, 1_00)
    forged = bytearray(purse.pay(bert, 1_00))
    forged[-1] ^= 1
    other_payees = purse.pay(bert, 1_00)
    over = purse.pay(bert, 50_01)
    unknown = purse.pay(Board("nobody"), 1_00)
    report = [
        entry(1, bytes(forged)),
        entry(
            2, other_payees, carl.kd.sign(opg1.realm8, "ACK", opg1.ack(bert, other_payees)[:-64])
        ),
        entry(2, over, opg1.ack(bert, over)),
        entry(2, unknown, opg1.ack(Board("nobody"), unknown)),
        entry(2, good, opg1.ack(bert, good)),
    ]
    expected = {1: SETTLED, 2: BAD_SIG, 3: BAD_SIG, 4: OVER, 5: BAD_SIG}
    assert opg1.report(anna, purse, report).verdicts == expected
    assert opg1.balance("bert") == 1_00


def test_payments_stand_where_the_new_purse_is_refused(opg1: Opg1Teller, bert: Board) -> None:
    anna = opg1.board("anna", 110_00)
    purse = opg1.top_up(anna)
    txn = purse.pay(bert, 12_50)
    report = [entry(2, txn, opg1.ack(bert, txn))]
    for _ in range(2):
        found = opg1.report(anna, purse, report, Key("k"), 1_00)
        assert (found.verdicts, found.purse, found.refused) == ({1: SETTLED}, b"", NO_FUNDS)
        assert (found.balance, opg1.balance("bert")) == (0, 12_50)


def test_a_frozen_board_tells_what_it_paid_and_gets_no_purse(
    opg1: Opg1Teller, anna: Board, till: Till
) -> None:
    """Its payee's ledger decides about what it paid; a purse comes once the freeze is lifted."""
    purse = opg1.top_up(anna)
    txn = purse.pay(till.board, 12_50)
    till.append(txn)
    opg1.operate("freeze", account_id="anna", device_id=anna.device_id.hex())
    report = [entry(2, txn, acknowledgement(till, 0, txn))]
    found = opg1.report(anna, purse, report, Key("k"), 1_00)
    assert (found.verdicts, found.purse, found.refused) == ({1: PENDING}, b"", FROZEN)
    assert till.settle().verdicts == [SETTLED]
    assert opg1.report(anna, purse, report).verdicts == {1: SETTLED}
    assert opg1.balance("bert") == 12_50
    opg1.operate("unfreeze", account_id="anna", device_id=anna.device_id.hex())
    assert opg1.no_purse(anna, new_key=Key("k"), amount=1_00) == FROZEN
    assert opg1.report(anna, new_key=Key("l"), amount=1_00).purse


def test_a_purse_on_its_way_when_its_board_was_lost_is_not_handed_out(
    opg1: Opg1Teller, anna: Board
) -> None:
    """The answer had not arrived, and whoever has the board now asks for it."""
    assert opg1.report(anna, new_key=Key("k"), amount=1_00).purse
    opg1.operate("freeze", account_id="anna", device_id=anna.device_id.hex())
    assert opg1.no_purse(anna, new_key=Key("k"), amount=1_00) == FROZEN


def test_a_board_whose_certificate_has_run_out_gets_no_purse(
    opg1: Opg1Teller, anna: Board, bert: Board
) -> None:
    purse = opg1.top_up(anna)
    txn = purse.pay(bert, 12_50)
    void = [entry(3, txn, opg1.void(bert, txn))]
    assert opg1.report(anna, purse, void).verdicts == {1: VOIDED}
    opg1.now += policy.CERTIFICATE_DAYS * DAY_S - 1
    assert opg1.report(anna, new_key=Key("k"), amount=1_00).purse
    opg1.now += 1
    found = opg1.report(anna, purse, void, Key("l"), 1_00)
    assert (found.verdicts, found.purse, found.refused) == ({1: VOIDED}, b"", EXPIRED)


def test_who_may_not_report(opg1: Opg1Teller, anna: Board, bert: Board) -> None:
    till = opg1.board("till", 100_00, role="payee")
    purse = opg1.top_up(anna)
    assert reason(opg1.sync(bert, purse)) == NOT_FOR_ME
    assert reason(opg1.sync(till, new_key=Key("k"), amount=1)) == BAD_CERTIFICATE
    assert reason(opg1.sync(Board("nobody"))) == NOT_ENROLLED
    assert reason(opg1.sync(anna, device=bert.device_id)) == NOT_FOR_ME
    mallory = Board("mallory")
    mallory.device_id = anna.device_id
    assert reason(opg1.sync(mallory)) == BAD_SIGNATURE


def test_malformed_reports_are_refused(opg1: Opg1Teller, anna: Board) -> None:
    purse = opg1.top_up(anna)
    txn = entry(1, purse.pay(anna, 1))
    assert reason(opg1.sync(anna, purse, [txn], n=2)) == MALFORMED
    assert reason(opg1.sync(anna, purse, [txn[:-1]])) == MALFORMED
    assert reason(opg1.sync(anna, purse, [txn[:1] + bytes(146)])) == MALFORMED
    assert reason(opg1.sync(anna, None, [txn])) == MALFORMED
    assert reason(opg1.sync(anna, purse, amount=1)) == MALFORMED
    assert reason(opg1.sync(anna, purse, newpub=bytes([1] * 64), amount=1)) == MALFORMED
    assert reason(opg1.sync(anna, purse, [txn] * 257)) == TOO_LARGE
    assert reason(opg1.sync(anna, purse, kind=2)) == MALFORMED
    assert reason(opg1.post_bytes("sync", bytes(200))) in (MALFORMED, CANNOT_OPEN)
    assert reason(opg1.post_bytes("sync", bytes(limits.SYNC_BYTES_MAX + 1))) == TOO_LARGE
    assert reason(opg1.sync(anna, purse, path="sync?from=x")) == MALFORMED
    high = anna.kd.sign(opg1.realm8, "SYNC", builder.body("SYNC", **_empty(anna)), high_s=True)
    assert reason(opg1.post_bytes("sync", opg1.seal(16, anna.device_id, high))) == BAD_SIGNATURE
    other = anna.kd.sign(b"otherone", "SYNC", builder.body("SYNC", **_empty(anna)))
    assert reason(opg1.post_bytes("sync", opg1.seal(16, anna.device_id, other))) == BAD_SIGNATURE


def _empty(board: Board) -> dict[str, int | bytes]:
    zeros = dict.fromkeys(("ctr", "cum", "amount", "t_lb", "n"), 0)
    fields = {"purse": bytes(8), "head": bytes(32), "newpub": bytes(64), "nonce": bytes(8)}
    return {"kind": 1, "device": board.device_id, **zeros, **fields}
