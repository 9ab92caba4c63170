"""Payments that contradict each other or a VOID: who is paid from what, and what is proven."""

from typing import Any

import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import limits, policy
from tests import opg1_builder as builder
from tests.bank.conftest import FUNDS_MINOR
from tests.bank.opg1_teller import (
    COVERED,
    DAY_S,
    DUPLICATE,
    LAPSED,
    PENDING,
    RETURNED,
    REVOKED,
    SETTLED,
    UNPAID,
    VOIDED,
    Board,
    Opg1Teller,
    Purse,
    entry,
)
from tests.bank.till import Till, acknowledgement, shop

GRACE_OVER_S = policy.PURSE_DAYS * DAY_S + policy.GRACE_H * 3_600 + limits.END_SLACK_S + 1


@pytest.fixture(autouse=True)
def whole_purse(monkeypatch: pytest.MonkeyPatch) -> None:
    """A till may take all of a purse here, so that few payments empty it."""
    monkeypatch.setattr(policy, "PAYEE_PERCENT", 100)


def test_a_clone_that_spends_while_its_twin_closes(
    opg1: Opg1Teller, anna: Board, till: Till
) -> None:
    """The shop is paid from what was given back, the purse revoked, and the proof is there."""
    purse = opg1.top_up(anna)
    clone = purse.clone()
    opg1.report(anna, purse, [entry(4, purse.close())])
    assert till.append(clone.pay(till.board, 40_00)).settle().verdicts == [COVERED]
    assert opg1.balance("bert") == 40_00
    assert opg1.stored(purse).state == "revoked"
    assert opg1.reserved(purse) == (60_00, 10_00)


def test_a_clone_pays_two_shops_until_nothing_is_left(opg1: Opg1Teller, owner: Cursor) -> None:
    """One counter, two payments: the reserve's rest, then the bond, then the account; then not."""
    shops = [shop(opg1, name) for name in ("bert", "carl", "dora", "eva")]
    anna = opg1.board("anna", 70_00)
    purse = opg1.top_up(anna, 60_00)  # bond 6, account 4
    copies = [purse.clone() for _ in range(4)]
    got = []
    for till, copy in zip(shops, copies, strict=True):
        (verdict,) = till.append(copy.pay(till.board, 40_00)).settle().verdicts
        got.append((verdict, opg1.balance(till.board.account)))
    assert got == [(SETTLED, 40_00), (UNPAID, 30_00), (UNPAID, 0), (UNPAID, 0)]
    owner.execute("SELECT source, amount_minor FROM covers ORDER BY amount_minor DESC")
    assert owner.fetchall() == [("reserve", 20_00), ("bond", 6_00), ("account", 4_00)]
    owner.execute("SELECT equiv FROM proofs")
    ((equiv,),) = owner.fetchall()
    equiv = bytes(equiv)
    assert equiv[:160] == purse.signed
    for txn in (equiv[160:306], equiv[306:]):
        builder.check_signature(purse.key.public, opg1.realm8, "TXN", txn)


def test_a_copied_purse_takes_no_more_of_the_account_than_its_allowance(
    opg1: Opg1Teller, owner: Cursor
) -> None:
    """Ten shops of 50.00: the reserve, the bond of 5.00, 50.00 of the 445.00, and no more."""
    anna = opg1.board("anna", 500_00)
    purse, other = opg1.top_up(anna, 50_00), opg1.top_up(anna, 10_00, "other")
    found = []
    for n in range(10):
        till = shop(opg1, f"shop {n}")
        txn = purse.clone().pay(till.board, 50_00)
        found += till.append(txn).settle().verdicts
    assert found == [SETTLED, COVERED, *[UNPAID] * 8]
    assert opg1.balance("anna") == 500_00 - 55_00 - 11_00 - 50_00
    assert opg1.balance("shop 2") == 5_00  # what was left of them
    owner.execute("SELECT source, sum(amount_minor)::int FROM covers GROUP BY 1 ORDER BY 1")
    assert owner.fetchall() == [("account", 50_00), ("bond", 5_00)]
    for name, verdict in (("bert", SETTLED), ("carl", COVERED)):  # another purse's are its own
        till = shop(opg1, name)
        txn = other.clone().pay(till.board, 10_00)
        assert till.append(txn).settle().verdicts == [verdict]
    assert opg1.balance("anna") == 384_00 - 9_00


