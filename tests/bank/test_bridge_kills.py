"""The bridge killed at any line of its work: the next run takes it up, nothing is lost or twice.

The lines are those of `bridge`, `routes`, `outbox` and `bank_client`, counted as they run. By
default each is tried the first and the last time it runs; BRIDGE_KILLS=all tries every time, and
BRIDGE_KILLS=N[,N…] replays those.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, cast

import pytest

from bank.config import Settings
from bank.server import free_port
from host_tools import bank_client, bridge, outbox, routes
from host_tools.bank_client import BankClient
from host_tools.bridge import Bridge
from host_tools.device import Device as Board
from host_tools.errors import CommandError
from host_tools.outbox import Outbox
from tests import builder
from tests.bank import mortal
from tests.bank.teller import Teller
from tests.builder import Device, Ledger, transaction

FILES = {module.__file__ for module in (bridge, routes, outbox, bank_client)}
AT_ONCE = 2  # entries that the board exports together
AMOUNTS = ("30", "70", "0.01")  # of 100.00
SIGKILLS = 12

Trace = Callable[[FrameType, str, Any], Any]


class Killed(BaseException):
    """What ends a run in place of SIGKILL, so that the tests' process lives on."""


class Till:
    """A payee's board as the bridge sees it, honest, its verdicts kept in a file as in flash."""

    port = "till"

    def __init__(self, receiver: Device, ledger: Ledger, keys: dict[str, Any], path: Path) -> None:
        self._receiver = receiver
        self._ledger = ledger
        self._bank_ecdh = json.dumps(keys["public_key"])
        self._bank_signing = json.dumps(keys["signing_key"])
        self._path = path

    @property
    def verdicts(self) -> dict[str, int]:
        """By transaction hash."""
        return json.loads(self._path.read_text()) if self._path.exists() else {}

    def status(self) -> dict[str, Any]:
        status = {"role": "receiver", "account": self._receiver.account}
        return {**status, "device": self._receiver.device_id, "enrolled": ""}

    def call(self, do: str, body: bytes = b"", **header: Any) -> tuple[dict[str, Any], bytes]:
        return getattr(self, f"_{do}")(body, **header)

    def _total(self, _: bytes) -> tuple[dict[str, Any], bytes]:
        judged, hashes = self.verdicts, self._hashes()
        still_open = [i for i, txn_hash in enumerate(hashes) if judged.get(txn_hash, 9) == 9]
        return {"count": len(hashes), "first_open": min(still_open, default=len(hashes))}, b""

    def _export(self, _: bytes, first: int) -> tuple[dict[str, Any], bytes]:
        entries = self._ledger.entries[first : first + AT_ONCE]
        text = builder.encrypted_ledger(entries, self._receiver, self._bank_ecdh)
        return {"count": len(entries)}, text.encode()

    def _apply(self, body: bytes, signature: str) -> tuple[dict[str, Any], bytes]:
        builder.check_signature(self._bank_signing, signature, body)
        receipt = json.loads(body)
        assert receipt["receiver"] == self._receiver.device_id
        verdicts = self.verdicts
        for index, txn_hash, verdict, _ in receipt["verdicts"]:
            assert self._hashes()[index] == txn_hash
            verdicts[txn_hash] = verdict
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps(verdicts))
        draft.replace(self._path)
        return {}, b""

    def _hashes(self) -> list[str]:
        return [json.loads(entry)["transaction"]["hash"] for entry in self._ledger.entries]


@dataclass
class Office:
    """A bank in a process of its own, and where its bridge works."""

    teller: Teller
    url: str
    folder: Path
    trials: int = 0

    def open(self) -> "Trial":
        """A payer, a payee and their payments, all new."""
        self.trials += 1
        name = f"{self.folder.name} {self.trials}"
        anna = self.teller.open(f"anna {name}", 100_00)
        bert = self.teller.open(f"bert {name}")
        payments = [transaction(anna, bert.account, amount) for amount in AMOUNTS]
        folder = self.folder / str(self.trials)
        folder.mkdir()
        till = Till(bert, Ledger().append(*payments), self.teller.public_keys, folder / "till")
        return Trial(self, till, folder, (anna.account, bert.account))

    def check(self) -> None:
        assert self.teller.violations() == {}


