"""Whole taps between both roles in one process: each is PAID and RECEIVED once, or waits."""

from firmware.common.payment.evidence import check_evidence
from firmware.common.storage import news_exchange
from firmware.common.wire import messages
from firmware.common.wire.errors import (
    CANCELLED,
    OVER_LIMIT,
    PROVEN_CHEAT,
    REQUEST_UNKNOWN,
    REVOKED,
    UNAVAILABLE,
)
from firmware.receiver import keeping
from firmware.receiver.tap import serve
from tests.unit import shop as shops
from tests.unit import world
from tests.unit.bank_desk import done
from tests.unit.beside import run, until
from tests.unit.fake_board import Clock, join
from tests.unit.forms import Keys
from tests.unit.helpers import Folder, Seeded
from tests.unit.till import payer, top_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FRAME_START = 0x7E


def pair(folder: str) -> "tuple[Any, Any]":
    """A payer with a purse and a till, joined by a wire."""
    clock = Clock()
    anna, bert = payer(folder + "/anna", clock), shops.shop(folder + "/bert", clock)
    top_up(anna)
    join(anna.device.board.tap, bert.device.board.tap)
    return anna, bert


def restarted(anna, bert, which: str) -> "tuple[Any, Any]":
    """Both again, one of them after a power cut."""
    board = anna.device.board
    anna = payer(board.root, board.clock) if "anna" in which else anna
    bert = shops.again(bert) if "bert" in which else bert
    join(anna.device.board.tap, bert.device.board.tap)
    return anna, bert


def tap(anna, bert, *presses: str) -> str:
    """Lets both boards run until the payer's has an outcome."""
    anna.device.board.press(*presses)

    async def story() -> None:
        await until(anna, lambda: bool(anna.outcome))

    run(story(), anna.run(), bert.run(), serve(bert))
    return anna.outcome


def pay(anna, bert) -> str:
    anna.propose(0)
    return tap(anna, bert, "hold")


def tap_again(anna, bert) -> str:
    anna.tap_again()
    return tap(anna, bert)


def shown(app, title: str) -> list:
    return [screen for screen in app.device.board.display.shown if screen[0] == title]


# -- the whole -----------------------------------------------------------------------------------


def test_a_payment_is_paid_on_one_screen_and_received_on_the_other():
    with Folder() as folder:
        anna, bert = pair(folder)
        shops.ask(bert, 4_50)
        assert pay(anna, bert) == "PAID"
        assert (bert.till.count, bert.till.received_minor) == (1, 4_50)
        assert anna.wallet.pending == [] and bert.till.open is None
        paid, received = shown(anna, "PAID")[0], shown(bert, "RECEIVED")[0]
        assert paid[2:4] == ["4.50 EUR", "Bert"] and "4.50 EUR" in received
        assert [line for line in paid if "-" in line] == [line for line in received if "-" in line]
        asked = shown(anna, "PAY 4.50 EUR")[0]
        assert asked[4] == paid[5]  # the same two words all along
        assert (anna.device.board.beeps, bert.device.board.beeps) == (1, 1)


def test_the_payers_evidence_holds_for_whoever_knows_the_root():
    with Folder() as folder:
        anna, bert = pair(folder)
        shops.ask(bert, 4_50)
        pay(anna, bert)
        pack = done(anna, "evidence", id=anna.last_id)[1]
        assert len(pack) == 1_014
        device, purse, request, txn, ack = check_evidence(world.ROOT.public, pack)
        assert (txn.amount, ack.index) == (4_50, 0)
        assert ack.ledger_head == bert.till.head and request.payee == bert.till.device
        assert device.pub == bert.device.store.keys.signing_public
        assert purse.purse == b"purse001"


def test_payments_follow_each_other_over_restarts_of_both():
    with Folder() as folder:
        anna, bert = pair(folder)
        for number, which in enumerate(("", "anna", "bert", "anna bert")):
            anna, bert = restarted(anna, bert, which)
            shops.ask(bert, 100 + number)
            assert pay(anna, bert) == "PAID"
        assert (bert.till.count, bert.till.received_minor) == (4, 4_06)
        assert anna.wallet.purses[0].spent == 4_06


def test_what_is_not_asked_for_is_not_paid():
    with Folder() as folder:
        anna, bert = pair(folder)
        assert pay(anna, bert) == "CANCELLED" and anna.why == REQUEST_UNKNOWN
        assert not shown(anna, "PAY 0.00 EUR")
        shops.ask(bert, 4_50)
        anna.propose(4_51)
        assert tap(anna, bert) == "CANCELLED"
        anna.propose(0)
        assert tap(anna, bert, "ok", "cancel") == "CANCELLED"
        assert bert.till.count == 0 == anna.wallet.signed and bert.till.open
        assert pay(anna, bert) == "PAID"


