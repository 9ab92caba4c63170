"""Carries what boards have for the bank, and the bank's answers back, through the outbox.

    board --collect--> outbox .ledger .upload .sync --HTTP-->
                               bank --answer--> outbox .answer .receipt .statement --give--> board

Each arrow may break and be repeated: the bank settles an entry once, and an answer given twice
changes nothing. The bridge holds no keys and can only delay.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from firmware.common.payment.certificate import RENEWAL_DAYS
from firmware.common.ui.refusing import BANK, BOARD
from firmware.common.wire.errors import (
    FROZEN,
    LEDGER_FORK,
    MALFORMED,
    NOT_ENROLLED,
    OK,
    Refused,
)
from firmware.common.wire.messages import DCERT
from firmware.common.wire.signed import parse_signed
from host_tools import at_odds, bundle, routes
from host_tools.bank_client import BankClient
from host_tools.device import Device
from host_tools.errors import NOT_REACHABLE, CommandError
from host_tools.outbox import Batch, Outbox
from host_tools.routes import ROUTES, Route

_DAY_S = 86_400
_WAITS_S = (0.5, 1.0, 2.0)  # between one try and the next
# What an operator can lift. The board may be lost by then, and the copy here the only one.
_MAY_BE_LIFTED = (FROZEN, NOT_ENROLLED)
_TOLD = (LEDGER_FORK, FROZEN)  # what a board's own screen must say too
_ROUNDS_MAX = 256  # of a full till, 16 entries at a time, and some

Say = Callable[[str], None]
Sleep = Callable[[float], None]
Clock = Callable[[], float]


class Bridge:
    """One run; `report` counts entries, `sleep` waits between one try and the next."""

    def __init__(
        self,
        outbox: Outbox,
        bank: BankClient,
        say: Say,
        sleep: Sleep = time.sleep,
        clock: Clock = time.time,
    ) -> None:
        self._outbox = outbox
        self._bank = bank
        self._say = say
        self._sleep = sleep
        self._clock = clock
        self.report = {"collected": 0, "uploaded": 0, "applied": 0, "refused": 0}
        self.refusals: list[dict[str, Any]] = []
        self._asked: set[str] = set()  # devices, about what the bank had not judged
        self._told: dict[str, int] = {}  # device -> why the bank refuses it

    def collect(self, board: Device) -> str:
        """Copies what the bank has not judged for good into the outbox; the device's id.

        Answers that wait for the board are given to it first.
        """
        status = board.status()
        device = status["device"]
        self.give_back(board, device)
        before = self.report["collected"]
        for route in _routes(status):
            self._collect(route, board, device)
        count = self.report["collected"] - before
        self._say(f"{status['account'] or board.port}: {count} entries collected")
        return device

    def upload(self) -> None:
        """Sends everything that waits for the bank; an answer takes its place in the outbox."""
        for route in ROUTES:
            for batch in self._outbox.waiting(route.asks):
                answer = self._settle(route, batch)
                if answer is None:
                    continue
                self._outbox.put(batch, route.answers, answer)
                self.report["uploaded"] += batch.count
                self._say(f"{_span(batch)}: {route.settled(answer)}")

    def give_back(self, board: Device, device: str) -> int:
        """Hands the bank's answers to the board they are for; how many it took."""
        count = 0
        for route in ROUTES:
            for batch in self._outbox.waiting(route.answers, device):
                count += self._give(route, board, batch)
        return count

    def collect_more(self, board: Device, device: str) -> bool:
        """Collects what a board tells only once it has the answer to what it told before."""
        found = False
        for route in _routes(board.status()):
            if route.one_at_a_time:
                found = self._collect(route, board, device) or found
        return found

    def tell_news(self, board: Device) -> None:
        """Brings a board the bank's time and what was revoked."""
        status = board.status()
        if status.get("enrolled") == "yes":
            news = self._with_retries(lambda: self._bank.news(status["revoked"]))
            routes.give_news(board, bundle.split(news))

    def renew(self, board: Device, device: str) -> None:
        """Brings a board its next certificate some weeks before its last one ends, or later.

        The bank is asked, too, whether it still refuses a board that nothing else would release.
        """
        status = board.status()
        if status.get("enrolled") != "yes":
            return
        is_refused = status.get("refusal") == [FROZEN, BANK] and device not in self._told
        try:
            kept = board.call("certificate")[1]
            if not self._ends_soon(kept) and not is_refused:
                return
            newest = self._with_retries(lambda: self._bank.renew(kept))
            self._take(board, kept, newest)
            if is_refused:
                board.call("refused", reason=OK)
        except CommandError as error:
            if error.exit_code == NOT_REACHABLE:
                raise
            if error.reason in _TOLD:
                self._told[device] = error.reason
            self._note(error.reason, f"the certificate was not renewed: {error.message}")
        except Refused as refused:
            self._note(refused.reason, f"the certificate was not renewed: {refused.detail}")

    def _take(self, board: Device, kept: bytes, newest: bytes) -> None:
        if newest != kept:
            board.call("certificate", newest)
            self._say(f"{board.port}: the certificate is renewed until {_day(newest)}")
        elif self._ends_soon(kept):
            self._say(
                f"{board.port}: the certificate ends with the bank's key on {_day(kept)}: "
                "the bank's operator runs opg bank root sign-bkey"
            )

    def _ends_soon(self, certificate: bytes) -> bool:
        """By this computer's clock; the bank looks at its own."""
        days = (parse_signed(DCERT, certificate).not_after - self._clock()) / _DAY_S
        return days <= RENEWAL_DAYS

    def _note(self, reason: int | None, message: str) -> None:
        self.refusals.append({"reason": reason, "message": message})

    def tell_refusal(self, board: Device, device: str) -> None:
        """Tells a board that the bank refuses it; and people, that it found the bank out."""
        if device in self._told:
            board.call("refused", reason=self._told[device])
        kept = board.status().get("refusal", ())
        if BOARD in kept[1:]:
            message = at_odds.words(kept)
            self.refusals.append({"reason": kept[0], "message": message, "device": device})

    def _collect(self, route: Route, board: Device, device: str) -> bool:
        found = False
        for batch, data in route.collect(board, device, self._asked):
            found = True
            is_new = not self._outbox.has(batch, route.asks)
            if route.one_at_a_time:  # whatever it told before was answered by another way
                self._drop_others(route, batch)
            if route.one_at_a_time or is_new:
                self._outbox.put(batch, route.asks, data)
            if is_new:
                self.report["collected"] += batch.count
        return found

    def _drop_others(self, route: Route, batch: Batch) -> None:
        for other in self._outbox.waiting(route.asks, batch.device):
            if other != batch:
                self._outbox.drop(other, route.asks)

    def _settle(self, route: Route, batch: Batch) -> bytes | None:
        """The bank's answer; None when it refused the batch as a whole, which is reported."""
        data = self._outbox.read(batch, route.asks)
        try:
            return self._with_retries(lambda: route.settle(self._bank, data))
        except CommandError as error:
            if error.exit_code == NOT_REACHABLE:
                raise
            if error.reason not in _MAY_BE_LIFTED:
                self._outbox.set_aside(batch, route.asks)  # a later run collects it again
            if error.reason in _TOLD:
                self._told[batch.device] = error.reason
            self._refused(batch, error.reason or MALFORMED, f"the bank: {error.message}")
            return None

    def _give(self, route: Route, board: Device, batch: Batch) -> int:
        answer = self._outbox.read(batch, route.answers)
        try:
            self.refusals += route.give(board, answer)
        except Refused as refused:
            self._outbox.set_aside(batch, route.answers)  # the board tells these entries again
            self._refused(batch, refused.reason, f"the board: {refused.detail}")
            return 0
        self._outbox.drop(batch, route.answers)
        self.report["applied"] += batch.count
        self._say(f"{_span(batch)}: answer brought back to the board")
        return 1

    def _refused(self, batch: Batch, reason: int, message: str) -> None:
        self.report["refused"] += batch.count
        self._note(reason, message)
        self._say(f"{_span(batch)}: refused by {message}")

    def _with_retries(self, ask: Callable[[], bytes]) -> bytes:
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
    """Until no board has more for the bank; with none, only what waits here is uploaded."""
    try:
        devices = [bridge.collect(board) for board in boards]
        bridge.upload()
        for board, device in zip(boards, devices, strict=True):
            _finish(bridge, board, device)
    except Refused as refused:
        raise CommandError(3, f"the board refused: {refused.detail}", refused.reason) from None


def _finish(bridge: Bridge, board: Device, device: str) -> None:
    for _ in range(_ROUNDS_MAX):
        if not bridge.give_back(board, device) or not bridge.collect_more(board, device):
            break
        bridge.upload()
    bridge.tell_news(board)
    bridge.renew(board, device)
    bridge.tell_refusal(board, device)


def _routes(status: dict[str, Any]) -> list[Route]:
    """Those of this board: by tap only what has a certificate of the bank."""
    has_certificate = status.get("enrolled") == "yes"
    mine = [route for route in ROUTES if route.role == status["role"]]
    return [route for route in mine if has_certificate or not route.one_at_a_time]


def _span(batch: Batch) -> str:
    last = batch.first + batch.count - 1
    return f"entries {batch.first} to {last}" if batch.count else "a report"


def _day(certificate: bytes) -> str:
    """When it ends."""
    return f"{datetime.fromtimestamp(parse_signed(DCERT, certificate).not_after, UTC):%Y-%m-%d}"
