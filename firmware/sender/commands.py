"""The payer's console commands: import a payee, propose a payment, hand out its file."""

from firmware.common.payment.identifier import identifier
from firmware.common.payment.money import check_amount
from firmware.common.wire.commands import Commands
from firmware.sender.app import App
from firmware.sender.payees import Payee

_PAGE = 8  # fits a message even when names have the most bytes


def run(app: App, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """Answers a host's command; raises `Refused`."""
    return SenderCommands(app).run(name, header, body)


class SenderCommands(Commands):
    """Beside those of every board."""

    role = "sender"
    app: App

    def do_import_key(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """A payee's connection code (body) for the account in the header."""
        from firmware.common.interchange.jwk import public_from_jwk

        payee = Payee(identifier(header["account"]), public_from_jwk(body))
        return {"replaced": self.app.payees.add(payee)}, b""

    def do_payees(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        return {"payees": [payee.account for payee in self.app.payees.all]}, b""

    def do_pay(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """Puts a payment before the user; `outcome` in the status tells what came of it."""
        amount_minor = check_amount(header["amount"])
        self.app.propose(str(header["to"]), amount_minor, bool(header["by_wire"]))
        return {}, b""

    def do_tap_again(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        self.app.tap_again()
        return {}, b""

    def do_outcome(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """What the last proposal came to; "" while it is on the screen or on its way."""
        app = self.app
        return {"outcome": app.outcome, "why": app.why, "id": app.last_id}, b""

    def do_payments(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """A page of what this board has signed, oldest first."""
        found = self.app.outbox.history(int(header["first"]), _PAGE)
        return {"payments": found, "count": self.app.outbox.signed}, b""

    def do_envelope(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """The journalled envelope of a pending payment, to be carried as a file."""
        outbox = self.app.outbox
        return {}, outbox.envelope(outbox.find(str(header["id"])))

    def do_confirm(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """Takes the payee's proof for a payment that went by file."""
        outbox = self.app.outbox
        pending = outbox.find(str(header["id"]))
        index, head = int(header["index"]), str(header["head"])
        outbox.check_proof(pending, index, head, body)
        outbox.add_delivered(pending, index, head)
        self.device.log("DELIVERED", pending.txn_id)
        return {}, b""
