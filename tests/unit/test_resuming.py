"""Payments that come again, late, or for what was cancelled: one answer each, for good."""

from firmware.common.payment import answer
from firmware.common.storage.news_exchange import take
from firmware.common.wire import messages
from firmware.common.wire.errors import (
    ALREADY_PAID,
    BAD_SIGNATURE,
    BUSY,
    CANCELLED,
    DECLINED,
    EXPIRED,
    OK,
    REVOKED,
    SEND_THE_PAYMENT,
)
from firmware.common.wire.limits import TAP_ANSWER_MS, TAP_DECIDE_MS
from firmware.receiver import keeping, remembering
from firmware.receiver.tap import serve
from tests.unit import world
from tests.unit.helpers import Folder
from tests.unit.roles import run, until
from tests.unit.shop import (
    ACK,
    OTHER_PURSE,
    REALM,
    VERDICT,
    VOID,
    Payer,
    again,
    ask,
    paid,
    pay,
    shop,
    start,
    tap,
    txn_hash,
)

BEACON, REVDELTA, EQUIV = (
    messages.BEACON.number,
    messages.REVDELTA.number,
    messages.EQUIV.number,
)


def resumed(app, payer, txn, nonce: bytes) -> tuple:
    async def story():
        await payer.meet()
        return await payer.resume(txn, nonce)

    return tap(app, story())


def test_a_resumed_payment_gets_its_receipt_again():
    with Folder() as folder:
        app, payer = start(folder)
        nonce = app.till.open.core[10:18]
        txn = payer.txn(1, 4_50, 4_50)
        _, ack = pay(app, payer, txn)
        for _ in range(2):
            assert resumed(app, payer, txn, nonce) == (ACK, ack)
            app = again(app)
            payer.app = app


def test_a_payment_that_never_arrived_is_to_be_sent():
    with Folder() as folder:
        app, payer = start(folder)
        nonce = app.till.open.core[10:18]
        txn = payer.txn(1, 4_50, 4_50)

        async def story():
            await payer.meet()
            assert await payer.resume(txn, nonce) == (VERDICT, SEND_THE_PAYMENT)
            assert await payer.offer(1, 4_50) == OK
            return await payer.say(messages.TXN, txn.signed)

        assert tap(app, story())[0] == ACK


def test_an_old_payment_is_resumed_by_sending_it_again():
    with Folder() as folder:
        app = shop(folder)
        payer = Payer(app)
        txns = paid(app, payer, 12, 1_00)
        assert resumed(app, payer, txns[0], bytes(8)) == (VERDICT, SEND_THE_PAYMENT)
        number, ack = pay(app, payer, txns[0])
        assert number == ACK and ack.index == 0


def test_a_cancelled_request_is_voided_only_for_the_whole_payment():
    with Folder() as folder:
        app = shop(folder)
        payer = Payer(app)
        (first,) = paid(app, payer, 1)
        asked = ask(app)
        txn = payer.txn(2, 9_00, 4_50)
        keeping.close(app.till, asked, CANCELLED)
        nonce = asked.core[10:18]
        # The request of one and the hash of another payment: never a VOID for a paid one.
        assert resumed(app, payer, first, nonce) == (VERDICT, SEND_THE_PAYMENT)
        assert resumed(app, payer, txn, nonce) == (VERDICT, SEND_THE_PAYMENT)
        number, void = pay(app, payer, txn)
        assert number == VOID and void.reason == CANCELLED
        public = app.device.store.keys.signing_public
        answer.check_void(REALM, public, void.signed, app.till.device, txn_hash(txn), asked.hash)
        assert pay(app, payer, first)[0] == ACK
        assert app.till.count == 1


def test_nothing_is_voided_that_is_not_proven():
    with Folder() as folder:
        app = shop(folder)
        payer = Payer(app)
        asked = ask(app)
        txn = payer.txn(1, 4_50, 4_50)
        keeping.close(app.till, asked, CANCELLED)
        stranger = Payer(app, OTHER_PURSE)
        stranger.purse = payer.purse
        forged = stranger.txn(1, 4_50, 4_50, asked)
        assert pay(app, stranger, forged) == (VERDICT, BAD_SIGNATURE)
        app.device.news.saw(payer.purse.not_after)
        assert pay(app, payer, txn) == (VERDICT, EXPIRED)  # it may be in the ledger, forgotten
        assert list(remembering.rows(app.till, b"purse001")) == []


