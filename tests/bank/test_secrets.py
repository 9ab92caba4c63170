"""Nothing the bank says or logs holds a secret; nothing it logs or prints can steer a terminal.

Every answer and log record of all these tests is read (see `watch`); here is what else it prints,
and the proof that the reader finds what there is to find.
"""

import http.client
import logging
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask, Response, jsonify
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from bank import create_app, server
from bank.config import Settings
from host_tools.commands.bank import bank as opg_bank
from tests.bank.teller import Teller
from tests.bank.watch import Watch, spellings
from tests.builder import Ledger, transaction

STEERS = "\x1b[31m\x07\x9b2J\x7f"  # colours, rings, clears


@pytest.fixture
def watch(app: Flask) -> Watch:
    return app.extensions["watch"]


def test_the_watch_finds_every_spelling(settings: Settings) -> None:
    """Answers, records and tracebacks that do hold a secret."""
    app = create_app(settings)
    watch = Watch(app, settings)
    bank = app.extensions["bank"]
    texts = [text for texts in spellings(bank, settings).values() for text in texts]
    assert len(texts) >= 15

    @app.get("/leak/<int:number>")
    def leak(number: int) -> Response:
        return jsonify(secret=texts[number].decode("latin-1"))

    @app.get("/header")
    def header() -> Response:
        response = jsonify()
        response.headers["X-Token"] = bank.operator_token
        return response

    client = app.test_client()
    for number, text in enumerate(texts):
        client.get(f"/leak/{number}")
        assert watch.take() or not text.isascii() or b"\\" in text, text
    client.get("/header")
    assert watch.take() == ["the operator's token in an answer with 200"]
    logger = logging.Logger("a leaky one")  # of its own, so that nobody else hears of it
    logger.addHandler(watch)
    logger.error("%s", bank.operator_token)
    logger.error("a line\x1b[2J")
    try:
        raise ValueError(bank.keys.signing_private)
    except ValueError:
        logger.exception("failed")
    token, line, key = watch.take()
    assert token == "the operator's token in a log record"
    assert line.startswith("control characters in a log record")
    assert key == "the signing key in a traceback"
    bank.database.close()


def test_what_holds_secrets_does_not_show_them(app: Flask, settings: Settings) -> None:
    bank = app.extensions["bank"]
    shown = "".join(map(repr, (bank, bank.keys, bank.database, settings, app.extensions)))
    for texts in spellings(bank, settings).values():
        assert not any(text.decode("latin-1") in shown for text in texts)


def test_a_failure_inside_says_nothing_of_it(
    teller: Teller, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the code itself is wrong the answer is 500, the traceback goes to the log alone."""

    def fail(*_: object) -> None:
        raise RuntimeError("what went wrong inside")

    monkeypatch.setattr("bank.settle.settle", fail)
    anna, bert = teller.open("anna", 1_00), teller.open("bert")
    response = teller.upload(bert, Ledger().append(transaction(anna, "bert")).entries)
    assert response.status_code == 500
    assert "inside" not in response.get_data(as_text=True)
    assert "Traceback" not in response.get_data(as_text=True)


def test_what_the_servers_log_holds(
    teller: Teller, watch: Watch, settings: Settings, tmp_path: Path
) -> None:
    """Two workers, requests that would like to be logged, and none of it steers a terminal."""
    port, log = server.free_port(), tmp_path / "log"
    with server.running(replace(settings, port=port), 2, log):
        for path in ("/settle-ledger", "/%1b%5b2J", "/bank-logs?limit=%0a", "/operator/fund"):
            for token in ("wrong", teller.bank.operator_token):
                with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as client:
                    headers = {"Authorization": f"Bearer {token}", "User-Agent": "\x1b[2J\x07"}
                    headers["Content-Type"] = "application/json"
                    client.request("POST", path, STEERS.encode(), headers)
                    watch.read("an answer of the server", client.getresponse().read())
    for path in (log, *settings.key_dir.parent.glob("postgres/*.log")):
        watch.read(path.name, path.read_bytes())
    assert not set(log.read_bytes()) & (set(range(0x20)) - {10})
    assert watch.take() == []


def test_what_the_command_prints(
    teller: Teller, watch: Watch, settings: Settings, owner: Cursor
) -> None:
    """Even where somebody wrote into the tables by hand."""
    teller.open("anna", 1_00)
    owner.execute("UPDATE accounts SET name = %s WHERE account_id = 'anna'", (STEERS,))
    owner.execute("UPDATE audit_logs SET subject = %s WHERE action = 'enrol'", (STEERS,))
    environment = {**settings.environment(), "OPG_HOME": str(settings.key_dir)}
    for arguments in (
        ("account", "list"),
        ("logs",),
        ("check",),
        ("init-db",),
        ("logs", "--json"),
        ("account", "list", "--json"),
        ("freeze", "anna", "--device", STEERS),
        ("account", "open", STEERS),
        ("fund", "anna", STEERS),
        ("fund", STEERS, "1"),
    ):
        done = CliRunner().invoke(opg_bank, arguments, env=environment)
        watch.read(f"opg bank {arguments[0]}", done.output.encode())
        assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in done.output if c != "\n")
    assert watch.take() == []


def test_the_commands_own_failures(settings: Settings, watch: Watch, tmp_path: Path) -> None:
    """A password in a URL that cannot be used is not repeated to whoever looks on."""
    secret = "s3cret-pa55word"
    for url in (f"postgresql://opg:{secret}@/opg?host={tmp_path}", f"postgresql://opg:{secret}@:x"):
        environment = {**os.environ, **settings.environment(), "DATABASE_URL": url}
        environment["DATABASE_OWNER_URL"] = url
        for command in ("check", "init-db"):
            done = subprocess.run(
                [sys.executable, "-c", "from host_tools.cli import main; main()", "bank", command],
                capture_output=True,
                text=True,
                env=environment,
                timeout=60,
            )
            assert done.returncode in (2, 4)
            assert secret not in done.stdout + done.stderr
            assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["a\x1b[2J", "a\x9b2J", "a\x7f", "a\nb", "\x00", "a\x85b"])
def test_names_and_ids_hold_no_control_characters(teller: Teller, name: str) -> None:
    teller.open("anna")
    assert teller.operate("accounts", account_id="bert", name=name).status_code == 400
    assert teller.operate("accounts", account_id=name, name="Bert").status_code == 400
    assert teller.operate("wallets", account_id="anna", wallet_id=name).status_code == 400
