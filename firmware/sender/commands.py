"""The payer's console commands that need little; the others are named in `app`."""

from binascii import hexlify, unhexlify

from firmware.common import late
from firmware.common.payment.identifier import identifier
from firmware.common.payment.money import check_amount
from firmware.common.wire.commands import Commands
from firmware.common.wire.errors import BUSY, NO_FUNDS, REQUEST_UNKNOWN, Refused
from firmware.common.wire.limits import PURSES_MAX
from firmware.common.wire.messages import PURSE
from firmware.common.wire.signed import parse_signed
from firmware.sender.app import App


def run(app: App, name: str, header: dict, body: bytes) -> tuple[dict, bytes]:
    """Answers a host's command; raises `Refused`."""
    return SenderCommands(app).run(name, header, body)


class SenderCommands(Commands):
    """Beside those of every board."""

    role = "sender"
    names = Commands.names + " pay tap_again outcome purses top_up close_purse"
    app: App

    def methods(self) -> tuple:
        return super().methods() + (
            self._pay,
            self._tap_again,
            self._outcome,
            self._purses,
            self._top_up,
            self._close_purse,
        )

    def _pay(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """Pays what the board at the other end asks for, `amount` where it is given.

        With `to`: a payment in the JSON form, to be carried as a file. `outcome` tells what came
        of it.
        """
        amount_minor = check_amount(header["amount"]) if "amount" in header else 0
        if "to" in header:
            account = identifier(header["to"])
            self.app.propose_file(account, check_amount(amount_minor))
        else:
            self.app.propose(amount_minor)
        return {}, b""

    def _tap_again(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        self.app.tap_again()
        return {}, b""

    def _outcome(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """What the last proposal came to; "" while it is on the screen or on its way."""
        app = self.app
        return {"outcome": app.outcome, "why": app.why, "id": app.last_id}, b""

    def _purses(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """Every purse that the bank made for this board, oldest first."""
        told = []
        for purse in self.app.wallet.purses:
            record = parse_signed(PURSE, purse.signed)
            told.append(
                {
                    "purse": hexlify(record.purse).decode(),
                    "allowance": record.allowance,
                    "spent": purse.spent,
                    "payments": purse.ctr,
                    "currency": record.cur,
                    "not_after": record.not_after,
                }
            )
        wallet = self.app.wallet
        return {"purses": told, "asked_for": wallet.new_amount_minor if wallet.new_key else 0}, b""

    def _top_up(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """Asks the user for a purse of `amount`; the next `sync` asks the bank."""
        wallet = self.app.wallet
        amount_minor = check_amount(header["amount"])
        if wallet.new_key:
            raise Refused(BUSY, "a purse was asked for already: sync")
        if len(wallet.purses) >= PURSES_MAX:
            late.call("firmware.sender.answered", "make_room", wallet)
        self.app.ask(self.app.decide, "top_up", amount_minor)
        return {}, b""

    def _close_purse(self, header: dict, body: bytes) -> tuple[dict, bytes]:
        """Asks the user to give back what a purse still holds; the next `sync` tells the bank."""
        purse = self.app.wallet.find(unhexlify(header["purse"]))
        if purse is None:
            raise Refused(REQUEST_UNKNOWN, "no such purse on this board")
        if purse.spent >= parse_signed(PURSE, purse.signed).allowance:
            raise Refused(NO_FUNDS, "nothing is left in that purse")
        self.app.ask(self.app.decide, "close_purse", purse)
        return {}, b""
