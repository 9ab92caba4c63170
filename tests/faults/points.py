"""What can go wrong: a point is a place, the number of an event there, and a kind of damage.

A run without faults tells which points exist. The first seeds sweep over all of them: a trial
takes from each phase one fault that ends it, or several that people need not notice. Later seeds
combine faults at random, which also strike while people recover.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from random import Random

PAYER, PAYEE = "payer's flash", "payee's flash"
TAP, CABLE = "wire", "cable"
BRIDGE, BANK = "bridge", "bank"

POWER_CUTS = ("none of it", "part of it", "all of it")  # of the operation that was under way
DAMAGES = ("drop", "repeat", "delay", "cut")
KINDS = {
    PAYER: POWER_CUTS,
    PAYEE: POWER_CUTS,
    TAP: DAMAGES,
    CABLE: DAMAGES,
    BRIDGE: ("kill",),
    BANK: ("kill", "disconnect"),
}

GENTLE_FAULTS_MAX = 6  # in one phase of one trial
SECTOR_BYTES = 4_096
_AFTER = "after "
_RECOVERY_EVENTS = 60
_RANDOM_FAULTS_MAX = 6


Counts = Mapping[tuple[str, str], int]  # by phase and place
Sizes = Mapping[tuple[str, str], list[int]]


@dataclass(frozen=True, order=True)
class Point:
    """The `number`-th event at `place` within `phase`, counted from 1."""

    phase: str
    place: str
    number: int
    kind: str

    def __str__(self) -> str:
        return f"{self.phase}: {self.place} {self.number}, {self.kind}"


@dataclass(frozen=True)
class Plan:
    """The faults of one trial; `patient` people recover after each phase, others at the end."""

    seed: int
    faults: tuple[Point, ...] = ()
    patient: bool = True
    torn_bytes: Mapping[Point, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Map:
    """The points of a run without faults; `sizes` are the bytes of each flash operation."""

    counts: Counts
    sizes: Sizes

    @classmethod
    def of(cls, counts: Counts, sizes: Sizes) -> "Map":
        """Without what people did to find that nothing was to be put right."""
        kept = {key: count for key, count in counts.items() if not key[0].startswith(_AFTER)}
        return cls({key: count for key, count in kept.items() if count}, dict(sizes))

    def points(self) -> list[Point]:
        return [
            Point(phase, place, number, kind)
            for (phase, place), count in self.counts.items()
            for number in range(1, count + 1)
            for kind in KINDS[place]
        ]

    @cached_property
    def sweep(self) -> list[list[Point]]:
        """The faults of each trial that it takes to strike every point.

        Late events come in the last trials, where other phases have no faults left: an early
        fault may change how many events there are after it.
        """
        slots: dict[tuple[str, str], list[Point]] = {}
        for point in sorted(self.points(), key=self._progress):
            slots.setdefault(_slot(point), []).append(point)
        queues = [_bundles(points) for points in slots.values()]
        turns = zip_longest(*queues, fillvalue=[])
        return [[point for points in turn for point in points] for turn in turns]

    def plan(self, seed: int) -> Plan:
        """The same for the same seed, whatever ran before."""
        random = Random(seed)
        sweeps = 0 <= seed < len(self.sweep)
        faults = self.sweep[seed] if sweeps else self._at_random(random)
        torn = {fault: self._torn_bytes(fault, random) for fault in faults}
        return Plan(seed, tuple(faults), sweeps or random.random() < 0.5, torn)

    def _progress(self, point: Point) -> tuple[int, Point]:
        """How much of the events at its place are over by then, in percent."""
        return (100 * point.number // self.counts[point.phase, point.place], point)

    def _at_random(self, random: Random) -> list[Point]:
        faults = []
        for _ in range(random.randint(2, _RANDOM_FAULTS_MAX)):
            phase, place = random.choice(list(self.counts))
            number = random.randint(1, self.counts[phase, place])
            if random.random() < 0.3:
                phase, number = recovery(phase), random.randint(1, _RECOVERY_EVENTS)
            faults.append(Point(phase, place, number, random.choice(KINDS[place])))
        return faults

    def _torn_bytes(self, fault: Point, random: Random) -> int:
        """How much of the operation is carried out."""
        sizes = self.sizes.get((fault.phase, fault.place), [])
        size = sizes[fault.number - 1] if fault.number <= len(sizes) else SECTOR_BYTES
        return {"none of it": 0, "all of it": size}.get(fault.kind, random.randrange(1, size))


def recovery(phase: str) -> str:
    """The phase in which people put right what went wrong in another."""
    return _AFTER + phase


def _slot(point: Point) -> tuple[str, str]:
    """Points of different slots share a trial: phases follow one another, boards start alone."""
    return (point.phase, point.place if point.phase == "start" else "")


def _is_gentle(point: Point) -> bool:
    """Whether the phase goes on after it: the link sends again, the bridge asks again."""
    return point.place == BANK or (point.place in (TAP, CABLE) and point.kind != "cut")


def _bundles(points: list[Point]) -> list[list[Point]]:
    """What strikes together in one phase of one trial: gentle faults, far apart, or one deadly."""
    gentle = [point for point in points if _is_gentle(point)]
    count = -(-len(gentle) // GENTLE_FAULTS_MAX)
    together = [gentle[first::count] for first in range(count)]
    return together + [[point] for point in points if not _is_gentle(point)]
