"""The model as a test: every state of the short configurations, and every broken rule caught."""

import pytest

from tests.model import explore, invariants, liveness, pair_rule, report
from tests.model import state as s
from tests.model.bank_variants import BANK_VARIANTS
from tests.model.board_variants import BOARD_VARIANTS
from tests.model.configurations import LONG, SHORT
from tests.model.explore import Space
from tests.model.rules import Rules, Town
from tests.model.variants import Variant

VARIANTS = (*BOARD_VARIANTS, *BANK_VARIANTS)

# What the short configurations must have come across, or they look at less than they claim.
_REACHED = {
    *(s.SIGNED, s.DELIVERED, s.SETTLED, s.REFUNDED, s.LAPSED, s.KNOWN, s.CLOSED, s.RETURNED),
    *(s.CONFLICT_COVERED, s.CONFLICT_UNPAID, s.EXPIRED_LATE, s.DUPLICATE, s.OVER_LIMIT),
    *(s.VOIDED, s.ACCEPTED, s.OPEN.state, s.STALE.state, s.VOID.state, "destroyed", "ended"),
}


@pytest.fixture(scope="module")
def reached() -> set[str]:
    return set()


@pytest.mark.parametrize("town", SHORT, ids=lambda town: town.name)
def test_every_state_holds(town: Town, reached: set[str]) -> None:
    space = explore.explore(town)
    assert not space.breach, "\n".join(space.trace(len(space.worlds) - 1))
    stuck = liveness.stuck(space, town)
    assert not stuck, "\n".join([stuck[0], *space.trace(stuck[1])])
    reached |= _words(space)


def test_the_states_are_those_that_matter(reached: set[str]) -> None:
    if not reached:
        pytest.skip("runs with test_every_state_holds")
    assert reached == _REACHED


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: f"{variant.rule}, {variant.what}")
def test_a_broken_rule_is_caught(variant: Variant) -> None:
    found = report.look(variant.broken_town)
    assert found.breach, f"no state shows it: {variant.what}"
    assert report.is_caught(variant, found), "\n".join([found.breach, *report.trace_text(found)])
    assert found.trace, "the start is no counterexample"


def test_every_rule_has_its_variant() -> None:
    broken = {name for variant in VARIANTS for name in variant.switch}
    assert broken == set(vars(Rules()))
    assert all(len(variant.switch) == 1 for variant in VARIANTS)
    explored = (*SHORT, *LONG)
    assert all(town.rules == Rules() for town in explored)
    assert {variant.town for variant in VARIANTS} <= set(explored), "not shown to hold unbroken"


def test_every_invariant_and_every_goal_has_caught_something() -> None:
    named = {rule.__name__ for rule in (*invariants.INVARIANTS, *liveness.GOALS)}
    assert {variant.catches.__name__ for variant in VARIANTS} == named


def test_overspending_always_leaves_a_contradiction() -> None:
    assert not pair_rule.fault()


@pytest.mark.parametrize(("rule", "fault"), pair_rule.BROKEN, ids=["misses", "accuses"])
def test_a_broken_pair_rule_is_caught(rule: pair_rule.PairRule, fault: str) -> None:
    assert pair_rule.fault(rule) == fault


def _words(space: Space) -> set[str]:
    words = set()
    for world in space.worlds:
        words |= {pending.status for payer in world.payers for pending in payer.journal}
        words |= {request.state for board in world.receivers for _, request in board.requests}
        words |= {row.outcome for row in world.bank.rows}
        words |= {answer.verdict for answer in world.bank.answers}
        words |= {"destroyed" for board in world.receivers if not board.is_alive}
        words |= {"ended"} if world.bank.is_ended else set()
    return words