@dataclass
class Trial:
    office: Office
    till: Till
    folder: Path
    accounts: tuple[str, str]

    def run(self) -> None:
        """One run of the bridge, as a new process would do it."""
        client = BankClient(self.office.url)
        work = Bridge(Outbox(self.folder / "outbox"), client, lambda line: None, lambda s: None)
        bridge.run(work, [cast(Board, self.till)])

    def check(self) -> None:
        """Everything arrived: at the bank, on the board, and nothing waits any more."""
        balances = [self.office.teller.balance(account) for account in self.accounts]
        assert balances == [0, 100_00]
        assert sorted(self.till.verdicts.values()) == [0, 0, 9]
        box = Outbox(self.folder / "outbox")
        assert box.waiting("ledger") + box.waiting("answer") == []


@pytest.fixture(scope="module")
def office(
    settings: Settings, app: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    port = free_port()
    bank = mortal.start(settings, port)
    yield Office(Teller(app), f"http://127.0.0.1:{port}", tmp_path_factory.mktemp("bridge"))
    mortal.stop(bank)


@pytest.fixture(scope="module")
def lines(office: Office) -> list[tuple[str, int]]:
    """Every line that an undisturbed run runs, in order."""
    ran: list[tuple[str, int]] = []
    trial = office.open()
    traced(trial.run, lambda frame: ran.append((frame.f_code.co_filename, frame.f_lineno)))
    trial.check()
    assert {path for path, _ in ran} == FILES
    return ran


def test_killed_at_any_line_it_loses_and_repeats_nothing(
    office: Office, lines: list[tuple[str, int]]
) -> None:
    for number in chosen(lines):
        trial = office.open()
        with pytest.raises(Killed):
            traced(trial.run, killer(number, lambda: throw(Killed())))
        trial.run()
        assert_done(trial, lines, number)
    office.check()


def test_killed_by_the_system_it_loses_and_repeats_nothing(
    office: Office, lines: list[tuple[str, int]]
) -> None:
    """The same with SIGKILL, which runs no `finally` and flushes no buffer, at spread lines."""
    for number in range(len(lines) // SIGKILLS // 2, len(lines), len(lines) // SIGKILLS):
        trial = office.open()
        assert killed_in_a_child(trial, number)
        trial.run()
        assert_done(trial, lines, number)
    office.check()


def test_killed_again_and_again_it_still_arrives(office: Office) -> None:
    """Each run is killed a little later in its work than the one before, until one ends."""
    trial = office.open()
    for number in range(0, 10_000, 7):
        try:
            traced(trial.run, killer(number, lambda: throw(Killed())))
            break
        except Killed:
            continue
    trial.check()


def test_a_bank_that_answers_nonsense_costs_no_ledger(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something between bridge and bank that answers 200 and JSON of its own."""
    trial = office.open()
    with monkeypatch.context() as patch:
        patch.setattr(BankClient, "post", lambda *_: {"status": "ok"})
        with pytest.raises(CommandError):
            trial.run()
    trial.run()
    trial.check()


def chosen(lines: list[tuple[str, int]]) -> list[int]:
    """At which of the lines run the bridge is killed."""
    asked = os.environ.get("BRIDGE_KILLS", "")
    if asked and asked != "all":
        return [int(number) for number in asked.split(",")]
    if asked == "all":
        return list(range(len(lines)))
    first = {line: number for number, line in reversed(list(enumerate(lines)))}
    last = {line: number for number, line in enumerate(lines)}
    return sorted({*first.values(), *last.values()})


def traced(
    work: Callable[[], None], see: Callable[[FrameType], None], files: Container[str | None] = FILES
) -> None:
    """Does the work and shows every line of the bridge before it runs."""

    def trace(frame: FrameType, event: str, _: Any) -> Trace | None:
        if frame.f_code.co_filename not in files:
            return None
        if event == "line":
            see(frame)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)


def killer(number: int, kill: Callable[[], None]) -> Callable[[FrameType], None]:
    """Kills at the line of that number."""
    seen = 0

    def see(_: FrameType) -> None:
        nonlocal seen
        seen += 1
        if seen == number + 1:
            kill()

    return see


def killed_in_a_child(trial: Trial, number: int) -> bool:
    """Runs the bridge in a child process that SIGKILL ends at that line."""
    child = os.fork()
    if child == 0:
        traced(trial.run, killer(number, lambda: os.kill(os.getpid(), signal.SIGKILL)))
        os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def throw(error: BaseException) -> None:
    raise error


def assert_done(trial: Trial, lines: list[tuple[str, int]], number: int) -> None:
    path, line = lines[number]
    try:
        trial.check()
    except AssertionError as error:
        where = f"BRIDGE_KILLS={number}, before {Path(path).name}:{line}"
        raise AssertionError(f"{where}: {error}") from error