def test_a_second_payment_for_a_paid_request_is_voided():
    with Folder() as folder:
        app, payer = start(folder)
        other = Payer(app, OTHER_PURSE, purse8=b"purse002")
        late = other.txn(1, 4_50, 4_50)
        assert pay(app, payer, payer.txn(1, 4_50, 4_50))[0] == ACK
        number, void = pay(app, other, late)
        assert (number, void.reason) == (VOID, ALREADY_PAID)
        assert pay(app, other, late) == (VOID, void) and app.till.count == 1


def test_a_payer_that_pays_twice_for_one_request_has_both_answered():
    with Folder() as folder:
        app, payer = start(folder)
        first, second = payer.txn(1, 4_50, 4_50), payer.txn(2, 9_00, 4_50)
        assert pay(app, payer, first)[0] == ACK
        assert pay(app, payer, second)[0] == VOID
        assert pay(app, payer, first)[0] == ACK and app.till.received_minor == 4_50


def test_no_payment_gets_both_answers_in_any_order():
    with Folder() as folder:
        app = shop(folder)
        payer = Payer(app)
        answers: dict = {}
        for number in range(1, 7):
            asked = ask(app, 1_00)
            txn = payer.txn(number, number * 1_00, 1_00)
            if number % 2:
                keeping.close(app.till, asked, CANCELLED)
            answers[number] = (txn, pay(app, payer, txn)[0])
        app = again(app)
        payer.app = app
        for number, (txn, kind) in answers.items():
            assert kind == (VOID if number % 2 else ACK)
            assert pay(app, payer, txn)[0] == kind
            assert resumed(app, payer, txn, bytes(8))[0] == VERDICT


def late(app, payer, txn, *presses: str) -> tuple:
    """A payment for a stale request, and what the cashier presses when asked."""

    async def story():
        await payer.meet()
        await payer.offer(txn.ctr, txn.cum)
        return await payer.say(messages.TXN, txn.signed)

    async def cashier():
        if presses:
            await until(app, lambda: app.dialog.title == "TAKE IT NOW?")
            app.device.board.press(*presses)
            await until(app, lambda: app.dialog.title != "TAKE IT NOW?")
        while True:
            await app.device.board.clock.sleep_ms(1_000)

    return run(story(), serve(app), app.run(), cashier())


def stale(folder: str) -> tuple:
    app, payer = start(folder)
    txn = payer.txn(1, 4_50, 4_50)
    app = again(app)
    payer.app = app
    return app, payer, txn


def test_a_stale_request_is_paid_when_its_cashier_agrees():
    with Folder() as folder:
        app, payer, txn = stale(folder)
        assert late(app, payer, txn, "ok")[0] == ACK
        assert app.till.count == 1 and app.till.requests == []


def test_a_stale_request_is_voided_when_its_cashier_declines():
    with Folder() as folder:
        app, payer, txn = stale(folder)
        number, void = late(app, payer, txn, "cancel")
        assert (number, void.reason) == (VOID, DECLINED)
        app = again(app)
        payer.app = app
        assert pay(app, payer, txn)[0] == VOID


def test_a_cashier_who_is_away_costs_nobody_anything():
    with Folder() as folder:
        app, payer, txn = stale(folder)
        assert TAP_DECIDE_MS < TAP_ANSWER_MS  # the payer still listens

        async def story():
            await payer.meet()
            await payer.offer(1, 4_50)
            first = await payer.say(messages.TXN, txn.signed)
            assert app.till.count == 0 and app.till.requests
            app.device.board.press("ok")  # the question is still on the screen
            await until(app, lambda: app.till.requests[0].agreed)
            return first, await payer.say(messages.TXN, txn.signed)

        first, second = run(story(), serve(app), app.run())
        assert first == (VERDICT, BUSY) and second[0] == ACK


def test_a_stale_request_is_checked_by_todays_news():
    with Folder() as folder:
        app, payer, txn = stale(folder)
        take(app.device.news, REVDELTA, world.revocations(0, (b"purse001",)))
        assert late(app, payer, txn, "ok") == (VERDICT, REVOKED)
        assert app.till.count == 0


def test_a_payer_that_does_not_wait_for_the_cashier_is_no_harm():
    with Folder() as folder:
        app, payer, txn = stale(folder)

        async def story():
            await payer.meet()
            await payer.offer(1, 4_50)
            await payer.channel.send(messages.TXN.number, txn.signed)
            await until(app, lambda: app.dialog.title == "TAKE IT NOW?")
            payer.channel.close()
            await payer.meet()
            app.device.board.press("ok")
            await until(app, lambda: app.till.requests[0].agreed)
            await payer.offer(1, 4_50)
            return await payer.say(messages.TXN, txn.signed)

        assert run(story(), serve(app), app.run())[0] == ACK
