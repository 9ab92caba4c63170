"""A bank under test, as a bridge and an operator see it: through its HTTP interface."""

import json
import uuid
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from bank import checks
from bank.queries import accounts
from bank.web import Bank
from tests import builder
from tests.builder import Device, Ledger, Raw


class Teller:
    """Opens accounts, funds them and settles ledgers; `answer` members are plain JSON."""

    def __init__(self, app: Flask) -> None:
        self.bank: Bank = app.extensions["bank"]
        self.client = app.test_client()
        self.public_keys = self.client.get("/bank-public-key").get_json()

    @property
    def ecdh_jwk(self) -> str:
        return json.dumps(self.public_keys["public_key"])

    def operate(self, path: str, **members: Any) -> TestResponse:
        """An operator's request."""
        headers = {"Authorization": f"Bearer {self.bank.operator_token}"}
        return self.client.post(f"/operator/{path}", json=members, headers=headers)

    def look(self, path: str) -> Any:
        """What an operator reads."""
        headers = {"Authorization": f"Bearer {self.bank.operator_token}"}
        response = self.client.get(path, headers=headers)
        assert response.status_code == 200, response.get_data(as_text=True)
        return response.get_json()

    def open(self, account: str, funds_minor: int = 0, name: str = "") -> Device:
        """An account with a device, and money in its default wallet."""
        device = Device(account)
        assert self.operate("accounts", account_id=account, name=name or account).json
        assert self.enrol(device).status_code == 200
        if funds_minor:
            self.fund(account, funds_minor)
        return device

    def enrol(self, device: Device) -> TestResponse:
        return self.operate(
            "devices",
            account_id=device.account,
            signing_key=json.loads(builder.jwk(device.signing)),
            ecdh_key=json.loads(builder.jwk(device.ecdh)),
        )

    def fund(self, account: str, amount_minor: int, wallet_id: str = "") -> None:
        whole, cents = divmod(amount_minor, 100)
        body = f'{{"account_id":{builder.quote(account)},"amount":{whole}.{cents:02d}'
        body += f',"wallet_id":{builder.quote(wallet_id)},"transfer_id":"{uuid.uuid4()}"}}'
        headers = {"Authorization": f"Bearer {self.bank.operator_token}"}
        response = self.client.post(
            "/operator/fund", data=body.encode(), content_type="application/json", headers=headers
        )
        assert response.status_code == 200, response.get_data(as_text=True)

    def upload(
        self, receiver: Device, entries: list[str], path: str = "settle-ledger", **options: bool
    ) -> TestResponse:
        body = builder.encrypted_ledger(entries, receiver, self.ecdh_jwk, **options)
        return self.post(body, path)

    def post(self, body: str | bytes, path: str = "settle-ledger") -> TestResponse:
        data = body.encode() if isinstance(body, str) else body
        return self.client.post(f"/{path}", data=data, content_type="application/json")

    def settle(self, receiver: Device, *payments: Raw) -> Any:
        """The answer to a new ledger that holds these payments."""
        response = self.upload(receiver, Ledger().append(*payments).entries)
        assert response.status_code == 200, response.get_data(as_text=True)
        return response.get_json()

    def balance(self, account: str, wallet_id: str = "") -> int:
        wallet = (account, wallet_id)
        found = self.bank.database.run(
            lambda cursor: accounts.select_balances(cursor, [wallet], lock=False)
        )
        return found[wallet]

    def violations(self) -> dict[str, list[str]]:
        """The invariants that do not hold."""
        found = self.bank.database.run(checks.check)
        return {name: texts for name, texts in found.items() if texts}


def verdicts(answer: Any) -> list[tuple[str, int]]:
    """(verdict, reason) of every entry."""
    return [(row["verdict"], row["reason"]) for row in answer["verdicts"]]
