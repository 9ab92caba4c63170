"""The system under test, in one process: two boards, their wire, a cable, a bridge and a bank.

A `Deed` is the town as every trial finds it: both boards enrolled, the payee's code imported,
money in the payer's account. What people do is in `scenario`.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from host_tools.bridge import Bridge, run
from host_tools.device import Device
from host_tools.emulator.cpython.board import Board
from host_tools.emulator.cpython.console import connect
from host_tools.emulator.cpython.filesystem import format_image
from host_tools.emulator.cpython.flash import Chip
from host_tools.emulator.cpython.world import Wire, World
from host_tools.outbox import Outbox
from tests.faults.books import FUNDED_MINOR, Books
from tests.faults.injectors import BadWire, Events, mortal_bridge
from tests.faults.points import BRIDGE, CABLE, PAYEE, PAYER, TAP, Point
from tests.faults.randomness import seeded

PAYER_ACCOUNT, PAYEE_ACCOUNT = "bert", "anna"
FLASH_BYTES = 1 << 20
DECISION_S = 60
_LATER_MS = 7_200_000  # the boards were enrolled two hours before


@dataclass(frozen=True)
class Deed:
    """The flash of both boards on the evening before."""

    payer: bytes
    payee: bytes


class Person:
    """A board, its USB cable, and what was ever to be read on its screen."""

    def __init__(self, account: str, board: Board, place: str) -> None:
        self.account = account
        self.board = board
        self.place = place
        self.shown: list[list[str]] = []
        board.seen = self.shown.append

    def plug_in(self, world: World) -> None:
        """Joins the board to a computer, which knows it as `device`."""
        self.device: Device = connect(world, self.board)

    @property
    def image(self) -> bytes:
        return bytes(self.board.image)

    @property
    def crashes(self) -> list[str]:
        return list(self.board.crashes)

    @property
    def screen(self) -> list[str]:
        return self.board.display.lines

    def press(self, *buttons: str) -> None:
        for button in buttons:
            self.board.buttons.press(button)


class Town:
    """One trial's world; `phase` says where its events are counted."""

    def __init__(self, deed: Deed, books: Books, events: Events, folder: Path) -> None:
        self.events = events
        self.books = books
        self.world = World()
        self.world.now_ms = _LATER_MS
        payer, payee = (
            self.world.add(role, bytearray(image))
            for role, image in (("sender", deed.payer), ("receiver", deed.payee))
        )
        self.payer = Person(PAYER_ACCOUNT, payer, PAYER)
        self.payee = Person(PAYEE_ACCOUNT, payee, PAYEE)
        self._tap, self._cable = BadWire(events, TAP), BadWire(events, CABLE)
        Wire(self.payer.board.tap, self.payee.board.tap, self._tap)
        self._armed: list[tuple[Chip, str, Point | None]] = []
        self._folder = folder
        books.watch(events)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """What happens within is counted under this name, and its faults strike."""
        self.events.phase = name
        for person in (self.payer, self.payee):
            if person.board.powered:
                self._arm(person)
        try:
            yield
        finally:
            self._disarm()
            self.events.phase = ""

    def power_on(self) -> None:
        """Every board that is off."""
        for person in (self.payer, self.payee):
            if not person.board.powered:
                person.board.power_on(self._fault(person))
                self._watch(person)
                person.plug_in(self.world)

    def all_on(self) -> bool:
        return self.payer.board.powered and self.payee.board.powered

    def mend(self) -> None:
        """Wires whole, both boards on (unless the power goes again at once)."""
        self._tap.mend()
        self._cable.mend()
        self.power_on()

    def bridge(self) -> None:
        """One run from the payee's board to the bank and back; it may be killed."""
        client = self.books.client()
        bridge = Bridge(Outbox(self._folder), client, lambda line: None, self.world.sleep)
        device = connect(self.world, self.payee.board, self._cable)
        is_watched = self.events.planned(BRIDGE) or not self.events.plan.faults
        try:
            with mortal_bridge(self.events) if is_watched else nullcontext():
                run(bridge, [device])
        finally:
            self.payee.plug_in(self.world)

    def _arm(self, person: Person) -> None:
        fault = self._fault(person)
        person.board.chip.watch(fault)
        self._watch(person)

    def _fault(self, person: Person) -> tuple[int, int] | None:
        """The power cut planned for this phase, once."""
        struck = [point for _, _, point in self._armed if point]
        for point in self.events.planned(person.place):
            if point not in struck and point not in self.events.hit:
                self._planned = point
                return point.number, self.events.plan.torn_bytes[point]
        self._planned = None
        return None

    def _watch(self, person: Person) -> None:
        self._armed.append((person.board.chip, person.place, self._planned))
        self._planned = None

    def _disarm(self) -> None:
        for chip, place, point in self._armed:
            key = (self.events.phase, place)
            self.events.counts[key] = self.events.counts.get(key, 0) + len(chip.written)
            self.events.sizes.setdefault(key, []).extend(chip.written)
            if point and chip.struck:
                self.events.hit.append(point)
            if chip.alive:
                chip.watch()
        self._armed = []


@contextmanager
def outbox_folder() -> Iterator[Path]:
    """For the bridge; every trial finds it empty."""
    folder = Path(tempfile.mkdtemp(prefix="opg-outbox-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def enrol(books: Books, device: Device, press_ok: Callable[[], None], account: str) -> None:
    """Ties a new board to an account of the bank, as people do it; the payer gets money."""
    known = books.client().public_keys()
    pinned = {"ecdh": known["public_key"], "signing": known["signing_key"]}
    device.status()
    device.call("enrol", json.dumps(pinned).encode(), account=account)
    press_ok()
    if device.wait_for_outcome(DECISION_S) != ("DONE", 0):
        raise RuntimeError(f"{account} is not enrolled")
    header, code = device.call("key")
    funds_minor = FUNDED_MINOR if account == PAYER_ACCOUNT else 0
    signing, ecdh = json.loads(header["signing_key"]), json.loads(code)
    books.open(account, funds_minor, signing_key=signing, ecdh_key=ecdh)


def found(books: Books) -> Deed:
    """Two new boards, enrolled."""
    with seeded(0):
        world = World()
        payer = world.add("sender", format_image(FLASH_BYTES))
        payee = world.add("receiver", format_image(FLASH_BYTES))
        for board, account in ((payer, PAYER_ACCOUNT), (payee, PAYEE_ACCOUNT)):
            board.power_on()
            device = connect(world, board)
            enrol(books, device, lambda board=board: board.buttons.press("ok"), account)
        code = connect(world, payee).call("key")[1]
        connect(world, payer).call("import_key", code, account=PAYEE_ACCOUNT)
        payer.power_off()
        payee.power_off()
        return Deed(bytes(payer.image), bytes(payee.image))
