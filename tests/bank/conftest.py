"""A real PostgreSQL for the session, a fresh database a test, and its books proved afterwards."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import make_dsn

from bank import config, create_app, db, postgres
from bank.config import Settings
from tests.bank.teller import Teller

TEMPLATE = postgres.DATABASE


@pytest.fixture(scope="session")
def state_dir() -> Iterator[Path]:
    """Short enough for a socket, and outside root's home, which PostgreSQL's user cannot enter."""
    path = Path(tempfile.mkdtemp(prefix="opg-bank-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def cluster(state_dir: Path) -> Iterator[postgres.Server]:
    """A server whose template database has the schema."""
    directory = state_dir / "postgres"
    server = postgres.attach(directory)
    template = db.Database(server.url, server.owner_url, lambda: None)
    template.initialise()
    template.close()
    yield server
    server.release()
    postgres.remove(directory)


@pytest.fixture(scope="session")
def base_settings(state_dir: Path) -> Settings:
    return config.load({"OPG_HOME": str(state_dir), "BANK_KEY_DIR": str(state_dir / "keys")})


@pytest.fixture
def settings(cluster: postgres.Server, base_settings: Settings) -> Iterator[Settings]:
    """Settings of a bank with empty books."""
    with fresh_database(cluster, "books") as database:
        yield replace(
            base_settings,
            database_url=make_dsn(cluster.url, dbname=database),
            database_owner_url=make_dsn(cluster.owner_url, dbname=database),
        )


@pytest.fixture
def teller(settings: Settings) -> Iterator[Teller]:
    """A bank with empty books; what a test did to them is proved sound when it ends."""
    teller = Teller(create_app(settings))
    yield teller
    violations = teller.violations()
    teller.bank.database.close()
    assert violations == {}


@contextmanager
def fresh_database(cluster: postgres.Server, name: str) -> Iterator[str]:
    """A copy of the template for as long as the block lasts."""
    connection = psycopg2.connect(make_dsn(cluster.owner_url, dbname="postgres"))
    connection.autocommit = True
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        yield name
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
