"""The bank and its PostgreSQL killed amid settlements: no money is lost, none moves twice.

Real processes, SIGKILL, the bridge with its outbox and its retries, real HTTP. Each seed chooses
a moment (see `mortal`) and is printed where it fails:

    BANK_KILLS=SEED[,SEED…]     pytest tests/bank/test_kills.py    replays these
    BANK_KILLS=FIRST-LAST       pytest tests/bank/test_kills.py    runs more of them
"""

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from click.testing import CliRunner
from flask import Flask

from bank import create_app, db, postgres
from bank.config import Settings
from bank.server import free_port
from firmware.common.wire.errors import BAD_SIGNATURE, NO_FUNDS, OK
from host_tools.bank_client import BankClient
from host_tools.bridge import Bridge
from host_tools.commands.bank import bank as opg_bank
from host_tools.outbox import Batch, Outbox
from tests import builder
from tests.bank import mortal
from tests.bank.mortal import BACKEND, BANK, POSTMASTER, Death
from tests.bank.teller import Teller
from tests.builder import Device, Ledger, transaction

SEEDS_OF_BANK = range(50)
SEEDS_OF_DATABASE = range(10)
WAIT_S = 30
DELAY_S_MAX = 0.002  # a statement takes about a millisecond

# What the bank is to say of the entries that each upload holds; anna has 100.00.
UPLOADS = (
    (("30", "SETTLED", OK), ("70.01", "UNGUARANTEED", NO_FUNDS)),
    (("50", "SETTLED", OK), ("forged", "REFUSED", BAD_SIGNATURE), ("0.1", "SETTLED", OK)),
    (("19.9", "SETTLED", OK), ("0.01", "UNGUARANTEED", NO_FUNDS)),
)


@dataclass
class House:
    """A bank that can be started and killed, and one that only opens accounts."""

    settings: Settings
    teller: Teller
    moments: int  # of one undisturbed trial
    data_dir: Path


@dataclass
class Trial:
    """Three ledgers in a bridge's outbox, and what is to come of them."""

    name: str
    receiver: Device
    outbox: Outbox
    batches: list[Batch]
    hashes: list[str]  # of each upload


def seeds(usual: range) -> list[int]:
    """Those to run: the usual ones, or what BANK_KILLS asks for."""
    asked = os.environ.get("BANK_KILLS", "")
    if "-" in asked:
        first, last = asked.split("-")
        return list(range(int(first), int(last) + 1))
    return [int(seed) for seed in asked.split(",")] if asked else list(usual)


