"""What is brought at the same time: one settlement, whoever is first."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.bank.opg1_teller import (
    COVERED,
    DUPLICATE,
    RETURNED,
    SETTLED,
    VOIDED,
    WITH_ACK,
    WITH_VOID,
    Board,
    Opg1Teller,
    Purse,
)
from tests.bank.till import EQUIV, Till, acknowledgement, bundle, entry, equiv, report, shop

BUSY = 503


def at_once(*works: Any) -> list[Any]:
    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(work) for work in works]]


def patiently(work: Any, expected: tuple[int, ...] = (200,)) -> Any:
    """A board or bridge that is told BUSY asks again."""
    responses = (work() for _ in range(20))
    response = next(response for response in responses if response.status_code != BUSY)
    assert response.status_code in expected, response.get_data(as_text=True)
    return response


def test_one_batch_posted_twenty_times_is_one_settlement(
    opg1: Opg1Teller, purse: Purse, till: Till
) -> None:
    till.append(*(purse.pay(till.board, 1_00) for _ in range(10)))
    message = till.message()
    answers = at_once(*[lambda: patiently(lambda: till.post(message))] * 20)
    receipts = [till.receipt(message, answer) for answer in answers]
    assert {(tuple(r.verdicts), r.net) for r in receipts} == {((SETTLED,) * 10, 10_00)}
    assert opg1.balance("bert") == 10_00


def test_the_payers_and_the_payees_copies_race(
    opg1: Opg1Teller, anna: Board, purse: Purse, till: Till
) -> None:
    """32 threads, half of them with the payer's copies; each payment is paid once."""
    txns = [purse.pay(till.board, 1_00) for _ in range(8)]
    till.append(*txns)
    acked = [entry(WITH_ACK, txn, acknowledgement(till, i, txn)) for i, txn in enumerate(txns)]
    message = till.message()
    works: list[Any] = []
    for i in range(16):
        works.append(lambda: patiently(lambda: till.post(message)))
        works.append(lambda i=i: patiently(lambda: opg1.sync(anna, purse, acked[i % 8 :])))
    at_once(*works)
    verdicts = set(till.settle().verdicts)
    assert verdicts <= {SETTLED, DUPLICATE}
    assert set(report(opg1, anna, purse, *acked).values()) == {SETTLED}
    assert (opg1.balance("bert"), opg1.stored(purse).reserve_minor) == (8_00, 92_00)


def test_two_shops_race_for_one_interval(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    clara = shop(opg1, "clara")
    clone = purse.clone()
    till.append(*(purse.pay(till.board, 10_00) for _ in range(4)))
    clara.append(*(clone.pay(clara.board, 10_00) for _ in range(4)))
    one, two = till.message(), clara.message()
    answers = at_once(
        lambda: patiently(lambda: till.post(one)), lambda: patiently(lambda: clara.post(two))
    )
    verdicts = till.receipt(one, answers[0]).verdicts + clara.receipt(two, answers[1]).verdicts
    assert sorted(verdicts) == [SETTLED] * 4 + [COVERED] * 4
    assert (opg1.balance("bert"), opg1.balance("clara")) == (40_00, 40_00)


def test_a_void_and_a_claim_race(opg1: Opg1Teller, anna: Board, purse: Purse, till: Till) -> None:
    """Whichever is first, the money ends with the payer."""
    txn = purse.pay(till.board, 10_00)
    void = entry(WITH_VOID, txn, opg1.void(till.board, txn))
    message = till.append(txn).message()
    works = [
        lambda: patiently(lambda: till.post(message), (200, 403)),  # who signs both is frozen
        lambda: patiently(lambda: opg1.sync(anna, purse, [void])),
    ]
    at_once(*works * 4)
    assert opg1.balance("bert") == 0
    assert opg1.stored(purse).reserve_minor == 100_00
    opg1.operate("unfreeze", account_id="bert")
    assert till.settle().verdicts[0] in (VOIDED, RETURNED)


def test_refunds_of_one_payment_race(opg1: Opg1Teller, purse: Purse) -> None:
    """Two tills of one shop refund it at once: it goes back once."""
    one, two = shop(opg1, "bert", "1"), shop(opg1, "bert", "2")
    txn = purse.pay(one.board, 10_00)
    one.append(txn, purse.pay(one.board, 20_00)).settle()
    one.refund(txn, 6_00, purse)
    two.refund(txn, 6_00, purse)
    messages = one.message(2), two.message()
    answers = at_once(
        lambda: patiently(lambda: one.post(messages[0])),
        lambda: patiently(lambda: two.post(messages[1])),
    )
    verdicts = [one.receipt(messages[i], answers[i]).verdicts[0] for i in range(2)]
    assert sorted(verdicts) == [SETTLED, 7]
    assert opg1.balance("bert") == 24_00


def test_a_proof_and_a_claim_race(opg1: Opg1Teller, purse: Purse, till: Till) -> None:
    clara, clone = shop(opg1, "clara"), purse.clone()
    a, b = purse.pay(till.board, 10_00), clone.pay(clara.board, 10_00)
    proof = bundle((EQUIV, equiv(purse, a, b)))
    one, two = till.append(a).message(), clara.append(b).message()
    at_once(
        *[lambda: patiently(lambda: opg1.post_bytes("proofs", proof))] * 3,
        lambda: patiently(lambda: till.post(one)),
        lambda: patiently(lambda: clara.post(two)),
    )
    verdicts = till.settle().verdicts + clara.settle().verdicts
    assert sorted(verdicts) == [SETTLED, COVERED]
