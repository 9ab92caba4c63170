"""That the bank refuses a board, or contradicts itself, is shown until it takes something again."""

from firmware.common.ui.refusing import BANK, BOARD
from firmware.common.wire import messages
from firmware.common.wire.errors import BUSY, FROZEN, LEDGER_FORK, MALFORMED, OK
from firmware.receiver.tap import serve
from tests.unit import bank_desk, shop, world
from tests.unit.counter import Counter
from tests.unit.helpers import Folder
from tests.unit.roles import run, until
from tests.unit.test_till_bank import call, done
from tests.unit.till import pair

BEACON, REVDELTA = messages.BEACON.number, messages.REVDELTA.number


def bundle(number: int, message: bytes) -> bytes:
    return bytes((number,)) + len(message).to_bytes(2, "big") + message


def told(app) -> list:
    """The reason and by whom; nothing where all is well."""
    return done(app, "status")[0]["refusal"]


async def a_while(app) -> None:
    """Every task of the board has its turn, many times."""
    for _ in range(50):
        await app.device.board.clock.sleep_ms(10)


def screens(app, *presses: str) -> list:
    """The screen of a board that runs, and those after each press: lists of lines."""
    found = []

    async def story() -> None:
        await a_while(app)
        found.append(app.device.board.display.lines)
        for name in presses:
            app.device.board.press(name)
            await a_while(app)
            found.append(app.device.board.display.lines)

    run(story(), app.run())
    return found


def at_rest(app) -> str:
    """What the resting screen says of the bank."""
    (screen,) = screens(app)
    assert screen[0] in ("SENDER", "RECEIVER"), screen
    return screen[2]


def test_what_the_bank_refuses_is_shown_at_once_and_stays_until_it_takes_something():
    with Folder() as folder:
        app = shop.shop(folder)
        shop.paid(app, shop.Payer(app), 1)
        screens(app, "ok")  # RECEIVED
        assert at_rest(app) == "" and told(app) == []
        shown = []

        async def story() -> None:
            await until(app, lambda: app.dialog.title == "RECEIVER")
            done(app, "refused", reason=LEDGER_FORK)  # while it rests
            await a_while(app)
            shown.append(app.device.board.display.lines[:2])
            app.device.board.press("ok")
            await until(app, lambda: app.dialog.title == "RECEIVER")
            await a_while(app)
            shown.append(app.device.board.display.lines[2])

        run(story(), app.run())
        assert shown == [["BANK:LEDGER FORK", "It takes nothing"], "BANK:LEDGER FORK"]
        app = shop.again(app)
        assert told(app) == [LEDGER_FORK, BANK]
        assert at_rest(app) == "BANK:LEDGER FORK"
        bank = Counter(app)
        bank.open(done(app, "upload")[1])
        assert told(app) == [LEDGER_FORK, BANK]  # it is not taken yet
        done(app, "receipt", bank.receipt())
        assert told(app) == [] and at_rest(app) == ""


def test_a_payers_board_shows_it_too_until_its_statement():
    with Folder() as folder:
        app, desk, _ = bank_desk.topped_up(folder)
        done(app, "refused", reason=FROZEN)
        told_of, resting = screens(app, "ok")
        assert told_of[:2] == ["BANK:FROZEN", "It takes nothing"]
        assert resting[2] == "BANK:FROZEN" and told(app) == [FROZEN, BANK]
        done(app, "top_up", amount=1_00)
        assert bank_desk.agree(app) == "DONE"
        done(app, "statement", desk.answer(done(app, "sync")[1]))
        assert told(app) == [] and at_rest(app) == ""


def test_the_same_is_announced_once():
    with Folder() as folder:
        app = shop.shop(folder)
        for _ in range(3):
            done(app, "refused", reason=FROZEN)
        titles = [screen[0] for screen in screens(app, "ok")]
        assert titles == ["BANK:FROZEN", "RECEIVER"]
        done(app, "refused", reason=FROZEN)
        assert at_rest(app) == "BANK:FROZEN"
        done(app, "refused", reason=LEDGER_FORK)
        assert screens(app)[0][0] == "BANK:LEDGER FORK"


