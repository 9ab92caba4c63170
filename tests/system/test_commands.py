"""The commands as people type them: what they print, how they end, what advice they give."""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bank import server
from firmware.common.wire.errors import (
    AMOUNT_DIFFERS,
    BAD_SIGNATURE,
    CANNOT_OPEN,
    DECLINED,
    KEY_MISSING,
    MALFORMED,
    NO_FUNDS,
    NOT_ENROLLED,
    OVER_LIMIT,
    REQUEST_UNKNOWN,
    TOO_LARGE,
    UNAVAILABLE,
    UNKNOWN_PAYEE,
)
from firmware.common.wire.limits import ENVELOPE_BYTES_MAX
from host_tools.cli import main
from host_tools.errors import NOT_REACHABLE, REFUSED, WRONG_USAGE
from tests import builder
from tests.system.desk import Desk
from tests.system.office import Office


@pytest.fixture(scope="module")
def desk(office: Office) -> Iterator[Desk]:
    with tempfile.TemporaryDirectory(prefix="opg-desk-") as folder:
        desk = Desk(Path(folder), office)
        try:
            desk.opg("board", "start", "bert", "anna")
            for port, role in (("bert", "sender"), ("anna", "receiver")):
                assert desk.json("flash", port, "--role", role)["role"] == role
            for port, account in (("bert", desk.bert), ("anna", desk.anna)):
                enrolled = desk.enrol(port, account)
                assert (enrolled["account"], enrolled["enrolled"]) == (account, "yes")
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
    (row,) = desk.json("ledger", "bert")["payments"]
    assert (row["state"], row["guaranteed"]) == ("delivered", False)
    (entry,) = desk.json("ledger", "anna")["entries"]
    assert (entry["id"], entry["state"], entry["guaranteed"]) == (made["id"], "unsettled", False)

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
    for shown in (made["id"], desk.bert, "4.50", "settled", "1 entries", "unguaranteed"):
        assert shown in table
    assert desk.office.balance(desk.anna) == 4_50


