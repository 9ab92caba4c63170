"""One trial's day: what people mean to do, and how they put right what went wrong."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from bank import policy
from firmware.common.wire.errors import NO_FUNDS
from host_tools.errors import REFUSED, CommandError
from tests.faults.hands import PAID, Hands, NoEnd, Purchase
from tests.faults.injectors import Killed
from tests.faults.points import ANNA, BERT, CARL, DORA, recovery
from tests.faults.town import Person, Town

FIRST = Purchase(BERT, ANNA, 1_23)
ANSWER_LOST = Purchase(BERT, ANNA, 99)
PAYMENT_LOST = Purchase(CARL, ANNA, 4_05, is_wanted=False)
ELSEWHERE = Purchase(BERT, DORA, 2_05)
CANCELLED = Purchase(CARL, DORA, 2_46, is_wanted=False)
NEXT = Purchase(CARL, ANNA, 3_17)
LAST = Purchase(BERT, DORA, 1_11)
TAPS = (FIRST, ANSWER_LOST, PAYMENT_LOST, ELSEWHERE, CANCELLED, NEXT, LAST)
BY_FILE = Purchase(BERT, ANNA, 8_01)
REFUND_MINOR = 50
NEW_PURSE_MINOR = 10_00

FINAL = ("settled", "refunded", "lapsed", "not settled")
_READ_MS = 3_000
_LATER_MS = 90_000  # the bank has news by then
_ATTEMPTS_MAX = 12  # more than a plan has faults in a phase
_OVER_S = (policy.PURSE_DAYS + 1) * policy.DAY_S + policy.GRACE_H * 3_600

Action = Callable[[], None]


class Phase(NamedTuple):
    """What people do, and what puts it right when it went wrong."""

    name: str
    action: Action
    repair: Action


class Day:
    """One trial's course of events."""

    def __init__(self, town: Town, is_strict: bool) -> None:
        self._town = town
        self._hands = Hands(town, is_strict)
        self._bert, self._carl = town.payers
        self._anna, self._dora = town.payees
        self._received: set[Purchase] = set()
        self._stopped = ""

    def run(self, patient: bool) -> None:
        """Every phase once; then, or after each of them, whatever is open is brought to its end.

        At last so much time passes that no purse has any payment open.
        """
        for phase in self.phases():
            with self._town.phase(phase.name):
                is_done = self._try(phase.action) and self._town.all_on()
            if patient and not is_done:
                self._recover(phase.name, phase.repair)
        self._recover("all", self._everything)
        for person in self._town.people.values():
            person.keep_evening()
        self._town.books.clock.later_s += _OVER_S
        self._recover("all", self._final)

    def phases(self) -> list[Phase]:
        hands = self._hands
        return [
            Phase("start", self._start, self._start),
            Phase("ask", self._ask, self._ask),
            self._purchase("pay", FIRST, hands.hold),
            self._loss("answer lost", ANSWER_LOST, hands.lose_answer),
            self._loss("payment lost", PAYMENT_LOST, hands.lose_payment),
            self._purchase("pay elsewhere", ELSEWHERE, hands.tap),
            self._loss("cancel", CANCELLED, hands.cancel),
            self._purchase("learn of it", CANCELLED, self._again),
            self._purchase("pay late", PAYMENT_LOST, self._again),
            self._purchase("pay next", NEXT, hands.tap),
            self._purchase("tap again", ANSWER_LOST, self._again),
            Phase("pay by file", lambda: hands.pay_by_file(BY_FILE), self._files),
            Phase("refund", self._refund, self._refund),
            *(
                Phase(f"settle {p.name}", partial(self._settle, p), partial(self._settle, p))
                for p in self._town.payees
            ),
            Phase("ask the bank", self._ask_bank, self._ask_bank),
            *(
                Phase(f"sync {p.name}", partial(self._bridge, p), partial(self._sync, p))
                for p in self._town.payers
            ),
            self._purchase("pay anew", LAST, hands.tap),
        ]

    def _purchase(self, name: str, what: Purchase, act: Callable[[Purchase], None]) -> Phase:
        return Phase(name, lambda: act(what), lambda: self._insist(what))

    def _loss(self, name: str, what: Purchase, act: Callable[[Purchase], None]) -> Phase:
        """What is to be lost is put right later: at first it only has to be signed."""

        def repair() -> None:
            if not (self._hands.waits(what) or self._is_received(what)):
                act(what)

        return Phase(name, lambda: act(what), repair)

    def _recover(self, phase: str, repair: Action) -> None:
        """Power on, and again, until nothing is open."""
        with self._town.phase(recovery(phase)):
            for _ in range(_ATTEMPTS_MAX):
                self._town.mend()
                if self._try(repair) and self._town.all_on():
                    return
        raise NoEnd(f"after {phase} something stays open: {self._stopped}")

    def _ask(self) -> None:
        """The customer reads for a while: whatever was lost on the wire is said again."""
        if not self._try(lambda: self._hands.ask(FIRST)):
            self._hands.ask(FIRST)  # too much was lost at once
        self._town.world.run_for(_READ_MS)

    def _start(self) -> None:
        self._town.stage()
        self._town.power_on()

    def _again(self, purchase: Purchase) -> None:
        people = self._town.people
        hoped = PAID if purchase.is_wanted else ""
        self._hands.tap_again(people[purchase.payer], people[purchase.payee], hoped)

    def _insist(self, purchase: Purchase) -> None:
        """Delivers what is pending; pays again where the payee has not got it."""
        people = self._town.people
        payer, payee = people[purchase.payer], people[purchase.payee]
        self._hands.deliver(payer, payee)
        if purchase.is_wanted and not self._is_received(purchase):
            self._hands.tap(purchase)
            self._hands.deliver(payer, payee)
            if not self._is_received(purchase):
                raise CommandError(REFUSED, f"{purchase} is not received yet")

    def _is_received(self, purchase: Purchase) -> bool:
        """Whether it stands in the payee's ledger, or did when somebody looked."""
        if purchase not in self._received:
            payee = self._town.people[purchase.payee]
            self._town.stage(payee)
            entries = payee.device.pages("entries")
            minors = {e["amount"] for e in entries if e["kind"] == "payment"}
            if purchase.minor in minors.union(self._settled(purchase)):
                self._received.add(purchase)
        return purchase in self._received

    def _settled(self, purchase: Purchase) -> Iterable[int]:
        """What the bank has paid to the payee: its board need not keep that."""
        for spend in self._town.books.spends():
            if (spend.payee_account, spend.status) == (purchase.payee, "paid"):
                yield spend.minor

    def _files(self) -> None:
        """Pays once more where the payer's board knows of no payment by file."""
        self._town.stage(self._bert)
        if not self._bert.device.pages("json_payments"):
            self._hands.pay_by_file(BY_FILE)
        self._hands.carry_files(self._bert, self._anna)

    def _refund(self) -> None:
        """Anna gives back a part of what she got first, once."""
        anna = self._anna
        self._town.stage(anna)
        entries = anna.device.pages("entries")
        paid = [e["index"] for e in entries if e["amount"] == FIRST.minor]
        is_done = any(e["kind"] == "refund" for e in entries) or self._town.books.refunds()
        if paid and not is_done:
            self._hands.agree(anna, "refund", index=paid[0], amount=REFUND_MINOR)

    def _bridge(self, person: Person) -> None:
        """Some time later."""
        self._town.world.now_ms += _LATER_MS
        self._town.bridge(person)

    def _settle(self, payee: Person) -> None:
        """Until the bank has judged all that the payee holds."""
        self._bridge(payee)
        if not self._is_settled(payee):
            raise CommandError(REFUSED, f"the bank has not judged all that {payee.name} took")

    def _is_settled(self, payee: Person) -> bool:
        self._town.stage(payee)
        total = payee.device.call("total")[0]
        by_tap = total["guaranteed"]
        return by_tap["judged"] == by_tap["count"] and total["first_open"] == total["count"]

    def _ask_bank(self) -> None:
        """Bert gives the rest of a purse back and asks for another one."""
        bert = self._bert
        self._hands.deliver(bert)
        found = bert.device.call("purses")[0]
        is_there = NEW_PURSE_MINOR in [purse["allowance"] for purse in found["purses"]]
        if not (is_there or found["asked_for"]):
            self._hands.agree(bert, "top_up", amount=NEW_PURSE_MINOR)
        for purse in found["purses"]:
            if purse["spent"] < purse["allowance"] > NEW_PURSE_MINOR:
                self._hands.agree(bert, "close_purse", purse=purse["purse"])

    def _sync(self, payer: Person) -> None:
        """The payer reports, and gets what was asked for."""
        if payer is self._bert:
            self._ask_bank()
        self._bridge(payer)
        found = payer.device.call("purses")[0]
        allowances = [purse["allowance"] for purse in found["purses"]]
        if payer is self._bert and NEW_PURSE_MINOR not in allowances:
            raise CommandError(REFUSED, "no purse came", NO_FUNDS)

    def _everything(self) -> None:
        """Whatever was meant is done, and brought to the bank; who has no purse gets it first."""
        for payer in self._town.payers:
            self._hands.deliver(payer)
            if payer.device.call("purses")[0]["asked_for"]:
                self._sync(payer)
        for purchase in TAPS:
            if purchase.is_wanted and not self._is_received(purchase):
                self._insist(purchase)
        self._files()
        self._refund()
        for payee in self._town.payees:
            if not self._is_settled(payee):
                self._settle(payee)
        self._ask_bank()
        for payer in self._town.payers:
            if self._open(payer) or payer is self._bert:
                self._sync(payer)

    def _final(self) -> None:
        """Nothing that was signed is without a last word, now that the purses are over."""
        for payer in self._town.payers:
            if self._open(payer):
                payer.device.call("sync", again=True)
            self._bridge(payer)
            open_ = self._open(payer)
            if open_:
                raise CommandError(REFUSED, f"{payer.name}'s payments stay open: {open_}")
        self._town.books.tell("lapse")

    def _open(self, payer: Person) -> list[Any]:
        """The payments of which the bank has not said the last word."""
        self._town.stage(payer)
        return [row for row in payer.device.pages("payments") if row["state"] not in FINAL]

    def _try(self, action: Action) -> bool:
        """Whether it went through; what stopped it is a fault of the plan."""
        try:
            action()
        except (CommandError, Killed) as stopped:
            self._stopped = repr(stopped)
            return False
        return True
