"""What can go wrong: a point is a place, the number of an event there, and a kind of damage.

A run without faults tells which points exist, and what happened at the same moment. The first
seeds sweep over all points: a trial takes from each phase one fault that ends it, or several that
people need not notice. Later seeds strike several places at one moment, or combine faults at
random, which also strike while people recover.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from random import Random

PAYERS = BERT, CARL = "bert", "carl"
PAYEES = ANNA, DORA = "anna", "dora"
TAP, CABLE = "wire", "cable"
BRIDGE, BANK = "bridge", "bank"


def flash_of(name: str) -> str:
    """The place where the power of somebody's board is cut: at an operation of its flash."""
    return f"{name}'s flash"


FLASHES = tuple(flash_of(name) for name in (*PAYERS, *PAYEES))
TORN, AFTER = POWER_CUTS = ("torn", "after it")  # the operation that was under way
DAMAGES = ("drop", "repeat", "delay", "cut")
KINDS = {
    **dict.fromkeys(FLASHES, POWER_CUTS),
    TAP: DAMAGES,
    CABLE: DAMAGES,
    BRIDGE: ("kill",),
    BANK: ("kill", "disconnect"),
}

GENTLE_FAULTS_MAX = 8  # in one phase of one trial
QUIET, FIRST_ALONE = -1, -2  # seeds: of no fault, and from here on downwards of one
SECTOR_BYTES = 4_096
_AFTER = "after "
_RECOVERY_EVENTS = 60
_RANDOM_FAULTS_MAX = 6
_AT_ONCE_MAX = 3

Key = tuple[str, str]  # phase and place
Counts = Mapping[Key, int]
Sizes = Mapping[Key, list[int]]
Moments = Mapping[Key, list[int]]


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
    """The faults of one trial; `patient` people recover after each phase, others at the end.

    A `strict` cashier takes no payment for a request of before. `draws` is the seed of what the
    boards call random.
    """

    seed: int
    faults: tuple[Point, ...] = ()
    patient: bool = True
    strict: bool = False
    torn_bytes: Mapping[Point, int] = field(default_factory=dict)
    draws: int = QUIET


@dataclass(frozen=True)
class Map:
    """The points of a run without faults; `sizes` are the bytes of each flash operation.

    `moments`: for each event how many of its phase had happened before, wherever.
    """

    counts: Counts
    sizes: Sizes
    moments: Moments

    @classmethod
    def of(cls, counts: Counts, sizes: Sizes, moments: Moments) -> "Map":
        """Without what people did to find that nothing was to be put right."""
        kept = {key: n for key, n in counts.items() if n and not key[0].startswith(_AFTER)}
        return cls(kept, dict(sizes), dict(moments))

    def points(self) -> list[Point]:
        return [
            Point(phase, place, number, kind)
            for (phase, place), count in self.counts.items()
            for number in range(1, count + 1)
            for kind in KINDS[place]
        ]

    @cached_property
    def _ordered(self) -> list[Point]:
        return sorted(self.points())

    @cached_property
    def phases(self) -> list[str]:
        return list(dict.fromkeys(phase for phase, _ in self.counts))

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

    def alone(self, point: Point) -> int:
        """The seed of the trial in which nothing but that goes wrong."""
        return FIRST_ALONE - self._ordered.index(point)

    def plan(self, seed: int) -> Plan:
        """The same for the same seed, whatever ran before."""
        random = Random(seed)
        if seed <= FIRST_ALONE:
            point = self._ordered[FIRST_ALONE - seed]
            torn = {point: self._torn_bytes(point, random)}
            return Plan(seed, (point,), torn_bytes=torn, draws=QUIET)
        if 0 <= seed < len(self.sweep):
            faults, patient = self.sweep[seed], True
        else:
            faults = self._at_once(random) if random.random() < 0.5 else self._scattered(random)
            patient = random.random() < 0.5
        torn = {fault: self._torn_bytes(fault, random) for fault in faults}
        return Plan(seed, tuple(faults), patient, random.random() < 0.2, torn, seed)

    def _progress(self, point: Point) -> tuple[int, Point]:
        """How much of the events at its place are over by then, in percent."""
        return (100 * point.number // self.counts[point.phase, point.place], point)

    def _scattered(self, random: Random) -> list[Point]:
        faults = []
        for _ in range(random.randint(2, _RANDOM_FAULTS_MAX)):
            phase, place = random.choice(list(self.counts))
            number = random.randint(1, self.counts[phase, place])
            if random.random() < 0.3:
                phase, number = recovery(phase), random.randint(1, _RECOVERY_EVENTS)
            faults.append(Point(phase, place, number, random.choice(KINDS[place])))
        return faults

    def _at_once(self, random: Random) -> list[Point]:
        """In some phases two or three places at about the same moment."""
        faults = []
        for phase in self.phases:
            places = [place for name, place in self.counts if name == phase]
            if len(places) < 2 or random.random() < 0.3:
                continue
            count = min(len(places), random.randint(2, _AT_ONCE_MAX))
            moment = random.choice([m for place in places for m in self.moments[phase, place]])
            for place in random.sample(places, count):
                number = self._first_at(phase, place, moment)
                faults.append(Point(phase, place, number, random.choice(KINDS[place])))
        return faults

    def _first_at(self, phase: str, place: str, moment: int) -> int:
        """The number of the first event there from that moment on, else of the last."""
        later = [n for n, at in enumerate(self.moments[phase, place], 1) if at >= moment]
        return later[0] if later else self.counts[phase, place]

    def _torn_bytes(self, fault: Point, random: Random) -> int:
        """How much of the operation is carried out."""
        sizes = self.sizes.get((fault.phase, fault.place), [])
        size = sizes[fault.number - 1] if fault.number <= len(sizes) else SECTOR_BYTES
        return size if fault.kind == AFTER else random.randrange(size)


def recovery(phase: str) -> str:
    """The phase in which people put right what went wrong in another."""
    return _AFTER + phase


def _slot(point: Point) -> tuple[str, str]:
    """Points of different slots share a trial: phases follow one another, boards start alone."""
    return (point.phase, point.place if point.phase == "start" else "")


def _is_gentle(point: Point) -> bool:
    """Whether the phase goes on after it: the link sends again, the bridge is started again."""
    return point.place in (BANK, BRIDGE, CABLE) or (point.place == TAP and point.kind != "cut")


def _bundles(points: list[Point]) -> list[list[Point]]:
    """What strikes together in one phase of one trial: gentle faults, far apart, or one deadly."""
    gentle = [point for point in points if _is_gentle(point)]
    count = -(-len(gentle) // GENTLE_FAULTS_MAX)
    together = [gentle[first::count] for first in range(count)]
    return together + [[point] for point in points if not _is_gentle(point)]
