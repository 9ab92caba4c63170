"""Carries ledgers from boards to the bank and the bank's receipts back, through the outbox.

    board --export--> outbox .ledger --HTTP--> bank --answer--> outbox .answer --apply--> board

Each arrow may break and be repeated: the bank settles an entry once, and a receipt applied
twice changes nothing. The bridge holds no keys and can only delay.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from firmware.common.interchange.jwk import public_from_jwk
from firmware.common.payment.receipt import receiver_tag
from firmware.common.wire.errors import FROZEN, MALFORMED, NOT_ENROLLED, Refused
from host_tools.bank_client import BankClient
from host_tools.device import Device
from host_tools.errors import NOT_REACHABLE, CommandError
from host_tools.outbox import Batch, Outbox

_WAITS_S = (0.5, 1.0, 2.0)  # between one try and the next
# What an operator can lift. The board may be lost by then, and the copy here the only one.
_MAY_BE_LIFTED = (FROZEN, NOT_ENROLLED)

Say = Callable[[str], None]
Sleep = Callable[[float], None]


class Bridge:
    """One run; `report` counts what it did, `sleep` waits between one try and the next."""

    def __init__(
        self, outbox: Outbox, bank: BankClient, say: Say, sleep: Sleep = time.sleep
    ) -> None:
        self._outbox = outbox
        self._bank = bank
        self._say = say
        self._sleep = sleep
        self.report = {"collected": 0, "uploaded": 0, "applied": 0, "refused": 0}
        self.refusals: list[dict[str, Any]] = []

    def collect(self, board: Device) -> str:
        """Copies what the bank has not judged for good into the outbox; the device's tag."""
        status = board.status()
        if status["role"] != "receiver":
            raise CommandError(2, f"{board.port} is a {status['role']}; its payees upload for it.")
        key, _ = board.call("key")
        device = receiver_tag(public_from_jwk(key["signing_key"].encode()))
        total, _ = board.call("total")
        first = total["first_open"]
        while first < total["count"]:
            header, ledger = board.call("export", first=first)
            batch = Batch(device, first, header["count"])
            if not self._outbox.has(batch):
                self._outbox.put(batch, "ledger", ledger)
                self.report["collected"] += header["count"]
            first += header["count"]
        self._say(f"{status['account']}: {self.report['collected']} entries collected")
        return device

    def upload(self) -> None:
        """Sends every waiting ledger, oldest first; an answer replaces it in the outbox."""
        for batch in self._outbox.waiting("ledger"):
            answer = self._settle(batch)
            if answer is None:
                continue
            self._outbox.put(batch, "answer", json.dumps(answer).encode())
            self.report["uploaded"] += batch.count
            settled = len(answer["settled_transactions"])
            self._say(f"entries {_span(batch)}: bank settled {settled} of {batch.count}")

    def give_back(self, board: Device, device: str) -> None:
        """Hands the bank's receipts to the board they are for."""
        for batch in self._outbox.waiting("answer", device):
            answer = json.loads(self._outbox.read(batch, "answer"))
            signature = answer["receipt_signature"]
            try:
                board.call("apply", answer["receipt"].encode(), signature=signature)
            except Refused as refused:
                self._outbox.set_aside(batch, "answer")  # the board exports these entries again
                self._refused(batch, refused.reason, f"the board: {refused.detail}")
                continue
            self._outbox.drop(batch, "answer")
            self.report["applied"] += batch.count
            self.refusals += [v for v in answer["verdicts"] if v["reason"]]
        self._say(f"{self.report['applied']} verdicts brought back to the board")

    def _settle(self, batch: Batch) -> dict[str, Any] | None:
        """The bank's answer; None when it refused the batch as a whole, which is reported."""
        ledger = self._outbox.read(batch, "ledger")
        try:
            return self._with_retries(lambda: self._bank.settle(ledger))
        except CommandError as error:
            if error.exit_code == NOT_REACHABLE:
                raise
            if error.reason not in _MAY_BE_LIFTED:
                self._outbox.set_aside(batch, "ledger")  # a later run exports it again
            self._refused(batch, error.reason or MALFORMED, f"the bank: {error.message}")
            return None

    def _refused(self, batch: Batch, reason: int, message: str) -> None:
        self.report["refused"] += batch.count
        self.refusals.append({"reason": reason, "message": message})
        self._say(f"entries {_span(batch)}: refused by {message}")

    def _with_retries(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        for wait_s in _WAITS_S:
            try:
                return ask()
            except CommandError as error:
                if error.exit_code != NOT_REACHABLE:
                    raise
                self._say(f"{error.message}; trying again in {wait_s:g} s")
                self._sleep(wait_s)
        return ask()


def run(bridge: Bridge, boards: list[Device]) -> None:
    """One pass over all boards; with none, only what waits in the outbox is uploaded."""
    try:
        devices = [bridge.collect(board) for board in boards]
        bridge.upload()
        for board, device in zip(boards, devices, strict=True):
            bridge.give_back(board, device)
    except Refused as refused:
        raise CommandError(3, f"the board refused: {refused.detail}", refused.reason) from None


def _span(batch: Batch) -> str:
    return f"{batch.first} to {batch.first + batch.count - 1}"
