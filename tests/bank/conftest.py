"""A real PostgreSQL for the session, empty books for every test, proved sound when it ends."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from flask import Flask
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import authority, config, create_app, db, keys, postgres
from bank.config import Settings
from tests.bank.opg1_teller import Board, Opg1Teller, Purse
from tests.bank.teller import Teller
from tests.bank.till import Till, shop
from tests.bank.watch import Watch

FUNDS_MINOR = 300_00  # of who pays

# Deleted row by row: TRUNCATE makes new files for every table, all of which are synced in the end.
EMPTIED = """
    postings transfers ledger_entries ledgers audit_logs enrolments enrolment_codes certificates
    purse_directory refused_keys refunds proofs payer_copies conflicts covers spends purses
    deliveries uploads held_beacons device_directory devices revocations audit_checkpoints beacons
    refusal_counts
    """
EMPTY_BOOKS = "".join(f"DELETE FROM {table};" for table in EMPTIED.split())  # noqa: S608
EMPTY_BOOKS += """
    DELETE FROM wallets WHERE kind = 'party';
    DELETE FROM accounts WHERE kind = 'party';
    UPDATE wallets SET balance_minor = 0 WHERE balance_minor <> 0;
    """


@pytest.fixture(scope="session")
def state_dir() -> Iterator[Path]:
    """Short enough for a socket, and outside root's home, which PostgreSQL's user cannot enter."""
    path = Path(tempfile.mkdtemp(prefix="opg-bank-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def settings(state_dir: Path) -> Iterator[Settings]:
    """Settings of a bank on a PostgreSQL of its own, which stands ready."""
    directory = state_dir / "postgres"
    server = postgres.attach(directory)
    database = db.Database(server.url, server.owner_url, lambda: None)
    database.initialise()
    database.close()
    settings = config.load(
        {
            "OPG_HOME": str(state_dir),
            "DATABASE_URL": server.url,
            "DATABASE_OWNER_URL": server.owner_url,
            "BANK_KEY_DIR": str(state_dir / "keys"),
        }
    )
    bank_keys = keys.load(settings.key_dir)
    authority.ensure(settings.key_dir, settings.root_dir, bank_keys, int(time.time()))
    yield settings
    server.release()
    postgres.remove(directory)


@pytest.fixture(scope="session")
def app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    watch = Watch(app, settings)
    app.extensions["watch"] = watch
    with watch:
        yield app
    app.extensions["bank"].database.close()


@pytest.fixture
def owner(settings: Settings) -> Iterator[Cursor]:
    """A cursor of the schema's owner, who may do everything; each statement is its own."""
    connection = psycopg2.connect(settings.database_owner_url)
    connection.autocommit = True
    with closing(connection), connection.cursor() as cursor:
        yield cursor


@pytest.fixture
def teller(app: Flask, owner: Cursor) -> Iterator[Teller]:
    """A bank with empty books; what a test did to them is proved sound when it ends."""
    owner.execute(EMPTY_BOOKS)
    teller = Teller(app)
    yield teller
    assert teller.violations() == {}
    assert app.extensions["watch"].take() == []


@pytest.fixture
def opg1(app: Flask, owner: Cursor) -> Iterator[Opg1Teller]:
    """The same for boards of OPG1; the bank's clock is the test's."""
    owner.execute(EMPTY_BOOKS)
    bank = app.extensions["bank"]
    teller = Opg1Teller(app)
    yield teller
    app.extensions["bank"] = bank
    assert teller.violations() == {}
    assert app.extensions["watch"].take() == []


@pytest.fixture
def anna(opg1: Opg1Teller) -> Board:
    """Who pays."""
    return opg1.board("anna", FUNDS_MINOR)


@pytest.fixture
def bert(opg1: Opg1Teller) -> Board:
    """Who is paid."""
    return opg1.board("bert")


@pytest.fixture
def purse(opg1: Opg1Teller, anna: Board) -> Purse:
    """Anna's: 100.00."""
    return opg1.top_up(anna)


@pytest.fixture
def till(opg1: Opg1Teller) -> Till:
    """Bert's, with today's news."""
    return shop(opg1, "bert")
