"""The bank in this process, on a PostgreSQL of its own; every trial begins with the same books.

Its clock is the trial's. PostgreSQL itself is never killed here (see tests/bank/test_kills), so it
need not wait for a disk.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2
from flask import Flask

from bank import authority, checks, config, create_app, db, keys, postgres
from bank.config import Settings
from firmware.common.wire.messages import TXN
from firmware.common.wire.signed import parse_signed
from host_tools.bank_client import Answer, BankClient, read_refusal
from host_tools.emulator.cpython.world import START_MS
from host_tools.errors import NOT_REACHABLE, CommandError
from tests.faults.injectors import Events, Killed, MortalDatabase
from tests.faults.points import Plan

# In the order in which they refer to each other.
_TABLES = (
    *("ledgers", "ledger_entries", "transfers", "postings", "audit_logs"),
    *("purses", "purse_directory", "refused_keys", "spends", "conflicts", "covers"),
    *("payer_copies", "refunds", "proofs", "deliveries", "uploads", "held_beacons"),
    *("revocations", "audit_checkpoints", "beacons"),
)
_RESET_BALANCES = """
    UPDATE accounts SET frozen = false, guarantee_minor = 0 WHERE frozen OR guarantee_minor > 0;
    UPDATE devices SET frozen = false WHERE frozen;
    UPDATE wallets SET balance_minor = k.balance_minor FROM kept.wallets AS k
        WHERE (wallets.account_id, wallets.wallet_id) = (k.account_id, k.wallet_id)
        AND wallets.balance_minor <> k.balance_minor;
    """
_SPENDS = """
    SELECT txn_hash, txn, verdict, status, payee_account, payee_device FROM spends
    UNION ALL
    SELECT txn_hash, txn, verdict, 'conflict', payee_account, payee_device FROM conflicts
    """


class Spend(NamedTuple):
    """What the bank made of a payment by tap."""

    txn_hash: bytes
    txn: bytes
    verdict: int
    status: str
    payee_account: str
    payee_device: bytes

    @property
    def minor(self) -> int:
        return parse_signed(TXN, self.txn).amount

    @property
    def req_hash(self) -> bytes:
        return parse_signed(TXN, self.txn).req_hash


@dataclass
class Clock:
    """The bank's: that of the world, and `later_s` when it is moved."""

    world_ms: Callable[[], int] = lambda: 0
    later_s: int = 0

    def __call__(self) -> int:
        return (START_MS + self.world_ms()) // 1000 + self.later_s