def test_the_fund_pays_up_to_what_the_payee_has_earned(
    opg1: Opg1Teller, bert: Board, owner: Cursor
) -> None:
    anna, carl = opg1.board("anna", 11_00), shop(opg1, "carl")
    owner.execute("UPDATE accounts SET guarantee_minor = 250 WHERE account_id = 'carl'")
    owner.execute(
        """
        INSERT INTO transfers (payer_account, transfer_id, kind, payee_account, amount_minor)
            VALUES ('bank', '00000000-0000-4000-8000-000000000001', 'funding', 'bank', 1000);
        INSERT INTO postings (account_id, wallet_id, payer_account, transfer_id, amount_minor)
            VALUES ('bank', '', 'bank', '00000000-0000-4000-8000-000000000001', -1000),
            ('bank', 'fund', 'bank', '00000000-0000-4000-8000-000000000001', 1000);
        INSERT INTO audit_logs (account_id, audit_id, actor, action, subject, reason, detail)
            VALUES ('bank', gen_random_uuid(), 'operator', 'fund',
                '00000000-0000-4000-8000-000000000001', 0, '{}');
        UPDATE wallets SET balance_minor = balance_minor + CASE wallet_id WHEN '' THEN -1000
            ELSE 1000 END WHERE account_id = 'bank';
        """
    )
    purse = opg1.top_up(anna, 10_00)
    clone = purse.clone()
    first = purse.pay(bert, 10_00)
    opg1.report(anna, purse, [entry(2, first, opg1.ack(bert, first))])
    assert carl.append(clone.pay(carl.board, 10_00)).settle().verdicts == [UNPAID]
    assert opg1.balance("carl") == 1_00 + 2_50
    owner.execute("SELECT guarantee_minor FROM accounts WHERE account_id = 'carl'")
    assert owner.fetchone() == (0,)


def test_a_payers_copy_of_a_conflict_waits_for_the_payees_ledger(
    opg1: Opg1Teller, anna: Board, till: Till
) -> None:
    """Clara took it after the purse had ended: her ledger says so, Anna's copy of it does not."""
    purse = opg1.top_up(anna)
    clone, clara = purse.clone(), shop(opg1, "clara")
    assert till.append(purse.pay(till.board, 50_00)).settle().verdicts == [SETTLED]
    late = opg1.now + (policy.PURSE_DAYS + 1) * DAY_S
    clara.append(txn := clone.pay(clara.board, 50_00), recv_t=late)
    acked = entry(2, txn, acknowledgement(clara, 0, txn, t_lb=late))
    for _ in range(2):
        assert opg1.report(anna, purse, [acked]).verdicts == {1: PENDING}
    assert opg1.stored(purse).state == "revoked"  # the two payments prove it, whoever brings them
    assert opg1.client.get(f"/proofs/{purse.id8.hex()}").status_code == 200
    assert (opg1.balance("clara"), opg1.reserved(purse)) == (0, (50_00, 10_00))
    assert clara.settle().verdicts == [UNPAID]
    assert opg1.report(anna, purse, [acked]).verdicts == {1: UNPAID}
    assert opg1.balance("clara") == 0


def test_a_payers_copy_of_a_revoked_purse_waits_for_the_payees_ledger(
    opg1: Opg1Teller, anna: Board, till: Till
) -> None:
    """Bert knew of the revocation when he took one of the two; the third never comes."""
    purse = opg1.top_up(anna)
    opg1.operate("freeze", account_id="anna")
    txns = [purse.pay(till.board, amount) for amount in (1_00, 2_00, 4_00)]
    till.append(txns[0]).append(txns[1], rev_seq=1).append(txns[2])
    acked = [entry(2, txn, acknowledgement(till, n, txn)) for n, txn in enumerate(txns)]
    waiting = {1: PENDING, 2: PENDING, 3: PENDING}
    assert opg1.report(anna, purse, acked).verdicts == waiting
    assert till.settle(0, 2).verdicts == [SETTLED, REVOKED]
    assert opg1.report(anna, purse, acked).verdicts == waiting | {1: SETTLED}
    opg1.now += GRACE_OVER_S
    opg1.operate("lapse")
    assert opg1.report(anna, purse).verdicts == {1: SETTLED, 2: LAPSED, 3: LAPSED}
    assert till.settle(2).verdicts == [LAPSED]
    assert (opg1.balance("bert"), opg1.balance("anna")) == (1_00, FUNDS_MINOR - 1_00)


def test_out_of_order_but_apart_both_are_paid_and_the_purse_revoked(
    opg1: Opg1Teller, anna: Board, bert: Board
) -> None:
    """Counter 2 below counter 1's interval: no honest board signs that, yet nothing overlaps."""
    purse = opg1.top_up(anna)
    high = purse.pay(bert, 10_00, cum=50_00)
    low = purse.pay(bert, 10_00, cum=20_00)
    report = [entry(2, txn, opg1.ack(bert, txn)) for txn in (high, low)]
    assert opg1.report(anna, purse, report).verdicts == {1: SETTLED, 2: SETTLED}
    assert opg1.balance("bert") == 20_00
    assert opg1.stored(purse).state == "revoked"


def test_void_first_then_the_claim(opg1: Opg1Teller, anna: Board, bert: Board) -> None:
    purse = opg1.top_up(anna)
    txn = purse.pay(bert, 12_50)
    void, ack = opg1.void(bert, txn), opg1.ack(bert, txn)
    assert opg1.report(anna, purse, [entry(3, txn, void)]).verdicts == {1: VOIDED}
    assert opg1.report(anna, purse, [entry(2, txn, ack)]).verdicts == {1: VOIDED}
    assert opg1.balance("bert") == 0
    assert opg1.reserved(purse) == (100_00, 10_00)


