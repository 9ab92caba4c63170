"""Claims on purses, as the bank's own code asks for them: in batches, late, knowing better."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import claims
from bank.claims import Claim, Judgement
from bank.queries import purses
from tests.bank.opg1_teller import (
    COVERED,
    DUPLICATE,
    LATE,
    OVER,
    REVOKED,
    SETTLED,
    UNPAID,
    Board,
    Opg1Teller,
    Purse,
    entry,
)
from tests.opg1_builder import sha256


def claim_of(purse: Purse, payee: Board, first: int, cum: int, ctr: int, **values: Any) -> Claim:
    """A claim whose payment is signed, so that it can become a proof; from its payee's ledger."""
    body = {"ctr": ctr, "cum": cum, "t_lb": values.pop("t_lb", 0)}
    txn = purse.clone().pay(payee, cum - first, **body)
    hash32 = sha256(txn[:-64])
    key = ("anna", purse.id8)
    place = {"generation": 0, "ledger_index": 0, **values}
    return Claim(*key, ctr, first, cum, hash32, txn, payee.account, payee.device_id, **place)


Ask = Callable[..., list[Judgement]]


@pytest.fixture
def ask(opg1: Opg1Teller) -> Ask:
    """Claims in one transaction, as an upload does."""

    def ask(*asked: Claim, now: int | None = None) -> list[Judgement]:
        moment = opg1.now if now is None else now
        return opg1.bank.database.run(lambda cursor: claims.claim(cursor, list(asked), moment))

    return ask


def verdicts(judged: list[Judgement]) -> list[int]:
    return [judgement.verdict for judgement in judged]


def test_a_batch_of_several_purses_is_paid_at_once_and_once(
    opg1: Opg1Teller, anna: Board, bert: Board, ask: Ask, owner: Cursor
) -> None:
    purses_ = [opg1.top_up(anna, 50_00, str(n)) for n in range(3)]
    asked = [
        claim_of(purse, bert, 100 * n, 100 * n + 100, n + 1) for n in range(10) for purse in purses_
    ]
    assert ask(*asked) == [Judgement(SETTLED, 1_00)] * 30
    assert ask(*asked) == [Judgement(DUPLICATE, 0)] * 30
    assert opg1.balance("bert") == 30_00
    owner.execute("SELECT count(*), sum(amount_minor) FROM transfers WHERE kind = 'claim'")
    assert owner.fetchone() == (3, 30_00)


def test_one_bad_claim_in_a_batch_holds_up_no_other(
    opg1: Opg1Teller, anna: Board, bert: Board, ask: Ask
) -> None:
    good, bad = opg1.top_up(anna, 50_00, "good"), opg1.top_up(anna, 50_00, "bad")
    asked = [
        claim_of(good, bert, 0, 100, 1),
        claim_of(bad, bert, 0, 100, 1),
        claim_of(bad, bert, 50, 150, 2),
        claim_of(bad, bert, 150, 6000, 3),
        claim_of(good, bert, 100, 200, 2),
    ]
    assert verdicts(ask(*asked)) == [SETTLED, SETTLED, COVERED, OVER, SETTLED]
    assert opg1.stored(good).state == "open"
    assert opg1.stored(bad).state == "revoked"


