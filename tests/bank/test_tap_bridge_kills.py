"""The same of taps: killed at any line, the bridge loses and repeats nothing of either board.

The boards are the firmware itself, enrolled at the bank; each trial is one tap and one run that is
killed. BRIDGE_KILLS works as for files.
"""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from bank.config import Settings
from bank.server import free_port
from firmware.common.wire import packet
from firmware.common.wire.console import answer
from firmware.common.wire.errors import Refused
from host_tools import bridge, bundle
from host_tools.bank_client import BankClient
from host_tools.bridge import Bridge
from host_tools.device import Device
from host_tools.outbox import Outbox
from tests.bank import mortal
from tests.bank.opg1_teller import Opg1Teller
from tests.bank.test_bridge_kills import FILES, SIGKILLS, Killed, chosen, killer, throw, traced
from tests.threats import boards
from tests.threats.street import Street

ALL = FILES | {bundle.__file__}
AMOUNT = 25
TAPS_MAX = 100  # at a payee, of one purse


class OwnBoard:
    """A board of this process as the bridge sees it."""

    port = "board"

    def __init__(self, app: Any) -> None:
        self.app = app

    def status(self) -> dict[str, Any]:
        return self.call("status")[0]

    def call(self, do: str, body: bytes = b"", **header: Any) -> tuple[dict[str, Any], bytes]:
        found, data = packet.unpack(answer(self.app, packet.pack({"do": do, **header}, body)))
        if not found.pop("ok"):
            raise Refused(found["reason"], found["detail"])
        return found, data


class Market:
    """A payer's and a payee's board, the bank in a process of its own, and the outbox between."""

    def __init__(self, teller: Opg1Teller, url: str, folder: Path) -> None:
        self.teller, self.url, self.folder = teller, url, folder
        self.taps = TAPS_MAX
        self.pairs = 0
        self._open()

    def tap(self) -> None:
        """One payment more, which the bank has not heard of."""
        if self.taps >= TAPS_MAX:
            self._open()
        assert boards.pay(self.payer, self.payee, AMOUNT) == boards.PAID
        self.taps += 1

    def run(self) -> None:
        """One run of the bridge, as a new process would do it."""
        box, client = Outbox(self.box), BankClient(self.url)
        work = Bridge(box, client, lambda line: None, lambda s: None)
        people = [cast(Device, OwnBoard(app)) for app in (self.payer, self.payee)]
        bridge.run(work, people)
        assert work.refusals == []

    def restart(self) -> None:
        """The boards as their flash has them."""
        self.payer, self.payee = boards.restarted(self.payer), boards.restarted(self.payee)
        boards.wire(self.payer, self.payee)

    def check(self) -> None:
        """Every tap arrived, at the bank and on both boards, and nothing waits any more."""
        received = self.taps * AMOUNT
        assert self.teller.balance(self.names[1]) == received
        till = self.payee.till
        assert (till.judged, till.count, till.paid_minor) == (self.taps, self.taps, received)
        assert boards.done(self.payer, "sync") == ({"ok": True}, b"")
        assert sorted(path.name for path in self.box.iterdir()) == []

    def _open(self) -> None:
        self.pairs += 1
        self.box = self.folder / f"outbox {self.pairs}"
        folder = self.folder / str(self.pairs)
        folder.mkdir()
        street = Street(self.teller, folder)
        self.names = [f"{name} {self.folder.name} {self.pairs}" for name in ("anna", "bert")]
        self.payer = street.payer(self.names[0], 200_00)
        self.payee = street.payee(self.names[1])
        boards.wire(self.payer, self.payee)
        self.taps = 0


@pytest.fixture(scope="module")
def market(
    settings: Settings, app: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Market]:
    port = free_port()
    bank = mortal.start(settings, port)
    teller = Opg1Teller(app)
    yield Market(teller, f"http://127.0.0.1:{port}", tmp_path_factory.mktemp("taps"))
    mortal.stop(bank)
    assert teller.violations() == {}


@pytest.fixture(scope="module")
def lines(market: Market) -> list[tuple[str, int]]:
    """Every line that an undisturbed run runs, in order."""
    ran: list[tuple[str, int]] = []
    market.tap()
    traced(market.run, lambda frame: ran.append((frame.f_code.co_filename, frame.f_lineno)), ALL)
    market.check()
    assert {path for path, _ in ran} == ALL
    return ran


def test_killed_at_any_line_it_loses_and_repeats_nothing(
    market: Market, lines: list[tuple[str, int]]
) -> None:
    for number in chosen(lines):
        market.tap()
        with pytest.raises(Killed):
            traced(market.run, killer(number, lambda: throw(Killed())), ALL)
        market.run()
        assert_done(market, lines, number)


def test_killed_by_the_system_it_loses_and_repeats_nothing(
    market: Market, lines: list[tuple[str, int]]
) -> None:
    """The same with SIGKILL; the boards lose their power with it."""
    for number in range(len(lines) // SIGKILLS // 2, len(lines), len(lines) // SIGKILLS):
        market.tap()
        assert killed_in_a_child(market.run, number)
        market.restart()
        market.run()
        assert_done(market, lines, number)


def test_killed_again_and_again_it_still_arrives(market: Market) -> None:
    """Each run is killed a little later in its work than the one before, until one ends."""
    market.tap()
    for number in range(0, 10_000, 7):
        try:
            traced(market.run, killer(number, lambda: throw(Killed())), ALL)
            break
        except Killed:
            continue
    market.check()


def killed_in_a_child(run: Callable[[], None], number: int) -> bool:
    """Runs the bridge in a child process that SIGKILL ends at that line."""
    child = os.fork()
    if child == 0:
        traced(run, killer(number, lambda: os.kill(os.getpid(), signal.SIGKILL)), ALL)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def assert_done(market: Market, lines: list[tuple[str, int]], number: int) -> None:
    path, line = lines[number]
    try:
        market.check()
    except AssertionError as error:
        where = f"BRIDGE_KILLS={number}, before {Path(path).name}:{line}"
        raise AssertionError(f"{where}: {error}") from error
