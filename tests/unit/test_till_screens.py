"""What a cashier presses and sees: what is asked for, what was received, what was long ago."""

from firmware.common.wire.errors import CANCELLED
from tests.unit import shop
from tests.unit.helpers import Folder
from tests.unit.roles import payee, run, until
from tests.unit.test_dialog import N, titles, wheel


def at_the_till(bert, condition) -> None:
    """Runs the till's screens until something is so."""

    async def story() -> None:
        await until(bert, condition)

    run(story(), bert.run())


def test_the_till_asks_for_the_amount_that_was_typed():
    with Folder() as folder:
        bert = shop.shop(folder)
        bert.device.board.press("ok", *wheel("4", "5", "0", "="))
        at_the_till(bert, lambda: bert.dialog.title == "ASKS 4.50 EUR")
        first = bert.till.open
        assert first.amount_minor == 4_50
        bert.device.board.press("ok", *wheel("7", "="))
        at_the_till(bert, lambda: bert.dialog.title == "ASKS 0.07 EUR")
        assert shop.closed(bert, first) == CANCELLED  # a wrong amount is asked no more
        bert.device.board.press("ok", "cancel")
        at_the_till(bert, lambda: not bert.device.board.buttons.presses)
        assert bert.till.open.amount_minor == 7


def test_the_till_cancels_what_it_asked_for_after_a_question():
    with Folder() as folder:
        bert = shop.shop(folder)
        asked = shop.ask(bert)
        bert.device.board.press("cancel", "cancel")
        at_the_till(bert, lambda: titles(bert)[-2:] == ["CANCEL?", "ASKS 4.50 EUR"])
        assert bert.till.open is asked
        bert.device.board.press("cancel", "ok")
        at_the_till(bert, lambda: bert.dialog.title == "RECEIVER")
        assert bert.till.open is None and shop.closed(bert, asked) == CANCELLED


def test_a_till_without_a_certificate_asks_nobody():
    with Folder() as folder:
        bert = payee(folder)
        bert.device.board.press("ok")
        at_the_till(bert, lambda: bert.dialog.title == "NOT POSSIBLE")
        assert bert.till.count == 0 and bert.till.open is None


def test_the_last_payments_are_listed_newest_first():
    with Folder() as folder:
        bert = shop.shop(folder)
        payer = shop.Payer(bert)
        for number, amount_minor in enumerate((1_00, 2_00, 3_00)):
            asked = shop.ask(bert, amount_minor)
            txn = payer.txn(number + 1, amount_minor * (amount_minor + 100) // 200, amount_minor)
            shop.enter(bert, asked, payer, txn)
        bert.device.board.press(N)
        at_the_till(bert, lambda: bert.dialog.title == "LAST PAYMENTS")
        lines = bert.device.board.display.lines[1:4]
        assert lines == [">2 3.00 EUR", " 1 2.00 EUR", " 0 1.00 EUR"]


def test_received_stays_whatever_comes_until_ok():
    with Folder() as folder:
        bert = shop.shop(folder)
        asked = shop.ask(bert)
        bert.received(asked.amount_minor, asked.currency, "lamp-fish")

        async def story() -> None:
            await until(bert, lambda: bert.dialog.title == "RECEIVED")
            assert bert.device.board.display.lines[2:5] == ["4.50 EUR", "", "lamp-fish"]
            bert.device.board.press("cancel", N)
            bert.dialog.wake()
            stay_ms = bert.device.board.clock.ms() + 60_000
            while bert.device.board.clock.ms() < stay_ms:
                assert bert.dialog.title == "RECEIVED"
                await bert.device.board.clock.sleep_ms(100)
            bert.device.board.press("ok")
            await until(bert, lambda: bert.dialog.title == "ASKS 4.50 EUR")

        run(story(), bert.run())