def test_a_host_cannot_say_anything_else():
    with Folder() as folder:
        app = shop.shop(folder)
        for reason in (BUSY, 255, -1, "18", None):
            header, _ = call(app, "refused", reason=reason)
            assert (header["ok"], header["reason"]) == (False, MALFORMED)
        assert told(app) == []


def test_a_bank_that_contradicts_itself_is_found_out_in_news_from_a_host():
    with Folder() as folder:
        app = shop.shop(folder)
        other = world.beacon(1, world.NOW + 1)
        assert done(app, "news", bundle(BEACON, other))[0]["taken"] == 0
        assert told(app) == [LEDGER_FORK, BOARD]
        assert screens(app)[0][:2] == ["BANK:LEDGER FORK", "It told others"]


def test_a_bank_that_contradicts_itself_about_revocations():
    with Folder() as folder:
        app = shop.shop(folder)
        done(app, "news", bundle(BEACON, world.beacon(2, revoked=(b"purse001",))))
        assert told(app) == []
        done(app, "news", bundle(REVDELTA, world.revocations(0, (b"purse002",))))
        assert told(app) == [LEDGER_FORK, BOARD] and app.device.news.rev_seq == 0


def test_neither_bank_nor_host_ends_what_a_board_has_found_out():
    with Folder() as folder:
        app = shop.shop(folder)
        shop.paid(app, shop.Payer(app), 1)
        done(app, "news", bundle(BEACON, world.beacon(1, world.NOW + 1)))
        for reason in (FROZEN, LEDGER_FORK, OK):
            done(app, "refused", reason=reason)
            assert told(app) == [LEDGER_FORK, BOARD]
        bank = Counter(app)
        bank.open(done(app, "upload")[1])
        done(app, "receipt", bank.receipt())
        assert told(app) == told(shop.again(app)) == [LEDGER_FORK, BOARD]


def test_a_host_says_that_the_bank_refuses_it_no_more():
    with Folder() as folder:
        app = shop.shop(folder)
        done(app, "refused", reason=OK)
        done(app, "refused", reason=FROZEN)
        done(app, "refused", reason=OK)
        assert told(app) == []
        assert screens(app, "ok")[1][:3:2] == ["RECEIVER", ""]


def test_what_a_stranger_made_up_is_no_contradiction():
    with Folder() as folder:
        app = shop.shop(folder)
        done(app, "news", bundle(BEACON, world.beacon(1, world.NOW + 1, keys=shop.PURSE)))
        assert told(app) == []


def test_a_till_finds_it_out_at_a_tap_and_shows_it_after_received():
    with Folder() as folder:
        app, payer = shop.start(folder)
        txn = payer.txn(1, 4_50, 4_50)
        shown = []

        async def story() -> None:
            await payer.meet()
            await payer.offer(1, 4_50)
            await payer.say(messages.TXN, txn.signed)
            await payer.news((BEACON, world.beacon(1, world.NOW + 1)))
            for press in ("ok", "ok", ""):
                await a_while(app)
                shown.append(app.device.board.display.lines)
                app.device.board.press(*press.split())

        run(story(), app.run(), serve(app))
        assert told(app) == [LEDGER_FORK, BOARD] and app.till.count == 1
        received, odds, resting = shown
        assert (received[0], odds[0]) == ("RECEIVED", "BANK:LEDGER FORK")
        assert resting[0] == "RECEIVER" and resting[2] == "BANK:LEDGER FORK"


def test_a_payer_finds_it_out_at_a_tap_and_still_sees_what_was_paid():
    with Folder() as folder:
        app, till = pair(folder)
        till.news = [(BEACON, world.beacon(1, world.NOW + 1))]
        shown = []

        async def story() -> None:
            await until(app, lambda: app.outcome == "PAID")
            for press in ("ok", "ok", ""):  # the outcome first
                await a_while(app)
                shown.append(app.device.board.display.lines)
                app.device.board.press(*press.split())

        app.propose(0)
        app.device.board.press("hold")
        run(story(), app.run(), till.serve())
        paid, odds, resting = shown
        assert (odds[0], paid[0]) == ("BANK:LEDGER FORK", "PAID")
        assert resting[0] == "SENDER" and resting[2] == "BANK:LEDGER FORK"
        assert told(app) == [LEDGER_FORK, BOARD]
