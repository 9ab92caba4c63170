"""What a tap carries beside money, and payers that talk nonsense."""

from firmware.common.storage.news_exchange import take
from firmware.common.wire import messages
from firmware.common.wire.errors import (
    CANNOT_OPEN,
    OK,
    UNAVAILABLE,
    Refused,
)
from tests.unit import world
from tests.unit.helpers import Folder
from tests.unit.no_room import NoRoomFor
from tests.unit.shop import (
    ACK,
    Payer,
    ask,
    pay,
    shop,
    start,
    tap,
)
from tests.unit.till import pair
from tests.unit.till import pay as paid_by

BEACON, REVDELTA, EQUIV = (
    messages.BEACON.number,
    messages.REVDELTA.number,
    messages.EQUIV.number,
)


def test_news_goes_both_ways_at_the_end_of_a_tap():
    with Folder() as folder:
        app, payer = start(folder)
        take(app.device.news, REVDELTA, world.revocations(0, (b"purse009",)))
        txn = payer.txn(1, 4_50, 4_50)

        async def story():
            await payer.meet()
            await payer.offer(1, 4_50)
            await payer.say(messages.TXN, txn.signed)
            return await payer.news(
                (BEACON, world.beacon(7)), (BEACON, b"junk"), (EQUIV, bytes(452))
            )

        told = tap(app, story())
        assert app.device.news.beacon_seq == 7
        assert [number for number, _ in told] == [BEACON, REVDELTA]
        payer.beacon, payer.rev_seq = 7, 1
        assert tap(app, offered_then_news(payer)) == []


async def offered_then_news(payer: Payer):
    await payer.meet()
    await payer.offer(2, 9_00)
    return await payer.news()


def test_a_payer_that_floods_with_news_is_left():
    with Folder() as folder:
        app, payer = start(folder)

        async def story():
            await payer.meet()
            try:
                for _ in range(40):
                    await payer.channel.send(EQUIV, bytes(452))
                return await payer.news()
            except Refused as refused:
                return refused.reason

        assert tap(app, story()) == UNAVAILABLE
        assert pay(app, payer, payer.txn(1, 4_50, 4_50))[0] == ACK


def test_several_payments_go_over_one_connection():
    with Folder() as folder:
        app, payer = start(folder)
        first = payer.txn(1, 4_50, 4_50)
        nonce = app.till.open.core[10:18]
        pay(app, payer, first)
        ask(app, 2_00)
        second = payer.txn(2, 6_50, 2_00)

        async def story():
            await payer.meet()
            answers = [await payer.resume(first, nonce)]
            assert await payer.offer(2, 6_50) == OK
            answers.append(await payer.say(messages.TXN, second.signed))
            assert await payer.news() != []
            return answers

        assert [number for number, _ in tap(app, story())] == [ACK, ACK]


def test_a_till_that_belongs_to_nobody_talks_to_nobody():
    with Folder() as folder:
        app = shop(folder, None, False)
        payer = Payer(app)

        async def story():
            try:
                await payer.meet()
            except Refused as refused:
                return refused.reason

        assert tap(app, story()) == UNAVAILABLE


def test_a_message_that_is_not_the_next_one_ends_the_tap_and_no_more():
    with Folder() as folder:
        app, payer = start(folder)
        txn = payer.txn(1, 4_50, 4_50)

        async def story():
            await payer.meet()
            await payer.channel._send(bytes(40))
            try:
                await payer.channel.receive(5_000)
            except Refused as refused:
                return refused.reason

        assert tap(app, story()) == UNAVAILABLE
        assert b"TAP ENDED %d" % CANNOT_OPEN in app.device.events.read()
        assert pay(app, payer, txn)[0] == ACK


def test_without_room_for_news_a_tap_ends_as_any_other():
    """The payee has the money by then: its board must go on, and the payer must hear its end."""
    with Folder() as folder:
        app, payer = start(folder)
        txn = payer.txn(1, 4_50, 4_50)

        async def story():
            await payer.meet()
            await payer.offer(1, 4_50)
            await payer.say(messages.TXN, txn.signed)
            return await payer.news()

        with NoRoomFor("firmware.common.storage.news_telling", "messages_for"):
            assert tap(app, story()) == []
        assert b"NO ROOM FOR NEWS" in app.device.events.read() and app.till.count == 1


def test_without_room_for_news_a_payer_sees_that_it_paid():
    with Folder() as folder:
        app, till = pair(folder)
        till.news = [(BEACON, world.beacon(7))]
        with NoRoomFor("firmware.common.storage.news_exchange", "hear"):
            assert paid_by(app, till) == "PAID"
        assert app.device.news.beacon_seq == 1 and app.wallet.pending == []