class Books:
    """The bank, and what its owner sees in the database."""

    def __init__(self, settings: Settings, app: Flask) -> None:
        self._app = app
        self._bank = app.extensions["bank"]
        self._owner = psycopg2.connect(settings.database_owner_url)
        self._owner.autocommit = True
        url, owner_url = settings.database_url or "", settings.database_owner_url or ""
        self._database = MortalDatabase(url, owner_url, lambda: None)
        self.clock = Clock()
        app.extensions["bank"] = replace(self._bank, database=self._database, clock=self.clock)
        self.watch(Events(Plan(-1)))

    def close(self) -> None:
        self._owner.close()
        self._database.close()

    def watch(self, events: Events, world_ms: Callable[[], int] = lambda: 0) -> None:
        """Whom statements, commits and answers are told to from now on, and what time it is."""
        self._database.events = events
        self.clock.world_ms, self.clock.later_s = world_ms, 0

    def client(self) -> BankClient:
        return _Direct(self._app, self._bank.operator_token)

    def tell(self, what: str, **members: Any) -> dict[str, Any]:
        """What an operator asks of the bank."""
        return self.client().post(f"/operator/{what}", json.dumps(members).encode())

    def keep(self) -> None:
        """The books as they stand now are those of every trial."""
        copies = [f"CREATE TABLE kept.{table} AS TABLE {table}" for table in _TABLES]
        copies.append("CREATE TABLE kept.wallets AS TABLE wallets")
        self._do("; ".join(["CREATE SCHEMA kept", *copies]))

    def as_kept(self) -> None:
        rows = [f"DELETE FROM {table}" for table in reversed(_TABLES)]  # noqa: S608
        rows += [f"INSERT INTO {table} SELECT * FROM kept.{table}" for table in _TABLES]  # noqa: S608
        self._do("; ".join(["BEGIN", *rows, _RESET_BALANCES, "COMMIT"]))

    def files(self) -> list[tuple[str, int]]:
        """(txn_id, amount_minor) of every payment in the JSON form that was settled."""
        return self._rows(
            "SELECT transfer_id::text, amount_minor FROM transfers WHERE kind = 'payment'"
        )

    def spends(self) -> list[Spend]:
        """Every payment by tap that the bank has judged."""
        return [
            Spend(bytes(hash_), bytes(txn), verdict, status, payee or "", bytes(device))
            for hash_, txn, verdict, status, payee, device in self._rows(_SPENDS)
        ]

    def entries(self) -> dict[bytes, int]:
        """How many entries of ledgers each payment by tap has, by its hash."""
        return {
            bytes(hash_): count
            for hash_, count in self._rows(
                "SELECT txn_hash, count(*) FROM ledger_entries WHERE form = 'opg1' GROUP BY 1"
            )
        }

    def refunds(self) -> list[int]:
        """Minor units of each refund."""
        return [minor for (minor,) in self._rows("SELECT amount_minor FROM refunds")]

    def purses(self, account: str) -> list[tuple[int, str]]:
        """(allowance_minor, state) of an account's purses."""
        where = f"WHERE payer_account = '{account}'"
        return self._rows(f"SELECT allowance_minor, state FROM purses {where}")  # noqa: S608

    def balances(self) -> dict[str, int]:
        """Minor units by account: in its wallets, reserves and bonds; the fraud fund is "fund"."""
        return dict(
            self._rows(
                "SELECT CASE WHEN account_id = 'bank' THEN wallet_id ELSE account_id END,"
                " sum(balance_minor)::bigint FROM pockets"
                " WHERE account_id <> 'bank' OR wallet_id = 'fund' GROUP BY 1"
            )
        )

    def violations(self) -> list[str]:
        with self._owner.cursor() as cursor:
            found = checks.check(cursor)
        return [f"{name}: {text}" for name, texts in found.items() for text in texts]

    def _do(self, statements: str) -> None:
        with self._owner.cursor() as cursor:
            cursor.execute(statements)

    def _rows(self, query: str) -> list[Any]:
        with self._owner.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()


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
        return Answer(answer.status_code, answer.mimetype or "", answer.data)


@contextmanager
def opened() -> Iterator[Books]:
    """A bank of the harness's own, gone when the block ends."""
    # Short enough for a socket, and where PostgreSQL's user may enter.
    home = Path(tempfile.mkdtemp(prefix="opg-faults-"))
    home.chmod(0o711)
    server = postgres.attach(home / "postgres")
    try:
        settings = config.load(
            {
                "OPG_HOME": str(home),
                "DATABASE_URL": server.url,
                "DATABASE_OWNER_URL": server.owner_url,
                "BANK_KEY_DIR": str(home / "keys"),
            }
        )
        _initialise(settings)
        books = Books(settings, create_app(settings))
        try:
            yield books
        finally:
            books.close()
    finally:
        server.release()
        postgres.remove(home / "postgres")
        shutil.rmtree(home)


def _initialise(settings: Settings) -> None:
    owner_url = settings.database_owner_url or ""
    database = db.Database(settings.database_url or "", owner_url, lambda: None)
    database.initialise()
    database.close()
    owner = psycopg2.connect(owner_url)
    owner.autocommit = True
    with owner.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {postgres.DATABASE} SET synchronous_commit = off")
    owner.close()
    bank_keys = keys.load(settings.key_dir)
    authority.ensure(settings.key_dir, settings.root_dir, bank_keys, START_MS // 1000)
