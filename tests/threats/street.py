"""Boards that were enrolled at a real bank by their own screens, and the bridge between them."""

import base64
from pathlib import Path
from typing import Any

from tests.bank.opg1_teller import Opg1Teller, unbundle
from tests.bank.till import bundle
from tests.threats import boards
from tests.threats.boards import done, outcome
from tests.unit.fake_board import Clock

UPLOAD, SRCPT, STATEMENT = 14, 15, 19
_WHEEL = "0123456789="


class Street:
    """The bank, and boards in folders; `clock` is that of all boards."""

    def __init__(self, bank: Opg1Teller, folder: Path) -> None:
        self.bank = bank
        self.folder = folder
        self.clock = Clock()

    def payer(self, account: str, funds_minor: int, allowance_minor: int = 100_00) -> Any:
        """Enrolled and topped up."""
        app = boards.payer(f"{self.folder}/{account}", self.clock)
        self.enrol(app, account, funds_minor)
        done(app, "top_up", amount=allowance_minor)
        assert outcome(app) == "DONE"
        self.sync(app)
        return app

    def payee(self, account: str) -> Any:
        app = boards.payee(f"{self.folder}/{account}", self.clock)
        self.enrol(app, account)
        return app

    def enrol(self, app: Any, account: str, funds_minor: int = 0) -> None:
        """As people do it: the root confirmed, the code typed, the words compared."""
        self.ask_to_join(app, account, funds_minor)
        words = done(app, "status")[0]["words"]
        assert self.send_enrolment(app).status_code == 202
        device = self.device(app)
        assert self.bank.operate("confirm", device_id=device, words=words).status_code == 200
        done(app, "certificate", self.send_enrolment(app).get_data())
        self.tell_news(app)

    def ask_to_join(self, app: Any, account: str, funds_minor: int = 0) -> None:
        self.bank.operate("accounts", account_id=account, name=account)
        if funds_minor:
            self.bank.fund(account, funds_minor)
        done(app, "pin_root", root=self.bank.root.hex())
        assert outcome(app) == "DONE"
        done(app, "bkey", base64.b64decode(self.bank.public_keys["bkey"]))
        done(app, "enrol", account=account, name=account, wallet="")
        presses = ["ok"]
        at = 0
        for character in self.bank.code(account) + "=":
            turns = (_WHEEL.index(character) - at) % len(_WHEEL)
            presses += ["next"] * turns + ["ok"]
            at = _WHEEL.index(character)
        assert outcome(app, presses=tuple(presses)) == "DONE"

    def send_enrolment(self, app: Any) -> Any:
        return self.bank.post_bytes("enrol", done(app, "enrol_message")[1])

    def device(self, app: Any) -> str:
        return done(app, "status")[0]["device"]

    def tell_news(self, app: Any) -> None:
        known = app.device.news.rev_seq
        done(app, "news", self.bank.client.get(f"/news?from={known}").get_data())

    def sync(self, app: Any) -> dict[str, Any]:
        """The payer's report, and the bank's answer to it."""
        _, box = done(app, "sync")
        response = self.bank.post_bytes("sync", box)
        assert response.status_code == 200, response.get_data(as_text=True)
        (_, statement), *news = unbundle(response.get_data())
        found, _ = done(app, "statement", statement)
        done(app, "news", bundle(*news))
        return found

    def settle(self, app: Any) -> list[int]:
        """The till's batch, and the verdicts in the bank's receipt."""
        _, box = done(app, "upload")
        receipt, news = self.post(box)
        found, _ = done(app, "receipt", receipt)
        done(app, "news", bundle(*news))
        return found["verdicts"]

    def post(self, box: bytes) -> tuple[bytes, list[tuple[int, bytes]]]:
        """(SRCPT, the news behind it) for a sealed UPLOAD."""
        response = self.bank.post_bytes("settle-ledger", box)
        assert response.status_code == 200, response.get_data(as_text=True)
        (number, receipt), *news = unbundle(response.get_data())
        assert number == SRCPT
        return receipt, news
