"""Anybody may connect: what a stranger says on a session of its own costs nobody more than time."""

import tracemalloc
from pathlib import Path
from typing import Any

from firmware.common.wire import framing, messages
from firmware.common.wire.errors import Refused
from tests.threats import boards
from tests.threats.boards import CANCELLED, NOT_CONFIRMED, PAID, ask, pair, tap, wire
from tests.unit import shop, world
from tests.unit.fake_board import Board, join
from tests.unit.helpers import Seeded
from tests.unit.till import Till

STRANGERS = 40
SAYS_MAX = 12
NUMBERS = [*range(20), 99, 255]
HEAP_BYTES_MAX = 64 * 1024


def changed(seeded: Seeded, message: bytes) -> bytes:
    """A message that was good, cut, lengthened, or with a byte or a field of another value."""
    at = seeded.below(len(message) + 1)
    ways = (
        message[:at],
        message + seeded.data(1 + seeded.below(200)),
        message[:at] + seeded.data(1) + message[at + 1 :],
        message[:at] + b"\xff" * 4 + message[at + 4 :],
        message[:at] + bytes(4) + message[at + 4 :],
        seeded.data(seeded.below(600)),
        b"",
        message,
    )
    return seeded.among(ways)


def good_messages(payer: shop.Payer) -> dict[int, bytes]:
    """What a payer may say, each well made but for money: its purse is nobody's."""
    purse = world.purse_of(payer.keys, b"nobody's", payer.keys)
    txn = world.pay(payer.keys, purse, 1, 4_50, 4_50, payer.app.till.device)
    offer: dict[str, Any] = {
        "flags": 0,
        "t_lb": 0,
        "rev_seq": 0,
        "beacon": 0,
        "caps": 0,
        "ctr": 1,
        "cum": 4_50,
    }
    return {
        4: messages.OFFER.pack(purse=purse.signed, **offer),
        5: messages.VERDICT.pack(reason=0, req_nonce=bytes(8), extra=0),
        6: txn.signed,
        8: messages.RESUME.pack(req_nonce=bytes(8), txn_hash=bytes(32)),
        10: world.beacon(9),
        11: world.revocations(0, (b"revoked1",)),
        12: purse.signed + txn.signed + txn.signed,
        18: world.bank_key(),
    }


def test_malformed_messages_of_a_payer(tmp_path: Path) -> None:
    """The till takes no money, keeps its request, and serves whoever comes next."""
    bert = shop.shop(str(tmp_path))
    shop.ask(bert)
    for number in range(STRANGERS):
        seeded = Seeded(f"payer {number}")
        stranger = shop.Payer(bert, shop.OTHER_PURSE)
        good = good_messages(stranger)

        async def story(stranger: Any = stranger, seeded: Any = seeded, good: Any = good) -> None:
            await stranger.meet()
            for _ in range(1 + seeded.below(SAYS_MAX)):
                kind = seeded.among(NUMBERS + list(good) * 3)
                message = changed(seeded, good.get(kind) or seeded.data(seeded.below(300)))
                try:
                    await stranger.channel.send(kind, message)
                    await stranger.channel.receive(500)
                except Refused:
                    return

        bert.device.board.clock.sleeps = 0
        shop.tap(bert, story())
        assert bert.till.count == 0 and bert.till.open is not None, number
        assert bert.device.news.proven == []
    payer = shop.Payer(bert)
    assert shop.pay(bert, payer, payer.txn(1, 4_50, 4_50))[0] == shop.ACK


def test_malformed_messages_of_a_payee(tmp_path: Path) -> None:
    """The payer's board signs at most what its user confirmed, and pays the next honest till."""
    signed = 0
    for number in range(STRANGERS):
        folder = tmp_path / str(number)
        folder.mkdir()
        seeded = Seeded(f"payee {number}")
        anna, bert = pair(folder)
        till = Till(Board("", boards.clock_of(anna)))
        join(anna.device.board.tap, till.board.tap)

        def says(
            kind: int, body: bytes, till: Till = till, seeded: Seeded = seeded
        ) -> list[tuple[int, bytes]]:
            said = till.reply(kind, body)
            if kind == seeded.among((4, 6, 8)):
                return [(seeded.among([n, n, *NUMBERS]), changed(seeded, m)) for n, m in said]
            return said

        if not seeded.below(4):
            till.spoil_preq = lambda preq, seeded=seeded: changed(seeded, preq)
        till.answers = dict.fromkeys((4, 5, 6, 8), says)
        anna.propose(0)
        ended = boards.outcome(anna, till.serve(), presses=("hold",))
        assert ended in (CANCELLED, NOT_CONFIRMED, PAID), number
        assert len(anna.wallet.pending) == int(ended == NOT_CONFIRMED)
        signed += anna.wallet.signed
        assert anna.wallet.signed <= 1 and anna.wallet.purses[0].spent in (0, 4_50)
        boards.clock_of(anna).sleeps = 0
        wire(anna, bert)
        ask(bert, 2_00)
        assert tap(anna, bert) == PAID
    assert 0 < signed < STRANGERS


def test_malformed_frames_and_giant_lengths_heap_bounded(tmp_path: Path) -> None:
    """A megabyte of noise, frames that lie about their length, a message that never ends."""
    anna, bert = pair(tmp_path)
    ask(bert, 4_50)
    seeded = Seeded("noise")
    pieces = [seeded.data(4_096) for _ in range(8)] + [b"\x7d" * 4_096, b"\x7e" * 4_096]
    pieces += [bytes(4_096), b"\x00\x03" * 2_048]
    frames = [framing.encode(1, 7, 0)]
    frames += [framing.encode(3, 7, number % 256, bytes(240)) for number in range(64)]
    frames += [b"\x7e\x03\x00\x07\x00\xff\xff" + bytes(60) + b"\x7e", framing.encode(4, 7, 1)[:-3]]
    port, clock = bert.device.board.tap, boards.clock_of(bert)

    async def story() -> None:
        for turn in range(12):
            port.peer = None
            for piece in frames if turn % 6 == 5 else [pieces[turn % len(pieces)] * 10]:
                port.arrived += piece
                await clock.sleep_ms(20)

    shop.tap(bert, story())  # what is loaded late, is
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    shop.tap(bert, story())
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held - before < HEAP_BYTES_MAX
    assert bert.till.count == 0
    wire(anna, bert)
    assert tap(anna, bert) == PAID
