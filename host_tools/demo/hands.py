"""People with virtual boards: who they are, and what they do with their fingers."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware.common.wire.errors import Refused
from host_tools import finger, flash
from host_tools.demo.pocket_bank import PocketBank
from host_tools.device import Device
from host_tools.emulator.board import VirtualBoard
from host_tools.emulator.wire import Wire
from host_tools.enrolling import Bank, Enrolment, Member
from host_tools.errors import CommandError
from host_tools.routes import Reports

PAYER, PAYEE = "bert", "anna"
ROLES = {PAYER: "sender", PAYEE: "receiver"}
_DECISION_S = 60.0
_LOOK_S = 0.02

Say = Callable[[str, str], None]  # (what happens, what came of it)


@dataclass
class Hand:
    """One person: a board, the port a computer sees, and a finger on its buttons."""

    account: str
    board: VirtualBoard
    device: Device

    def press(self, button: str) -> None:
        self.board.press(button)

    def agree(self, do: str, title: str, hold_ms: int = finger.PRESS_MS, **header: Any) -> str:
        """A question that a host asks, answered with OK; what it came to."""
        self.device.call(do, **header)
        finger.answer(self.board, self.device, title, hold_ms)
        return self.device.wait_for_outcome(_DECISION_S)[0]

    def outcome(self) -> dict[str, Any]:
        """Of a payment: outcome, why, id."""
        until = time.monotonic() + _DECISION_S
        while time.monotonic() < until:
            found, _ = self.device.call("outcome")
            if found["outcome"] or found["why"]:
                return found
            time.sleep(_LOOK_S)
        raise CommandError(4, f"{self.account}'s board never said what came of it")

    def put_away(self) -> None:
        """Dismisses what stands on the screen until somebody presses OK."""
        while self.device.status()["title"] in ("RECEIVED", "PAID", "NOT PAID", "NO PURSE"):
            finger.press_and_see(self.board, "ok")

    def restart(self) -> None:
        """Power off, if it is still on, and on again; the computer opens the port anew."""
        self.board.power_off()
        self.board.power_on()
        self.reconnect()

    def reconnect(self) -> None:
        """Opens the board's port anew."""
        self.device.close()
        self.device = Device(self.board.repl_port)
        self.greet()

    def greet(self) -> None:
        """Waits until the firmware answers: a computer with much to do starts a board slowly."""
        until = time.monotonic() + _DECISION_S
        while True:
            try:
                self.device.status()
                return
            except CommandError:
                if time.monotonic() > until:
                    raise


@contextmanager
def holding(home: Path, account: str, role: str = "") -> Iterator[Hand]:
    """Somebody with a board in `home`, flashed for a role unless it is there already."""
    with VirtualBoard(home / account) as board:
        if role:
            flash.flash(board.repl_port, role, lambda path, written, size: None)
        hand = Hand(account, board, Device(board.repl_port))
        try:
            hand.greet()
            yield hand
        finally:
            hand.device.close()


@contextmanager
def hands(home: Path) -> Iterator[tuple[Hand, Hand]]:
    """A payer and a payee with flashed boards, joined by a wire, with nothing else between them."""
    with ExitStack() as stack:
        payer, payee = (
            stack.enter_context(holding(home, account, role)) for account, role in ROLES.items()
        )
        stack.enter_context(Wire(payer.board.tap_port, payee.board.tap_port))
        yield payer, payee


def enrol(hand: Hand, bank: Bank, code: Callable[[], str], is_operator: bool = True) -> None:
    """Makes the board one of the account of its owner's name."""
    work = Enrolment(hand.device, bank, lambda line: None, hand.board, code, is_operator)
    work.run(Member(hand.account, hand.account.capitalize()))


def ready(payer: Hand, payee: Hand, bank: PocketBank, amount_minor: int = 100_00) -> None:
    """Both enrolled at a bank of the pocket, the payer with a purse and the payee's JSON code."""
    for hand in (payer, payee):
        enrol(hand, bank, lambda: "1", is_operator=False)
    payer.agree("top_up", "TOP UP?", amount=amount_minor)
    reports = Reports()
    for _, data in reports.collect(payer.device, "", set()):
        reports.give(payer.device, reports.settle(bank, data))
    payer.device.call("import_key", payee.device.call("key")[1], account=payee.account)


def tap(payer: Hand, payee: Hand, amount_minor: int) -> dict[str, Any]:
    """The payee charges, the payer taps and holds OK: outcome, why and id at the payer's."""
    payee.device.call("charge", amount=amount_minor)
    payer.device.call("pay")
    finger.answer(payer.board, payer.device, "PAY", finger.HOLD_MS)
    return payer.outcome()


def propose_file(payer: Hand, account: str, amount_minor: int) -> dict[str, Any]:
    """A payment in the JSON form, which the payer's user confirms: outcome, why and id."""
    payer.device.call("pay", to=account, amount=amount_minor)
    finger.answer(payer.board, payer.device, "PAY?")
    return payer.outcome()


def by_file(payer: Hand, payee: Hand, amount_minor: int) -> tuple[str, bytes]:
    """Such a payment's id and the file that carries it."""
    txn_id = propose_file(payer, payee.account, amount_minor)["id"]
    return txn_id, payer.device.call("envelope", id=txn_id)[1]


def copy_board(hand: Hand, home: Path) -> None:
    """Copies the flash of a board, power off meanwhile, as somebody with a programmer does."""
    hand.board.power_off()
    home.mkdir(parents=True)
    shutil.copy(hand.board.home / "flash.img", home)
    hand.restart()


def refusal(attempt: Callable[[], Any]) -> int:
    """The reason why something bad was refused."""
    try:
        attempt()
    except Refused as refused:
        return refused.reason
    raise RuntimeError("something bad was not refused")