def test_the_till_says_no_while_the_payer_reads():
    with Folder() as folder:
        anna, bert = pair(folder)
        revoked = (b"purse001",)
        for number, body in (
            (messages.BEACON.number, world.beacon(2, revoked=revoked)),
            (messages.REVDELTA.number, world.revocations(0, revoked)),
        ):
            news_exchange.take(bert.device.news, number, body)
        shops.ask(bert, 4_50)
        anna.propose(0)
        assert tap(anna, bert, "ok") == "CANCELLED"
        assert anna.why == REVOKED and anna.wallet.signed == 0


def test_news_travel_both_ways_and_a_revoked_till_is_paid_no_more():
    with Folder() as folder:
        anna, bert = pair(folder)
        ids = (bert.till.device,)
        news_exchange.take(anna.device.news, messages.BEACON.number, world.beacon(9, revoked=ids))
        shops.ask(bert, 4_50)
        assert pay(anna, bert) == "PAID"
        assert bert.device.news.beacon_seq == 9
        delta = world.revocations(0, ids)
        news_exchange.take(anna.device.news, messages.REVDELTA.number, delta)
        shops.ask(bert, 4_50)
        assert pay(anna, bert) == "CANCELLED" and anna.why == REVOKED


# -- losses --------------------------------------------------------------------------------------


class Losing:
    """A port that loses everything after so many frames have passed through it, both ways."""

    def __init__(self, port, frames: int) -> None:
        self.port = port
        self.left = frames
        self.is_lost = False

    def read(self) -> bytes:
        return self._pass(self.port.read())

    def write(self, data: bytes) -> None:
        self.port.write(self._pass(data))

    def _pass(self, data: bytes) -> bytes:
        """Whole frames while any are left; a frame has a flag at each end."""
        if not data or self.is_lost:
            return b""
        frames = sum([1 for byte in data if byte == _FRAME_START]) // 2
        self.left -= frames
        self.is_lost = self.left < 0
        return b"" if self.is_lost else data


def test_a_loss_at_any_frame_loses_nothing_and_pays_nothing_twice():
    """Frame by frame until a payment needs no more of them."""
    frames = 0
    outcomes = []
    while not outcomes or frames < 200:
        with Folder() as folder:
            anna, bert = pair(folder)
            shops.ask(bert, 4_50)
            wire = anna.device.board.tap
            anna.device.board.tap = losing = Losing(wire, frames)
            outcome = pay(anna, bert)
            anna.device.board.tap = wire
            outcomes.append(outcome)
            check_books(anna, bert, outcome)
            if losing.left > 0:
                break
            if anna.wallet.pending:
                if frames % 2:
                    anna, bert = restarted(anna, bert, "anna")
                assert tap_again(anna, bert) == "PAID", frames
            elif outcome == "CANCELLED":
                assert anna.wallet.signed == 0 and pay(anna, bert) == "PAID"
            assert (bert.till.count, bert.till.received_minor) == (1, 4_50), frames
            assert anna.wallet.signed == 1 and anna.wallet.pending == []
        frames += 1 if frames < 4 else 3
    assert set(outcomes) == {"CANCELLED", "NOT CONFIRMED YET", "PAID"}
    assert outcomes[-1] == "PAID"


def check_books(anna, bert, outcome: str) -> None:
    """What each screen says is so, whatever the wire did."""
    if outcome == "CANCELLED":
        assert bert.till.count == 0 and anna.wallet.signed == 0
    if outcome == "PAID":
        assert bert.till.count == 1 and not anna.wallet.pending
    if outcome == "NOT CONFIRMED YET":
        assert anna.why == UNAVAILABLE and len(anna.wallet.pending) == 1


