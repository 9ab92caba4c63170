"""Wires come off and power goes, at any moment: a payment is entered once, and confirmed by it.

What takes long is mostly waiting, so it all happens side by side, each on boards of its own.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from time import monotonic, sleep

import pytest

from firmware.common.hardware.pins import BUZZER
from firmware.common.wire.errors import UNAVAILABLE
from host_tools import finger
from tests.system.people import Pair, Person, Room

PAID, CANCELLED, NOT_CONFIRMED = "PAID", "CANCELLED", "NOT CONFIRMED YET"
TO_PAYEE, TO_PAYER = 0, 1
BEEPED = f"pin {BUZZER} 1"  # the payee's board beeps once its ledger holds the payment

PassOn = Callable[[int, bytes], bytes]
Scenario = Callable[[Pair], None]


# -- what a bad wire does ------------------------------------------------------------------------


def cut_after(share: float, of_bytes: int) -> PassOn:
    """Comes off once a share of the bytes of a conversation have passed."""
    left = int(share * of_bytes)

    def pass_on(_direction: int, data: bytes) -> bytes:
        nonlocal left
        passed, left = data[:left], max(0, left - len(data))
        return passed

    return pass_on


def cut_once_entered(pair: Pair) -> PassOn:
    """Loses the acknowledgement and all that follows."""
    return lambda direction, data: b"" if has_beeped(pair) else data


def cut_once_signed(pair: Pair) -> PassOn:
    """Loses the payment, when the payer's screen says that it is on its way."""
    return lambda direction, data: b"" if "NOT CONFIRMED" in pair.payer.sees() else data


def lose_every_third(_pair: Pair) -> PassOn:
    """Of the pieces that the wire carries."""
    pieces = 0

    def pass_on(_direction: int, data: bytes) -> bytes:
        nonlocal pieces
        pieces += 1
        return b"" if pieces % 3 == 0 else data

    return pass_on


def damage_every_third(_pair: Pair) -> PassOn:
    pieces = 0

    def pass_on(_direction: int, data: bytes) -> bytes:
        nonlocal pieces
        pieces += 1
        return bytes((data[0] ^ 0x40,)) + data[1:] if pieces % 3 == 0 else data

    return pass_on


def say_all_twice(_pair: Pair) -> PassOn:
    return lambda _direction, data: data + data


def has_beeped(pair: Pair) -> bool:
    return any(event == BEEPED for _, event in pair.payee.board.events())


# -- what happens --------------------------------------------------------------------------------


def a_wire_that_comes_off_before_anything_is_signed(share: float) -> Scenario:
    """After a share of the bytes that a whole tap has: nothing was paid, and nobody thinks so."""

    def scenario(pair: Pair) -> None:
        assert pair.pay(10)["outcome"] == PAID
        pair.payee.put_away()
        pair.wire.pass_on = cut_after(share, sum(pair.wire.carried))
        lost = pair.pay(1_25)
        assert (lost["outcome"], lost["why"]) == (CANCELLED, UNAVAILABLE)
        pair.wire.pass_on = lambda _direction, data: data
        assert len(pair.payer.payments()) == 1
        assert pair.payer.tap()["outcome"] == PAID
        assert [entry["amount"] for entry in pair.payee.entries()] == [10, 1_25]

    return scenario


def a_wire_that_comes_off_once_it_is_signed(pair: Pair) -> None:
    pair.wire.pass_on = cut_once_signed(pair)
    interrupted(pair, entered=False)


def an_acknowledgement_that_is_lost(pair: Pair) -> None:
    pair.wire.pass_on = cut_once_entered(pair)
    interrupted(pair, entered=True)


def interrupted(pair: Pair, entered: bool, known: int = 0) -> None:
    """A payment over a wire that comes off is confirmed by the next tap."""
    done = pair.pay(1_25)
    assert (done["outcome"], done["why"]) == (NOT_CONFIRMED, UNAVAILABLE)
    assert len(pair.payee.ids()) == known + entered
    pair.wire.pass_on = lambda _direction, data: data
    confirmed_by_the_next_tap(pair, done["id"], known)


def confirmed_by_the_next_tap(pair: Pair, txn_id: str, known: int = 0) -> None:
    again = pair.payer.tap_again()
    assert (again["outcome"], again["id"]) == (PAID, txn_id)
    entries = pair.payee.entries()
    assert pair.payee.ids()[known:] == [txn_id]
    assert set(pair.payer.payments().values()) == {"delivered"}
    total = pair.payee.call("total")["guaranteed"]
    assert total["minor"] == sum(entry["amount"] for entry in entries) == 10 * known + 1_25


