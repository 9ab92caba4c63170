"""One seed's trial, and a run of many: first a sweep over every point, then random combinations."""

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import repeat

from host_tools.seeded import seeded
from tests.faults import books, founding, invariants
from tests.faults.books import Books
from tests.faults.ear import Ear, listening
from tests.faults.hands import NoEnd
from tests.faults.injectors import Events
from tests.faults.invariants import Breach
from tests.faults.points import QUIET, Map, Plan, Point
from tests.faults.scenario import Day
from tests.faults.town import Town
from tests.faults.workshop import outbox_folder, small_memories


@dataclass(frozen=True)
class Trial:
    """What came of a plan."""

    plan: Plan
    events: Events
    breaches: list[Breach]


@dataclass
class Run:
    """What came of many; `points` are those that exist."""

    points: set[Point]
    trials: int = 0
    hit: set[Point] = field(default_factory=set)
    failures: list[Trial] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: "Run") -> None:
        """Takes what came of others as well; their time passed beside this one's."""
        self.trials += other.trials
        self.hit |= other.hit
        self.failures += other.failures

    def count(self, kind: str) -> int:
        return sum(breach[0] == kind for trial in self.failures for breach in trial.breaches)


class Harness:
    """The bank stands and the boards are enrolled; `map` holds the points that exist."""

    def __init__(self, bank: Books) -> None:
        self._books = bank
        self._deed = founding.found(bank)
        quiet = self.trial(Plan(QUIET))
        if quiet.breaches:
            raise RuntimeError(f"without any fault: {quiet.breaches}")
        self.map = Map.of(quiet.events.counts, quiet.events.sizes, quiet.events.moments)
        self.points = set(self.map.points())

    def trial(self, plan: Plan) -> Trial:
        """Carries out a plan on a town as it was founded, and judges what is left."""
        events, ear = Events(plan), Ear()
        self._books.as_kept()
        with ExitStack() as stack:
            stack.enter_context(seeded(plan.draws))
            stack.enter_context(small_memories())
            stack.enter_context(listening(ear))
            folder = stack.enter_context(outbox_folder())
            town = Town(self._deed, self._books, events, ear, folder)
            try:
                Day(town, plan.strict).run(plan.patient)
                found = invariants.breaches(town)
            except NoEnd as stuck:
                found = [(invariants.STUCK, str(stuck)), *_crashes(town)]
            except Exception as error:  # noqa: BLE001 - whatever it is, the seed is reported
                found = [(invariants.BROKEN, f"{type(error).__name__}: {error}"), *_crashes(town)]
        return Trial(plan, events, found)

    def run(self, seeds: Iterable[int], enough: Callable[[Trial], bool]) -> Run:
        """Trials of these seeds, until one of them is `enough`."""
        run, began = Run(self.points), time.monotonic()
        for seed in seeds:
            trial = self.trial(self.map.plan(seed))
            run.trials += 1
            run.hit |= self.points.intersection(trial.events.hit)
            if trial.breaches:
                run.failures.append(trial)
            if enough(trial):
                break
        run.seconds = time.monotonic() - began
        return run

    def run_all(self, seeds: int, watch: Callable[[Trial], bool], jobs: int = 1) -> Run:
        """That many trials in `jobs` processes; then what no sweep could strike is struck alone."""
        began = time.monotonic()
        run = _run_shares(seeds, watch, jobs) if jobs > 1 else self.run(range(seeds), watch)
        if seeds >= len(self.map.sweep):
            run.add(self.run(map(self.map.alone, sorted(run.points - run.hit)), watch))
        run.seconds = time.monotonic() - began
        return run


@contextmanager
def harness() -> Iterator[Harness]:
    with ExitStack() as stack:
        yield Harness(stack.enter_context(books.opened()))


def _run_shares(seeds: int, watch: Callable[[Trial], bool], jobs: int) -> Run:
    """Each process has a bank of its own; every `jobs`-th seed is its share."""
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        shares = [range(first, seeds, jobs) for first in range(jobs)]
        first, *others = pool.map(_run_share, shares, repeat(watch))
    for other in others:
        first.add(other)
    return first


def _run_share(seeds: range, watch: Callable[[Trial], bool]) -> Run:
    with harness() as here:
        return here.run(seeds, watch)


def _crashes(town: Town) -> list[Breach]:
    return [(invariants.BROKEN, text) for who in town.people.values() for text in who.crashes]
