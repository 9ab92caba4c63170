"""Payees' batches of OPG1: verdict by verdict, and what each does to the money.

Conservation and every other invariant is proved when each test ends (`opg1`).
"""

import struct
from typing import Any

import pytest

from bank import limits, policy
from tests.bank.conftest import FUNDS_MINOR
from tests.bank.opg1_teller import (
    ALONE,
    BAD_SIG,
    CLOSING,
    COVERED,
    DAY_S,
    DUPLICATE,
    LAPSED,
    LATE,
    OVER,
    RETURNED,
    REVOKED,
    SETTLED,
    UNPAID,
    VOIDED,
    WITH_ACK,
    WITH_VOID,
    Board,
    Opg1Teller,
    Purse,
)
from tests.bank.till import BEACON, ENDED_S, LAST, LIFE_S, REVDELTA, Till, entry, report, shop
from tests.opg1_builder import Key


def test_a_batch_of_payments_moves_their_money(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    till.append(*(purse.pay(till.board, amount) for amount in (4_50, 1, 50_00)))
    receipt = till.settle()
    assert receipt.verdicts == [SETTLED] * 3
    assert receipt.net == 54_51
    assert receipt.t == opg1.now
    assert opg1.balance("bert") == 54_51
    stored = opg1.stored(purse)
    assert (stored.reserve_minor, stored.claimed_minor) == (45_49, 54_51)


def test_a_batch_continues_the_one_before(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    till.append(purse.pay(till.board, 1_00))
    assert till.settle().verdicts == [SETTLED]
    till.append(purse.pay(till.board, 2_00), purse.pay(till.board, 3_00))
    assert till.settle(1).net == 5_00
    assert opg1.balance("bert") == 6_00


def test_a_batch_sent_again_moves_nothing_and_says_the_same(
    opg1: Opg1Teller, purse: Purse, till: Till
) -> None:
    till.append(purse.pay(till.board, 1_00), purse.pay(till.board, 60_00))
    first = till.settle()
    opg1.now += DAY_S
    again = till.settle(nonce=b"another!", beacon=7)
    assert (again.verdicts, again.net) == (first.verdicts, first.net) == ([SETTLED, OVER], 1_00)
    assert again.t == opg1.now
    assert opg1.balance("bert") == 1_00


def test_a_batch_may_overlap_what_is_known(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    till.append(*(purse.pay(till.board, 1_00) for _ in range(3)))
    till.settle(0, 2)
    assert till.settle(1).verdicts == [SETTLED, SETTLED]
    assert till.settle(0, 1).verdicts == [SETTLED]
    assert opg1.balance("bert") == 3_00


def test_payments_of_one_purse_may_arrive_in_any_order(
    opg1: Opg1Teller, purse: Purse, till: Till
) -> None:
    clara = shop(opg1, "clara")
    early, late = purse.pay(till.board, 3_00), purse.pay(clara.board, 4_00)
    assert clara.append(late).settle().verdicts == [SETTLED]
    assert till.append(early).settle().verdicts == [SETTLED]
    assert opg1.stored(purse).state == "open"


def test_one_bad_entry_holds_up_no_other(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    good = [purse.pay(till.board, 1_00) for _ in range(2)]
    bad = purse.clone().pay(till.board, 1_00)
    till.append(good[0], bad[:-1] + bytes([bad[-1] ^ 1]), good[1])
    receipt = till.settle()
    assert (receipt.verdicts, receipt.net) == ([SETTLED, BAD_SIG, SETTLED], 2_00)


def test_the_payers_copy_and_the_payees_are_one_settlement(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till
) -> None:
    txns = [purse.pay(till.board, 1_00) for _ in range(2)]
    acked = [entry(WITH_ACK, txn, opg1.ack(till.board, txn, i)) for i, txn in enumerate(txns)]
    assert report(opg1, anna, purse, acked[0]) == {1: SETTLED}
    receipt = till.append(*txns).settle()
    assert (receipt.verdicts, receipt.net) == ([DUPLICATE, SETTLED], 1_00)
    assert report(opg1, anna, purse, *acked) == {1: SETTLED, 2: SETTLED}
    assert opg1.balance("bert") == 2_00


def test_one_payment_in_two_ledger_places_is_paid_once(
    opg1: Opg1Teller, purse: Purse, till: Till
) -> None:
    txn = purse.pay(till.board, 1_00)
    assert till.append(txn, txn).settle().verdicts == [SETTLED, DUPLICATE]
    assert till.append(txn).settle(2).verdicts == [DUPLICATE]
    assert opg1.balance("bert") == 1_00


@pytest.mark.parametrize(
    "values",
    [
        {"payee": b"somebody"},
        {"purse": b"no purse"},
        {"kind": 2},
        {"kind": 0},
        {"amount": 0},
        {"ctr": 0},
        {"cum": 0},
        {"amount": 2, "cum": 1},
        {"amount": 2**32 - 1, "cum": 1},
    ],
)
def test_what_no_purse_signed_for_this_till_is_a_bad_signature(
    purse: Purse, till: Till, values: dict[str, Any]
) -> None:
    txn = purse.pay(till.board, 1_00, **values)
    receipt = till.append(txn).settle()
    assert (receipt.verdicts, receipt.net) == ([BAD_SIG], 0)


def test_a_purse_that_its_payer_made_up_is_none(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    forged = Purse(opg1.realm8, Key("thief"), purse.signed)
    assert till.append(forged.pay(till.board, 1_00)).settle().verdicts == [BAD_SIG]
    assert opg1.stored(purse).claimed_minor == 0


def test_a_signature_with_a_high_s_is_none(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    txn = purse.pay(till.board, 1_00)
    high = purse.key.sign(opg1.realm8, "TXN", txn[:-64], high_s=True)
    assert till.append(high).settle().verdicts == [BAD_SIG]


@pytest.mark.parametrize(
    "values",
    [
        {"amount": 50_01, "cum": 50_01},
        {"cum": 100_01},
        {"ctr": 251},
        {"ctr": 2**32 - 1},
        {"amount": 2**32 - 1, "cum": 2**32 - 1},
    ],
)
def test_more_than_the_purse_allows_is_over_its_limit(
    opg1: Opg1Teller, purse: Purse, till: Till, values: dict[str, Any]
) -> None:
    assert till.append(purse.pay(till.board, 1_00, **values)).settle().verdicts == [OVER]
    assert opg1.stored(purse).claimed_minor == 0


def test_the_whole_allowance_can_be_spent(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    till.append(purse.pay(till.board, 50_00), purse.pay(till.board, 50_00))
    assert till.settle().verdicts == [SETTLED, SETTLED]
    assert opg1.stored(purse).reserve_minor == 0


def test_grace_is_the_last_chance(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    till.append(purse.pay(till.board, 1_00), purse.pay(till.board, 1_00))
    opg1.now += LIFE_S
    assert till.settle(0, 1).verdicts == [SETTLED]
    opg1.now += 1
    assert till.settle(1).verdicts == [LATE]
    assert opg1.balance("bert") == 1_00


def test_what_a_payee_took_knowing_better_is_not_paid(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till
) -> None:
    """Anna closes purse 1, which is revocation 1; Bert takes a payment of her clone."""
    clone = purse.clone()
    report(opg1, anna, purse, entry(CLOSING, purse.close()))
    till.append(clone.pay(till.board, 1_00), rev_seq=1)
    assert till.settle().verdicts == [REVOKED]
    assert opg1.balance("bert") == 0


def test_a_conflict_taken_after_the_revocation_was_delivered_is_not_covered(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till
) -> None:
    clone = purse.clone()
    till.append(clone.pay(till.board, 1_00), clone.pay(till.board, 1_00))
    report(opg1, anna, purse, entry(CLOSING, purse.close()))
    more = till.settle(0, 1)
    assert REVDELTA not in dict(more.news)
    assert till.settle(1, kind=LAST).verdicts == [COVERED]
    till.append(clone.pay(till.board, 1_00))
    assert till.settle(2, kind=LAST).verdicts == [UNPAID]


def test_a_payment_taken_because_the_news_were_lost_is_paid(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till
) -> None:
    """The bank's answer with the REVDELTA did not arrive; the till did all it could."""
    till.append(purse.pay(till.board, 1_00))
    opg1.operate("freeze", account_id="anna", device_id=anna.device_id.hex())
    assert REVDELTA in dict(till.settle(kind=LAST).news)
    till.append(purse.pay(till.board, 2_00))
    till.append(purse.pay(till.board, 4_00), rev_seq=1)  # and now it knew
    assert till.settle(1, kind=LAST).verdicts == [SETTLED, REVOKED]
    assert opg1.balance("bert") == 3_00


def test_revocations_come_with_the_last_batch_alone(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till
) -> None:
    till.append(purse.pay(till.board, 1_00), purse.pay(till.board, 1_00))
    assert till.settle().verdicts == [SETTLED, SETTLED]
    report(opg1, anna, purse, entry(CLOSING, purse.close()))
    assert REVDELTA not in dict(till.settle(0, 1, kind=LAST).news)  # it was the last once
    (delta,) = [data for number, data in till.settle(kind=LAST).news if number == REVDELTA]
    assert struct.unpack_from(">IIIH", delta, 2) == (0, 1, opg1.now, 1)
    assert delta[16:24] == purse.id8


def test_news_that_the_batch_names_does_not_come_again(
    opg1: Opg1Teller, purse: Purse, till: Till
) -> None:
    till.append(purse.pay(till.board, 1_00))
    till.hear()
    assert till.settle().news == []
    opg1.now += limits.BEACON_AGE_S
    (number, beacon) = till.settle().news[-1]
    assert number == BEACON
    assert struct.unpack_from(">II", beacon, 2) == (till.beacon + 1, opg1.now)


def test_what_the_payee_voided_is_not_paid(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till
) -> None:
    txn = purse.pay(till.board, 4_00)
    assert report(opg1, anna, purse, entry(WITH_VOID, txn, opg1.void(till.board, txn))) == {
        1: VOIDED
    }
    receipt = till.append(txn).settle()
    assert (receipt.verdicts, receipt.net) == ([VOIDED], 0)
    assert opg1.balance("bert") == 0


def test_what_is_voided_after_it_was_paid_goes_back(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till
) -> None:
    txn = purse.pay(till.board, 4_00)
    assert till.append(txn).settle().verdicts == [SETTLED]
    void = entry(WITH_VOID, txn, opg1.void(till.board, txn))
    assert report(opg1, anna, purse, void) == {1: RETURNED}
    assert (opg1.balance("bert"), opg1.stored(purse).reserve_minor) == (0, 100_00)
    assert till.upload().status_code == 403  # whoever signs both is frozen
    opg1.operate("unfreeze", account_id="bert")
    receipt = till.settle()
    assert (receipt.verdicts, receipt.net) == ([RETURNED], 0)


def test_a_lapsed_payment_that_comes_late_stays_unpaid(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till
) -> None:
    txn, other = purse.pay(till.board, 4_00), purse.pay(till.board, 1_00)
    report(opg1, anna, purse, entry(ALONE, txn))
    opg1.now += ENDED_S
    assert opg1.operate("lapse").json == {"ended": 1}
    assert till.append(txn, other).settle().verdicts == [LAPSED, LATE]
    assert opg1.balance("anna") == FUNDS_MINOR


def test_a_clone_pays_two_shops_with_one_counter(
    opg1: Opg1Teller, purse: Purse, till: Till
) -> None:
    clara, clone = shop(opg1, "clara"), purse.clone()
    assert till.append(purse.pay(till.board, 10_00)).settle().verdicts == [SETTLED]
    receipt = clara.append(clone.pay(clara.board, 20_00)).settle()
    assert (receipt.verdicts, receipt.net) == ([COVERED], 20_00)
    assert (opg1.balance("bert"), opg1.balance("clara")) == (10_00, 20_00)
    assert opg1.stored(purse).state == "revoked"


def test_a_conflict_that_nothing_covers_is_paid_in_part(
    opg1: Opg1Teller, anna: Board, till: Till
) -> None:
    """Allowance 100.00, bond 10.00, account 3.00: two claims of it all leave 87.00 unpaid."""
    carl = opg1.board("carl", 113_00)
    purse = opg1.top_up(carl)
    clone, clara = purse.clone(), shop(opg1, "clara")
    till.append(purse.pay(till.board, 50_00), purse.pay(till.board, 50_00))
    assert till.settle().verdicts == [SETTLED, SETTLED]
    clara.append(clone.pay(clara.board, 50_00), clone.pay(clara.board, 50_00))
    receipt = clara.settle()
    assert (receipt.verdicts, receipt.net) == ([UNPAID, UNPAID], 13_00)
    assert clara.settle(nonce=b"once more").net == 13_00
    assert opg1.balance("clara") == 13_00


@pytest.mark.parametrize(
    ("beacon_age_s", "later_s"),
    [
        (policy.STALE_DAYS * DAY_S + 1, 0),  # beyond its beacon
        (0, policy.PURSE_DAYS * DAY_S),  # beyond the purse
    ],
)
def test_who_takes_against_the_policy_bears_a_conflict(
    opg1: Opg1Teller, purse: Purse, till: Till, beacon_age_s: int, later_s: int
) -> None:
    clara, clone = shop(opg1, "clara"), purse.clone()
    till.append(purse.pay(till.board, 10_00)).settle()
    opg1.now += later_s
    clara.hear()
    clara.append(clone.pay(clara.board, 20_00), recv_t=opg1.now + beacon_age_s)
    assert clara.settle().verdicts == [UNPAID]
    assert opg1.balance("clara") == 0


def test_at_the_edge_of_the_policy_a_conflict_is_covered(
    opg1: Opg1Teller, purse: Purse, till: Till
) -> None:
    clara, clone = shop(opg1, "clara"), purse.clone()
    till.append(purse.pay(till.board, 10_00)).settle()
    recv_t = opg1.now + policy.STALE_DAYS * DAY_S
    clara.append(clone.pay(clara.board, 20_00), recv_t=recv_t)
    assert clara.settle().verdicts == [COVERED]


def test_who_takes_more_than_its_certificate_says_bears_a_conflict(
    opg1: Opg1Teller, purse: Purse, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One payment of at most 15.00, and at most 25.00 together until it uploads."""
    monkeypatch.setattr(policy, "RX_LIMIT_MINOR", 15_00)
    monkeypatch.setattr(policy, "RX_CUM_MINOR", 25_00)
    clara, clone = shop(opg1, "clara"), purse.clone()
    till.append(purse.pay(till.board, 50_00)).settle()
    clara.append(*(clone.pay(clara.board, amount) for amount in (15_00, 10_00, 1)))
    assert clara.settle().verdicts == [COVERED, COVERED, UNPAID]
    clara.append(clone.pay(clara.board, 15_01))
    assert clara.settle(3).verdicts == [UNPAID]
    assert opg1.balance("clara") == 25_00


def test_a_free_interval_is_paid_whenever_it_was_taken(
    opg1: Opg1Teller, purse: Purse, till: Till
) -> None:
    till.append(purse.pay(till.board, 10_00), recv_t=opg1.now + 300 * DAY_S)
    assert till.settle().verdicts == [SETTLED]


def test_a_clone_spends_while_its_twin_closes(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till
) -> None:
    clone = purse.clone()
    assert report(opg1, anna, purse, entry(CLOSING, purse.close())) == {1: SETTLED}
    receipt = till.append(clone.pay(till.board, 10_00), clone.pay(till.board, 5_00)).settle()
    assert set(receipt.verdicts) == {COVERED}
    assert opg1.balance("bert") == 15_00
    opg1.now += ENDED_S
    assert opg1.operate("lapse").json == {"ended": 1}
    assert opg1.balance("anna") == FUNDS_MINOR - 15_00


def test_a_batch_of_4096_entries_is_taken(opg1: Opg1Teller, anna: Board, till: Till) -> None:
    """250 payments of each of three purses, whose rest is paid again: duplicates."""
    txns = []
    for name in "abc":
        purse = opg1.top_up(anna, 50_00, name)
        txns += [purse.pay(till.board, 1) for _ in range(250)]
    till.append(*txns)
    till.append(*(txns[i % 750] for i in range(limits.LEDGER_ENTRIES_MAX - 750)))
    receipt = till.settle()
    assert receipt.verdicts == [SETTLED] * 750 + [DUPLICATE] * (limits.LEDGER_ENTRIES_MAX - 750)
    assert (receipt.net, opg1.balance("bert")) == (7_50, 7_50)
