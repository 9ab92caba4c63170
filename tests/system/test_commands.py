"""The commands as people type them: what they print, how they end, what advice they give."""

import json
import os
import re
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from bank import server
from firmware.common.wire.errors import (
    CANNOT_OPEN,
    DECLINED,
    KEY_MISSING,
    MALFORMED,
    NOT_ENROLLED,
    OVER_LIMIT,
    REQUEST_UNKNOWN,
    TOO_LARGE,
    UNKNOWN_PAYEE,
)
from firmware.common.wire.limits import ENVELOPE_BYTES_MAX
from host_tools.cli import main
from host_tools.errors import NOT_REACHABLE, REFUSED, WRONG_USAGE
from tests.system.office import Office

OPG = Path(sysconfig.get_path("scripts")) / "opg"
TIMEOUT_S = 60


class Desk:
    """A computer with two virtual boards: bert's pays, anna's is paid."""

    def __init__(self, home: Path, office: Office) -> None:
        self.home, self.office = home, office
        self.bert, self.anna = office.new_name("bert"), office.new_name("anna")

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(OPG), *arguments],
            cwd=self.home,
            env={**os.environ, "OPG_HOME": str(self.home), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    def opg(self, *arguments: str) -> str:
        """What a command that must succeed printed."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *arguments: str) -> dict[str, Any]:
        """The one object that a command prints, and nothing else."""
        told = self.opg(*arguments, "--json")
        assert told.count("\n") == 1
        found = json.loads(told)
        assert isinstance(found, dict)
        return found

    def fails(self, *arguments: str) -> tuple[int, int, str]:
        """Exit code, reason (0 where there is none) and the line it ends with."""
        done = self.run(*arguments)
        assert "Traceback" not in done.stderr
        last = done.stderr.splitlines()[-1]
        assert last.startswith("Error: ")
        reason = re.search(r" \[reason (\d+)\]$", last)
        return done.returncode, int(reason[1]) if reason else 0, last

    def write(self, name: str, text: str | bytes) -> str:
        (self.home / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return name

    def put_news_away(self, port: str) -> None:
        """As its user does with OK, payment by payment."""
        while self.json("status", port)["title"] == "RECEIVED":
            self.opg("press", port, "ok")

    def enrol(self, port: str, account: str) -> dict[str, Any]:
        self.office.open(account, "100.00" if port == "bert" else "")
        options = ["--account", account, "--bank", self.office.url, "--token", self.office.token]
        return self.json("enrol", port, *options, "--yes")


@pytest.fixture(scope="module")
def desk(office: Office) -> Iterator[Desk]:
    with tempfile.TemporaryDirectory(prefix="opg-desk-") as folder:
        desk = Desk(Path(folder), office)
        try:
            desk.opg("board", "start", "bert", "anna")
            for port, role in (("bert", "sender"), ("anna", "receiver")):
                assert desk.json("flash", port, "--role", role)["role"] == role
            assert desk.enrol("bert", desk.bert) == {"account": desk.bert, "enrolled": True}
            assert desk.enrol("anna", desk.anna)["enrolled"]
            desk.write("anna.jwk", desk.opg("key", "anna"))
            desk.opg("import", "bert", "anna.jwk", "--account", desk.anna)
            yield desk
        finally:
            desk.opg("board", "stop", "--all")


@pytest.fixture(scope="module")
def bad_files(desk: Desk) -> None:
    desk.write("text.txt", "not JSON")
    desk.write("binary", bytes(range(256)))
    desk.write("deep.json", "[" * 4_000)
    desk.write("huge.json", json.dumps({"x": "y" * ENVELOPE_BYTES_MAX}))
    desk.write("empty.json", "{}")
    desk.write("bad.jwk", '{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}')


# -- what works ----------------------------------------------------------------------------------


def test_who_is_who(desk: Desk) -> None:
    status = desk.json("status", "bert")
    assert (status["role"], status["account"]) == ("sender", desk.bert)
    assert re.search(r"^role +receiver$", desk.opg("status", "anna"), re.MULTILINE)
    done = desk.run("key", "anna")
    assert json.loads(done.stdout)["kty"] == "EC"
    assert f"fingerprint {desk.json('status', 'anna')['fingerprint']}\n" == done.stderr
    assert f"ENROLLED {desk.bert}" in desk.opg("log", "bert")


def test_the_way_of_a_payment_by_file(desk: Desk) -> None:
    made = desk.json("pay", "bert", "4.50", "--to", desk.anna, "--file", "--yes")
    assert made["outcome"] == "NOT CONFIRMED YET"
    assert desk.opg("export", "bert", "payment.json") == ""
    assert desk.opg("export", "bert", "-", "--id", made["id"]).strip() == (
        (desk.home / "payment.json").read_text()
    )
    entered = desk.json("import", "anna", "payment.json")
    assert (entered["new"], entered["amount"], entered["from"]) == (True, 4_50, desk.bert)
    again = desk.json("import", "anna", "payment.json")
    assert again == {**entered, "new": False}
    assert re.search(r"^amount +4\.50$", desk.opg("import", "anna", "payment.json"), re.MULTILINE)
    assert "why" not in desk.opg("status", "anna")
    desk.write("proof.json", json.dumps(entered))
    assert desk.json("import", "bert", "proof.json") == {"confirmed": made["id"]}
    assert [row["state"] for row in desk.json("ledger", "bert")["payments"]] == ["delivered"]
    (entry,) = desk.json("ledger", "anna")["entries"]
    assert (entry["id"], entry["state"]) == (made["id"], "unsettled")

    desk.opg("export", "anna", "ledger.json")
    assert set(json.loads((desk.home / "ledger.json").read_text())) == {
        "encrypted_payload",
        "encrypted_aes_key",
        "iv",
        "receiver_public_key",
    }
    bank = ["--bank", desk.office.url]
    report = desk.json("bridge", "anna", *bank)
    assert report == {"collected": 1, "uploaded": 1, "applied": 1, "refused": 0, "refusals": []}
    assert desk.opg("bridge", "anna", *bank) == "collected 0, uploaded 0, applied 0, refused 0\n"
    table = desk.opg("ledger", "anna")
    for shown in (made["id"], desk.bert, "4.50", "settled", "1 entries"):
        assert shown in table
    assert desk.office.balance(desk.anna) == 4_50


def test_by_wire(desk: Desk) -> None:
    wire = subprocess.Popen(
        [str(OPG), "wire", "bert", "anna"],
        env={**os.environ, "OPG_HOME": str(desk.home)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert wire.stdout
    try:
        assert "joined" in wire.stdout.readline()
        paid = desk.run("pay", "bert", "0.10", "--to", desk.anna, "--yes")
        assert paid.returncode == 0, paid.stderr
        assert re.search(r"^outcome +PAID$", paid.stdout, re.MULTILINE)
        assert desk.json("status", "anna")["title"] == "RECEIVED"
        assert "█" in desk.opg("screen", "anna")
        desk.opg("screen", "anna", "--png", "received.png")
        assert (desk.home / "received.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        desk.opg("press", "anna", "ok")
    finally:
        wire.terminate()
        wire.communicate(timeout=10)


def test_nobody_at_the_other_end(desk: Desk) -> None:
    code, _, said = desk.fails("pay", "bert", "1", "--to", desk.anna, "--yes")
    assert code == REFUSED
    assert "not confirmed yet" in said
    assert "--again" in said
    code, _, said = desk.fails("pay", "bert", "--again")
    assert (code, "--again" in said) == (REFUSED, True)
    desk.opg("export", "bert", "late.json")
    desk.write("late-proof.json", desk.opg("import", "anna", "late.json", "--json"))
    desk.opg("import", "bert", "late-proof.json")
    code, reason, _ = desk.fails("pay", "bert", "--again")
    assert (code, reason) == (REFUSED, REQUEST_UNKNOWN)


def test_a_key_regenerated_after_it_was_shared(desk: Desk) -> None:
    """The message tells the three steps; they mend it."""
    desk.opg("pay", "bert", "2", "--to", desk.anna, "--file", "--yes")
    desk.opg("export", "bert", "lost.json")
    desk.put_news_away("anna")
    desk.write("anna.jwk", desk.opg("key", "anna", "--regenerate", "--yes"))
    code, reason, said = desk.fails("import", "anna", "lost.json")
    assert (code, reason) == (REFUSED, CANNOT_OPEN)
    steps = re.findall(r"(\d)\. (\w+):", said)
    assert steps == [("1", "Payee"), ("2", "Payer"), ("3", "Payer")]
    assert desk.json("import", "bert", "anna.jwk", "--account", desk.anna) == {"replaced": True}
    desk.opg("pay", "bert", "2", "--to", desk.anna, "--file", "--yes")
    desk.opg("export", "bert", "mended.json")
    assert desk.json("import", "anna", "mended.json")["new"]


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "exit_code", "reason"),
    [
        (("status", "nobody"), NOT_REACHABLE, 0),
        (("status", "/dev/null"), NOT_REACHABLE, 0),
        (("status", "/dev/no-such-port"), NOT_REACHABLE, 0),
        (("log", "../bert"), NOT_REACHABLE, 0),
        (("pay", "bert", "abc", "--to", "ANNA"), REFUSED, MALFORMED),
        (("pay", "bert", "0.001", "--to", "ANNA"), REFUSED, MALFORMED),
        (("pay", "bert", "0", "--to", "ANNA"), REFUSED, OVER_LIMIT),
        (("pay", "bert", "40000000.01", "--to", "ANNA"), REFUSED, OVER_LIMIT),
        (("pay", "bert", "1", "--to", "mallory"), REFUSED, UNKNOWN_PAYEE),
        (("pay", "bert", "1"), WRONG_USAGE, 0),
        (("pay", "bert", "1", "--to", "ANNA", "--again"), WRONG_USAGE, 0),
        (("pay", "anna", "1", "--to", "ANNA"), WRONG_USAGE, 0),
        (("import", "bert"), WRONG_USAGE, 0),
        (("import", "bert", "no-such-file"), WRONG_USAGE, 0),
        (("import", "anna", "text.txt"), REFUSED, MALFORMED),
        (("import", "anna", "binary"), REFUSED, MALFORMED),
        (("import", "anna", "deep.json"), REFUSED, MALFORMED),
        (("import", "anna", "huge.json"), REFUSED, TOO_LARGE),
        (("import", "anna", "empty.json"), REFUSED, KEY_MISSING),
        (("import", "bert", "empty.json"), WRONG_USAGE, 0),
        (("import", "bert", "anna.jwk"), WRONG_USAGE, 0),
        (("import", "anna", "anna.jwk", "--account", "x"), WRONG_USAGE, 0),
        (("import", "bert", "bad.jwk", "--account", "x"), REFUSED, MALFORMED),
        (("import", "bert", "anna.jwk", "--account", ""), WRONG_USAGE, 0),
        (("export", "bert", "x.json", "--id", "none"), REFUSED, REQUEST_UNKNOWN),
        (("export", "anna", "x.json", "--first", "999"), REFUSED, REQUEST_UNKNOWN),
        (("export", "anna", "no/such/folder/x.json", "--first", "0"), WRONG_USAGE, 0),
        (("screen", "anna", "--png", "no/such/folder/x.png"), WRONG_USAGE, 0),
        (("bridge", "bert", "--bank", "BANK"), WRONG_USAGE, 0),
        (("bridge", "anna", "--bank", "ftp://bank"), WRONG_USAGE, 0),
        (("enrol", "anna", "--account", "other", "--bank", "BANK", "--yes"), REFUSED, DECLINED),
        (("enrol", "anna", "--account", "other", "--bank", "NOWHERE"), NOT_REACHABLE, 0),
        (("no-such-command",), WRONG_USAGE, 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
@pytest.mark.usefixtures("bad_files")
def test_refused(desk: Desk, arguments: tuple[str, ...], exit_code: int, reason: int) -> None:
    """One line, with advice, and no traceback."""
    nowhere = f"http://127.0.0.1:{server.free_port()}"
    meant = {"ANNA": desk.anna, "BANK": desk.office.url, "NOWHERE": nowhere}
    found = desk.fails(*(meant.get(word, word) for word in arguments))
    assert found[:2] == (exit_code, reason), found


def test_a_bank_that_is_not_there(desk: Desk) -> None:
    nowhere = f"http://127.0.0.1:{server.free_port()}"
    code, _, said = desk.fails("bridge", "--bank", nowhere, "anna")
    assert (code, nowhere in said) == (NOT_REACHABLE, True)


def test_a_board_the_bank_does_not_know(desk: Desk) -> None:
    """Refused with the reason's code, and what to do about it."""
    desk.opg("board", "start", "carol")
    desk.opg("flash", "carol", "--role", "receiver")
    code, reason, _ = desk.fails("export", "carol", "x.json")
    assert (code, reason) == (REFUSED, NOT_ENROLLED)
    carol = desk.office.new_name("carol")
    desk.office.open(carol)
    keys = desk.opg("enrol", "carol", "--account", carol, "--bank", desk.office.url, "--yes")
    assert set(json.loads(keys)) == {"signing_key", "ecdh_key"}
    desk.write("carol.jwk", desk.opg("key", "carol"))
    desk.opg("import", "bert", "carol.jwk", "--account", carol)
    desk.opg("pay", "bert", "1", "--to", carol, "--file", "--yes")
    desk.opg("export", "bert", "carol.json")
    code, reason, _ = desk.fails("import", "anna", "carol.json")
    assert (code, reason) == (REFUSED, CANNOT_OPEN)
    desk.opg("import", "carol", "carol.json")
    code, reason, said = desk.fails("bridge", "carol", "--bank", desk.office.url)
    assert (code, reason) == (REFUSED, NOT_ENROLLED)
    assert "enrol" in said


# -- help ----------------------------------------------------------------------------------------


def every_command(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found, f"{name} is listed but not there"
            yield from every_command(found, *path, name)


def test_help_of_every_command() -> None:
    paths = list(every_command(main))
    assert len(paths) > 30
    for path in paths:
        result = CliRunner().invoke(main, [*path, "--help"])
        assert result.exit_code == 0, f"{path}: {result.output}"
        usage, _, about = result.stdout.partition("\n\n")
        assert usage.startswith(f"Usage: {' '.join(['main', *path])}")
        assert len(about.split("\n\n")[0].split()) >= 4, f"{path} says too little about itself"


def test_help_as_it_is_typed(desk: Desk) -> None:
    assert "Exit codes: 0 done, 2 wrong usage, 3 refused" in " ".join(desk.opg("--help").split())
    assert "--to TEXT" in desk.opg("pay", "-h")
