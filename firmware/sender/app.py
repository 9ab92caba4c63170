"""The payer's flow: pay what the payee asks for, and tap again until it is confirmed."""

from firmware.common import late
from firmware.common.payment.money import show_money
from firmware.common.storage import enrolment
from firmware.common.storage.device import Device
from firmware.common.ui.dialog import Dialog
from firmware.common.ui.flow import Flow
from firmware.common.wire.errors import NOT_ENROLLED, REQUEST_UNKNOWN, Refused
from firmware.common.wire.messages import PURSE
from firmware.common.wire.signed import parse_signed
from firmware.sender.wallet import Purse, Wallet

_CHANNEL = "firmware.common.wire.channel"
_TAP = "firmware.sender.tap"
_COMMANDS = "firmware.sender.commands"
_FILING = "firmware.sender.filing"
# What needs room for itself, and is asked for now and then.
_NEED_ROOM = {
    "sync": "firmware.sender.syncing",
    "statement": "firmware.sender.answered",
    "evidence": "firmware.sender.proving",
    "payments": "firmware.sender.proving",
    "import_key": _FILING,
    "payees": _FILING,
    "json_payments": _FILING,
    "envelope": _FILING,
    "confirm": _FILING,
}
_QUESTIONS = {
    "top_up": "firmware.sender.purses",
    "close_purse": "firmware.sender.purses",
}


class App(Flow):
    """The payer's board; `outcome` becomes one of the three words of the screen."""

    PAID = "PAID"
    NOT_CONFIRMED = "NOT CONFIRMED YET"
    role = 1  # certificate.PAYER, whose module need not stay loaded

    def __init__(self, device: Device, dialog: Dialog, wallet: Wallet) -> None:
        super().__init__(device, dialog)
        device.news.saw(wallet.last_time_s)
        self.wallet = wallet
        self.last_id = ""
        self._key: tuple[bytearray, bytes] | None = None  # of the next tap

    def propose(self, amount_minor: int) -> None:
        """Does what the PAY button does, if this much is asked for (0: whatever is)."""
        self._check_enrolled()
        self.last_id = ""
        self.ask(self._tap, True, amount_minor)

    def propose_file(self, account: str, amount_minor: int) -> None:
        """Puts a payment in the JSON form before the user: the bank guarantees nothing for it."""
        late.call(_FILING, "check", self, account, amount_minor)
        self.last_id = ""
        self.ask(self._pay_by_file, account, amount_minor)

    def tap_again(self) -> None:
        """Does what the AGAIN button does."""
        if not self.wallet.pending:
            raise Refused(REQUEST_UNKNOWN, "nothing is pending")
        self.ask(self._tap, False, 0)

    def command_module(self, name: str) -> str:
        return _NEED_ROOM.get(name) or super().command_module(name) or _COMMANDS

    def question_module(self, question: str) -> str:
        return _QUESTIONS.get(question) or super().question_module(question)

    def unsettled(self) -> int:
        return len(self.wallet.pending) + late.call(_FILING, "pending", self.device.board.root)

    def usable_purses(self) -> list[Purse]:
        """Those that the bank has not revoked."""
        is_revoked = self.device.news.is_revoked
        return [purse for purse in self.wallet.purses if not is_revoked(purse.id)]

    def take_key(self) -> "tuple[bytearray, bytes] | None":
        """The key of a tap; it serves once."""
        key, self._key = self._key, None
        return key

    async def rest(self) -> None:
        """Until somebody presses: OK pays, NEXT taps again, CANCEL opens the menu."""
        if self._key is None and enrolment.certificate(self.device.board.root):
            self._key = late.call(_CHANNEL, "new_key")  # nobody waits now
        self.device.news.keep_time()
        waiting = len(self.wallet.pending)
        lines = [
            self.device.store.identity.account if self.device.store.identity else "not enrolled",
            self.device.store.at_odds,
            self._left(),
            "%d not confirmed" % waiting if waiting else "",
        ]
        pressed = await self.dialog.rest("SENDER", lines, "PAY  AGAIN  MENU")
        if pressed == "next" and self.wallet.pending:
            await self._tap(False, 0)
        elif pressed == "ok":
            self._check_enrolled()
            await self._tap(True, 0)
        elif pressed == "cancel":
            await self.decide("open_menu")

    def _left(self) -> str:
        """What purses that have not expired still hold, in the currency of the newest."""
        now_s = self.device.news.t_lb()
        left_minor = currency = 0
        for purse in reversed(self.usable_purses()):
            record = parse_signed(PURSE, purse.signed)
            currency = currency or record.cur
            if record.cur == currency and record.not_after > now_s:
                left_minor += record.allowance - purse.spent
        return show_money(left_minor, currency) if currency else ""

    async def _pay_by_file(self, account: str, amount_minor: int) -> None:
        title, lines = await late.call(_FILING, "pay_by_file", self, account, amount_minor)
        await self.dialog.tell(title, lines)

    async def _tap(self, may_pay: bool, amount_minor: int) -> None:
        title, lines = await late.call(_TAP, "tap", self, may_pay, amount_minor)
        await self.dialog.tell(title, lines)

    def _check_enrolled(self) -> None:
        if not enrolment.certificate(self.device.board.root):
            raise Refused(NOT_ENROLLED, "this board has no certificate of the bank yet")
