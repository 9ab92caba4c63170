"""The same power cuts on real MicroPython: a tap between two virtual boards, and its settlement.

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
from typing import Any

from firmware.common.hardware import pins
from firmware.common.wire.errors import Refused
from host_tools import finger, flash
from host_tools.bridge import Bridge, run
from host_tools.device import Device
from host_tools.emulator.board import VirtualBoard
from host_tools.emulator.cpython.world import START_MS
from host_tools.emulator.wire import Wire
from host_tools.enrolling import Enrolment, Member
from host_tools.errors import NOT_REACHABLE, CommandError
from host_tools.outbox import Outbox
from host_tools.transports.serial_port import SerialPort
from tests.faults import books
from tests.faults.books import Books
from tests.faults.founding import FUNDED_MINOR, PURSE_MINOR
from tests.faults.injectors import Events
from tests.faults.invariants import BROKEN, DUPLICATED, LOST, STUCK, UNCONSERVED, Breach, is_paid
from tests.faults.points import ANNA, BERT, Plan
from tests.faults.scenario import FINAL
from tests.system import reading

_MINOR = 1_23
_ATTEMPTS_MAX = 8
_LOOK_S = 0.1
_PATIENCE_S = 1.0  # then the payer's board is switched off and on
_ANSWER_S = 40.0
_OPERATIONS_MAX = 400
_CRASH_CHARACTERS = 200
_TORN_BYTES = (0, 1, 17, 33, 2_000)

Say = Callable[[str], None]


@dataclass
class Hand:
    """A board with its person; the beep stands for the word on the screen."""

    account: str
    board: VirtualBoard
    saved: bytes = b""
    since: float = 0.0
    device: Device = field(init=False)

    @property
    def image(self) -> bytes:
        return (self.board.home / "flash.img").read_bytes()

    @property
    def powered(self) -> bool:
        return self.board.status()["power"] == "on"

    @property
    def beeped(self) -> bool:
        beep = f"pin {pins.BUZZER} 1"
        return any(event == beep for at, event in self.board.events() if at >= self.since)

    def begin(self, fault: tuple[int, int] | None) -> None:
        """The board as it was saved, with a fault from its start on."""
        self.board.power_off()
        (self.board.home / "flash.img").write_bytes(self.saved)
        self.since = time.monotonic()
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

    def ask(self, what: str, title: str, **header: Any) -> None:
        """A question of the board's, answered with yes."""
        self.device.call(what, **header)
        finger.answer(self.board, self.device, title)
        self.device.wait_for_outcome(_ANSWER_S)


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
        self._bank.as_kept()
        victim = self.payer if place == BERT else self.payee
        for hand in (self.payer, self.payee):
            hand.begin((number, torn_bytes) if hand is victim else None)
        self._attempt(self._pay)
        was_cut = not victim.powered
        for _ in range(_ATTEMPTS_MAX):
            self._power()
            if self._attempt(self._put_right):
                return was_cut, list(self._breaches())
        return was_cut, [(STUCK, "it never came right")]

    def _pay(self) -> None:
        self.payee.device.call("charge", amount=_MINOR)
        self.payer.device.call("pay")
        finger.answer(self.payer.board, self.payer.device, "PAY ", finger.HOLD_MS)
        self._wait_for_outcome()

    def _put_right(self) -> None:
        """Taps again or pays anew, then both report; not before the payee has said what it is."""
        rows = self.payer.device.pages("payments")
        if any(row["state"] == "signed" for row in rows):
            self.payer.device.call("tap_again")
            self._wait_for_outcome()
        elif not rows and not self.payee.device.pages("entries"):
            self._pay()
        rows = self.payer.device.pages("payments")
        if not rows or any(row["state"] == "signed" for row in rows):
            raise CommandError(3, "not yet")
        for hand in (self.payee, self.payer):
            hand.again()  # a night later
            bridge = Bridge(
                Outbox(self._folder), self._bank.client(), _nothing, clock=self._bank.clock
            )
            run(bridge, [hand.device])

    def _breaches(self) -> Iterator[Breach]:
        paid = [spend for spend in self._bank.spends() if is_paid(spend)]
        if len(paid) > 1:
            yield DUPLICATED, f"it is paid {len(paid)} times"
        if not paid and (self.payer.beeped or self.payee.beeped):
            yield LOST, "a board has shown that it is paid, and it is not"
        elif not paid:
            yield STUCK, "it came to no payment"
        for row in self.payer.device.pages("payments"):
            if row["state"] not in FINAL:
                yield STUCK, f"a payment stays {row['state']}"
        if sum(self._bank.balances().values()) != FUNDED_MINOR:
            yield UNCONSERVED, f"{self._bank.balances()}"
        for text in self._bank.violations():
            yield UNCONSERVED, f"bank: {text}"
        for hand in (self.payer, self.payee):
            told = hand.device.call("log")[1].decode(errors="replace")
            if "CRASH" in told:
                crash = told[told.index("CRASH") :][:_CRASH_CHARACTERS]
                yield BROKEN, f"{hand.account}'s board: {crash}"

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
            self._tend()
            time.sleep(0.05)

    def _tend(self) -> None:
        """RECEIVED is dismissed, and a payment for a request of before is taken."""
        if self.payee.powered:
            title = reading.lines(self.payee.board.screen())[0]
            if title in ("TAKE IT NOW?", "RECEIVED"):
                self.payee.board.press("ok")

    def _power(self) -> None:
        """Whoever is off is switched on; a payer whose payee went dark is switched off and on."""
        if not (self.payer.powered and self.payee.powered):
            self.payer.again()
        if not self.payee.powered:
            self.payee.again()

    def _attempt(self, action: Callable[[], None]) -> bool:
        try:
            action()
        except (CommandError, Refused):
            return False
        return True


def sweep(every: int, say: Say) -> bool:
    """Cuts at every n-th operation of both boards, until there are none; whether all held."""
    cuts = 0
    is_good = True
    with pair() as boards:
        for place in (BERT, ANNA):
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
    """Two flashed and enrolled boards, a purse, and a bank."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="opg-boards-")))
        bank = stack.enter_context(books.opened())
        bank.watch(Events(Plan(-1)), lambda: int(time.time() * 1000) - START_MS)
        hands = []
        for account, role in ((BERT, "sender"), (ANNA, "receiver")):
            board = stack.enter_context(VirtualBoard(home / account))
            flash.flash(board.repl_port, role, lambda *_: None)
            hand = Hand(account, board)
            hand.connect()
            stack.callback(lambda hand=hand: hand.device.close())
            _enrol(bank, hand)
            hands.append(hand)
        payer, payee = hands
        payer.ask("top_up", "TOP UP?", amount=PURSE_MINOR)
        bridge = Bridge(Outbox(home / "outbox"), bank.client(), _nothing, clock=bank.clock)
        run(bridge, [payer.device])
        bank.keep()
        for hand in hands:
            hand.board.power_off()
            hand.saved = hand.image
        stack.enter_context(Wire(payer.board.tap_port, payee.board.tap_port))
        yield Pair(payer, payee, bank, home / "outbox")


def _enrol(bank: Books, hand: Hand) -> None:
    account = hand.account
    bank.tell("accounts", account_id=account, name=account)
    if account == BERT:
        bank.tell("fund", account_id=account, amount=FUNDED_MINOR // 100)

    def code() -> str:
        return bank.tell("codes", account_id=account, role="both")["code"]

    enrolment = Enrolment(hand.device, bank.client(), _nothing, hand.board, code, True)
    enrolment.run(Member(account))


def _nothing(line: str) -> None:
    """What a bridge says is of no interest here."""
