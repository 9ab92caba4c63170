"""The bank in this process, on a PostgreSQL of its own; every trial begins with the same books."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
from flask import Flask

from bank import checks, config, create_app, db, postgres
from bank.config import Settings
from host_tools.bank_client import Answer, BankClient, read_refusal
from host_tools.errors import NOT_REACHABLE, CommandError
from tests.faults.injectors import Events, Killed, MortalDatabase
from tests.faults.points import Plan

FUNDED_MINOR = 100_00

_AS_BEFORE = """
    DELETE FROM postings USING transfers
        WHERE transfers.kind = 'payment' AND postings.transfer_id = transfers.transfer_id;
    DELETE FROM transfers WHERE kind = 'payment';
    DELETE FROM ledger_entries;
    DELETE FROM ledgers;
    INSERT INTO ledgers (account_id, device_id) SELECT account_id, device_id FROM devices;
    DELETE FROM audit_logs WHERE actor <> 'operator';
    UPDATE devices SET frozen = false;
    UPDATE wallets SET balance_minor = (SELECT coalesce(sum(amount_minor), 0) FROM postings AS p
        WHERE p.account_id = wallets.account_id AND p.wallet_id = wallets.wallet_id);
    """


class Books:
    """The bank, and what its owner sees in the database."""

    def __init__(self, settings: Settings, app: Flask) -> None:
        self._app = app
        self._bank = app.extensions["bank"]
        self._owner = psycopg2.connect(settings.database_owner_url)
        self._owner.autocommit = True
        url, owner_url = settings.database_url or "", settings.database_owner_url or ""
        self._database = MortalDatabase(url, owner_url, lambda: None)
        app.extensions["bank"] = replace(self._bank, database=self._database)
        self.watch(Events(Plan(-1)))

    def close(self) -> None:
        self._owner.close()
        self._database.close()

    def watch(self, events: Events) -> None:
        """Whom the bank's statements, commits and answers are told to from now on."""
        self._database.events = events

    def client(self) -> BankClient:
        return _Direct(self._app, self._bank.operator_token)

    def open(self, account: str, funds_minor: int, **keys: Any) -> None:
        """An account with money and a board."""
        client = self.client()
        asked = [("accounts", {"account_id": account, "name": account})]
        asked += [("fund", {"account_id": account, "amount": funds_minor // 100})] * (
            funds_minor > 0
        )
        asked += [("devices", {"account_id": account, **keys})]
        for what, members in asked:
            client.post(f"/operator/{what}", json.dumps(members).encode())

    def as_before(self) -> None:
        """Accounts, boards and funds stay; what was ever paid is forgotten."""
        with self._owner.cursor() as cursor:
            cursor.execute(f"BEGIN; SET LOCAL synchronous_commit = off; {_AS_BEFORE} COMMIT")

    def payments(self) -> list[tuple[str, int]]:
        """(txn_id, amount_minor) of everything that was settled."""
        with self._owner.cursor() as cursor:
            cursor.execute(
                "SELECT transfer_id::text, amount_minor FROM transfers WHERE kind = 'payment'"
            )
            return cursor.fetchall()

    def balances(self) -> dict[str, int]:
        with self._owner.cursor() as cursor:
            cursor.execute("SELECT account_id, sum(balance_minor)::bigint FROM wallets GROUP BY 1")
            return dict(cursor.fetchall())

    def violations(self) -> list[str]:
        with self._owner.cursor() as cursor:
            found = checks.check(cursor)
        return [f"{name}: {text}" for name, texts in found.items() for text in texts]


class _Direct(BankClient):
    """The bank without a network between: what it raises is what a process's end looks like."""

    def __init__(self, app: Flask, token: str) -> None:
        super().__init__("http://bank", token)
        self._client = app.test_client()

    def _send(self, method: str, path: str, body: bytes | None, mimetype: str) -> Answer:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": mimetype}
        try:
            answer = self._client.open(path, method=method, data=body, headers=headers)
        except Killed:
            raise CommandError(NOT_REACHABLE, "the bank was killed") from None
        if answer.status_code >= 400:
            raise read_refusal(answer.status_code, answer.data)
        return Answer(answer.status_code, answer.mimetype, answer.data)


@contextmanager
def opened() -> Iterator[Books]:
    """A bank of the harness's own, gone when the block ends."""
    # Short enough for a socket, and where PostgreSQL's user may enter.
    home = Path(tempfile.mkdtemp(prefix="opg-faults-"))
    home.chmod(0o711)
    server = postgres.attach(home / "postgres")
    try:
        database = db.Database(server.url, server.owner_url, lambda: None)
        database.initialise()
        database.close()
        settings = config.load(
            {
                "OPG_HOME": str(home),
                "DATABASE_URL": server.url,
                "DATABASE_OWNER_URL": server.owner_url,
                "BANK_KEY_DIR": str(home / "keys"),
            }
        )
        books = Books(settings, create_app(settings))
        try:
            yield books
        finally:
            books.close()
    finally:
        server.release()
        postgres.remove(home / "postgres")
        shutil.rmtree(home)
