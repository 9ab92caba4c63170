"""What people do with boards: charge, tap, hold OK, carry files, give back. They see only screens
and what host tools tell them.

Whatever stops them is a `CommandError`: a board without power, or an end that is not the hoped one.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from firmware.common.wire.errors import Refused
from host_tools.errors import REFUSED, CommandError
from tests.faults.town import Person, Town

PAID, CANCELLED, NOT_CONFIRMED = "PAID", "CANCELLED", "NOT CONFIRMED"
_ENDS = (PAID, CANCELLED, NOT_CONFIRMED, "NOT POSSIBLE")
_LATE = "TAKE IT NOW?"
_SCREEN_MS = 120_000
_LOOK_MS = 60
_READ_MS = 700  # meanwhile the till says that it would take the payment
_IDLE_MS = 700  # a board writes down then what can wait
_DELIVERIES_MAX = _QUESTIONS_MAX = 8
_DECISION_S = 30


class NoEnd(Exception):
    """People tried again and again, and it never came right."""


class Purchase(NamedTuple):
    """Each has an amount of its own, so that a screen's amount tells which one it speaks of."""

    payer: str
    payee: str
    minor: int
    is_wanted: bool = True  # else it may as well come to nothing


class Hands:
    """Everybody's; a strict cashier takes no payment for a request of before."""

    def __init__(self, town: Town, is_strict: bool) -> None:
        self.town = town
        self._late_button = "cancel" if is_strict else "ok"

    def tap(self, purchase: Purchase, hoped: str = PAID) -> None:
        """The cashier types the amount, the customer pays it."""
        self.ask(purchase)
        self.hold(purchase, hoped)

    def ask(self, purchase: Purchase) -> None:
        """Until the customer reads how much it is."""
        payer, payee = self._together(purchase)
        payee.device.call("charge", amount=purchase.minor)
        self.read(payer)

    def read(self, payer: Person) -> None:
        """The customer presses PAY and reads the amount."""
        self._rest(payer)
        mark = len(payer.shown)
        payer.device.call("pay")
        self._wait(payer, lambda: _asks_to_pay(payer) or self._has_end(payer, mark))
        self.town.world.run_for(_READ_MS)
        if not _asks_to_pay(payer):
            raise CommandError(REFUSED, f"{payer.name}: {' '.join(payer.screen)}")

    def hold(self, purchase: Purchase, hoped: str = PAID) -> None:
        """The customer holds OK, or first taps anew where there is nothing to confirm."""
        payer, payee = self._together(purchase)
        if not _asks_to_pay(payer):
            self.ask(purchase)
        mark = len(payer.shown)
        payer.press("hold")
        self._end(payer, payee, mark, hoped)

    def lose_payment(self, purchase: Purchase) -> None:
        """The customer has gone by the time the board has signed; the till goes off and on."""
        payer, payee = self._together(purchase)
        self.ask(purchase)
        self.town.wire.pull()
        mark = len(payer.shown)
        payer.press("hold")
        self._wait(payer, lambda: self._has_end(payer, mark))
        payee.board.power_off()
        self.town.start(payee)
        self._leave(payer, payee, NOT_CONFIRMED)

    def lose_answer(self, purchase: Purchase) -> None:
        """The customer has gone by the time the till shows RECEIVED."""
        payer, payee = self._together(purchase)
        self.ask(purchase)
        mark = len(payer.shown)
        payer.press("hold")
        self._wait(payer, lambda: title(payee) == "RECEIVED" or self._has_end(payer, mark))
        self.town.wire.pull()
        self._end(payer, payee, mark, NOT_CONFIRMED)

    def cancel(self, purchase: Purchase) -> None:
        """The cashier cancels what the customer then confirms, who has gone by the answer."""
        payer, payee = self._together(purchase)
        self.ask(purchase)
        payee.device.call("cancel_request")
        self.town.ear.at_void = self.town.wire.pull
        mark = len(payer.shown)
        payer.press("hold")
        self._wait(payer, lambda: self._has_end(payer, mark))
        self.town.ear.at_void = lambda: None
        self._leave(payer, payee, NOT_CONFIRMED)

    def tap_again(self, payer: Person, payee: Person, hoped: str = PAID) -> None:
        """The customer taps again to learn what became of what was signed."""
        self.town.join(payer, payee)
        self._rest(payer)
        mark = len(payer.shown)
        try:
            payer.device.call("tap_again")
        except Refused as refused:
            raise CommandError(REFUSED, f"{payer.name}: {refused.detail}", refused.reason) from None
        self._end(payer, payee, mark, hoped)

    def deliver(self, payer: Person, *where: Person) -> None:
        """The customer taps again wherever something is pending, or only there."""
        self.town.stage(payer)
        for _ in range(_DELIVERIES_MAX):
            if not self._has_pending(payer):
                return
            rows = payer.device.pages("payments")
            ids = [row["payee"] for row in rows if row["state"] == "signed"]
            payees = where or self.town.payees
            payees = [payee for payee in payees if self.town.device_ids[payee.name] in ids]
            if not payees:
                return
            self.tap_again(payer, payees[0], hoped="")
        raise CommandError(REFUSED, f"{payer.name} has something pending")

    def pay_by_file(self, purchase: Purchase) -> None:
        payer, payee = self._together(purchase)
        self._rest(payer)
        mark = len(payer.shown)
        payer.device.call("pay", to=payee.name, amount=purchase.minor)
        self._wait(payer, lambda: title(payer) == "PAY?" or self._has_end(payer, mark))
        payer.press("ok")
        self._wait(payer, lambda: self._has_end(payer, mark))
        self._leave(payer, payee, NOT_CONFIRMED)
        self.carry_files(payer, payee)

    def carry_files(self, payer: Person, payee: Person) -> None:
        """Every pending payment as a file to the payee, and the proof back."""
        self.town.stage(payer, payee)
        for row in payer.device.pages("json_payments"):
            if row["state"] == "pending" and row["to"] == payee.name:
                envelope = payer.device.call("envelope", id=row["id"])[1]
                entered, proof = payee.device.call("import", envelope)
                self.tend(payee)
                told = {"index": entered["index"], "head": entered["head"]}
                payer.device.call("confirm", proof, id=row["id"], **told)

    def agree(self, person: Person, what: str, **header: Any) -> None:
        """Asks the board of one person for something, who says yes."""
        self.town.stage(person)
        self.tend(person)
        self._rest(person)
        mark = len(person.shown)
        person.device.call(what, **header)
        self._wait(
            person,
            lambda: (
                len(person.shown) > mark
                and (title(person).endswith("?") or self._has_end(person, mark))
            ),
        )
        person.press("ok")
        if person.device.wait_for_outcome(_DECISION_S) != ("DONE", 0):
            raise CommandError(REFUSED, f"{what}: {person.screen}")

    def tend(self, payee: Person) -> None:
        """RECEIVED stays on a payee's screen until somebody says OK, and questions wait."""
        self._wait(payee, lambda: title(payee) not in ("", "STARTING"))
        while payee.board.powered and title(payee) in ("RECEIVED", _LATE, "NOT PAID"):
            payee.press(self._late_button if title(payee) == _LATE else "ok")
            self.town.world.run_for(_LOOK_MS)

    def _together(self, purchase: Purchase) -> tuple[Person, Person]:
        payer, payee = self.town.people[purchase.payer], self.town.people[purchase.payee]
        self.town.join(payer, payee)
        return payer, payee

    def _end(self, payer: Person, payee: Person, mark: int, hoped: str) -> None:
        self._wait(payer, lambda: self._has_end(payer, mark))
        self._leave(payer, payee, hoped)

    def _leave(self, payer: Person, payee: Person, hoped: str) -> None:
        """Both screens are read and dismissed. Raises `CommandError` for another end."""
        found = title(payer) if payer.board.powered else "no power"
        screen = payer.screen
        self.tend(payee)
        payer.press("ok")
        self.town.world.run_for(_IDLE_MS)
        if hoped not in ("", found):
            raise CommandError(REFUSED, f"{payer.name}: {' '.join(screen)}")

    def _has_end(self, payer: Person, mark: int) -> bool:
        """The board has told an end since, and waits for OK."""
        is_told = len(payer.shown) > mark and title(payer) in _ENDS
        return is_told and payer.screen[-1] == "OK"

    def waits(self, purchase: Purchase) -> bool:
        """Whether the payer's board has signed it and knows no answer."""
        payer = self.town.people[purchase.payer]
        self.town.stage(payer)
        rows = payer.device.pages("payments")
        return any(row["state"] == "signed" and row["amount"] == purchase.minor for row in rows)

    def _has_pending(self, payer: Person) -> bool:
        """What the resting screen says."""
        self._rest(payer)
        return "not confirmed" in " ".join(payer.screen)

    def _rest(self, person: Person) -> None:
        """Leaves whatever question or news is on the screen."""
        for _ in range(_QUESTIONS_MAX):
            self._wait(person, lambda: bool(person.screen) and person.screen[-1] != "")
            if not person.board.powered or title(person) in ("SENDER", "RECEIVER"):
                return
            person.press("cancel")
            self.town.world.run_for(_LOOK_MS)

    def _wait(self, person: Person, done: Callable[[], bool]) -> None:
        """Until the screen shows it; a board without power shows nothing any more.

        Meanwhile the cashier answers what the till asks.
        """
        board = person.board
        while True:
            if not self.town.run_until(
                lambda: not board.powered or done() or self._asks() is not None, _SCREEN_MS
            ):
                raise NoEnd(f"{person.name}'s screen stays at {person.screen}")
            asks = self._asks()
            if asks is None or not board.powered or done():
                return
            asks.press(self._late_button)
            self.town.world.run_for(_LOOK_MS)

    def _asks(self) -> Person | None:
        """The payee whose board asks whether to take a late payment."""
        for payee in self.town.payees:
            is_on_stage = payee.board in self.town.world.boards and payee.board.powered
            if is_on_stage and title(payee) == _LATE:
                return payee
        return None


def _asks_to_pay(payer: Person) -> bool:
    return payer.board.powered and title(payer).startswith("PAY ")


def title(person: Person) -> str:
    """What the screen says first."""
    return person.screen[0] if person.screen else ""
