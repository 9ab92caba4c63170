"""The harness as a test: 300 trials and the broken variants."""

from collections.abc import Iterator

import pytest

from tests.faults import report
from tests.faults.broken_rules import VARIANTS
from tests.faults.points import BERT, TORN, Plan, Point, flash_of
from tests.faults.trials import Harness, harness
from tests.faults.variants import Variant


@pytest.fixture(scope="module")
def here() -> Iterator[Harness]:
    with harness() as here:
        yield here


def test_nothing_is_lost_nothing_duplicated_nothing_stuck(here: Harness) -> None:
    said: list[str] = []
    run = here.run_all(report.SEEDS, lambda trial: report.watch(trial, said.append))
    said += report.run_text(run)
    assert report.is_good(run), "\n".join(said)
    assert run.trials >= report.SEEDS and run.hit == run.points
    assert said[-1] == f"trials {run.trials}, lost 0, duplicated 0, stuck 0, unconserved 0"


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.rule)
def test_a_broken_rule_is_caught(here: Harness, variant: Variant) -> None:
    assert report.catch(here, variant), f"no trial notices: {variant.what}"


def test_a_seed_replays_exactly(here: Harness) -> None:
    for seed in (7, report.SEEDS - 1, report.SEEDS):
        first, second = (here.trial(here.map.plan(seed)) for _ in range(2))
        assert first.events.hit, "nothing went wrong"
        assert first.events.hit == second.events.hit
        assert first.events.counts == second.events.counts
        assert first.events.sizes == second.events.sizes


def test_a_fault_strikes_where_it_is_planned(here: Harness) -> None:
    """The payer signs, and its power goes as the record is written: people pay once more."""
    fault = Point("pay", flash_of(BERT), 2, TORN)
    trial = here.trial(Plan(0, (fault,), torn_bytes={fault: 5}))
    assert trial.events.hit == [fault]
    assert trial.events.counts["after pay", fault.place] > 10
    assert not trial.breaches
