"""Who stands between two boards, on air or wire: listens, spoils, repeats, plays both roles."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firmware.common.wire import messages
from firmware.common.wire.errors import (
    AMOUNT_DIFFERS,
    BAD_SIGNATURE,
    CANNOT_OPEN,
    KEY_MISMATCH,
    REPLAY,
    UNAVAILABLE,
)
from firmware.common.wire.session import Ephemeral
from tests.threats import boards
from tests.threats.boards import (
    CANCELLED,
    NOT_CONFIRMED,
    PAID,
    Relay,
    ask,
    pair,
    screens,
    tap,
    tap_again,
    wire,
)
from tests.unit import shop, world
from tests.unit.fake_board import Board, join
from tests.unit.forms import Keys, flipped
from tests.unit.till import Till

Change = Callable[[int, int, bytes], list[bytes]]
HELLO, OFFER = 0, 1  # by their place among what the payer says
COMMITMENT, DCERT, PREQ, VERDICT = 0, 2, 3, 4  # among what the payee says


def made_up_till(anna: Any) -> Till:
    """A till at the other end of Anna's wire that says what a test wants."""
    till = Till(Board("", boards.clock_of(anna)))
    join(anna.device.board.tap, till.board.tap)
    return till


def tapped(anna: Any, till: Till) -> str:
    anna.propose(0)
    return boards.outcome(anna, till.serve(), presses=("hold",))


def test_man_in_the_middle_with_two_sessions(tmp_path: Path) -> None:
    """Bert's request, told on another connection than his: nothing is shown, nothing is signed."""
    anna, bert = pair(tmp_path)
    ask(bert, 4_50)
    thief = shop.Payer(bert)
    told: list[bytes] = []
    words_of: list[bytes] = []

    async def listen() -> None:
        thief.connect()
        await thief.channel.connect(world.REALM)
        for _ in range(2):
            told.append((await thief.channel.receive())[1])
        words_of.append(thief.channel.session.code)

    shop.tap(bert, listen())
    till = made_up_till(anna)
    till.dcert, till.spoil_preq = told[0], lambda preq: told[1]
    assert tapped(anna, till) == CANCELLED
    assert anna.why == REPLAY and anna.wallet.signed == 0
    assert not any("PAY " in screen[0] for screen in screens(anna))
    assert till.words_of != words_of[0]


def test_man_in_the_middle_who_exchanges_hellos(tmp_path: Path) -> None:
    """A key of his own is not what was committed to."""
    own = Ephemeral()

    def change(way: int, number: int, message: bytes) -> list[bytes]:
        return [own.hello] if (way, number) == (1, 1) else [message]

    anna, bert = pair(tmp_path)
    ask(bert, 4_50)
    assert tap(anna, bert, Relay(anna, bert, change).run()) == CANCELLED
    assert anna.why == KEY_MISMATCH and bert.till.count == 0


def replacing(way: int, number: int, *others: tuple[int, int]) -> Change:
    """In place of that message go these, each (way, number) of one that was seen by then."""
    seen: dict[tuple[int, int], bytes] = {}

    def change(w: int, n: int, message: bytes) -> list[bytes]:
        seen[w, n] = message
        return [seen[other] for other in others] if (w, n) == (way, number) else [message]

    return change


def held_back(way: int, number: int) -> Change:
    """That message goes after the next one."""
    seen: list[bytes] = []

    def change(w: int, n: int, message: bytes) -> list[bytes]:
        if (w, n) == (way, number):
            seen.append(message)
            return []
        return [message, *seen] if (w, n) == (way, number + 1) else [message]

    return change


def cut_short(way: int, number: int) -> Change:
    return lambda w, n, message: [message[:-1] if (w, n) == (way, number) else message]


ATTACKS: dict[str, Change] = {
    "an offer reflected as its verdict": replacing(1, VERDICT, (0, OFFER)),
    "a request said again as the verdict": replacing(1, VERDICT, (1, PREQ)),
    "a certificate said twice": replacing(1, PREQ, (1, DCERT)),
    "an offer said twice": replacing(0, OFFER, (0, OFFER), (0, OFFER)),
    "the request before the certificate": held_back(1, DCERT),
    "an offer left out": replacing(0, OFFER),
    "a verdict left out": replacing(1, VERDICT),
    "an offer cut short": cut_short(0, OFFER),
    "the hello in place of the offer": replacing(0, OFFER, (0, HELLO)),
}