def a_bad_wire(passing: Callable[[Pair], PassOn]) -> Scenario:
    """That the link makes good for by itself."""

    def scenario(pair: Pair) -> None:
        pair.wire.pass_on = passing(pair)
        done = pair.pay(1_25)
        assert (done["outcome"], done["why"]) == (PAID, 0)
        assert pair.payee.ids() == [done["id"]]

    return scenario


def begin(pair: Pair) -> None:
    """A tap, agreed to, whose end nobody waits for."""
    pair.payee.charge(1_25)
    pair.payer.call("pay")
    finger.answer(pair.payer.board, pair.payer.device, "PAY", finger.HOLD_MS)


def the_payers_power_goes(pair: Pair) -> None:
    """As the payment leaves: it is in its journal by then."""
    signed = "NOT CONFIRMED"
    pair.wire.pass_on = dark(pair, pair.payer, TO_PAYEE, lambda: signed in pair.payer.sees())
    begin(pair)
    wait_until_dark(pair.payer)
    comes_back(pair, pair.payer)
    ((txn_id, state),) = pair.payer.payments().items()
    assert state == "signed"
    assert pair.payee.entries() == []
    confirmed_by_the_next_tap(pair, txn_id)


def the_payees_power_goes(pair: Pair) -> None:
    """After its ledger holds the payment, before the payer has heard of it."""
    pair.wire.pass_on = dark(pair, pair.payee, TO_PAYER, lambda: has_beeped(pair))
    begin(pair)
    wait_until_dark(pair.payee)
    comes_back(pair, pair.payee)
    assert len(pair.payee.entries()) == 1
    lost = pair.payer.outcome()
    assert (lost["outcome"], lost["why"]) == (NOT_CONFIRMED, UNAVAILABLE)
    confirmed_by_the_next_tap(pair, lost["id"])


def both_lose_power(pair: Pair) -> None:
    """The payment is entered, the payer does not know; both start anew."""
    pair.wire.pass_on = dark(pair, pair.payee, TO_PAYER, lambda: has_beeped(pair))
    begin(pair)
    wait_until_dark(pair.payee)
    comes_back(pair, pair.payee)
    pair.payer.restart()
    ((txn_id, state),) = pair.payer.payments().items()
    assert state == "signed"
    confirmed_by_the_next_tap(pair, txn_id)


def dark(pair: Pair, whose: Person, direction: int, when: Callable[[], bool]) -> PassOn:
    """Cuts somebody's power as a board says something, which is lost."""

    def pass_on(towards: int, data: bytes) -> bytes:
        if towards == direction and when():
            whose.board.power_off()
            return b""
        return data

    return pass_on


def wait_until_dark(person: Person) -> None:
    until = monotonic() + 20
    while person.board.status()["power"] == "on":
        assert monotonic() < until
        sleep(0.02)


def comes_back(pair: Pair, person: Person) -> None:
    pair.wire.pass_on = lambda _direction, data: data
    person.restart()


# -- side by side --------------------------------------------------------------------------------


SCENARIOS: dict[str, Scenario] = {
    "comes off at the greeting": a_wire_that_comes_off_before_anything_is_signed(0.03),
    "comes off at the request": a_wire_that_comes_off_before_anything_is_signed(0.20),
    "comes off with the payment": a_wire_that_comes_off_once_it_is_signed,
    "the acknowledgement is lost": an_acknowledgement_that_is_lost,
    "a piece in three is lost": a_bad_wire(lose_every_third),
    "a piece in three is damaged": a_bad_wire(damage_every_third),
    "all is said twice": a_bad_wire(say_all_twice),
    "the payer's power goes": the_payers_power_goes,
    "the payee's power goes": the_payees_power_goes,
    "both lose power": both_lose_power,
}


@pytest.fixture(scope="module")
def running(
    flashed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[None]]]:
    """Every scenario by its name, all begun at once."""
    home = tmp_path_factory.mktemp("interruptions")
    door = Lock()

    def meet(name: str) -> None:
        with Room(flashed, home / name.replace("'", "")) as room:
            with door:  # one pair after the other: only starting a board is work
                pair = room.pair()
            SCENARIOS[name](pair)

    with ThreadPoolExecutor(len(SCENARIOS)) as pool:
        yield {name: pool.submit(meet, name) for name in SCENARIOS}


@pytest.mark.parametrize("name", SCENARIOS)
def test_entered_once_and_confirmed(running: dict[str, Future[None]], name: str) -> None:
    running[name].result()
