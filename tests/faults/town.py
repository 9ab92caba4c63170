"""The system under test, in one process: boards, the wire between two of them, a bridge, a bank.

What people do is in `scenario`. Whoever has nothing to do is not on stage: that board's program
stands still, and finds later that time has passed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from host_tools.bridge import Bridge, run
from host_tools.device import Device
from host_tools.emulator.cpython.board import Board
from host_tools.emulator.cpython.console import connect
from host_tools.emulator.cpython.flash import Chip
from host_tools.emulator.cpython.world import Wire, World
from host_tools.errors import NOT_REACHABLE, CommandError
from host_tools.outbox import Outbox
from tests.faults.books import Books
from tests.faults.ear import Ear
from tests.faults.founding import Deed
from tests.faults.injectors import BadWire, Events, Killed, Operations, mortal_bridge
from tests.faults.points import BRIDGE, CABLE, PAYEES, PAYERS, TAP, Point, flash_of

_BRIDGES_MAX = 12  # more than faults strike together
_LATER_MS = 7_200_000  # the boards were enrolled two hours before


class Person:
    """A board, its USB cable, and what was ever to be read on its screen."""

    def __init__(self, name: str, board: Board) -> None:
        self.name = name
        self.board = board
        self.place = flash_of(name)
        self.shown: list[list[str]] = []
        self.evening = b""
        board.seen = self.shown.append

    def plug_in(self, world: World) -> None:
        """Joins the board to a computer, which knows it as `device`."""
        self.device: Device = connect(world, self.board)

    def keep_evening(self) -> None:
        """The flash when all is done, before time passes."""
        self.evening = bytes(self.board.image)

    @property
    def crashes(self) -> list[str]:
        return list(self.board.crashes)

    @property
    def screen(self) -> list[str]:
        return self.board.display.lines

    def press(self, *buttons: str) -> None:
        for button in buttons:
            self.board.buttons.press("ok" if button == "hold" else button, _HELD_MS[button])


_HELD_MS = {"ok": 60, "next": 60, "cancel": 60, "hold": 1_000}


class Town:
    """One trial's world; `phase` says where its events are counted."""

    def __init__(self, deed: Deed, books: Books, events: Events, ear: Ear, folder: Path) -> None:
        self.events = events
        self.ear = ear
        self.books = books
        self.world = World(is_hasty=True)
        self.world.now_ms = _LATER_MS
        self.people = {
            name: Person(
                name, self.world.add("sender" if name in PAYERS else "receiver", bytearray(image))
            )
            for name, image in deed.images.items()
        }
        self.device_ids = deed.device_ids
        self.payers = [self.people[name] for name in PAYERS]
        self.payees = [self.people[name] for name in PAYEES]
        self.wire, self._cable = BadWire(events, TAP), BadWire(events, CABLE)
        self._armed: list[tuple[Chip, Point | None]] = []
        self._folder = folder
        books.watch(events, lambda: self.world.now_ms)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """What happens within is counted under this name, and its faults strike."""
        self.events.phase = name
        for person in self.people.values():
            if person.board.powered:
                fault = self._fault(person)
                person.board.chip.watch(fault and self._cut(fault))
                self._watch(person, fault)
        try:
            yield
        finally:
            self._disarm()
            self.events.phase = ""

    def stage(self, *people: Person) -> None:
        """Only these boards run from now on."""
        self.world.boards = [person.board for person in people]

    def join(self, payer: Person, payee: Person) -> None:
        """Puts a whole wire between two boards, which are on stage then."""
        self.stage(payer, payee)
        self.wire.mend()
        for person in self.people.values():
            person.board.tap.far = lambda data: None
        Wire(payer.board.tap, payee.board.tap, self.wire)

    def power_on(self) -> None:
        """Every board that is off."""
        for person in self.people.values():
            if not person.board.powered:
                self.start(person)

    def start(self, person: Person) -> None:
        """A board's power comes, perhaps for a moment only."""
        fault = self._fault(person)
        person.board.power_on(fault and self._cut(fault), self._operations(person))
        self._armed.append((person.board.chip, fault))
        person.plug_in(self.world)

    def all_on(self) -> bool:
        return all(person.board.powered for person in self.people.values())

    def mend(self) -> None:
        """Wires whole, every board on (unless the power goes again at once)."""
        self.wire.mend()
        self._cable.mend()
        self.power_on()

    def bridge(self, *people: Person) -> None:
        """One run from their boards to the bank and back; killed or cut off, it is done anew."""
        for _ in range(_BRIDGES_MAX):
            try:
                return self._bridge(*people)
            except Killed:
                pass
            except CommandError as error:
                if error.exit_code != NOT_REACHABLE or not all(p.board.powered for p in people):
                    raise
            self._cable.mend()
        raise CommandError(NOT_REACHABLE, "the bridge never comes to its end")

    def _bridge(self, *people: Person) -> None:
        self.stage(*people)
        client = self.books.client()
        bridge = Bridge(
            Outbox(self._folder), client, lambda line: None, self.world.sleep, self.books.clock
        )
        devices = [connect(self.world, person.board, self._cable) for person in people]
        is_watched = self.events.planned(BRIDGE) or not self.events.plan.faults
        try:
            with mortal_bridge(self.events) if is_watched else nullcontext():
                run(bridge, devices)
        finally:
            for person in people:
                person.plug_in(self.world)

    def run_until(self, done: Callable[[], bool], timeout_ms: int) -> bool:
        return self.world.run_until(done, timeout_ms)

    def _operations(self, person: Person) -> Operations:
        return Operations(self.events, person.place)

    def _cut(self, fault: Point) -> tuple[int, int]:
        return fault.number - self._past(fault.place), self.events.plan.torn_bytes[fault]

    def _past(self, place: str) -> int:
        """How many operations there were in this phase, before the power came back."""
        return self.events.counts.get((self.events.phase, place), 0)

    def _fault(self, person: Person) -> Point | None:
        """The power cut planned for this phase, once."""
        struck = [point for chip, point in self._armed if point and chip.struck]
        for point in self.events.planned(person.place):
            is_new = point not in struck and point not in self.events.hit
            if is_new and point.number > self._past(person.place):
                return point
        return None

    def _watch(self, person: Person, fault: Point | None) -> None:
        person.board.chip.written = self._operations(person)
        self._armed.append((person.board.chip, fault))

    def _disarm(self) -> None:
        for chip, point in self._armed:
            if point and chip.struck:
                self.events.hit.append(point)
            if chip.alive:
                chip.watch()
        self._armed = []