def test_cuts_anywhere_over_many_payments_lose_nothing():
    seeded = Seeded("opg1 cuts")
    with Folder() as folder:
        anna, bert = pair(folder)
        total_minor = 0
        for number in range(10):
            amount_minor = 100 + number
            total_minor += amount_minor
            shops.ask(bert, amount_minor)
            wire = anna.device.board.tap
            anna.device.board.tap = Losing(wire, 18 + seeded.below(40))
            outcome = pay(anna, bert)
            anna.device.board.tap = wire
            if seeded.below(3) == 0:
                anna, bert = restarted(anna, bert, "anna")
            if outcome != "PAID":
                outcome = tap_again(anna, bert) if anna.wallet.pending else pay(anna, bert)
            assert outcome == "PAID", number
        assert (bert.till.count, bert.till.received_minor) == (10, total_minor)
        assert anna.wallet.purses[0].spent == total_minor
        again = shops.again(bert)
        assert (again.till.count, again.till.head) == (10, bert.till.head)


# -- late and void -------------------------------------------------------------------------------


def unconfirmed(folder: str) -> "tuple[Any, Any]":
    """A payment that was signed, and of which the till never heard."""
    anna, bert = pair(folder)
    shops.ask(bert, 4_50)
    wire = anna.device.board.tap

    class CutOnceSigned(Losing):
        """Nothing passes any more as soon as the payer has signed."""

        def _pass(self, data: bytes) -> bytes:
            return b"" if anna.wallet.signed else data

    anna.device.board.tap = CutOnceSigned(wire, 0)
    pay(anna, bert)
    anna.device.board.tap = wire
    assert anna.outcome == "NOT CONFIRMED YET" and bert.till.count == 0
    return anna, bert


def test_a_request_that_was_cancelled_voids_the_payment_on_its_way():
    with Folder() as folder:
        anna, bert = unconfirmed(folder)
        keeping.close(bert.till, bert.till.open, CANCELLED)
        assert tap_again(anna, bert) == "CANCELLED"
        assert bert.till.count == 0 and anna.wallet.pending == []
        assert shown(anna, "CANCELLED")[0][2:6] == [
            "4.50 EUR",
            "Bert",
            "The payee did",
            "not take it.",
        ]
        shops.ask(bert, 4_50)
        assert pay(anna, bert) == "PAID"  # the next interval
        assert [anna.wallet.purses[0].spent, bert.till.received_minor] == [9_00, 4_50]


def decided(anna, bert, pressed: str) -> str:
    """A tap on which the cashier is asked."""

    async def cashier() -> None:
        await until(bert, lambda: bert.dialog.title == "TAKE IT NOW?")
        bert.device.board.press(pressed)

    async def story() -> None:
        await until(anna, lambda: bool(anna.outcome))

    anna.tap_again()
    run(story(), cashier(), anna.run(), bert.run(), serve(bert))
    return anna.outcome


def test_a_till_that_was_off_takes_a_late_payment_when_its_cashier_says_so():
    with Folder() as folder:
        anna, bert = unconfirmed(folder)
        anna, bert = restarted(anna, bert, "bert")
        assert bert.till.open is None
        assert decided(anna, bert, "ok") == "PAID"
        assert bert.till.count == 1
        assert shown(bert, "TAKE IT NOW?")


def test_a_till_that_was_off_and_says_no_voids():
    with Folder() as folder:
        anna, bert = unconfirmed(folder)
        anna, bert = restarted(anna, bert, "bert")
        assert decided(anna, bert, "cancel") == "CANCELLED"
        assert bert.till.count == 0 and anna.wallet.pending == []


def test_a_pending_payment_and_a_new_one_in_one_tap():
    with Folder() as folder:
        anna, bert = unconfirmed(folder)
        shops.ask(bert, 7_00)  # closes the request before
        assert pay(anna, bert) == "PAID"
        assert bert.till.received_minor == 7_00 and anna.wallet.pending == []
        assert shown(anna, "PAY 7.00 EUR")


def test_a_restored_payer_is_caught_by_the_till_it_paid():
    """Flash of before: the same counter again, for another request."""
    with Folder() as folder:
        anna, bert = pair(folder)
        shops.ask(bert, 4_50)
        assert pay(anna, bert) == "PAID"
        (purse,) = anna.wallet.purses
        purse.ctr, purse.spent = 0, 0
        shops.ask(bert, 3_00)
        assert pay(anna, bert) == "CANCELLED"
        assert anna.why == PROVEN_CHEAT and bert.till.count == 1


def test_a_purse_with_too_little_is_not_offered():
    with Folder() as folder:
        anna, bert = pair(folder)
        anna.wallet.purses.clear()
        top_up(anna, b"small   ", allowance=2_00, tx_max=1_00)
        shops.ask(bert, 1_50)
        assert pay(anna, bert) == "CANCELLED" and anna.why == OVER_LIMIT
        assert Keys("purse small   ").public == anna.wallet.purses[0].signed[10:74]