@pytest.mark.parametrize("change", ATTACKS.values(), ids=ATTACKS)
def test_messages_reflected_reordered_of_another_type_in_one_session(
    tmp_path: Path, change: Change
) -> None:
    """The connection is over; then an honest wire brings the same request to its one end."""
    anna, bert = pair(tmp_path)
    ask(bert, 4_50)
    assert tap(anna, bert, Relay(anna, bert, change).run()) in (CANCELLED, NOT_CONFIRMED)
    assert anna.why in (CANNOT_OPEN, UNAVAILABLE) and bert.till.count == 0
    wire(anna, bert)
    assert (tap_again if anna.wallet.pending else tap)(anna, bert) == PAID
    assert (anna.wallet.signed, bert.till.count, bert.till.received_minor) == (1, 1, 4_50)


@pytest.mark.parametrize("number", [DCERT, PREQ, VERDICT, 5])
def test_messages_of_another_type_that_the_payee_itself_seals(tmp_path: Path, number: int) -> None:
    """A till that answers out of turn, on its own session: nothing is taken for what it is not."""
    anna, bert = pair(tmp_path)
    till = made_up_till(anna)
    kinds = {DCERT: messages.PREQ, PREQ: messages.ACK, VERDICT: messages.BEACON, 5: messages.PREQ}
    kind = kinds[number].number
    if number == DCERT:
        till.dcert = bytes(126)
    elif number == PREQ:
        till.spoil_preq = lambda preq: till.ack(bytes(32))[1]
    else:
        step = messages.OFFER if number == VERDICT else messages.TXN
        till.answers[step.number] = lambda n, body: [(kind, world.beacon(5))]
    assert tapped(anna, till) in (CANCELLED, NOT_CONFIRMED)
    assert anna.wallet.signed == int(number == 5) and len(anna.wallet.pending) == int(number == 5)
    assert bert.till.count == 0


def test_each_message_lost_in_the_middle(tmp_path: Path) -> None:
    """Whichever of a tap's messages never arrives: one payment at the end, one entry."""
    for way, number in [(0, n) for n in range(4)] + [(1, n) for n in range(7)]:
        folder = tmp_path / f"{way}-{number}"
        folder.mkdir()
        anna, bert = pair(folder)
        ask(bert, 4_50)
        tap(anna, bert, Relay(anna, bert, replacing(way, number)).run())
        wire(anna, bert)
        if anna.wallet.pending:
            assert tap_again(anna, bert) == PAID
        elif not anna.wallet.signed:
            assert tap(anna, bert) == PAID
        assert (anna.wallet.signed, bert.till.count, bert.till.received_minor) == (1, 1, 4_50)


def test_the_shown_amount_derives_from_the_verified_preq_alone(tmp_path: Path) -> None:
    """Not from a host, not from a verdict, not from a request that was altered."""
    anna, bert = pair(tmp_path)
    ask(bert, 4_50)
    anna.propose(4_51)
    assert boards.outcome(anna, shop.serve(bert), presses=("hold",)) == CANCELLED
    assert anna.why == AMOUNT_DIFFERS
    till = made_up_till(anna)
    for position in range(18, 24):  # amount and currency
        till.spoil_preq = lambda preq, at=position: flipped(preq, at, 1)
        assert tapped(anna, till) == CANCELLED
        assert anna.why == BAD_SIGNATURE
    assert not any("PAY " in screen[0] for screen in screens(anna))
    till.spoil_preq = None
    verdict = messages.VERDICT.pack(reason=0, req_nonce=till.nonce, extra=9_99)
    till.answers[messages.OFFER.number] = lambda n, body: [(messages.VERDICT.number, verdict)]
    assert tapped(anna, till) == PAID
    assert {screen[0] for screen in screens(anna) if "PAY " in screen[0]} == {"PAY 4.50 EUR"}
    assert [txn.amount for txn in till.taken.values()] == [4_50]


def test_fake_equiv_dropped(tmp_path: Path) -> None:
    """Proof that proves nothing blocks no purse, whoever tells it."""
    bert = shop.shop(str(tmp_path))
    payer, thief = shop.Payer(bert), Keys("thief")
    honest = [payer.txn(n, n * 100, 100, payee=b"payee001", req_hash=bytes(16)) for n in (1, 2)]
    junk = world.pay(thief, payer.purse, 1, 1_50, 1_50)
    own = world.purse_of(thief, b"purse001", thief)
    other = world.pay(thief, own, 1, 2_00, 2_00)
    fakes = [
        payer.purse.signed + honest[0].signed + honest[1].signed,
        payer.purse.signed + honest[0].signed + honest[0].signed,
        payer.purse.signed + honest[0].signed + junk.signed,
        own.signed + junk.signed + other.signed,
        bytes(452),
    ]

    async def story() -> None:
        await payer.meet()
        await payer.news(*[(messages.EQUIV.number, fake) for fake in fakes])

    shop.tap(bert, story())
    assert bert.device.news.proven == []
    shop.ask(bert)
    assert shop.pay(bert, payer, payer.txn(1, 4_50, 4_50))[0] == shop.ACK