def test_the_claim_first_then_void(opg1: Opg1Teller, anna: Board, bert: Board) -> None:
    """What the payee still holds goes back to the reserve, and the payee is frozen."""
    purse = opg1.top_up(anna)
    txn = purse.pay(bert, 12_50)
    opg1.report(anna, purse, [entry(2, txn, opg1.ack(bert, txn))])
    report = [entry(3, txn, opg1.void(bert, txn))]
    for _ in range(2):
        assert opg1.report(anna, purse, report).verdicts == {1: RETURNED}
    assert (opg1.balance("bert"), opg1.reserved(purse)) == (0, (100_00, 10_00))
    rows = {r["account_id"]: r for r in opg1.look("/operator/accounts")["accounts"]}
    assert (rows["bert"]["frozen"], rows["anna"]["frozen"]) == (True, False)


def test_a_void_reaches_the_payees_ledger_whichever_way_it_was_paid(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till
) -> None:
    """The payer's copy settled it first, so the payee's entry is no more than a duplicate."""
    txn, other = purse.pay(till.board, 12_50), purse.pay(till.board, 1_00)
    till.append(txn, other, txn)
    opg1.report(anna, purse, [entry(2, txn, acknowledgement(till, 0, txn))])
    assert till.settle().verdicts == [DUPLICATE, SETTLED, DUPLICATE]
    opg1.report(anna, purse, [entry(3, txn, opg1.void(till.board, txn))])
    opg1.operate("unfreeze", account_id="bert")
    receipt = till.settle()
    assert (receipt.verdicts, receipt.net) == ([RETURNED, SETTLED, RETURNED], 1_00)
    assert opg1.balance("bert") == 1_00


def test_the_same_acceptance_and_void_freeze_once(
    opg1: Opg1Teller, anna: Board, till: Till
) -> None:
    """A payer that keeps both does not keep the payee frozen."""
    purse = opg1.top_up(anna)
    clone, carl = purse.clone(), opg1.board("carl")
    first, second = purse.pay(carl, 10_00), clone.pay(till.board, 20_00)
    opg1.report(anna, purse, [entry(2, first, opg1.ack(carl, first))])
    assert till.append(second).settle().verdicts == [COVERED]
    void = [entry(3, second, opg1.void(till.board, second))]
    opg1.report(anna, purse, void)
    assert [row["subject"] for row in rows(opg1, "freeze")] == ["bert"]
    opg1.operate("unfreeze", account_id="bert")
    opg1.report(anna, purse, void)
    assert len(rows(opg1, "freeze")) == 1
    assert not {r["account_id"]: r for r in opg1.look("/operator/accounts")["accounts"]}["bert"][
        "frozen"
    ]


def test_a_close_whose_rest_was_spent_elsewhere(opg1: Opg1Teller, anna: Board, till: Till) -> None:
    """Two boards have the key: proven, revoked, nothing consumed; the rest returns at the end."""
    purse = opg1.top_up(anna)
    clone = purse.clone()
    till.append(clone.pay(till.board, 40_00))
    assert till.settle().verdicts == [SETTLED]
    close = purse.close()
    assert opg1.report(anna, purse, [entry(4, close)]).verdicts == {1: UNPAID}  # Bert's counter
    other = opg1.top_up(anna, 50_00, "other")
    till.append(other.clone().pay(till.board, 40_00)).settle(1)
    other.ctr = 1
    close = other.close()
    before = len(rows(opg1, "closed"))
    for _ in range(2):
        assert opg1.report(anna, other, [entry(4, close)]).verdicts == {1: SETTLED, 2: UNPAID}
    assert len(rows(opg1, "closed")) == before + 1
    for revoked in (purse, other):
        stored = opg1.stored(revoked)
        assert (stored.state, stored.claimed_minor) == ("revoked", 40_00)
        assert opg1.client.get(f"/proofs/{revoked.id8.hex()}").status_code == 200
    opg1.now += GRACE_OVER_S
    opg1.operate("lapse")
    assert opg1.balance("anna") == FUNDS_MINOR - 80_00


def rows(opg1: Opg1Teller, action: str) -> list[dict[str, Any]]:
    return opg1.look(f"/bank-logs?action={action.replace(' ', '%20')}")["logs"]


def test_void_gives_back_no_more_than_the_payee_holds(
    opg1: Opg1Teller, anna: Board, bert: Board, owner: Cursor
) -> None:
    purse = opg1.top_up(anna)
    txn = purse.pay(bert, 50_00)
    opg1.report(anna, purse, [entry(2, txn, opg1.ack(bert, txn))])
    opg1.top_up(bert, 40_00)  # 44.00 of the 50.00 are gone
    void = [entry(3, txn, opg1.void(bert, txn))]
    assert opg1.report(anna, purse, void).verdicts == {1: RETURNED}
    assert (opg1.balance("bert"), opg1.reserved(purse)[0]) == (0, 56_00)
