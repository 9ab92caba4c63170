"""The main job in one run: two virtual boards pay each other, a bridge carries, a bank settles.

Everything is real but the silicon: MicroPython runs the firmware that `opg flash` puts on a
board, money moves over the boards' wire, the bank is the one that `opg bank run` serves. It all
lives in a temporary folder and is gone afterwards.
"""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bank import checks, config, db, keys, postgres, server
from bank.config import Settings
from firmware.common.payment.money import show_amount
from firmware.common.wire import reasons
from host_tools.bank_client import BankClient
from host_tools.bridge import Bridge, run
from host_tools.demo import hands
from host_tools.demo.cheating import SHOP, bad_files, spend_twice
from host_tools.demo.hands import PAYEE, PAYER, Hand, Say
from host_tools.outbox import Outbox
from host_tools.routes import PAID

_FUNDED_MINOR = 100_00
_ALLOWANCE_MINOR = 60_00
_BY_TAP_MINOR = (4_50, 12_50, 10, 7_00, 3_20)
_REFUNDED_MINOR = 1_50  # of the second
_BY_FILE_MINOR = (2_40, 16_00)
_TOO_MUCH_MINOR = 80_00  # more than the account holds by then
_MORE_THAN_THE_PURSE_MINOR = 45_00


@dataclass
class Story:
    """What the run counts."""

    micropython: str = ""
    database: str = ""
    payments: int = 0
    taps: int = 0
    guaranteed: int = 0
    unguaranteed: int = 0
    refunds: int = 0
    settled: int = 0
    double_spend_caught: bool = False
    refused: list[int] = field(default_factory=list)
    balances: list[dict[str, Any]] = field(default_factory=list)
    conserved: bool = False
    seconds: float = 0.0


