"""A payer and a payee with boards at the real bank, on one wire, and a bridge between."""

from pathlib import Path

from host_tools.bank_client import BankClient
from host_tools.bridge import Bridge, run
from host_tools.demo import hands
from host_tools.outbox import Outbox
from tests.system.office import Office
from tests.system.people import Pair, Person, Room


class Market:
    """The payer has `funds`, and a purse of `allowance_minor` of them where it is not 0."""

    def __init__(
        self, office: Office, room: Room, folder: Path, funds: str, allowance_minor: int
    ) -> None:
        self.office = office
        self.pair: Pair = room.strangers(office.new_name("bert"), office.new_name("anna"))
        self.payer, self.payee = self.pair.payer, self.pair.payee
        self.folder = folder
        self.outbox = Outbox(folder / "outbox")
        office.open(self.payer.account, funds)
        office.open(self.payee.account)
        for person in (self.payer, self.payee):
            self.enrol(person)
        if allowance_minor:
            assert self.payer.agree("top_up", "TOP UP?", amount=allowance_minor) == "DONE"
            self.carry(self.payer)

    def enrol(self, person: Person) -> None:
        hands.enrol(person, self.office.client, lambda: self.office.code(person.account))

    def bridge(self, url: str = "") -> Bridge:
        """A new one, as after a crash."""
        bank = BankClient(url or self.office.url)
        return Bridge(self.outbox, bank, lambda _line: None, lambda _seconds: None)

    def carry(self, *people: Person, url: str = "") -> Bridge:
        """One whole run; for both where nobody is named."""
        bridge = self.bridge(url)
        run(bridge, [person.device for person in people or (self.payer, self.payee)])
        return bridge

    def balances(self) -> tuple[int, int]:
        """The payer's, with what is set apart, and the payee's."""
        payer = self.office.row(self.payer.account)
        payee = self.office.row(self.payee.account)
        assert payee["reserved_minor"] == 0
        return payer["balance_minor"] + payer["reserved_minor"], payee["balance_minor"]

    def verdicts(self) -> list[int | None]:
        """The bank's, of the till's entries."""
        return [entry["verdict"] for entry in self.payee.entries()]

    def waits(self) -> dict[str, int]:
        """How many batches are on their way, by kind."""
        kinds = ("upload", "sync", "receipt", "statement")
        found = {kind: len(self.outbox.waiting(kind)) for kind in kinds}
        return {kind: count for kind, count in found.items() if count}

    def answer(self, kind: str) -> bytes:
        """The one that waits."""
        (batch,) = self.outbox.waiting(kind)
        return self.outbox.read(batch, kind)
