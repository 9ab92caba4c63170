"""The bank as its operator and a bridge see it: over HTTP."""

import json
from itertools import count
from typing import Any

from bank import checks, db, keys
from bank.config import Settings
from host_tools.bank_client import BankClient


class Office:
    """Opens and funds accounts at the bank of `settings`, which answers at `url`."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.settings = settings
        self.url = url
        self.token = keys.load_operator_token(settings.key_dir, settings.operator_token)
        self.client = BankClient(url, self.token)
        known = self.client.public_keys()
        self.pinned = json.dumps({"ecdh": known["public_key"], "signing": known["signing_key"]})
        self._numbers = count(1)

    def new_name(self, name: str) -> str:
        """An account nobody else has: all tests share these books."""
        return f"{name}-{next(self._numbers)}"

    def open(self, account: str, funds: str = "") -> None:
        """An account; `funds` such as "12.50" go into its default wallet."""
        self._post("/operator/accounts", account_id=account, name=account)
        if funds:
            self.fund(account, funds)

    def fund(self, account: str, amount: str) -> None:
        # As text: a float need not keep the two decimals of a JSON number.
        body = f'{{"account_id":{json.dumps(account)},"amount":{amount}}}'
        self.client.post("/operator/fund", body.encode())

    def enrol(self, account: str, signing_jwk: str, ecdh_jwk: str) -> None:
        signing_key, ecdh_key = json.loads(signing_jwk), json.loads(ecdh_jwk)
        self._post(
            "/operator/devices", account_id=account, signing_key=signing_key, ecdh_key=ecdh_key
        )

    def code(self, account: str) -> str:
        """A one-time code for a board that joins the account."""
        body = json.dumps({"account_id": account}).encode()
        return self.client.post("/operator/codes", body)["code"]

    def row(self, account: str) -> dict[str, Any]:
        """The account as the operator's list has it."""
        accounts = self.client.get("/operator/accounts?limit=500")["accounts"]
        (found,) = [row for row in accounts if row["account_id"] == account]
        return found

    def balance(self, account: str) -> int:
        """In minor units."""
        return self.row(account)["balance_minor"]

    def violations(self) -> dict[str, list[str]]:
        """The invariants that do not hold."""
        database = db.open_database(self.settings)
        try:
            found = database.run(checks.check)
        finally:
            database.close()
        return {name: texts for name, texts in found.items() if texts}

    def _post(self, path: str, **members: Any) -> None:
        self.client.post(path, json.dumps(members).encode())