def test_what_the_constraints_refuse_is_judged_one_by_one(
    opg1: Opg1Teller, anna: Board, bert: Board, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if every claim were taken for plain, PostgreSQL lets no interval be paid twice."""
    monkeypatch.setattr(claims, "_plain", lambda claims_, locked, known, now: set(locked))
    purse = opg1.top_up(anna, 50_00)
    first, twin = claim_of(purse, bert, 0, 100, 1), claim_of(purse, bert, 0, 100, 1, t_lb=1)
    overlapping = claim_of(purse, bert, 50, 150, 2)
    assert verdicts(ask(first, twin, overlapping)) == [SETTLED, COVERED, COVERED]
    assert opg1.balance("bert") == 3_00
    assert verdicts(ask(first, twin, overlapping)) == [DUPLICATE] * 3


def test_the_same_payment_twice_in_one_batch(
    opg1: Opg1Teller, anna: Board, bert: Board, ask: Ask
) -> None:
    purse = opg1.top_up(anna, 50_00)
    claim = claim_of(purse, bert, 0, 100, 1)
    assert verdicts(ask(claim, claim._replace(ledger_index=1))) == [SETTLED, DUPLICATE]
    assert opg1.balance("bert") == 1_00


def test_a_free_interval_that_finds_the_reserve_short(
    opg1: Opg1Teller, bert: Board, ask: Ask, owner: Cursor
) -> None:
    """A conflict took the reserve's rest: what is short comes from the bond, then nowhere."""
    anna = opg1.board("anna", 11_00)
    purse = opg1.top_up(anna, 10_00)
    first, twin = claim_of(purse, bert, 0, 500, 1), claim_of(purse, bert, 0, 450, 1)
    assert ask(first, twin) == [Judgement(SETTLED, 5_00), Judgement(COVERED, 4_50)]
    assert ask(claim_of(purse, bert, 500, 600, 2)) == [Judgement(COVERED, 1_00)]  # 50 + 50 bond
    assert ask(claim_of(purse, bert, 600, 800, 3)) == [Judgement(UNPAID, 50)]
    assert ask(claim_of(purse, bert, 800, 900, 4)) == [Judgement(UNPAID, 0)]
    assert opg1.balance("bert") == 11_00
    owner.execute("SELECT source, sum(amount_minor)::int FROM covers GROUP BY 1 ORDER BY 1")
    assert owner.fetchall() == [("bond", 1_00), ("reserve", 4_50)]


def test_a_payee_against_the_policy_bears_the_conflict(
    opg1: Opg1Teller, anna: Board, bert: Board, ask: Ask
) -> None:
    purse = opg1.top_up(anna, 10_00)
    stale = claim_of(purse, bert, 0, 450, 1, guaranteed=False)
    assert ask(claim_of(purse, bert, 0, 500, 1), stale) == [
        Judgement(SETTLED, 5_00),
        Judgement(UNPAID, 0),
    ]


def test_a_payee_that_knew_of_the_revocation(
    opg1: Opg1Teller, anna: Board, bert: Board, ask: Ask
) -> None:
    """By the news number of the entry it is not paid; told by the bank it bears a conflict."""
    purse = opg1.top_up(anna, 50_00)
    clone = purse.clone()
    opg1.report(anna, purse, [entry(4, purse.close())])
    opg1.bank.database.run(
        lambda cursor: purses.insert_delivery(cursor, "bert", bert.device_id, 1, 0, 4)
    )
    asked = [
        claim_of(clone, bert, 0, 100, 2, rev_seq=1),
        claim_of(clone, bert, 0, 100, 3, generation=0, ledger_index=5),
        claim_of(clone, bert, 0, 100, 4, generation=1, ledger_index=0),
        claim_of(clone, bert, 0, 100, 5, generation=0, ledger_index=4),
    ]
    assert verdicts(ask(*asked)) == [REVOKED, UNPAID, UNPAID, COVERED]


def test_news_that_may_have_been_lost_take_no_free_interval_from_its_payee(
    opg1: Opg1Teller, anna: Board, bert: Board, ask: Ask
) -> None:
    purse = opg1.top_up(anna, 50_00)
    opg1.operate("freeze", account_id="anna", device_id=anna.device_id.hex())
    assert opg1.stored(purse).revoked_seq == 1
    opg1.bank.database.run(
        lambda cursor: purses.insert_delivery(cursor, "bert", bert.device_id, 2, 0, 4)
    )
    told = claim_of(purse, bert, 0, 100, 1, generation=0, ledger_index=5)
    assert verdicts(ask(told._replace(rev_seq=1), told)) == [REVOKED, SETTLED]
    twin = claim_of(purse, bert, 0, 100, 2, generation=0, ledger_index=6)
    assert verdicts(ask(twin, twin._replace(rev_seq=2))) == [UNPAID, UNPAID]


def test_a_claim_in_the_last_second_and_after_it(
    opg1: Opg1Teller, anna: Board, bert: Board, ask: Ask
) -> None:
    purse = opg1.top_up(anna, 50_00)
    deadline = opg1.stored(purse).deadline
    assert verdicts(ask(claim_of(purse, bert, 0, 1, 1), now=deadline)) == [SETTLED]
    assert verdicts(ask(claim_of(purse, bert, 1, 2, 2), now=deadline + 1)) == [LATE]


def test_a_purse_that_is_not_there(opg1: Opg1Teller, anna: Board, bert: Board, ask: Ask) -> None:
    purse = opg1.top_up(anna, 50_00)
    unknown = claim_of(purse, bert, 0, 1, 1)._replace(purse_id=os.urandom(8))
    with pytest.raises(KeyError):
        ask(unknown)
    assert ask() == []


def test_paying_oneself_conserves_money_too(opg1: Opg1Teller, anna: Board, ask: Ask) -> None:
    purse = opg1.top_up(anna, 50_00)
    own = [claim_of(purse, anna, 0, 100, 1), claim_of(purse, anna, 0, 100, 1, t_lb=1)]
    assert verdicts(ask(*own)) == [SETTLED, COVERED]
