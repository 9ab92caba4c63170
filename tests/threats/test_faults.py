"""What breaks by itself: power, the wire, the clock, the source of randomness.

THREAT_SEEDS=10000 tries that many faulty wires instead of 100; THREAT_SEEDS=17-17 replays one.
"""

import os
import random
import shutil
from collections.abc import Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from firmware.common import crypto
from firmware.common.crypto import randomness
from firmware.common.storage import appending, event_log, files, news_exchange
from firmware.common.wire.errors import EXPIRED, SYNC_FIRST
from firmware.common.wire.session import Ephemeral, Session
from firmware.receiver import seen
from firmware.receiver.tap import serve
from tests.threats import boards
from tests.threats.boards import PAID, ask, pair, tap, tap_again, wire
from tests.unit import shop, world
from tests.unit.fake_board import Clock, Port
from tests.unit.forms import Keys

SEEDS = 100


def seeds() -> range:
    first, _, last = os.environ.get("THREAT_SEEDS", str(SEEDS)).rpartition("-")
    return range(int(first), int(last) + 1) if first else range(int(last))


def one_payment(anna: Any, bert: Any, amount_minor: int) -> None:
    """Nothing was lost and nothing is there twice, on either board."""
    assert [entry["amount"] for entry in boards.entered(bert)] == [amount_minor]
    assert (bert.till.count, bert.till.received_minor) == (1, amount_minor)
    assert anna.wallet.pending == [] and anna.wallet.purses[0].spent == amount_minor
    assert (anna.wallet.signed, anna.wallet.purses[0].ctr) == (1, 1)
    assert bert.device.news.proven == []


def brought_to_an_end(anna: Any, bert: Any) -> None:
    """What people do afterwards: tap again, or pay where nothing was signed."""
    boards.clock_of(anna).sleeps = 0
    wire(anna, bert)
    if anna.wallet.pending:
        assert tap_again(anna, bert, bert.run(), cashier(bert)) == PAID
    elif not anna.wallet.signed:
        if bert.till.open is None:
            ask(bert, 4_50)
        assert tap(anna, bert) == PAID
    one_payment(anna, bert, 4_50)


async def cashier(bert: Any) -> None:
    """Takes what comes late."""
    board, was_asked = bert.device.board, False
    while True:
        is_asked = bert.dialog.title == "TAKE IT NOW?"
        if is_asked and not was_asked:
            board.press("ok")
        was_asked = is_asked
        await board.clock.sleep_ms(50)


# -- power ---------------------------------------------------------------------------------------


class PowerCut(BaseException):
    """A board is off."""


class Power:
    """Counts what a board writes; at the n-th write its power goes, some of it written or all."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: str, number: int, keeps: int) -> None:
        self.folder, self.left, self.keeps = folder, number, keeps
        for module in (appending, event_log, files, news_exchange, seen):
            patch.setattr(module, "open", self.open, raising=False)

    def open(self, path: str, mode: str = "r") -> Any:
        file = open(path, mode)  # noqa: SIM115 - the firmware closes it
        is_mine = path.startswith(self.folder) and mode not in ("r", "rb")
        return _File(self, file) if is_mine else file


class _File:
    def __init__(self, power: Power, file: Any) -> None:
        self._power, self._file = power, file

    def __enter__(self) -> "_File":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: Any) -> None:
        power = self._power
        power.left -= 1
        if power.left == 0:
            self._file.write(data[: len(data) * power.keeps // 2])
            self._file.flush()
            raise PowerCut
        self._file.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


async def mortal(app: Any, task: Coroutine[Any, Any, None]) -> None:
    """One of a board's tasks, until its power goes."""
    try:
        await task
    except PowerCut:
        app.outcome = app.outcome or "off"
        app.device.board.tap.peer = None
        while True:
            await app.device.board.clock.sleep_ms(50)


@pytest.mark.parametrize("who", ["anna", "bert"])
@pytest.mark.parametrize("keeps", [0, 1, 2], ids=["nothing", "half", "all"])
def test_power_cut_after_every_flush_of_both_boards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str, keeps: int
) -> None:
    """From the first write of a tap to the last: one payment on both boards in the end."""
    number, struck = 1, True
    while struck:
        folder = tmp_path / str(number)
        folder.mkdir()
        anna, bert = pair(folder)
        ask(bert, 4_50)
        with monkeypatch.context() as patch:
            power = Power(patch, f"{folder}/{who}", number, keeps)
            anna.propose(0)
            anna.device.board.press("hold")

            async def story(anna: Any = anna) -> None:
                await boards.until(anna, lambda: bool(anna.outcome))
                await anna.device.board.clock.sleep_ms(2_000)

            boards.run(story(), mortal(anna, anna.run()), mortal(bert, serve(bert)))
        struck = power.left <= 0
        assert number < 40, "power never stays"
        brought_to_an_end(boards.restarted(anna), boards.restarted(bert))
        number += 1
    assert number > 4


# -- the wire ------------------------------------------------------------------------------------


