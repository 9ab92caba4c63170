"""Breadth first over every state that can be reached; the first breach has the shortest trace."""

import gc
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.model import bank, invariants, payer, receiver
from tests.model import state as s
from tests.model.rules import Town
from tests.model.state import Air, Label, Payer, Receiver, Step, World

STATES_MAX = 2_000_000


@dataclass
class Space:
    """States are numbered as they are found; a transition is (source, target, kind)."""

    worlds: list[World]
    parents: array = field(default_factory=lambda: array("l", [-1]))
    labels: list[Label] = field(default_factory=lambda: [("start", "")])
    sources: array = field(default_factory=lambda: array("l"))
    targets: array = field(default_factory=lambda: array("l"))
    kinds: bytearray = field(default_factory=bytearray)
    breach: str = ""

    def trace(self, state: int) -> list[str]:
        """The labels of the way from the start to a state."""
        way = []
        while self.parents[state] >= 0:
            what, whom = self.labels[state]
            way.append(f"{what} {_name(whom)}".rstrip())
            state = self.parents[state]
        return way[::-1]


def explore(town: Town) -> Space:
    """All states, or those up to the first breach, which is then the last state.

    RuntimeError: there are more than STATES_MAX.
    """
    first = _start(town)
    space, numbers = Space([first]), {first: 0}
    space.breach = invariants.breach(first, town)
    with _no_garbage():
        for state, world in enumerate(space.worlds):
            for kind, label, after in _steps(world, town):
                number = numbers.setdefault(after, len(numbers))
                space.sources.append(state)
                space.targets.append(number)
                space.kinds.append(kind)
                if number == len(space.worlds):
                    space.worlds.append(after)
                    space.parents.append(state)
                    space.labels.append(label)
                    space.breach = invariants.breach(after, town)
                    if space.breach:
                        return space
            if len(numbers) > STATES_MAX:
                raise RuntimeError(f"{town.name}: more than {STATES_MAX} states")
    return space


def _start(town: Town) -> World:
    shops = sorted(set(town.shops))
    mine = [[n for n, shop in enumerate(town.shops, 1) if shop == place] for place in shops]
    receivers = tuple(Receiver(tuple((number, s.OPEN) for number in numbers)) for numbers in mine)
    return World(s.LIVE, (Payer(),), receivers, Air(), bank.opened(town))


def _steps(world: World, town: Town) -> Iterator[Step]:
    yield from payer.steps(world, town)
    yield from receiver.steps(world, town)
    yield from bank.steps(world, town)


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Nothing here is cyclic; looking for cycles costs half of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _name(whom: object) -> str:
    if isinstance(whom, s.Refund):
        return f"{whom.rctr} of {_name(whom.payment)}"
    if isinstance(whom, s.Payment):
        board = "clone's " if whom.maker else ""
        what = f"for request {whom.request}" if whom.request else "CLOSE"
        return f"{board}#{whom.ctr} [{whom.low},{whom.high}) {what}"
    return str(whom)
