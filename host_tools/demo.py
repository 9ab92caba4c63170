"""The main job in one run: two virtual boards pay each other, a bridge carries, a bank settles.

Everything is real but the silicon: MicroPython runs the firmware that `opg flash` puts on a
board, money moves over the boards' wire, the bank is the one that `opg bank run` serves. It all
lives in a temporary folder and is gone afterwards.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bank import checks, config, db, keys, postgres, server
from bank.config import Settings
from firmware.common.payment.money import show_amount
from firmware.common.wire import reasons
from firmware.common.wire.errors import Refused
from host_tools import flash
from host_tools.bank_client import BankClient
from host_tools.bridge import Bridge, run
from host_tools.commands.device import device_keys
from host_tools.device import Device
from host_tools.emulator.board import VirtualBoard
from host_tools.emulator.wire import Wire
from host_tools.outbox import Outbox

PAYER, PAYEE = "bert", "anna"
_FUNDED_MINOR = 100_00
_BY_WIRE_MINOR = (4_50, 12_50, 10, 7_00, 3_20)
_BY_FILE_MINOR = (2_40, 16_00)
_TOO_MUCH_MINOR = 80_00  # more than what is left by then
_DECISION_S = 60.0

Say = Callable[[str, str], None]  # (what happens, what came of it)


@dataclass
class Story:
    """What the run counts."""

    micropython: str = ""
    database: str = ""
    payments: int = 0
    settled: int = 0
    refused: list[int] = field(default_factory=list)
    balances: list[dict[str, Any]] = field(default_factory=list)
    conserved: bool = False
    seconds: float = 0.0


@dataclass
class Hand:
    """One person: a board, the port a computer sees, and a finger on its buttons."""

    account: str
    board: VirtualBoard
    device: Device

    def press(self, button: str) -> None:
        self.board.press(button)

    def agree(self) -> str:
        """Presses OK for the question on the screen; what it came to."""
        self.press("ok")
        return self.device.wait_for_outcome(_DECISION_S)[0]


def tell(home: Path, say: Say) -> Story:
    """Runs the whole story below `home`; raises where something does not come out as it must."""
    began = time.monotonic()
    story = Story()
    settings = config.load({"OPG_HOME": str(home), "PORT": str(server.free_port())})
    try:
        with (
            server.running(settings, log=home / "bank.log") as url,
            hands(home, say) as (payer, payee),
        ):
            bank = _open_bank(settings, url, say, story)
            _enrol(bank, payer, payee, say)
            story.micropython = payer.device.status()["micropython"]
            _pay_by_wire(payer, payee, say, story)
            _bridge(home, bank, payee, say, story)
            _pay_by_file(payer, payee, say, story)
            _try_to_cheat(payer, payee, say, story)
            _overdraw(payer, payee, say, story)
            _bridge(home, bank, payee, say, story)
            _balance(settings, bank, story)
    finally:
        postgres.remove(settings.postgres_dir)
    story.seconds = round(time.monotonic() - began, 1)
    return story


@contextmanager
def hands(home: Path, say: Say) -> Iterator[tuple[Hand, Hand]]:
    """Two flashed boards, joined by a wire, with nothing else between them."""
    with VirtualBoard(home / PAYER) as first, VirtualBoard(home / PAYEE) as second:
        for board, role in ((first, "sender"), (second, "receiver")):
            done = flash.flash(board.repl_port, role, lambda path, written, size: None)
            say(
                f"flash a {role}",
                f"{len(done.copied)} files, {done.copied_bytes:,} bytes, verified",
            )
        with (
            Wire(first.tap_port, second.tap_port),
            Device(first.repl_port) as payer,
            Device(second.repl_port) as payee,
        ):
            yield Hand(PAYER, first, payer), Hand(PAYEE, second, payee)


def _open_bank(settings: Settings, url: str, say: Say, story: Story) -> BankClient:
    token = keys.load_operator_token(settings.key_dir, settings.operator_token)
    bank = BankClient(url, token)
    database = db.open_database(settings)
    try:
        story.database = database.run(db.server_version)
    finally:
        database.close()
    for account in (PAYER, PAYEE):
        _post(bank, "/operator/accounts", account_id=account, name=account.capitalize())
    _post(bank, "/operator/fund", account_id=PAYER, amount=_FUNDED_MINOR // 100)
    say("open a bank", f"{story.database.split(' on ')[0]}; {PAYER} has {_FUNDED_MINOR // 100}.00")
    return bank


def _enrol(bank: BankClient, payer: Hand, payee: Hand, say: Say) -> None:
    known = bank.public_keys()
    pinned = json.dumps({"ecdh": known["public_key"], "signing": known["signing_key"]}).encode()
    for hand in (payer, payee):
        hand.device.status()
        hand.device.call("enrol", pinned, account=hand.account)
        hand.agree()
        _post(bank, "/operator/devices", account_id=hand.account, **device_keys(hand.device))
    header, code = payee.device.call("key")
    payer.device.call("import_key", code, account=payee.account)
    say("enrol both boards", f"{payer.account} knows {payee.account}'s key {header['fingerprint']}")


def _pay_by_wire(payer: Hand, payee: Hand, say: Say, story: Story) -> None:
    for amount_minor in _BY_WIRE_MINOR:
        outcome = pay(payer, payee.account, amount_minor, by_wire=True)
        _expect(outcome == "PAID", f"the payer's board shows {outcome}")
        payee.press("ok")  # puts the word RECEIVED away
        story.payments += 1
        say(f"pay {show_amount(amount_minor)} by wire", f"{outcome} / RECEIVED, no network")


def _pay_by_file(payer: Hand, payee: Hand, say: Say, story: Story) -> None:
    for amount_minor in _BY_FILE_MINOR:
        pay(payer, payee.account, amount_minor, by_wire=False)
        txn_id = payer.device.call("outcome")[0]["id"]
        envelope = payer.device.call("envelope", id=txn_id)[1]
        entered, proof = payee.device.call("import", envelope)
        payee.press("ok")
        again, _ = payee.device.call("import", envelope)
        _expect(entered["new"] and not again["new"], "a file was entered twice")
        payer.device.call("confirm", proof, id=txn_id, index=entered["index"], head=entered["head"])
        story.payments += 1
        say(f"pay {show_amount(amount_minor)} by file", f"{len(envelope)} bytes; entered once")


def _try_to_cheat(payer: Hand, payee: Hand, say: Say, story: Story) -> None:
    """Bad payments, each of which must be refused with its reason."""
    pay(payer, payee.account, 1_00, by_wire=False)
    txn_id = payer.device.call("outcome")[0]["id"]
    good = json.loads(payer.device.call("envelope", id=txn_id)[1])
    payload = good["encrypted_payload"]
    altered = dict(good, encrypted_payload=("A" if payload[0] != "A" else "B") + payload[1:])
    other_key = json.loads(payee.device.call("key")[0]["signing_key"])
    attempts: list[tuple[str, Callable[[], Any]]] = [
        ("an altered envelope", lambda: _import(payee, altered)),
        (
            "an envelope under another's key",
            lambda: _import(payee, {**good, "sender_public_key": other_key}),
        ),
        ("an envelope with another txn_id", lambda: _import(payee, {**good, "txn_id": ""})),
        ("a payee nobody imported", lambda: _propose(payer, "mallory", 1_00)),
        ("an amount of nothing", lambda: _propose(payer, payee.account, 0)),
    ]
    for what, attempt in attempts:
        reason = _refusal(attempt)
        story.refused.append(reason)
        say(f"try {what}", f"refused [{reason}]: {reasons.name(reason)}")
    _import(payee, good)
    payee.press("ok")
    story.payments += 1


def _overdraw(payer: Hand, payee: Hand, say: Say, story: Story) -> None:
    outcome = pay(payer, payee.account, _TOO_MUCH_MINOR, by_wire=True)
    payee.press("ok")
    story.payments += 1
    say(
        f"pay {show_amount(_TOO_MUCH_MINOR)} that {payer.account} lacks", f"{outcome}, unguaranteed"
    )


def _bridge(home: Path, bank: BankClient, payee: Hand, say: Say, story: Story) -> None:
    bridge = Bridge(Outbox(home / "outbox"), bank, lambda line: None)
    run(bridge, [payee.device])
    settled = payee.device.call("total")[0]["states"]["settled"]
    say("bridge to the bank", f"{bridge.report['uploaded']} entries up, {settled} settled in all")
    for refusal in bridge.refusals:
        story.refused.append(refusal["reason"])
        say("  the bank refuses one", f"[{refusal['reason']}] {refusal['message']}")
    story.settled = settled


def _balance(settings: Settings, bank: BankClient, story: Story) -> None:
    story.balances = bank.get("/operator/accounts")["accounts"]
    database = db.open_database(settings)
    try:
        broken = database.run(checks.check)
    finally:
        database.close()
    held = sum(
        row["balance_minor"] for row in story.balances if row["account_id"] in (PAYER, PAYEE)
    )
    story.conserved = held == _FUNDED_MINOR and not any(broken.values())


def pay(payer: Hand, account: str, amount_minor: int, by_wire: bool) -> str:
    """Proposes a payment and agrees on the payer's board; what it came to."""
    _propose(payer, account, amount_minor, by_wire)
    return payer.agree()


def _propose(payer: Hand, account: str, amount_minor: int, by_wire: bool = True) -> None:
    payer.device.call("pay", to=account, amount=amount_minor, by_wire=by_wire)


def _import(payee: Hand, envelope: dict[str, Any]) -> None:
    payee.device.call("import", json.dumps(envelope).encode())


def _refusal(attempt: Callable[[], Any]) -> int:
    try:
        attempt()
    except Refused as refused:
        return refused.reason
    raise RuntimeError("a bad payment was not refused")


def _post(bank: BankClient, path: str, **members: Any) -> None:
    bank.post(path, json.dumps(members).encode())


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise RuntimeError(otherwise)