def test_the_way_of_a_tap(desk: Desk) -> None:
    """Top up, charge, pay, give back, prove, bridge: what the bank stands for."""
    bank = ["--bank", desk.office.url]
    found = desk.json("top-up", "bert", "40", *bank, "--yes")
    ((purse, allowance),) = [(row["purse"], row["allowance"]) for row in found["purses"]]
    assert (allowance, found["asked_for"]) == (40_00, 0)
    assert "40.00 of 40.00 left" in desk.opg("purses", "bert")
    before = desk.office.balance(desk.anna)
    with desk.joined():
        desk.opg("charge", "anna", "4.50", "--memo", "bread")
        assert desk.fails("pay", "bert", "4.51", "--yes")[:2] == (REFUSED, AMOUNT_DIFFERS)
        paid = desk.json("pay", "bert", "4.50", "--yes")
        assert (paid["outcome"], paid["guaranteed"]) == ("PAID", True)
        assert desk.json("status", "anna")["title"] == "RECEIVED"
        assert "█" in desk.opg("screen", "anna")
        desk.opg("screen", "anna", "--png", "received.png")
        assert (desk.home / "received.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        desk.put_news_away("anna")
        desk.opg("charge", "anna", "2")
        desk.opg("charge", "anna", "--cancel")
        assert desk.fails("pay", "bert", "--yes")[:2] == (REFUSED, REQUEST_UNKNOWN)
        assert desk.fails("pay", "bert", "--again")[:2] == (REFUSED, REQUEST_UNKNOWN)
    assert desk.json("refund", "anna", "0", "1.25", "--yes") == {"index": 0, "amount": 1_25}
    assert desk.fails("refund", "anna", "0", "--yes")[:2] == (REFUSED, OVER_LIMIT)
    check_evidence_files(desk, paid["id"])
    report = desk.json("bridge", "anna", "bert", *bank)
    assert (report["uploaded"], report["refusals"]) == (3, [])
    rows = [row for row in desk.json("ledger", "anna")["entries"] if row["guaranteed"]]
    assert [(row["kind"], row["amount"], row["state"]) for row in rows] == [
        ("payment", 4_50, "settled"),
        ("refund", 1_25, "settled"),
    ]
    assert rows[0]["id"] == paid["id"]
    assert desk.office.balance(desk.anna) == before + 3_25
    desk.opg("close", "bert", purse, *bank, "--yes")
    assert desk.fails("close", "bert", purse, "--yes")[:2] == (REFUSED, NO_FUNDS)


def check_evidence_files(desk: Desk, txn_id: str) -> None:
    """Either board's file proves the payment to who has the root alone; a changed one nothing."""
    root = desk.office.client.public_keys()["root_public_key"]
    for port, which in (("bert", txn_id), ("anna", "0")):
        desk.opg("export", port, "evidence", "--evidence", which)
        found = desk.json("evidence", "evidence", "--root", root)
        assert (found["id"], found["amount"], found["memo"]) == (txn_id, 4_50, "bread")
        pack = bytearray((desk.home / "evidence").read_bytes())
        assert len(pack) == 1_014
        pack[700] ^= 1
        desk.write("spoilt", bytes(pack))
        assert desk.fails("evidence", "spoilt", "--root", root)[0] == REFUSED
    other = builder.point(builder.new_key()).hex()
    assert desk.fails("evidence", "evidence", "--root", other)[:2] == (REFUSED, BAD_SIGNATURE)


def test_nobody_at_the_other_end(desk: Desk) -> None:
    code, reason, said = desk.fails("pay", "bert", "--yes")
    assert (code, reason) == (REFUSED, UNAVAILABLE)
    assert "nothing was paid" in said


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
    desk.put_news_away("anna")


def test_a_purse_that_the_bank_does_not_give(desk: Desk) -> None:
    """Both commands that bring the question say no, and nothing of it is left over."""
    bank = ["--bank", desk.office.url]
    assert desk.fails("top-up", "bert", "100.01", *bank, "--yes")[:2] == (REFUSED, OVER_LIMIT)
    desk.put_news_away("bert")
    desk.opg("top-up", "bert", "100.01", "--yes")
    code, reason, said = desk.fails("bridge", "bert", *bank)
    assert (code, reason) == (REFUSED, OVER_LIMIT)
    assert "the bank gave no purse: over limit. Ask for less" in said
    desk.put_news_away("bert")
    assert desk.json("bridge", "bert", *bank)["refusals"] == []
    assert desk.json("purses", "bert")["asked_for"] == 0


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "exit_code", "reason"),
    [
        (("status", "nobody"), NOT_REACHABLE, 0),
        (("status", "/dev/null"), NOT_REACHABLE, 0),
        (("status", "/dev/no-such-port"), NOT_REACHABLE, 0),
        (("log", "../bert"), NOT_REACHABLE, 0),
        (("pay", "bert", "abc"), REFUSED, MALFORMED),
        (("pay", "bert", "abc", "--to", "ANNA", "--file"), REFUSED, MALFORMED),
        (("pay", "bert", "0.001", "--to", "ANNA", "--file"), REFUSED, MALFORMED),
        (("pay", "bert", "0", "--to", "ANNA", "--file"), REFUSED, OVER_LIMIT),
        (("pay", "bert", "40000000.01", "--to", "ANNA", "--file"), REFUSED, OVER_LIMIT),
        (("pay", "bert", "1", "--to", "mallory", "--file"), REFUSED, UNKNOWN_PAYEE),
        (("pay", "bert", "1", "--to", "ANNA"), WRONG_USAGE, 0),
        (("pay", "bert", "1", "--file"), WRONG_USAGE, 0),
        (("charge", "anna"), WRONG_USAGE, 0),
        (("charge", "bert", "1"), WRONG_USAGE, 0),
        (("charge", "anna", "0"), REFUSED, OVER_LIMIT),
        (("charge", "anna", "50.01"), REFUSED, OVER_LIMIT),
        (("charge", "anna", "1", "--memo", "thirteen byte"), REFUSED, MALFORMED),
        (("refund", "anna", "77", "1"), REFUSED, REQUEST_UNKNOWN),
        (("top-up", "anna", "1"), WRONG_USAGE, 0),
        (("close", "bert", "00" * 8), REFUSED, REQUEST_UNKNOWN),
        (("close", "bert", "no hex"), REFUSED, MALFORMED),
        (("purses", "anna"), WRONG_USAGE, 0),
        (("evidence", "text.txt", "--root", "00" * 64), REFUSED, MALFORMED),
        (("evidence", "text.txt", "--root", "00"), WRONG_USAGE, 0),
        (("evidence", "text.txt"), WRONG_USAGE, 0),
        (("export", "anna", "x", "--evidence", "77"), REFUSED, REQUEST_UNKNOWN),
        (("export", "anna", "x", "--evidence", "x"), WRONG_USAGE, 0),
        (("export", "bert", "x", "--evidence", "00" * 16), REFUSED, REQUEST_UNKNOWN),
        (("export", "bert", "x", "--evidence", "00"), REFUSED, MALFORMED),
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


def test_a_board_that_waits_for_the_operator(desk: Desk) -> None:
    """Without the operator's token it waits, can do nothing, and says what is missing."""
    desk.opg("board", "start", "carol")
    desk.opg("flash", "carol", "--role", "receiver")
    assert desk.fails("export", "carol", "x.json")[:2] == (REFUSED, NOT_ENROLLED)
    carol = desk.office.new_name("carol")
    desk.office.open(carol)
    enrol = ["enrol", "carol", "--account", carol, "--bank", desk.office.url, "--yes"]
    assert desk.fails(*enrol)[0] == WRONG_USAGE  # nobody said which code
    desk.opg("press", "carol", "cancel")
    waiting = desk.json(*enrol, "--code", desk.office.code(carol))
    assert waiting["enrolled"] == "pending"
    assert desk.fails("charge", "carol", "1")[:2] == (REFUSED, NOT_ENROLLED)
    assert desk.json(*enrol) == waiting
    body = {"device_id": waiting["device"], "words": waiting["words"]}
    desk.office.client.post("/operator/confirm", json.dumps(body).encode())
    assert desk.json(*enrol)["enrolled"] == "yes"
    desk.opg("charge", "carol", "1")
    desk.write("carol.jwk", desk.opg("key", "carol"))
    desk.opg("import", "bert", "carol.jwk", "--account", carol)
    desk.opg("pay", "bert", "1", "--to", carol, "--file", "--yes")
    desk.opg("export", "bert", "carol.json")
    assert desk.fails("import", "anna", "carol.json")[:2] == (REFUSED, CANNOT_OPEN)
    desk.opg("import", "carol", "carol.json")
    desk.opg("bridge", "carol", "--bank", desk.office.url)
    assert desk.office.balance(carol) == 1_00


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
