"""The payee's console commands, but those that need room for themselves (`App.command_module`)."""

from binascii import hexlify

from firmware.common import late
from firmware.common.wire.commands import Commands
from firmware.common.wire.errors import CANCELLED, MALFORMED, REQUEST_UNKNOWN, Refused
from firmware.receiver.app import App

_CHARGING = "firmware.receiver.charging"
_FILING = "firmware.receiver.filing"
_KEEPING = "firmware.receiver.keeping"


def run(app: App, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """Answers a host's command; raises `Refused`."""
    return ReceiverCommands(app).run(name, header, body)


class ReceiverCommands(Commands):
    """Beside those of every board."""

    role = "receiver"
    names = Commands.names + " charge cancel_request refund outcome total"
    app: App

    def methods(self) -> tuple:
        return super().methods() + (
            self._charge,
            self._cancel_request,
            self._refund,
            self._outcome,
            self._total,
        )

    def _charge(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """Does what ASK does: opens a request for `amount` minor units, with a `ref` or without."""
        amount_minor, ref = header["amount"], str(header.get("ref", ""))
        nonce = late.call(_CHARGING, "charge", self.app, amount_minor, ref)
        self.app.dialog.wake()
        return {"request": hexlify(nonce).decode()}, b""

    def _cancel_request(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """Closes the open request: whoever paid it gets a VOID."""
        till = self.app.till
        if till.open is None:
            raise Refused(REQUEST_UNKNOWN, "no request is open")
        late.call(_KEEPING, "close", till, till.open, CANCELLED)
        self.app.dialog.wake()
        return {}, b""

    def _refund(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """Asks the cashier to give back `amount` of the entry at `index`; see `outcome`."""
        reason = header.get("reason", 0)
        if type(reason) is not int or not 0 <= reason < 2**32:  # it is packed after the question
            raise Refused(MALFORMED, "a reason is a number of four bytes")
        self.app.ask(self.app.decide, "refund", int(header["index"]), header["amount"], reason)
        return {}, b""

    def _outcome(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """What the last question of a host came to; "" while it is on the screen."""
        return {"outcome": self.app.outcome, "why": self.app.why}, b""

    def _total(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """Both ledgers: `guaranteed` came by tap, `unguaranteed` by file."""
        till = self.app.till
        told = late.call(_FILING, "total", self.device.board.root)
        asked = till.open
        told["unguaranteed"] = {"count": told["count"], "minor": told["total"]}
        told["guaranteed"] = {
            "count": till.count,
            "minor": till.received_minor,
            "judged": till.judged,
            "paid_minor": till.paid_minor,
            "unsettled_minor": till.unsettled_minor,
            "head": hexlify(till.head).decode(),
        }
        told["request"] = asked.amount_minor if asked else 0
        return told, b""
