"""The pair rule alone, over every small set of payments on a purse of four units.

Overspending always leaves a pair that contradicts; a chain of one honest board never holds one.
"""

from collections.abc import Callable, Iterator
from itertools import combinations

from tests.model.state import Payment, contradict

ALLOWANCE = 4
PAYMENTS_MAX = 4  # in a set

PairRule = Callable[[Payment, Payment], bool]


def equal_counters_only(a: Payment, b: Payment) -> bool:
    return a.ctr == b.ctr and a != b


def neighbours_too(a: Payment, b: Payment) -> bool:
    first, second = (a, b) if a.ctr < b.ctr else (b, a)
    return contradict(a, b) or (a.ctr != b.ctr and second.low <= first.high)


# The rule broken on purpose, and which half of its promise then fails.
BROKEN: tuple[tuple[PairRule, str], ...] = (
    (equal_counters_only, "an overspent set without a contradiction"),
    (neighbours_too, "an honest chain with a contradiction"),
)


def fault(rule: PairRule = contradict) -> str:
    """What the rule gets wrong, or nothing."""
    if any(_has_pair(rule, chain) for chain in honest_chains()):
        return "an honest chain with a contradiction"
    if any(not _has_pair(rule, payments) for payments in overspent_sets()):
        return "an overspent set without a contradiction"
    return ""


def honest_chains(before: tuple[Payment, ...] = ()) -> Iterator[tuple[Payment, ...]]:
    """Each payment begins where the one before it ended, one counter on."""
    yield before
    low = before[-1].high if before else 0
    for high in range(low + 1, ALLOWANCE + 1):
        yield from honest_chains((*before, Payment(0, len(before) + 1, low, high, 1)))


def overspent_sets() -> Iterator[tuple[Payment, ...]]:
    everything = [
        Payment(0, ctr, low, high, 1)
        for ctr in range(1, PAYMENTS_MAX + 1)
        for low, high in combinations(range(ALLOWANCE + 1), 2)
    ]
    for count in range(2, PAYMENTS_MAX + 1):
        for payments in combinations(everything, count):
            if sum(payment.amount for payment in payments) > ALLOWANCE:
                yield payments


def _has_pair(rule: PairRule, payments: tuple[Payment, ...]) -> bool:
    return any(rule(a, b) for a, b in combinations(payments, 2))
