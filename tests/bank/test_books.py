"""The books themselves: PostgreSQL refuses what must not be, and `check` finds what is."""

from collections.abc import Iterator

import psycopg2
import pytest
from psycopg2 import errors, sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import db
from bank.config import Settings
from bank.db import CONNECTION_OPTIONS
from bank.queries import purse_checks
from bank.queries.checks import INVARIANTS
from firmware.common.wire.errors import UNAVAILABLE, Refused
from tests.bank.conftest import EMPTY_BOOKS
from tests.bank.teller import Teller
from tests.builder import transaction

HISTORY = ("postings", "transfers", "audit_logs")
TABLES = (*HISTORY, "accounts", "wallets", "devices", "device_directory", "ledgers")


@pytest.fixture
def as_bank(settings: Settings) -> Iterator[Connection]:
    """A connection like those the bank works with."""
    connection = psycopg2.connect(settings.database_url, options=CONNECTION_OPTIONS)
    yield connection
    connection.close()


@pytest.fixture
def books(teller: Teller) -> Teller:
    """Books in which money has moved."""
    anna, bert = teller.open("anna", 100_00), teller.open("bert")
    payment = transaction(anna, "bert")
    teller.settle(bert, payment, payment, transaction(anna, "bert", "500"))
    return teller


@pytest.mark.parametrize("table", HISTORY)
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET payer_account = ''", "DELETE FROM {}", "TRUNCATE {}"]
)
def test_history_is_append_only(
    books: Teller, as_bank: Connection, table: str, statement: str
) -> None:
    if table == "audit_logs":
        statement = statement.replace("payer_account", "actor")
    with pytest.raises(errors.InsufficientPrivilege), as_bank.cursor() as cursor:
        cursor.execute(statement.format(table))


@pytest.mark.parametrize("table", [*TABLES, "ledger_entries", "schema_version"])
def test_the_bank_deletes_nothing(books: Teller, as_bank: Connection, table: str) -> None:
    statement = sql.SQL("DELETE FROM {}").format(sql.Identifier(table))
    with pytest.raises(errors.InsufficientPrivilege), as_bank.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET entry_hash = sha256('x')",
        "UPDATE ledger_entries SET txn_hash = sha256('x')",
        "UPDATE devices SET signing_key = ecdh_key",
        "UPDATE accounts SET kind = 'system'",
        "UPDATE wallets SET kind = 'system'",
        "UPDATE device_directory SET account_id = 'anna'",
    ],
)
def test_what_never_changes_cannot_be_changed(
    books: Teller, as_bank: Connection, statement: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege), as_bank.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("version", [db.SCHEMA_VERSION - 1, db.SCHEMA_VERSION + 1])
def test_books_of_another_schema_are_named_and_left_alone(
    books: Teller, settings: Settings, owner: Cursor, version: int
) -> None:
    """Of a version that was never released, or of one to come: nobody works on them by mistake."""
    before = books.balance("anna")
    owner.execute("UPDATE schema_version SET version = %s", (version,))
    try:
        database = db.open_database(settings)
        assert database.initialise() is False  # what is there stays
        with pytest.raises(Refused) as refused:
            database.run(db.check_version)
        database.close()
        answer = books.client.get("/healthz")
    finally:
        owner.execute("UPDATE schema_version SET version = %s", (db.SCHEMA_VERSION,))
    assert (answer.status_code, answer.get_json()["reason"]) == (503, UNAVAILABLE)
    what_to_do = "opg bank init-db" if version < db.SCHEMA_VERSION else "install that version"
    assert what_to_do in refused.value.detail
    assert what_to_do in answer.get_json()["message"]
    assert books.client.get("/healthz").status_code == 200
    assert books.balance("anna") == before


def test_the_schema_says_which_one_it_is(owner: Cursor) -> None:
    owner.execute("SELECT max(version), count(*) FROM schema_version")
    assert owner.fetchone() == (db.SCHEMA_VERSION, 1)


def test_the_bank_cannot_change_the_structure(as_bank: Connection) -> None:
    with pytest.raises(errors.InsufficientPrivilege), as_bank.cursor() as cursor:
        cursor.execute("CREATE TABLE loot (amount bigint)")


def test_a_partys_balance_cannot_go_below_zero(books: Teller, as_bank: Connection) -> None:
    with pytest.raises(errors.CheckViolation) as refused, as_bank.cursor() as cursor:
        cursor.execute("UPDATE wallets SET balance_minor = -1 WHERE account_id = 'anna'")
    assert refused.value.diag.constraint_name == "wallets_balance_not_negative"


