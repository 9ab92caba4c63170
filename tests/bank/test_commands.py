"""`opg bank`: what an operator types, on a database of the test's own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank.config import Settings
from bank.server import free_port, wait_healthy
from tests import builder
from tests.bank.teller import Teller
from tests.builder import Device, Ledger, transaction

Opg = Callable[..., "subprocess.CompletedProcess[str]"]
OPG = (sys.executable, "-c", "from host_tools.cli import main; main()")


@pytest.fixture
def environment(settings: Settings, teller: Teller, state_dir: Path) -> dict[str, str]:
    return {**os.environ, **settings.environment(), "OPG_HOME": str(state_dir)}


@pytest.fixture
def opg(environment: dict[str, str], tmp_path: Path) -> Opg:
    """Runs `opg bank …` where no .env lies about."""

    def run(
        *arguments: str, stdin: str = "", **settings: str
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*OPG, "bank", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**environment, **settings},
            timeout=60,
        )

    return run


def test_an_operators_day(opg: Opg, teller: Teller) -> None:
    anna, bert = Device("änna"), Device("bert")
    for device in (anna, bert):
        assert run_json(opg, "account", "open", device.account)["result"] == "created"
        keys = {"signing_key": builder.jwk(device.signing), "ecdh_key": builder.jwk(device.ecdh)}
        done = opg("enrol", device.account, "-", "--json", stdin=builder.text(keys))
        assert json.loads(done.stdout)["device_id"] == device.device_id
    run_json(opg, "fund", "änna", "12.50")
    teller.settle(bert, transaction(anna, "bert", "2.5"))
    rows = {row["account_id"]: row for row in run_json(opg, "account", "list")["accounts"]}
    assert (rows["änna"]["balance"], rows["bert"]["balance"]) == ("10.00", "2.50")
    assert rows["bank"]["balance"] == "-12.50"
    assert run_json(opg, "logs", "--limit", "1")["logs"][0]["action"] == "settled"
    assert "änna" in opg("account", "list").stdout


def test_wallet_and_freeze(opg: Opg, teller: Teller) -> None:
    anna = teller.open("anna", 1_00)
    assert run_json(opg, "account", "wallet", "anna", "trip")["result"] == "created"
    run_json(opg, "fund", "anna", "3", "--wallet", "trip")
    assert teller.balance("anna", "trip") == 3_00
    run_json(opg, "freeze", "anna", "--device", anna.device_id)
    entries = Ledger().append(transaction(Device("x"), "anna")).entries
    assert teller.upload(anna, entries).status_code == 403
    run_json(opg, "unfreeze", "anna", "--device", anna.device_id)
    assert teller.upload(anna, entries).status_code == 200


def test_check_names_every_invariant_and_fails_if_one_is_broken(
    opg: Opg, teller: Teller, owner: Cursor
) -> None:
    teller.open("anna", 1_00)
    assert run_json(opg, "check")["intact"] is True
    owner.execute("UPDATE wallets SET balance_minor = 2 WHERE account_id = 'anna'")
    broken = opg("check")
    owner.execute("UPDATE wallets SET balance_minor = 100 WHERE account_id = 'anna'")
    assert broken.returncode == 3
    assert "broken  every balance is the sum of its postings" in broken.stdout
    assert "anna/: balance 2, postings 100" in broken.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("fund", "nobody", "1"), 3, "[reason 31]"),
        (("fund", "nobody", "1"), 3, "opg bank account open"),
        (("fund", "anna", "1e3"), 3, "[reason 1]"),
        (("fund", "anna", "0.001"), 3, "[reason 1]"),
        (("freeze", "anna", "--device", "xyz"), 3, "[reason 1]"),
        (("freeze", "\udcff"), 2, "UTF-8"),
        (("account", "open", "a\nb"), 3, "[reason 1]"),
        (("account", "list", "--limit", "0"), 2, "--limit"),
        (("run", "--workers", "0"), 2, "--workers"),
        (("enrol", "anna", "/nonexistent"), 2, "/nonexistent"),
    ],
)
def test_refusals_end_with_their_code(
    opg: Opg, teller: Teller, arguments: tuple[str, ...], code: int, words: str
) -> None:
    teller.open("anna")
    done = opg(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_cannot_be_reached_is_named(opg: Opg, tmp_path: Path) -> None:
    nowhere = f"postgresql://opg@/opg?host={tmp_path}"
    for arguments in (("check",), ("init-db",), ("run",)):
        done = opg(*arguments, DATABASE_URL=nowhere, DATABASE_OWNER_URL=nowhere)
        assert (done.returncode, done.stdout) == (4, "")
        assert "[reason 33]" in done.stderr


def test_a_wrong_setting_is_named(opg: Opg) -> None:
    done = opg("check", PORT="0")
    assert (done.returncode, "PORT" in done.stderr) == (2, True)


def test_settings_may_stand_in_a_file_and_the_environment_comes_first(
    opg: Opg, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PORT=none\n")
    assert opg("check").returncode == 0
    del environment["PORT"]
    assert opg("check").returncode == 2


def test_init_db_again_changes_nothing(opg: Opg, teller: Teller) -> None:
    teller.open("anna", 1_00)
    assert "PostgreSQL" in run_json(opg, "init-db")["database"]
    assert teller.balance("anna") == 1_00


def test_without_a_database_url_it_starts_its_own(opg: Opg, state_dir: Path) -> None:
    own = {"DATABASE_URL": "", "DATABASE_OWNER_URL": "", "POSTGRES_DIR": str(state_dir / "cli")}
    done = opg("account", "list", "--json", **own)
    assert [row["account_id"] for row in json.loads(done.stdout)["accounts"]] == ["bank"]
    deadline = time.monotonic() + 30
    while (state_dir / "cli" / "data" / "postmaster.pid").exists():
        assert time.monotonic() < deadline, "it does not stop"
        time.sleep(0.05)


def test_run_serves_until_it_is_interrupted(environment: dict[str, str], tmp_path: Path) -> None:
    port = free_port()
    bank = subprocess.Popen(
        [*OPG, "bank", "run"],
        env={**environment, "PORT": str(port)},
        cwd=tmp_path,
        stderr=subprocess.PIPE,
    )
    try:
        assert bank.stderr and f"127.0.0.1:{port}".encode() in bank.stderr.readline()
        wait_healthy(bank, f"http://127.0.0.1:{port}")
        bank.send_signal(signal.SIGINT)
        assert bank.wait(30) == 0
        assert b"Traceback" not in bank.stderr.read()
        bank.stderr.close()
    finally:
        bank.kill()
        bank.wait()


def run_json(opg: Opg, *arguments: str) -> Any:
    done = opg(*arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)
