"""Brings a board into an account: the bank's root and keys, a one-time code, its certificate.

    root   -> board      asks its user, once for ever         BKEY   -> board
    board  -> ENROL      after its user has typed the code    ENROL  -> bank
    words of both        compared by the operator             DCERT  -> board, then the bank's news

Every step may be repeated: a run that was cut short, or that waits for the operator, is taken up
by the next.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from firmware.common.interchange import base64
from firmware.common.wire.errors import BAD_CODE, DECLINED, Refused
from host_tools import bundle, finger, routes
from host_tools.device import Device
from host_tools.errors import REFUSED, CommandError, refused

YES, PENDING = "yes", "pending"
_DECISION_S = 600.0  # as long as a code lives
_BKEY_BYTES = 202

Say = Callable[[str], None]


class Bank(Protocol):
    """As much of a `BankClient` as an enrolment needs."""

    def public_keys(self) -> dict[str, Any]: ...

    def get(self, path: str) -> dict[str, Any]: ...

    def post(self, path: str, body: bytes) -> dict[str, Any]: ...

    def enrol(self, enrolment: bytes) -> bytes: ...

    def news(self, known: int) -> bytes: ...


@dataclass(frozen=True)
class Member:
    """Whose board it becomes; `wallet` is what its JSON payments are made from."""

    account: str
    name: str = ""
    wallet: str = ""


@dataclass
class Enrolment:
    """One run. `hand` presses the board's buttons where somebody said yes, else people do.

    `code`: the bank's one-time code, asked for only when it is to be typed; "" leaves it to people.
    """

    device: Device
    bank: Bank
    say: Say
    hand: finger.Board | None = None
    code: Callable[[], str] = str
    is_operator: bool = False

    def run(self, member: Member) -> dict[str, Any]:
        """`enrolled` "yes", or "pending" with the words that the operator compares.

        Raises `Refused` and `CommandError`.
        """
        keys = self.bank.public_keys()
        if "root_public_key" not in keys:
            raise CommandError(
                REFUSED, "no root has signed this bank's keys; its operator: opg bank root --help"
            )
        status = self.device.status()
        if status["enrolled"] == YES:
            self._expect_account(status["account"], member)
        else:
            self._trust(keys)
            is_old = status["enrolled"] == PENDING
            if not is_old:
                self._ask_to_join(member)
            if not self._certified(member, is_old):
                return self._waiting(member)
        self._tell_news()
        status = self.device.status()
        return {"account": status["account"], "device": status["device"], "enrolled": YES}

    def _trust(self, keys: dict[str, Any]) -> None:
        """Pins the root and gives the bank's keys."""
        root = keys["root_public_key"]
        if not self.device.call("pin_root", root=root)[0]["pinned"]:
            self.say("Is it your bank? Compare the digits on the board's screen: OK or CANCEL.")
            self._agree("TRUST BANK?")
        bank_key = base64.decode(keys["bkey"], _BKEY_BYTES)
        self.device.call("bkey", bank_key)

    def _ask_to_join(self, member: Member) -> None:
        """Has the code typed on the board."""
        account, name, wallet = member.account, member.name, member.wallet
        self.device.call("enrol", account=account, name=name, wallet=wallet)
        code = self.code()
        told = f" {code}" if code and self.hand is None else ""
        self.say(f"On the board: OK, then type the bank's code{told}; = ends it.")
        if self.hand:
            if not code:
                raise CommandError(2, "the code to type is missing: --code, or --token for one")
            finger.answer(self.hand, self.device, "ENROL?")
            finger.wait_for(self.device, "CODE?")
            finger.type_code(self.hand, code)
        self._decided()
        if self.hand and finger.wait_for(self.device, "SAME WORDS?", until_outcome=False):
            self.hand.press("ok")

    def _certified(self, member: Member, is_old: bool) -> bool:
        """Gives the board its certificate; False while the operator has not decided."""
        certificate = self._send(member, is_old)
        if not certificate and self.is_operator:
            self._confirm()
            certificate = self._send(member, False)
        if not certificate:
            return False
        self._expect_account(self.device.call("certificate", certificate)[0]["account"], member)
        return True

    def _send(self, member: Member, is_old: bool) -> bytes:
        """The answer to the board's ENROL. A code typed in an earlier run may be dead by now."""
        try:
            return self.bank.enrol(self.device.call("enrol_message")[1])
        except CommandError as error:
            if error.reason != BAD_CODE or not is_old:
                raise
        self.say("The code that was typed before is of no use any more.")
        self._ask_to_join(member)
        return self.bank.enrol(self.device.call("enrol_message")[1])

    def _confirm(self) -> None:
        """The operator's part, where the bank and the board name the same keys."""
        status = self.device.status()
        told = self.bank.get("/operator/enrolments?limit=500")["enrolments"]
        words = [row["words"] for row in told if row["device_id"] == status["device"]]
        self.say(f"The board's words: {status['words']}")
        self.say(f"The bank's words:  {words[0] if words else 'none'}")
        if words != [status["words"]]:
            raise CommandError(
                REFUSED, "the words differ: those are not the board's keys", DECLINED
            )
        body = {"device_id": status["device"], "words": status["words"]}
        self.bank.post("/operator/confirm", json.dumps(body).encode())

    def _waiting(self, member: Member) -> dict[str, Any]:
        status = self.device.status()
        device, words = status["device"], status["words"]
        self.say(f"Words on the board's screen: {words}")
        self.say(f"The operator compares them (opg bank confirm {device}); then run this again.")
        return {
            "account": member.account,
            "device": device,
            "enrolled": PENDING,
            "words": words,
        }

    def _tell_news(self) -> None:
        status = self.device.status()
        news = self.bank.news(status["revoked"])
        routes.give_news(self.device, bundle.split(news))

    def _agree(self, title: str) -> None:
        if self.hand:
            finger.answer(self.hand, self.device, title)
        self._decided()

    def _decided(self) -> None:
        outcome, why = self.device.wait_for_outcome(_DECISION_S)
        if why:
            raise refused(Refused(why))
        if outcome == "CANCELLED":
            raise CommandError(REFUSED, "cancelled on the board; nothing was changed.", 15)

    def _expect_account(self, account: str, member: Member) -> None:
        if account != member.account:
            raise refused(Refused(DECLINED, f"this board belongs to {account}"))