@pytest.fixture(scope="module")
def house(app: Flask, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> House:
    return make_house(app, settings, tmp_path_factory.mktemp("undisturbed"), Path())


@pytest.fixture(scope="module")
def frail_house(state_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """On a PostgreSQL of its own, which is to be killed."""
    directory = state_dir / "frail"
    server = postgres.attach(directory)
    database = db.Database(server.url, server.owner_url, lambda: None)
    database.initialise()
    database.close()
    keys, root = state_dir / "frail-keys", state_dir / "frail-root"
    settings = Settings("127.0.0.1", 1, server.url, server.owner_url, directory, keys, root, None)
    app = create_app(settings)
    yield make_house(app, settings, tmp_path_factory.mktemp("undisturbed"), directory / "data")
    app.extensions["bank"].database.close()
    server.release()
    postgres.remove(directory)


@pytest.mark.parametrize("seed", seeds(SEEDS_OF_BANK))
def test_the_bank_killed_while_it_settles(house: House, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    death = Death(chance.randrange(house.moments), BANK, chance.uniform(0, DELAY_S_MAX))
    port = free_port()
    processes = [mortal.start(house.settings, port, death)]
    trial = make_trial(house, tmp_path, f"bank-{seed}")

    def wait(_: float) -> None:
        """Between two tries of the bridge the bank is started again."""
        processes[-1].join(WAIT_S)
        assert processes[-1].exitcode == -signal.SIGKILL
        check_books(house)
        processes.append(mortal.start(house.settings, port))

    try:
        carry(trial, port, wait)
        processes[0].join(WAIT_S)
        assert processes[0].exitcode == -signal.SIGKILL, f"{death} never came"
    finally:
        mortal.stop(processes[-1])
    check_outcome(house, trial)


@pytest.mark.parametrize("seed", seeds(SEEDS_OF_DATABASE))
def test_postgresql_killed_while_the_bank_settles(
    frail_house: House, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    moment = chance.randrange(frail_house.moments)
    victim = (BACKEND, POSTMASTER)[seed % 2]
    death = Death(moment, victim, chance.uniform(0, DELAY_S_MAX), frail_house.data_dir)
    port = free_port()
    trial = make_trial(frail_house, tmp_path, f"database-{seed}")
    before = started_at(frail_house)
    bank = mortal.start(frail_house.settings, port, death)
    try:
        carry(trial, port, lambda _: wait_for_database(frail_house))
        wait_for_database(frail_house)
        wait_for(lambda: started_at(frail_house) not in (None, before))
    finally:
        mortal.stop(bank)
    check_books(frail_house)
    check_outcome(frail_house, trial)


def make_house(app: Flask, settings: Settings, folder: Path, data_dir: Path) -> House:
    house = House(settings, Teller(app), 0, data_dir)
    port = free_port()
    bank = mortal.start(settings, port)
    try:
        trial = make_trial(house, folder, f"undisturbed-{settings.postgres_dir.name}")
        carry(trial, port, never)
        house.moments = BankClient(f"http://127.0.0.1:{port}").get("/moments")["count"]
    finally:
        mortal.stop(bank)
    check_outcome(house, trial)
    assert house.moments > 50
    return house


def make_trial(house: House, folder: Path, name: str) -> Trial:
    anna = house.teller.open(f"anna {name}", 100_00)
    bert = house.teller.open(f"bert {name}")
    ledger = Ledger()
    for upload in UPLOADS:
        for amount, _, reason in upload:
            payment = transaction(anna, bert.account, amount if reason != BAD_SIGNATURE else "1")
            if reason == BAD_SIGNATURE:
                payment["signature"] = builder.quote(builder.b64(b"\x5a" * 64))
            ledger.append(payment)
    trial = Trial(name, bert, Outbox(folder / "outbox"), [], [])
    first = 0
    for upload in UPLOADS:
        batch = Batch(bert.device_id, first, len(upload))
        entries = ledger.entries[first : first + len(upload)]
        text = builder.encrypted_ledger(entries, bert, house.teller.ecdh_jwk)
        trial.outbox.put(batch, "ledger", text.encode())
        trial.batches.append(batch)
        trial.hashes.append(builder.sha256(f"[{','.join(entries)}]".encode()).hex())
        first += len(upload)
    return trial


def carry(trial: Trial, port: int, wait: Callable[[float], None]) -> None:
    """The bridge's work between the two boards."""
    client = BankClient(f"http://127.0.0.1:{port}")
    Bridge(trial.outbox, client, lambda line: None, wait).upload()


def check_outcome(house: House, trial: Trial) -> None:
    """Every upload was answered as if nothing had happened, and moved its money once."""
    assert trial.outbox.waiting("ledger") == []
    assert trial.outbox.waiting("answer") == trial.batches
    signing_jwk = json.dumps(house.teller.public_keys["signing_key"])
    for batch, upload, ledger_hash in zip(trial.batches, UPLOADS, trial.hashes, strict=True):
        answer = json.loads(trial.outbox.read(batch, "answer"))
        found = [(row["verdict"], row["reason"]) for row in answer["verdicts"]]
        assert found == [(verdict, reason) for _, verdict, reason in upload]
        text = answer["receipt"]
        builder.check_signature(signing_jwk, answer["receipt_signature"], text.encode())
        assert json.loads(text)["ledger_hash"] == ledger_hash
    balances = [house.teller.balance(f"{who} {trial.name}") for who in ("anna", "bert")]
    assert balances == [0, 100_00]
    check_books(house)


def check_books(house: House) -> None:
    """`opg bank check`, as an operator runs it."""
    environment = {**house.settings.environment(), "OPG_HOME": str(house.settings.key_dir)}
    done = CliRunner().invoke(opg_bank, ["check", "--json"], env=environment)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["intact"] is True


def wait_for_database(house: House) -> None:
    """Its keeper starts it again, but not ten times within seconds: then we do, as anybody may."""
    postgres.attach(house.settings.postgres_dir).release()


def started_at(house: House) -> Any:
    """When the running PostgreSQL began to take connections, None while there is none.

    After a crash of one of its processes it begins anew as well.
    """
    try:
        connection = psycopg2.connect(house.settings.database_owner_url)
    except psycopg2.OperationalError:
        return None
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_postmaster_start_time(), checkpoint_time, redo_lsn"
                " FROM pg_control_checkpoint()"
            )
            return cursor.fetchone()
    except psycopg2.OperationalError:
        return None
    finally:
        connection.close()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def never(_: float) -> None:
    raise AssertionError("nothing disturbs it")
