"""Two boards that talk: each hears the other and nobody else, or the conversation is over."""

import asyncio
import os

from firmware.common.wire import link as links
from firmware.common.wire.channel import Channel
from firmware.common.wire.errors import CANNOT_OPEN, KEY_MISMATCH, REPLAY, UNAVAILABLE, Refused
from firmware.common.wire.link import Link
from tests.unit.fake_board import Board, Clock, join
from tests.unit.helpers import Folder, refused

REALM = b"realm of"


def pair(folder: str) -> tuple:
    """A payer's and a payee's channel on one wire."""
    clock = Clock()
    boards = [Board(folder, clock), Board(folder, clock)]
    join(boards[0].tap, boards[1].tap)
    return Channel(boards[0], Link()), Channel(boards[1], Link())


async def outcome(task):
    """What a coroutine returns, or the reason why it is refused."""
    try:
        return await task
    except Refused as error:
        return error.reason


def side_by_side(*tasks) -> list:
    """Runs coroutines beside each other until all are done; the outcome of each."""

    async def together():
        return await asyncio.gather(*[outcome(task) for task in tasks])

    if hasattr(asyncio, "new_event_loop"):
        asyncio.new_event_loop()  # MicroPython keeps one; what a failed test left is dropped
    return list(asyncio.run(together()))


def connected(folder: str) -> tuple:
    payer, payee = pair(folder)
    assert side_by_side(payer.connect(REALM), payee.accept(REALM)) == [None, None]
    return payer, payee


def test_both_agree_on_keys_and_on_the_words_of_the_screens():
    with Folder() as folder:
        payer, payee = connected(folder)
        assert payer.session.code == payee.session.code
        assert payer.session.transcript == payee.session.transcript


def test_messages_go_both_ways_in_their_order():
    with Folder() as folder:
        payer, payee = connected(folder)

        async def asks():
            for number in range(5):
                await payer.send(number, bytes(100 * number))
                assert await payer.receive() == (100 + number, b"seen %d" % (100 * number))
            await payer.send(9, b"")
            await payer.flush()

        async def answers():
            while True:
                kind, message = await payee.receive()
                if kind == 9:
                    return
                await payee.send(100 + kind, b"seen %d" % len(message))

        assert side_by_side(asks(), answers()) == [None, None]


def test_one_conversation_follows_the_other_with_new_keys():
    with Folder() as folder:
        payer, payee = connected(folder)
        codes = [payer.session.code]
        for _ in range(2):
            payer.close()
            assert side_by_side(payer.connect(REALM), payee.accept(REALM)) == [None, None]
            codes.append(payer.session.code)
        assert len(set(codes)) == 3


def test_a_payer_that_starts_anew_ends_the_conversation_before():
    with Folder() as folder:
        payer, payee = connected(folder)
        restarted = Channel(payer._board, Link())

        async def till():
            reason = await outcome(payee.receive())
            await payee.accept(REALM)
            return reason, await payee.receive()

        async def again():
            await restarted.connect(REALM)
            await restarted.send(3, b"here again")
            await restarted.flush()

        assert side_by_side(again(), till()) == [
            None,
            (UNAVAILABLE, (3, b"here again")),
        ]


def test_silence_ends_a_conversation_in_time():
    with Folder() as folder:
        payer, payee = connected(folder)
        clock = payer._board.clock
        start_ms = clock.ms()
        assert side_by_side(payer.receive(5_000)) == [UNAVAILABLE]
        assert 5_000 <= clock.ms() - start_ms < 5_100
        refused(UNAVAILABLE, lambda: payer.session)
        told_ms = clock.ms()  # the other end is told: it waits no longer
        assert side_by_side(payee.receive(60_000)) == [UNAVAILABLE]
        assert clock.ms() - told_ms < 100


def test_a_close_that_is_lost_is_told_at_the_next_message():
    with Folder() as folder:
        payer, payee = connected(folder)
        side_by_side(payer.send(1, b"x"), payee.receive())
        payer.close()
        payee._board.tap.read()  # and so it is gone

        async def stays():
            for _ in range(100):
                payer.has_caller()
                await payer._board.clock.sleep_ms(5)

        done = side_by_side(payee.send(1, b"x"), payee.receive(60_000), stays())
        assert done == [None, UNAVAILABLE, None]
        assert payee._board.clock.ms() < 5_000


def test_nobody_at_the_other_end_is_told_soon():
    with Folder() as folder:
        payer, _ = pair(folder)
        clock = payer._board.clock
        assert side_by_side(payer.connect(REALM)) == [UNAVAILABLE]
        assert clock.ms() < 5_000


def test_another_deployment_is_not_understood():
    with Folder() as folder:
        payer, payee = pair(folder)
        assert side_by_side(payer.connect(b"testbank"), payee.accept(REALM)) == [None, None]
        assert side_by_side(payer.send(1, b"x"), payee.receive()) == [None, CANNOT_OPEN]
        assert payee._link.state == links.CLOSED


