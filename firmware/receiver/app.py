"""The payee's flow: ask for money, be tapped, show what was received."""

from firmware.common import late
from firmware.common.storage import enrolment
from firmware.common.storage.device import Device
from firmware.common.ui.dialog import Dialog
from firmware.common.ui.flow import Flow
from firmware.common.wire.errors import Refused
from firmware.receiver import screens
from firmware.receiver.till import Request, Till

_ASKING = "firmware.receiver.questions"
_QUESTIONS = ("charge", "cancel", "history", "refund", "late_payment")
_FILING = "firmware.receiver.filing"
_LEDGER = "firmware.receiver.ledger_commands"
_COMMANDS = "firmware.receiver.commands"
_NEED_ROOM = {
    "apply": "firmware.receiver.applying",
    "export": "firmware.receiver.exporting",
    "import": "firmware.receiver.importing",
    "json_entries": _FILING,
    "entries": _LEDGER,
    "evidence": _LEDGER,
    "upload": "firmware.receiver.uploading",
    "receipt": "firmware.receiver.banking",
}


class App(Flow):
    """One till; `keeping.accept` is the only way money gets in, but for files (see `filing`)."""

    role = 2  # `certificate.PAYEE`

    def __init__(self, device: Device, dialog: Dialog, till: Till) -> None:
        super().__init__(device, dialog)
        self.till = till
        self.known_purses: list[bytes] = []  # SHA-256 of those whose signature was checked
        self._deciding = b""

    def command_module(self, name: str) -> str:
        return _NEED_ROOM.get(name) or super().command_module(name) or _COMMANDS

    def question_module(self, question: str) -> str:
        return _ASKING if question in _QUESTIONS else super().question_module(question)

    def unsettled(self) -> int:
        by_file = late.call(_FILING, "open_count", self.device.board.root)
        return self.till.count - self.till.judged + by_file

    def may_revoke(self) -> bool:
        """Only once the bank has everything: what it holds then, it judges by older news."""
        return self.till.count == self.till.judged

    def is_enrolled(self) -> bool:
        return enrolment.certificate(self.device.board.root) != b""

    async def rest(self) -> None:
        identity = self.device.store.identity
        account = identity.account if identity else ""
        till = self.till
        odds = self.device.store.at_odds
        pressed = await screens.rest(
            self.dialog, account, odds, till.received_minor, till.count, till.open
        )
        if pressed == "ok":
            await self.decide("charge")
        elif pressed == "next":
            await self.decide("history")
        elif pressed == "cancel":
            await self.decide("cancel" if till.open else "open_menu")

    def received(self, amount_minor: int, currency: int, words: str) -> None:
        """What goods are handed over for: on the screen until it is dismissed, and heard."""
        screens.received(self.dialog, amount_minor, currency, words)
        self.device.board.beep()
        self.dialog.wake()

    def ask_late(self, request: Request) -> None:
        """Asks the cashier whether a stale request is still to be paid; once, however often."""
        if self._deciding != request.hash:
            self.ask(self._decide_late, request)
            self._deciding = request.hash

    async def _decide_late(self, request: Request) -> None:
        try:
            await self.decide("late_payment", request)
        except Refused:
            self._deciding = b""
            raise
        self._deciding = b""