class BadPort(Port):
    """Loses, spoils, cuts and repeats what is written, as its seed has it; dies at `dies_at`."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self.rng = rng
        self.percent = rng.choice((2, 10, 25))
        self.dies_at = rng.choice((0, 0, rng.randint(1, 60)))
        self.writes = 0

    def write(self, data: bytes) -> None:
        self.writes += 1
        if (self.dies_at and self.writes >= self.dies_at) or self._befalls():
            return
        if self._befalls():
            at = self.rng.randrange(len(data))
            data = data[:at] + bytes([data[at] ^ 1 << self.rng.randrange(8)]) + data[at + 1 :]
        if self._befalls():
            data = data[: self.rng.randrange(len(data) + 1)]
        super().write(data + data if self._befalls() else data)

    def _befalls(self) -> bool:
        return self.rng.randrange(100) < self.percent


def test_lossy_link(tmp_path: Path) -> None:
    """Whatever a wire does to a payment, it is made once, and both boards say so in the end."""
    ends = {"at once": 0, "later": 0}
    for seed in seeds():
        rng = random.Random(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        anna, bert = pair(folder)
        for app in (anna, bert):
            app.device.board.tap = BadPort(rng)
        wire(anna, bert)
        ask(bert, 4_50)
        try:
            was_paid = tap(anna, bert) == PAID
            ends["at once" if was_paid else "later"] += 1
            for app in (anna, bert):
                app.device.board.tap = Port()
            brought_to_an_end(anna, bert)
        except BaseException:
            print(f"THREAT_SEEDS={seed}-{seed}")
            raise
        shutil.rmtree(folder)
    assert len(seeds()) < SEEDS or min(ends.values()) >= SEEDS // 10, ends


# -- the clock -----------------------------------------------------------------------------------


def test_frozen_clock(tmp_path: Path) -> None:
    """A till whose own time stands still takes 500.00 and no more until it hears of the bank."""
    bert = shop.shop(str(tmp_path), Clock())
    news = bert.device.news
    news._clock = SimpleNamespace(ms=lambda: 0)

    def payer(number: int, **purse: Any) -> shop.Payer:
        return shop.Payer(bert, Keys(f"purse {number}"), purse8=b"purse%03d" % number, **purse)

    def pay(who: shop.Payer) -> tuple[int, Any]:
        shop.ask(bert, 50_00)
        return shop.pay(bert, who, who.txn(1, 50_00, 50_00))

    for number in range(10):
        assert pay(payer(number))[0] == shop.ACK
    assert pay(payer(10)) == (shop.VERDICT, SYNC_FIRST)
    assert (bert.till.received_minor, news.t_lb()) == (500_00, world.NOW)
    short = payer(11, not_after=world.NOW + 60)  # has ended long ago; this till cannot know
    assert pay(short) == (shop.VERDICT, SYNC_FIRST)

    async def story() -> None:
        who = payer(12)
        await who.meet()
        await who.news((10, world.beacon(2, world.NOW + world.DAY)))

    shop.tap(bert, story())
    assert news.t_lb() == world.NOW + world.DAY
    assert pay(short) == (shop.VERDICT, EXPIRED)
    assert pay(payer(10))[0] == shop.ACK


def test_frozen_clock_that_begins_anew_at_each_start(tmp_path: Path) -> None:
    """Time never goes back, whatever the board's own clock says after a restart."""
    bert = shop.shop(str(tmp_path), Clock())
    seen_s = []
    for number in range(4):
        payer = shop.Payer(bert, Keys(f"purse {number}"), purse8=b"purse%03d" % number)
        bert.device.board.clock.now_ms += 50_000
        shop.ask(bert)
        assert shop.pay(bert, payer, payer.txn(1, 4_50, 4_50))[0] == shop.ACK
        seen_s.append(bert.device.news.t_lb())
        bert = shop.shop(str(tmp_path), Clock())
        assert bert.device.news.t_lb() >= seen_s[-1] - 1
    assert seen_s == sorted(seen_s) and seen_s[-1] >= world.NOW + 150


# -- randomness ----------------------------------------------------------------------------------


def test_rng_stuck_at_a_constant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No ECDSA nonce, no ephemeral key and no (key, nonce) comes twice, over taps and restarts."""
    anna, bert = pair(tmp_path)
    monkeypatch.setattr(randomness, "os", SimpleNamespace(urandom=lambda n: b"\x42" * n))
    ephemerals: list[bytes] = []
    sealed: list[tuple[bytes, bytes]] = []
    signed: dict[tuple[bytes, bytes], bytes] = {}
    agree, seal, sign = Ephemeral.session, crypto.seal, crypto.sign

    def session(self: Ephemeral, *arguments: Any) -> Session:
        ephemerals.extend([bytes(self._private), self.hello[-8:]])
        return agree(self, *arguments)

    def sealing(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes = b"") -> bytes:
        sealed.append((key, nonce))
        return seal(key, nonce, plaintext, aad)

    def signing(private: bytes, digest: bytes) -> bytes:
        signed[private, digest] = found = sign(private, digest)
        return found

    monkeypatch.setattr(Ephemeral, "session", session)
    monkeypatch.setattr(crypto, "seal", sealing)
    monkeypatch.setattr(crypto, "sign", signing)
    for _ in range(4):
        randomness._pool = bytes(32)  # as RAM is after a power cut
        anna, bert = boards.restarted(anna), boards.restarted(bert)
        wire(anna, bert)
        ask(bert, 1_00)
        assert tap(anna, bert) == PAID
    nonces = [signature[:32] for signature in signed.values()]  # r is the nonce's point
    assert len(ephemerals) >= 16 and len(nonces) >= 12 and len(sealed) >= 32
    for values in (ephemerals, nonces, sealed):
        assert len(set(values)) == len(values)


def test_rng_stuck_at_a_constant_on_each_board_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Boards whose secrets were made while the source was well draw nothing alike."""
    apps = pair(tmp_path)
    monkeypatch.setattr(randomness, "os", SimpleNamespace(urandom=lambda n: b"\x42" * n))
    drawn = []
    for _ in range(5):
        for app in apps:
            randomness._pool = bytes(32)
            boards.restarted(app)
            drawn += [crypto.random_bytes(32) for _ in range(3)] + [crypto.generate_key()[0]]
    assert len(set(drawn)) == len(drawn) == 40
