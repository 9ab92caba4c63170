"""The payer's flow: choose, confirm, sign, journal, send; and tap again until it is confirmed."""

from firmware.common import late
from firmware.common.payment.timestamp import format_utc
from firmware.common.storage.device import Device
from firmware.common.ui.dialog import Dialog
from firmware.common.ui.flow import Flow, name_of
from firmware.common.wire.errors import REQUEST_UNKNOWN, Refused
from firmware.sender import screens, tap
from firmware.sender.intent import Intent, decide
from firmware.sender.outbox import Outbox, Pending
from firmware.sender.payees import Payees


class App(Flow):
    """The payer's board; `outcome` becomes one of the three words of the screen."""

    PAID = "PAID"
    NOT_CONFIRMED = "NOT CONFIRMED YET"

    def __init__(self, device: Device, dialog: Dialog, outbox: Outbox, payees: Payees) -> None:
        super().__init__(device, dialog)
        self.outbox = outbox
        self.payees = payees
        self.last_id = ""
        device.advance_time(outbox.last_time_ms + 1)

    def propose(self, account: str, amount_minor: int, by_wire: bool) -> None:
        """Puts a payment before the user; raises `Refused` where it cannot be made."""
        self.last_id = ""
        self.ask(self._pay, self._decide(account, amount_minor), by_wire)

    def tap_again(self) -> None:
        """Does what the NEXT button does."""
        if not self.outbox.pending:
            raise Refused(REQUEST_UNKNOWN, "nothing is pending")
        self.ask(self._deliver, self.outbox.pending[:])

    def command_module(self, name: str) -> str:
        return "firmware.sender.commands"

    def unsettled(self) -> int:
        return len(self.outbox.pending)

    async def rest(self) -> None:
        identity = self.device.store.identity
        account = identity.account if identity else ""
        pressed = await screens.rest(self.dialog, account, len(self.outbox.pending))
        if pressed == "next" and self.outbox.pending:
            await self._deliver(self.outbox.pending[:])
        elif pressed == "ok":
            await self._ask_and_pay()
        elif pressed == "cancel":
            await self.decide("open_menu")

    async def _ask_and_pay(self) -> None:
        accounts = [payee.account for payee in self.payees.all]
        chosen = await screens.choose_payee(self.dialog, accounts)
        if chosen < 0:
            return
        amount_minor = await screens.enter_amount(self.dialog)
        if amount_minor:
            await self._pay(self._decide(accounts[chosen], amount_minor), True)

    def _decide(self, account: str, amount_minor: int) -> Intent:
        own = self.device.store.enrolled().account
        return decide(self.payees.find(account), amount_minor, own, len(self.outbox.pending))

    async def _pay(self, intent: Intent, by_wire: bool) -> None:
        if not await screens.confirm(self.dialog, intent):
            self.outcome = self.CANCELLED
            await screens.cancelled(self.dialog)
            return
        pending = self._sign(intent)
        if by_wire:
            await self._deliver([pending])
        else:
            self.outcome = self.NOT_CONFIRMED
            await screens.not_confirmed(self.dialog, pending.amount_minor, "hand out the file")

    def _sign(self, intent: Intent) -> Pending:
        """Signs, seals and journals; from here on only these bytes are ever sent (J1)."""
        time_ms = self.device.now_ms()
        header, envelope = late.call(
            "firmware.sender.signing",
            "sign_payment",
            intent,
            self.device.store,
            self.outbox.last_hash,
            format_utc(time_ms),
        )
        header["time"] = time_ms
        pending = self.outbox.add_signed(header, envelope)
        self.last_id = pending.txn_id
        self.device.log("SIGNED", pending.txn_id)
        return pending

    async def _deliver(self, wanted: list[Pending]) -> None:
        """One tap; tells of those among `wanted` that the payee confirmed, else why none was."""
        self.last_id = wanted[-1].txn_id
        screens.sending(self.dialog, _sum(wanted))
        refused: Refused | None
        try:
            refused = await tap.deliver(self.device.board, self.outbox, self.payees)
        except Refused as error:
            refused = error
        paid = [pending for pending in wanted if pending not in self.outbox.pending]
        if paid:
            self.last_id = paid[-1].txn_id
            self.device.board.beep()
            self.outcome = self.PAID
            self.device.log("DELIVERED", self.last_id)
            await screens.paid(self.dialog, _sum(paid), paid[-1].to_id)
            return
        self.outcome = self.NOT_CONFIRMED
        self.why = refused.reason if refused else 0
        why = name_of(self.why)
        self.device.log("NOT CONFIRMED", why)
        await screens.not_confirmed(self.dialog, _sum(wanted), why)


def _sum(payments: list[Pending]) -> int:
    return sum([pending.amount_minor for pending in payments])
