"""The same power cuts on real MicroPython: a payment by wire between two virtual boards.

Each trial starts from the same flash images, cuts the power of one board at one flash operation
since its start, and lets people put it right. Nothing here is in virtual time: it takes seconds.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from firmware.common.hardware import pins
from firmware.common.wire.errors import REQUEST_UNKNOWN, Refused
from host_tools import flash
from host_tools.bridge import Bridge, run
from host_tools.device import Device
from host_tools.emulator.board import VirtualBoard
from host_tools.emulator.wire import Wire
from host_tools.errors import NOT_REACHABLE, CommandError
from host_tools.outbox import Outbox
from host_tools.transports.serial_port import SerialPort
from tests.faults import books
from tests.faults.books import Books
from tests.faults.injectors import Events
from tests.faults.invariants import Breach, breaches
from tests.faults.points import PAYEE, PAYER, Plan
from tests.faults.scenario import WIRE_MINOR
from tests.faults.town import PAYEE_ACCOUNT, PAYER_ACCOUNT, enrol

_ATTEMPTS_MAX = 6
_LOOK_S = 0.1
_PATIENCE_S = 1.0  # then the payer's board is switched off and on
_ANSWER_S = 40.0
_OPERATIONS_MAX = 400
_TORN_BYTES = (0, 1, 17, 33, 2_000)

Say = Callable[[str], None]


@dataclass
class Hand:
    """A board with its person; the beep stands for the word on the screen."""

    account: str
    board: VirtualBoard
    word: str
    saved: bytes = b""
    crashes: list[str] = field(default_factory=list)

    @property
    def image(self) -> bytes:
        return (self.board.home / "flash.img").read_bytes()

    @property
    def powered(self) -> bool:
        return self.board.status()["power"] == "on"

    @property
    def shown(self) -> list[list[str]]:
        beep = f"pin {pins.BUZZER} 1"
        beeped = any(event == beep for at, event in self.board.events() if at >= self._since)
        return [[self.word, "", f"{WIRE_MINOR // 100}.{WIRE_MINOR % 100:02d}"]] if beeped else []

    def begin(self, fault: tuple[int, int] | None) -> None:
        """The board as it was saved, with a fault from its start on."""
        self.board.power_off()
        (self.board.home / "flash.img").write_bytes(self.saved)
        self._since = time.monotonic()
        self.board.power_on(fault)
        self.connect()

    def again(self) -> None:
        """Off and on."""
        self.board.power_off()
        self.board.power_on()
        self.connect()

    def connect(self) -> None:
        if hasattr(self, "device"):
            self.device.close()
        self.device = Device(self.board.repl_port, _Cable(self))


class _Cable(SerialPort):
    """A board without power is a port that is gone, and found to be soon."""

    def __init__(self, hand: Hand) -> None:
        super().__init__(hand.board.repl_port)
        self._hand = hand
        self._looked_at = 0.0

    def read(self) -> bytes:
        if time.monotonic() > self._looked_at + _LOOK_S:
            self._looked_at = time.monotonic()
            if not self._hand.powered:
                raise CommandError(NOT_REACHABLE, f"{self._hand.account}'s board has no power")
        return super().read()


class Pair:
    """Payer, payee and their wire, for one trial after the other."""

    def __init__(self, payer: Hand, payee: Hand, bank: Books, folder: Path) -> None:
        self.payer, self.payee = payer, payee
        self._bank = bank
        self._folder = folder

    def trial(self, place: str, number: int, torn_bytes: int) -> tuple[bool, list[Breach]]:
        """Whether the power was cut, and what does not hold afterwards."""
        self._bank.as_before()
        victim = self.payer if place == PAYER else self.payee
        for hand in (self.payer, self.payee):
            hand.begin((number, torn_bytes) if hand is victim else None)
        self._attempt(self._pay)
        was_cut = not victim.powered
        for _ in range(_ATTEMPTS_MAX):
            self._power()
            if self._attempt(self._put_right):
                return was_cut, breaches(self.payer, self.payee, self._bank)
        return was_cut, [("broken", "it never came right")]

    def _pay(self) -> None:
        self.payer.device.call("pay", to=PAYEE_ACCOUNT, amount=WIRE_MINOR, by_wire=True)
        self.payer.board.press("ok")
        self._wait_for_outcome()

    def _put_right(self) -> None:
        try:
            self.payer.device.call("tap_again")
            self._wait_for_outcome()
        except Refused as refused:
            if refused.reason != REQUEST_UNKNOWN:
                raise
        payments = self.payer.device.call("payments", first=0)[0]["payments"]
        if not payments:
            self._pay()
        elif payments[0]["state"] == "delivered":
            bridge = Bridge(Outbox(self._folder), self._bank.client(), lambda line: None)
            run(bridge, [self.payee.device])
            return
        raise CommandError(3, "not yet")

    def _wait_for_outcome(self) -> None:
        """Until the payer's board tells one; nobody waits long once a board has gone dark."""
        until = time.monotonic() + _ANSWER_S
        while time.monotonic() < until:
            if not (self.payer.powered and self.payee.powered):
                until = min(until, time.monotonic() + _PATIENCE_S)
                if not self.payer.powered:
                    return
            elif self.payer.device.call("outcome")[0]["outcome"]:
                return
            time.sleep(0.05)

    def _power(self) -> None:
        """Whoever is off is switched on; a payer whose payee went dark is switched off and on."""
        if not (self.payer.powered and self.payee.powered):
            self.payer.again()
        if not self.payee.powered:
            self.payee.again()
        self.payee.board.press("ok")

    def _attempt(self, action: Callable[[], None]) -> bool:
        try:
            action()
        except CommandError:
            return False
        return True


def sweep(every: int, say: Say) -> bool:
    """Cuts at every n-th operation of both boards, until there are none; whether all held."""
    cuts = 0
    is_good = True
    with pair() as boards:
        for place in (PAYER, PAYEE):
            for number in range(1, _OPERATIONS_MAX, every):
                torn_bytes = Random(number).choice(_TORN_BYTES)
                was_cut, found = boards.trial(place, number, torn_bytes)
                if not was_cut and not found:
                    break
                cuts += 1
                is_good &= not found
                for kind, text in found:
                    say(f"micropython: {place} {number}, {torn_bytes} bytes: {kind}: {text}")
    say(f"micropython: {cuts} power cuts, every {every}. flash operation of both boards")
    return is_good


@contextmanager
def pair() -> Iterator[Pair]:
    """Two flashed and enrolled boards, and a bank."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="opg-boards-")))
        bank = stack.enter_context(books.opened())
        bank.watch(Events(Plan(-1)))
        hands = []
        for account, role, word in (
            (PAYER_ACCOUNT, "sender", "PAID"),
            (PAYEE_ACCOUNT, "receiver", "RECEIVED"),
        ):
            board = stack.enter_context(VirtualBoard(home / account))
            flash.flash(board.repl_port, role, lambda *_: None)
            hand = Hand(account, board, word)
            hand.connect()
            stack.callback(lambda hand=hand: hand.device.close())
            enrol(bank, hand.device, lambda board=board: board.press("ok"), account)
            hands.append(hand)
        payer, payee = hands
        payer.device.call("import_key", payee.device.call("key")[1], account=PAYEE_ACCOUNT)
        for hand in hands:
            hand.board.power_off()
            hand.saved = hand.image
        stack.enter_context(Wire(payer.board.tap_port, payee.board.tap_port))
        yield Pair(payer, payee, bank, home / "outbox")
