"""Refunds in payees' batches: whole and in part, never more than was paid, never twice.

Conservation and every other invariant is proved when each test ends (`opg1`).
"""

from typing import Any

import pytest

from firmware.common.wire.errors import NO_FUNDS, OVER_LIMIT, REPLAY, REQUEST_UNKNOWN
from tests.bank.conftest import FUNDS_MINOR
from tests.bank.opg1_teller import (
    BAD_SIG,
    DUPLICATE,
    OVER,
    RETURNED,
    SETTLED,
    WITH_VOID,
    Board,
    Opg1Teller,
    Purse,
)
from tests.bank.till import ENDED_S, Till, entry, judged_reasons, report, shop
from tests.opg1_builder import body, sha256


def test_a_refund_goes_into_the_payers_reserve(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till
) -> None:
    txn = purse.pay(till.board, 10_00)
    till.append(txn)
    till.refund(txn, 4_00, purse)
    receipt = till.settle()
    assert (receipt.verdicts, receipt.net) == ([SETTLED, SETTLED], 6_00)
    assert (opg1.balance("bert"), opg1.stored(purse).reserve_minor) == (6_00, 94_00)
    till.refund(txn, 6_00, purse)
    receipt = till.settle(2)
    assert (receipt.verdicts, receipt.net) == ([SETTLED], -6_00)
    assert till.settle(nonce=b"nonce--9").net == 0
    opg1.now += ENDED_S
    opg1.operate("lapse")
    assert (opg1.balance("bert"), opg1.balance("anna")) == (0, FUNDS_MINOR)


def test_a_refund_to_a_purse_that_has_ended_goes_to_the_account(
    opg1: Opg1Teller, purse: Purse, till: Till
) -> None:
    txn = purse.pay(till.board, 10_00)
    till.append(txn).settle()
    opg1.now += ENDED_S
    opg1.operate("lapse")
    till.refund(txn, 10_00, purse)
    assert till.settle(1).verdicts == [SETTLED]
    assert (opg1.balance("bert"), opg1.balance("anna")) == (0, FUNDS_MINOR)


def test_no_more_is_refunded_than_was_paid(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    txn = purse.pay(till.board, 10_00)
    till.append(txn, purse.pay(till.board, 20_00))
    till.refund(txn, 10_01, purse)
    till.refund(txn, 6_00, purse)
    till.refund(txn, 6_00, purse)
    till.refund(txn, 4_00, purse)
    assert till.settle().verdicts == [SETTLED, SETTLED, OVER, SETTLED, OVER, SETTLED]
    assert judged_reasons(opg1) == [OVER_LIMIT, OVER_LIMIT]
    assert opg1.balance("bert") == 20_00


def test_a_refund_is_paid_once(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    txn = purse.pay(till.board, 10_00)
    till.append(txn)
    refund = till.refund(txn, 2_00, purse)
    till.append(refund, name="REFUND")
    till.refund(txn, 3_00, purse, rctr=1)
    assert till.settle().verdicts == [SETTLED, SETTLED, DUPLICATE, OVER]
    assert judged_reasons(opg1) == [0, REPLAY]
    assert opg1.balance("bert") == 8_00


def test_a_refund_of_what_the_payee_was_not_paid_is_refused(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till
) -> None:
    clara = shop(opg1, "clara")
    theirs, voided = purse.pay(clara.board, 10_00), purse.pay(till.board, 10_00)
    clara.append(theirs).settle()
    report(opg1, anna, purse, entry(WITH_VOID, voided, opg1.void(till.board, voided)))
    other = opg1.top_up(opg1.board("carl", FUNDS_MINOR))
    mine = other.pay(till.board, 30_00)
    till.append(mine)
    for txn, target in ((theirs, purse), (voided, purse), (mine, purse), (b"?" * 146, purse)):
        till.refund(txn, 1_00, target)
    assert till.settle().verdicts == [SETTLED, OVER, OVER, OVER, OVER]
    assert judged_reasons(opg1) == [REQUEST_UNKNOWN, OVER_LIMIT, REQUEST_UNKNOWN, REQUEST_UNKNOWN]
    assert (opg1.balance("bert"), opg1.balance("clara")) == (30_00, 10_00)


def test_a_refund_needs_money(opg1: Opg1Teller, purse: Purse, till: Till, anna: Board) -> None:
    txn = purse.pay(till.board, 10_00)
    till.append(txn).settle()
    bert = till.board
    opg1.top_up(bert, 9_00)  # 9.90 of Bert's 10.00 are reserved
    till.refund(txn, 11, purse)
    till.refund(txn, 10, purse)
    assert till.settle(1).verdicts == [OVER, SETTLED]
    assert judged_reasons(opg1) == [NO_FUNDS]


@pytest.mark.parametrize(
    "values",
    [
        {"payee": b"somebody"},
        {"to_purse": b"no purse"},
        {"kind": 2},
        {"amount": 0},
        {"rctr": 0},
    ],
)
def test_a_refund_that_makes_no_sense_is_a_bad_signature(
    opg1: Opg1Teller, purse: Purse, till: Till, values: dict[str, Any]
) -> None:
    txn = purse.pay(till.board, 10_00)
    till.append(txn)
    till.refund(txn, 1_00, purse, **values)
    assert till.settle().verdicts == [SETTLED, BAD_SIG]


def test_a_refund_that_another_device_signed_is_a_bad_signature(
    opg1: Opg1Teller, purse: Purse, till: Till
) -> None:
    txn = purse.pay(till.board, 10_00)
    fields = {"payee": till.board.device_id, "txn_hash": sha256(txn[:-64]), "amount": 1_00}
    message = body("REFUND", kind=1, rctr=1, to_purse=purse.id8, reason=0, **fields)
    till.append(txn).append(purse.key.sign(opg1.realm8, "REFUND", message), name="REFUND")
    assert till.settle().verdicts == [SETTLED, BAD_SIG]


def test_voiding_what_was_refunded_in_part_returns_the_rest(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till
) -> None:
    txn = purse.pay(till.board, 10_00)
    till.append(txn, purse.pay(till.board, 20_00))
    till.refund(txn, 4_00, purse)
    till.settle()
    report(opg1, anna, purse, entry(WITH_VOID, txn, opg1.void(till.board, txn)))
    assert (opg1.balance("bert"), opg1.stored(purse).reserve_minor) == (20_00, 80_00)
    opg1.operate("unfreeze", account_id="bert")
    till.refund(txn, 1_00, purse)
    receipt = till.settle()
    assert receipt.verdicts == [RETURNED, SETTLED, SETTLED, OVER]


def test_who_pays_himself_gains_nothing(opg1: Opg1Teller, anna: Board, purse: Purse) -> None:
    till = Till(opg1, anna)
    txn = purse.pay(anna, 10_00)
    till.append(txn)
    till.refund(txn, 1_00, purse)
    assert till.settle().verdicts == [SETTLED, OVER]
    opg1.now += ENDED_S
    opg1.operate("lapse")
    assert opg1.balance("anna") == FUNDS_MINOR