class Teller:
    """The story as it goes on: a bank, two people, and a word for everything that happens."""

    def __init__(self, home: Path, settings: Settings, url: str, say: Say, story: Story) -> None:
        token = keys.load_operator_token(settings.key_dir, settings.operator_token)
        self._home, self._settings, self._say, self._story = home, settings, say, story
        self._bank = BankClient(url, token)

    def open_bank(self) -> None:
        database = db.open_database(self._settings)
        try:
            self._story.database = database.run(db.server_version)
        finally:
            database.close()
        for account in (PAYER, PAYEE, SHOP):
            self._post("/operator/accounts", account_id=account, name=account.capitalize())
        self._post("/operator/fund", account_id=PAYER, amount=_FUNDED_MINOR // 100)
        version = self._story.database.split(" on ")[0]
        self._say("open a bank", f"{version}; {PAYER} has {show_amount(_FUNDED_MINOR)}")

    def enrol(self, *people: Hand) -> None:
        for hand in people:
            hands.enrol(hand, self._bank, lambda account=hand.account: self._code(account))
            words = hand.device.status()["device"]
            self._say(f"enrol {hand.account}", f"code and four words agree; device {words}")

    def top_up(self, payer: Hand) -> None:
        payer.agree("top_up", "TOP UP?", amount=_ALLOWANCE_MINOR)
        self.bridge(payer)
        (purse,) = payer.device.call("purses")[0]["purses"]
        _expect(purse["allowance"] == _ALLOWANCE_MINOR, "the purse is not the one asked for")
        self._say("top up a purse", f"the bank sets {show_amount(_ALLOWANCE_MINOR)} apart")

    def pay_by_tap(self, payer: Hand, payee: Hand) -> None:
        for amount_minor in _BY_TAP_MINOR:
            done = hands.tap(payer, payee, amount_minor)
            _expect(done["outcome"] == "PAID", f"the payer's board shows {done}")
            payee.put_away()
            self._story.taps += 1
            self._say(f"tap {show_amount(amount_minor)}", "PAID / RECEIVED, no network")

    def refund(self, payee: Hand) -> None:
        payee.agree("refund", "GIVE BACK?", index=1, amount=_REFUNDED_MINOR)
        self._story.refunds += 1
        self._say(f"give {show_amount(_REFUNDED_MINOR)} back", "signed by the till")

    def pay_by_file(self, payer: Hand, payee: Hand) -> None:
        header, code = payee.device.call("key")
        payer.device.call("import_key", code, account=payee.account)
        self._say(f"import {payee.account}'s code", header["fingerprint"])
        for amount_minor in _BY_FILE_MINOR:
            txn_id, envelope = hands.by_file(payer, payee, amount_minor)
            entered, proof = payee.device.call("import", envelope)
            payee.put_away()
            again, _ = payee.device.call("import", envelope)
            _expect(entered["new"] and not again["new"], "a file was entered twice")
            place = {name: entered[name] for name in ("index", "head")}
            payer.device.call("confirm", proof, id=txn_id, **place)
            self._say(f"pay {show_amount(amount_minor)} by file", "unguaranteed; entered once")

    def overdraw(self, payer: Hand, payee: Hand) -> None:
        """By file nobody stands for the money; by tap the board itself refuses."""
        _, envelope = hands.by_file(payer, payee, _TOO_MUCH_MINOR)
        payee.device.call("import", envelope)
        payee.put_away()
        self._say(f"pay {show_amount(_TOO_MUCH_MINOR)} by file", "taken, unguaranteed: no funds")
        payee.device.call("charge", amount=_MORE_THAN_THE_PURSE_MINOR)
        payer.device.call("pay")
        what = f"tap {show_amount(_MORE_THAN_THE_PURSE_MINOR)}, more than the purse"
        self._note(what, payer.outcome()["why"])
        payee.device.call("cancel_request")

    def try_to_cheat(self, payer: Hand, payee: Hand) -> None:
        _, envelope = hands.by_file(payer, payee, 1_00)
        for what, attempt in bad_files(payer, payee, envelope):
            self._note(f"try {what}", hands.refusal(attempt))
        payee.device.call("import", envelope)
        payee.put_away()

    def clone(self, payer: Hand, payee: Hand) -> None:
        """A copied board: one payment of each, of one counter, at two shops."""
        self._story.double_spend_caught = spend_twice(
            self._home, self._bank, payer, payee, self.enrol, self.bridge, self.count, self._say
        )
        self._story.taps += 2

    def bridge(self, *people: Hand) -> None:
        bridge = Bridge(Outbox(self._home / "outbox"), self._bank, lambda line: None)
        run(bridge, [hand.device for hand in people])
        names = " and ".join(hand.account for hand in people)
        self._say(f"bridge {names}", f"{bridge.report['uploaded']} entries to the bank and back")
        for refusal in bridge.refusals:
            self._story.refused.append(refusal["reason"])
            self._say("  the bank refuses one", f"[{refusal['reason']}] {refusal['message']}")

    def count(self, payee: Hand) -> None:
        """What this till holds of either kind, and what the bank has paid of it."""
        story = self._story
        rows = payee.device.pages("entries")
        payments = [row for row in rows if row["kind"] == "payment"]
        paid = [row for row in payments if row["verdict"] in PAID]
        total, _ = payee.device.call("total")
        story.guaranteed += len(payments)
        story.unguaranteed += total["unguaranteed"]["count"]
        story.settled += len(paid) + total["states"]["settled"]
        story.payments = story.guaranteed + story.unguaranteed

    def balance(self) -> None:
        rows = self._bank.get("/operator/accounts")["accounts"]
        self._story.balances = rows
        database = db.open_database(self._settings)
        try:
            broken = database.run(checks.check)
        finally:
            database.close()
        people = [row for row in rows if row["account_id"] in (PAYER, PAYEE, SHOP)]
        held = sum(row["balance_minor"] + row["reserved_minor"] for row in people)
        self._story.conserved = held == _FUNDED_MINOR and not any(broken.values())

    def _note(self, what: str, reason: int) -> None:
        _expect(reason > 0, f"{what}: nothing refused it")
        self._story.refused.append(reason)
        self._say(what, f"refused [{reason}]: {reasons.name(reason)}")

    def _code(self, account: str) -> str:
        return self._post("/operator/codes", account_id=account)["code"]

    def _post(self, path: str, **members: Any) -> dict[str, Any]:
        return self._bank.post(path, json.dumps(members).encode())


def tell(home: Path, say: Say) -> Story:
    """Runs the whole story below `home`; raises where something does not come out as it must."""
    began = time.monotonic()
    story = Story()
    settings = config.load({"OPG_HOME": str(home), "PORT": str(server.free_port())})
    try:
        with server.running(settings, log=home / "bank.log") as url:
            teller = Teller(home, settings, url, say, story)
            teller.open_bank()
            with hands.hands(home) as (payer, payee):
                story.micropython = payer.device.status()["micropython"]
                _chapters(teller, payer, payee)
            teller.balance()
    finally:
        postgres.remove(settings.postgres_dir)
    story.seconds = round(time.monotonic() - began, 1)
    return story


def _chapters(teller: Teller, payer: Hand, payee: Hand) -> None:
    teller.enrol(payer, payee)
    teller.top_up(payer)
    teller.pay_by_tap(payer, payee)
    teller.bridge(payee, payer)
    teller.refund(payee)
    teller.pay_by_file(payer, payee)
    teller.try_to_cheat(payer, payee)
    teller.overdraw(payer, payee)
    teller.bridge(payee, payer)
    teller.clone(payer, payee)


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise RuntimeError(otherwise)