class Plain:
    """An end that says what it likes, in the plain or with another's sealed bytes."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.link = Link()

    async def say(self, *messages: bytes):
        for message in messages:
            while self.link.state != links.OPEN or not self.link.is_idle():
                await self.wait()
            self.link.send(message)
        while not self.link.is_idle() and self.link.state == links.OPEN:
            await self.wait()

    async def hear(self):
        while True:
            message = self.link.receive()
            if message is not None:
                return message
            await self.wait()

    async def wait(self):
        self.link.step(self.board.tap, self.board.clock.ms())
        await self.board.clock.sleep_ms(2)


def test_a_board_that_did_not_commit_to_its_key_is_left():
    with Folder() as folder:
        payer, _ = pair(folder)
        stranger = Plain(Board(folder, payer._board.clock))
        join(payer._board.tap, stranger.board.tap)
        hello = Channel(stranger.board, Link()).prepare().hello
        told = side_by_side(payer.connect(REALM), stranger.say(bytes(8), hello))
        assert told == [KEY_MISMATCH, None]
        assert payer._link.state == links.CLOSED


def test_a_payee_that_repeats_what_it_hears_is_left():
    with Folder() as folder:
        payer, _ = pair(folder)
        mirror = Plain(Board(folder, payer._board.clock))
        join(payer._board.tap, mirror.board.tap)
        hello = payer.prepare().hello

        async def reflect():
            await mirror.say(payer_commitment)
            assert await mirror.hear() == hello
            await mirror.say(hello)

        payer_commitment = payer.prepare().commitment
        assert side_by_side(payer.connect(REALM), reflect())[0] == REPLAY


def test_a_key_told_to_one_is_told_to_nobody_else():
    with Folder() as folder:
        _, payee = pair(folder)
        heard = []
        for connection in (5, 6):
            guest = Plain(Board(folder, payee._board.clock))
            join(guest.board.tap, payee._board.tap)
            guest.link.connect(connection)
            hello = Channel(guest.board, Link()).prepare().hello

            async def greet(guest=guest, hello=hello):
                commitment = await guest.hear()
                await guest.say(hello)
                heard.append((commitment, await guest.hear()))

            assert side_by_side(greet(), payee.accept(REALM)) == [None, None]
        assert heard[0][0] != heard[1][0] and heard[0][1] != heard[1][1]


def test_a_key_that_nobody_was_told_serves_the_next_connection():
    with Folder() as folder:
        payer, payee = pair(folder)
        key = payee.prepare()
        payer._link.connect(77)  # and says nothing more
        clock = payer._board.clock

        async def only_the_link():
            for _ in range(20):
                payer._move()
                await clock.sleep_ms(2)

        assert side_by_side(payee.accept(REALM), only_the_link()) == [UNAVAILABLE, None]
        assert payee.prepare() is key
        assert side_by_side(payer.connect(REALM), payee.accept(REALM)) == [None, None]
        assert payee.prepare() is not key


def test_two_sessions_with_a_man_in_the_middle_show_different_words():
    with Folder() as folder:
        payer, _ = pair(folder)
        clock = payer._board.clock
        ends = [Channel(Board(folder, clock), Link()) for _ in range(3)]
        join(payer._board.tap, ends[0]._board.tap)
        join(ends[1]._board.tap, ends[2]._board.tap)
        side_by_side(
            payer.connect(REALM),
            ends[0].accept(REALM),
            ends[1].connect(REALM),
            ends[2].accept(REALM),
        )
        assert payer.session.code != ends[2].session.code
        assert payer.session.transcript != ends[2].session.transcript


def test_what_is_reflected_repeated_or_out_of_order_closes_the_channel():
    for replay in ("reflected", "repeated", "skipped"):
        with Folder() as folder:
            payer, payee = connected(folder)
            first, second = (payer.session.seal(6, b"a"), payer.session.seal(6, b"b"))
            mine = payee.session.seal(7, b"c")
            sent = {"reflected": [mine], "repeated": [first, first], "skipped": [second]}[replay]

            async def says(sent=sent, payer=payer):
                for message in sent:
                    await payer._send(message)
                await payer.flush()

            async def hears(sent=sent, payee=payee):
                for _ in sent:
                    await payee.receive()

            assert side_by_side(says(), hears())[1] == CANNOT_OPEN, replay
            assert payee._link.state == links.CLOSED
            refused(UNAVAILABLE, lambda payee=payee: payee.session)


def test_waiting_for_a_person_hears_the_other_board_and_notices_when_it_is_gone():
    with Folder() as folder:
        payer, payee = connected(folder)
        clock = payer._board.clock

        async def reads():
            while True:
                found = payee.poll()
                if found:
                    return found
                await clock.sleep_ms(10)

        async def talks():
            await clock.sleep_ms(500)
            await payer.send(4, b"still here")
            await payer.flush()

        assert side_by_side(reads(), talks()) == [(4, b"still here"), None]

        async def leaves():
            payer._link.connect(1 + payer._connection % 0xFFFF)
            for _ in range(20):
                payer._move()
                await clock.sleep_ms(2)

        assert side_by_side(reads(), leaves()) == [UNAVAILABLE, None]


def test_nothing_is_written_to_flash():
    with Folder() as folder:
        connected(folder)
        assert os.listdir(folder) == []
