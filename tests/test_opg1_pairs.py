"""The pair rule: overspending always leaves two payments that contradict, honesty never does.

PAIR_CHAINS=100000 tries that many purses of each kind instead of 2,000; the seed is fixed.
"""

import os
import random

from hypothesis import given
from hypothesis import strategies as st

from firmware.common.payment.transaction import contradict
from firmware.common.wire.codec import Record
from firmware.common.wire.messages import TXN
from tests.opg1_builder import body

CHAINS = int(os.environ.get("PAIR_CHAINS", "2000"))
CLAIM = tuple[int, int, int]  # counter, cum, amount


def payment(claim: CLAIM, payee: bytes = b"payee  1", purse: bytes = b"purse  1") -> Record:
    ctr, cum, amount = claim
    fixed = {"kind": 1, "req_hash": bytes(16), "prev": bytes(32), "t_lb": 0}
    return TXN.read(body("TXN", purse=purse, payee=payee, ctr=ctr, cum=cum, amount=amount, **fixed))


def pairs(payments: list[Record]) -> int:
    """How many pairs contradict, asked in both orders."""
    found = 0
    for i, a in enumerate(payments):
        for b in payments[:i]:
            assert contradict(a, b) == contradict(b, a)
            found += contradict(a, b)
    return found


def any_claims(rng: random.Random, allowance: int) -> list[CLAIM]:
    """What a thief with the purse's key may sign: anything inside the line."""
    claims = set()
    for _ in range(rng.randint(1, 7)):
        cum = rng.randint(1, allowance)
        claims.add((rng.randint(1, 5), cum, rng.randint(1, cum)))
    return sorted(claims)


def honest_chain(rng: random.Random) -> list[CLAIM]:
    """A board that counts up, with gaps in counter and line where it voided or lost something."""
    ctr = cum = 0
    chain = []
    for _ in range(rng.randint(1, 9)):
        ctr += rng.choice((1, 1, 1, 2, 5))
        amount = rng.randint(1, 9)
        cum += amount + rng.choice((0, 0, 0, 1, 7))
        chain.append((ctr, cum, amount))
    return chain


def forked_chain(rng: random.Random) -> tuple[list[CLAIM], list[CLAIM]]:
    """Two clones of one board, which went on from the same payment."""
    chain = honest_chain(rng)
    ctr, cum, _ = chain[rng.randint(0, len(chain) - 1)]
    kept = [claim for claim in chain if claim[0] <= ctr]
    ways = []
    for _ in range(2):
        on = [(ctr + a, cum + b, c) for a, b, c in honest_chain(rng)]
        ways.append(kept + on)
    return ways[0], ways[1]


def test_whoever_claims_more_than_the_allowance_has_signed_a_proof() -> None:
    rng = random.Random("overspend")
    overspent = 0
    while overspent < CHAINS:
        allowance = rng.randint(1, 12)
        claims = any_claims(rng, allowance)
        if sum(amount for _, _, amount in claims) > allowance:
            overspent += 1
            assert pairs([payment(claim) for claim in claims]), (allowance, claims)


def test_a_clone_that_pays_two_shops_from_one_counter_has_signed_a_proof() -> None:
    rng = random.Random("clones")
    for _ in range(CHAINS // 4):
        one, other = forked_chain(rng)
        rest = [claim for claim in other if claim not in one]
        both = [payment(claim) for claim in one]
        both += [payment(claim, b"payee  2") for claim in rest]
        total = sum(amount for _, _, amount in one + rest)
        line = max(cum for _, cum, _ in one + rest)
        if total > line:
            assert pairs(both), (one, other)


def test_an_honest_board_never_signs_one_whatever_arrives_late() -> None:
    rng = random.Random("honest")
    for _ in range(CHAINS):
        chain = [payment(claim) for claim in honest_chain(rng)]
        late = chain[:]
        rng.shuffle(late)
        assert pairs(late[: rng.randint(1, len(late))]) == 0
        assert pairs(chain + chain) == 0, "the same payment sent again is no second one"


@given(
    st.lists(
        st.tuples(st.integers(1, 6), st.integers(1, 40), st.integers(1, 40)).filter(
            lambda claim: claim[2] <= claim[1]
        ),
        unique=True,
        min_size=1,
        max_size=8,
    )
)
def test_without_a_contradiction_no_two_claims_overlap(claims: list[CLAIM]) -> None:
    if pairs([payment(claim) for claim in claims]) == 0:
        covered = [unit for _, cum, amount in claims for unit in range(cum - amount, cum)]
        assert len(covered) == len(set(covered)) <= 40


def test_the_rule_at_its_edges() -> None:
    for a, b, expected in (
        ((1, 5, 5), (1, 5, 5), False),  # the same payment
        ((1, 5, 5), (1, 6, 5), True),  # one counter, two payments
        ((1, 5, 5), (2, 10, 5), False),  # next to each other
        ((1, 5, 5), (2, 9, 5), True),  # one unit claimed twice
        ((1, 5, 5), (9, 6, 1), False),  # counters left out
        ((2, 5, 5), (1, 10, 5), True),  # later in time, before it on the line
    ):
        assert contradict(payment(a), payment(b)) == contradict(payment(b), payment(a)) == expected
    same = (1, 5, 5)
    assert contradict(payment(same), payment(same, b"payee  2"))
    assert not contradict(payment(same), payment((1, 6, 5), purse=b"purse  2"))