def test_a_payment_cannot_be_entered_twice(books: Teller, as_bank: Connection) -> None:
    with pytest.raises(errors.UniqueViolation) as refused, as_bank.cursor() as cursor:
        cursor.execute("INSERT INTO transfers SELECT * FROM transfers WHERE kind = 'payment'")
    assert refused.value.diag.constraint_name == "transfers_pkey"


def test_every_key_holds_its_account_first(owner: Cursor) -> None:
    """Keys that lead with the account; the directory that finds the account is the exception."""
    owner.execute(
        """
        SELECT conrelid::regclass::text, a.attname
        FROM pg_constraint JOIN pg_attribute AS a ON attrelid = conrelid AND attnum = conkey[1]
        WHERE contype IN ('p', 'u') AND connamespace = 'public'::regnamespace
        """
    )
    first = set(owner.fetchall())
    first -= {("device_directory", "device_id"), ("schema_version", "version")}
    first -= {("purse_directory", "purse_id"), ("purse_directory", "pub")}
    first -= {(news, "seq") for news in ("revocations", "audit_checkpoints", "beacons")}
    first -= {("revocations", "id8")}
    first -= {("refusal_counts", "day")}  # of ledgers that concern no account
    assert {column for _, column in first} == {"account_id", "payer_account"}
    assert {table for table, _ in first} >= {*HISTORY, "accounts", "wallets", "ledger_entries"}


BREAKS = {
    "every balance is the sum of its postings": [
        "UPDATE wallets SET balance_minor = balance_minor + 1 WHERE account_id = 'bert'"
    ],
    "every transfer's postings are of its amount and add up to zero": [
        "DELETE FROM postings WHERE account_id = 'bert'",
        "UPDATE postings SET amount_minor = amount_minor - 1 WHERE account_id = 'anna'",
        "DELETE FROM transfers WHERE kind = 'funding'",
        "UPDATE transfers SET amount_minor = amount_minor + 1 WHERE kind = 'payment'",
    ],
    "no balance but that of what was issued is below zero": [
        "ALTER TABLE wallets DROP CONSTRAINT wallets_balance_not_negative;"
        "UPDATE wallets SET balance_minor = -1 WHERE account_id = 'anna'"
    ],
    "all balances, reserves and bonds together are zero": ["UPDATE wallets SET balance_minor = 1"],
    "every settled entry has its one payment, and every payment its entry": [
        "DELETE FROM transfers WHERE kind = 'payment'",
        "UPDATE ledger_entries SET verdict = 0 WHERE verdict = 9",
        "UPDATE ledger_entries SET verdict = 9 WHERE verdict = 0",
        "UPDATE transfers SET txn_hash = sha256('x') WHERE kind = 'payment'",
    ],
    "no entry is settled by two payments": [
        "INSERT INTO transfers SELECT payer_account, gen_random_uuid(), kind, payee_account,"
        " amount_minor, txn_hash, device_id, generation, ledger_index, made_at"
        " FROM transfers WHERE kind = 'payment'"
    ],
    "every duplicate names a payment that was made": [
        "UPDATE ledger_entries SET verdict = 1 WHERE verdict = 9"
    ],
    "every ledger is known without a gap up to its head": [
        "DELETE FROM ledger_entries WHERE ledger_index = 1",
        "UPDATE ledgers SET head = sha256('x') WHERE last_index >= 0",
        "UPDATE ledgers SET last_index = last_index - 1 WHERE last_index >= 0",
    ],
    "every entry's hash links it to the one before": [
        "UPDATE ledger_entries SET txn_hash = sha256('x') WHERE ledger_index = 2"
    ],
    "every device is in the directory under its account": [
        "DELETE FROM device_directory WHERE account_id = 'anna'"
    ],
    "every settled payment is in the audit log": ["DELETE FROM audit_logs"],
}


@pytest.mark.parametrize(
    ("name", "statement"), [(name, text) for name, texts in BREAKS.items() for text in texts]
)
def test_check_finds_what_is_broken(
    books: Teller, settings: Settings, name: str, statement: str
) -> None:
    owner = psycopg2.connect(settings.database_owner_url)
    with owner.cursor() as cursor:  # never committed
        cursor.execute(statement)
        cursor.execute(INVARIANTS[name])
        assert cursor.fetchall()
    owner.rollback()
    owner.close()


def test_every_invariant_is_broken_once_above() -> None:
    """Those of purses are in test_purse_books."""
    assert set(BREAKS) == set(INVARIANTS) - set(purse_checks.INVARIANTS)


def test_check_of_empty_books_holds(teller: Teller, owner: Cursor) -> None:
    owner.execute(EMPTY_BOOKS)
    assert teller.violations() == {}
