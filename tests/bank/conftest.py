"""A real PostgreSQL for the session, empty books for every test, proved sound when it ends."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from flask import Flask
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import config, create_app, db, postgres
from bank.config import Settings
from tests.bank.teller import Teller
from tests.bank.watch import Watch

EMPTY_BOOKS = """
    TRUNCATE postings, transfers, ledger_entries, ledgers, device_directory, devices, audit_logs,
        refusal_counts;
    DELETE FROM wallets WHERE kind = 'party';
    DELETE FROM accounts WHERE kind = 'party';
    UPDATE wallets SET balance_minor = 0;
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
    yield config.load(
        {
            "OPG_HOME": str(state_dir),
            "DATABASE_URL": server.url,
            "DATABASE_OWNER_URL": server.owner_url,
            "BANK_KEY_DIR": str(state_dir / "keys"),
        }
    )
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
