"""What people do in a trial, and how they put right what went wrong.

They see only screens and what the host tools tell them. Each payment has an amount of its own,
and each sum of payments too, so that a screen's amount tells which payments it speaks of.
"""

from collections.abc import Callable
from typing import Any

from firmware.common.wire.errors import REQUEST_UNKNOWN, Refused
from host_tools.errors import CommandError
from tests.faults.injectors import Killed
from tests.faults.points import recovery
from tests.faults.town import Person, Town

WIRE_MINOR, FILE_MINOR = AMOUNTS_MINOR = (1_23, 4_05)
_SCREEN_MS = 120_000
_ATTEMPTS_MAX = 12  # more than a plan has faults
_WHEEL = "0123456789="

Action = Callable[[], None]


class NoEnd(Exception):
    """People tried again and again, and it never came right."""


class Day:
    """One trial's course of events."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._payer, self._payee = town.payer, town.payee

    def run(self, patient: bool) -> None:
        """Every phase once; then, or after each of them, whatever is open is brought to its end."""
        for name, action, repair in self.phases():
            with self._town.phase(name):
                self._try(action)
            if patient:
                self._recover(name, repair)
        self._recover("all", self._deliver)
        self._recover("all", self._settle)
        self._town.mend()

    def phases(self) -> list[tuple[str, Action, Action]]:
        """Name, what people do, and what puts it right when it went wrong."""
        return [
            ("start", self._town.power_on, self._town.power_on),
            ("pay by wire", self.pay_by_wire, lambda: self._insist(WIRE_MINOR, self.pay_by_wire)),
            ("pay by file", self.pay_by_file, lambda: self._insist(FILE_MINOR, self.pay_by_file)),
            ("settle", self._town.bridge, self._settle),
        ]

    def _recover(self, phase: str, repair: Action) -> None:
        """Power on, and again, until nothing is open."""
        with self._town.phase(recovery(phase)):
            for _ in range(_ATTEMPTS_MAX):
                self._town.mend()
                if self._try(repair) and self._town.all_on():
                    return
        raise NoEnd(f"after {phase} something stays open")

    def pay_by_wire(self) -> None:
        """The cashier types an amount, the customer pays it."""
        self._payee.press("ok")
        at = 0
        for character in f"{WIRE_MINOR}=":
            turns = (_WHEEL.index(character) - at) % len(_WHEEL)
            self._payee.press(*["next"] * turns, "ok")
            at = _WHEEL.index(character)
        self._wait(self._payee, self._asks)
        self._confirm(WIRE_MINOR, by_wire=True)

    def pay_by_file(self) -> None:
        self._confirm(FILE_MINOR, by_wire=False)
        self._carry_files()

    def _asks(self) -> bool:
        return any(line.startswith("asks") for line in self._payee.screen)

    def _confirm(self, amount_minor: int, by_wire: bool) -> None:
        """Proposes and confirms; waits for one of the outcomes, unless the power goes."""
        payer = self._payer
        payer.device.call("pay", to=self._payee.account, amount=amount_minor, by_wire=by_wire)
        self._wait(payer, lambda: payer.screen[0] == "PAY?")
        payer.press("ok")
        self._wait(payer, self._has_outcome)
        self._see_to_news()

    def _has_outcome(self) -> bool:
        title, *lines, _ = self._payer.screen
        return title == "PAID" or any("tap again" in line for line in lines)

    def _see_to_news(self) -> None:
        """RECEIVED stays on the payee's screen until somebody says OK."""
        payee = self._payee
        self._wait(payee, lambda: payee.screen[0] != "STARTING")
        while payee.board.powered and payee.screen[0] == "RECEIVED":
            payee.press("ok")
            self._town.world.run_for(50)

    def _carry_files(self) -> None:
        """Every pending payment as a file to the payee, and the proof back."""
        payer, payee = self._payer.device, self._payee.device
        for txn_id in [row["id"] for row in self._payments() if row["state"] == "pending"]:
            entered, proof = payee.call("import", payer.call("envelope", id=txn_id)[1])
            self._see_to_news()
            payer.call("confirm", proof, id=txn_id, index=entered["index"], head=entered["head"])

    def _payments(self) -> list[dict[str, Any]]:
        return self._payer.device.call("payments", first=0)[0]["payments"]

    def _insist(self, amount_minor: int, pay: Action) -> None:
        """Delivers what is pending; pays again where the payer's board knows of no payment."""
        self._deliver()
        if amount_minor not in [row["amount"] for row in self._payments()]:
            pay()
            self._deliver()

    def _deliver(self) -> None:
        """The payer taps again; what is pending then is carried as a file."""
        try:
            self._payer.device.call("tap_again")
            self._wait(self._payer, lambda: self._payer.screen[0] == "NOT CONFIRMED")
            self._wait(self._payer, self._has_outcome)
        except Refused as refused:
            if refused.reason != REQUEST_UNKNOWN:
                raise
        self._see_to_news()
        self._carry_files()

    def _settle(self) -> None:
        total = self._payee.device.call("total")[0]
        if total["first_open"] < total["count"]:
            self._town.bridge()
            total = self._payee.device.call("total")[0]
        if total["first_open"] < total["count"]:
            raise CommandError(3, "the bank has not judged everything")

    def _wait(self, person: Person, done: Callable[[], bool]) -> None:
        """Until the screen shows it; a board without power shows nothing any more."""
        board = person.board
        if not self._town.world.run_until(lambda: not board.powered or done(), _SCREEN_MS):
            raise NoEnd(f"{person.account}'s screen stays at {person.screen}")

    def _try(self, action: Callable[[], None]) -> bool:
        """Whether it went through; what stopped it is a fault of the plan."""
        try:
            action()
        except (CommandError, Killed):
            return False
        return True
