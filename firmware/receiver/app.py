"""The payee's flow: ask, take payments from wire or file, show what was received."""

from firmware.common import late
from firmware.common.payment.money import show_amount
from firmware.common.payment.request import ANY_AMOUNT, Request
from firmware.common.storage.device import Device
from firmware.common.ui.dialog import Dialog
from firmware.common.ui.flow import Flow
from firmware.common.wire.errors import Refused
from firmware.receiver import screens
from firmware.receiver.accept import accept
from firmware.receiver.book import LedgerBook

_HISTORY = 20
_OPENING = "firmware.receiver.opening"
_COMMANDS = "firmware.receiver.commands"
_NEED_ROOM = {
    "apply": "firmware.receiver.applying",
    "export": "firmware.receiver.exporting",
    "import": "firmware.receiver.importing",
}


class App(Flow):
    """One till; `take_envelope` is the only way money gets in."""

    def __init__(self, device: Device, dialog: Dialog, book: LedgerBook) -> None:
        super().__init__(device, dialog)
        self.book = book
        device.advance_time(book.last_time_ms + 1)

    def command_module(self, name: str) -> str:
        return _NEED_ROOM.get(name) or _COMMANDS

    def unsettled(self) -> int:
        return self.book.open_count()

    async def rest(self) -> None:
        identity = self.device.store.identity
        account = identity.account if identity else ""
        book = self.book
        pressed = await screens.rest(
            self.dialog, account, book.total_minor, book.count, book.request
        )
        if pressed == "ok":
            amount_minor = await screens.enter_amount(self.dialog)
            book.ask(amount_minor or ANY_AMOUNT)
        elif pressed == "next":
            await self._show_history()
        elif pressed == "cancel":
            await self.decide("open_menu")

    def open_request(self) -> Request:
        """The request that is open, else a new one of any amount."""
        return self.book.request or self.book.ask(ANY_AMOUNT)

    def take_envelope(self, raw: bytes, request_id: str = "") -> tuple[dict, bool]:
        """Enters the payment of an envelope; the entry's header and whether it is new.

        A payment that is in the ledger already changes nothing. Raises `Refused`.
        """
        store = self.device.store
        try:
            payment = late.call(_OPENING, "open_payment", raw, store.keys.ecdh)
            header = self.book.find(payment)
            if header:
                return header, False
            accept(payment, store.enrolled().account, self.book.request, request_id)
            header = self.book.append(payment, request_id, self.device.now_ms())
        except Refused as refused:
            self.device.log("REFUSED", "%d %s" % (refused.reason, refused.detail))
            raise
        screens.received(self.dialog, payment.amount_minor, payment.from_id)
        self.device.board.beep()
        self.dialog.wake()
        self.device.log("ACCEPTED", payment.txn_id)
        return header, True

    async def _show_history(self) -> None:
        first = max(0, self.book.count - _HISTORY)
        rows = [
            "%s %s" % (show_amount(header["amount"]), header["from"])
            for header, _ in self.book.entries(first, _HISTORY)
        ]
        rows.reverse()
        await screens.history(self.dialog, rows)
