"""The payee's side of a tap: a payment is taken once, and each check has its reason."""

from firmware.common.payment import answer, ledger
from firmware.common.payment.words import tap_words
from firmware.common.storage.news_exchange import take
from firmware.common.wire import messages
from firmware.common.wire.errors import (
    AMOUNT_DIFFERS,
    BAD_SIGNATURE,
    EXPIRED,
    MALFORMED,
    NOT_FOR_ME,
    OK,
    OVER_LIMIT,
    REQUEST_UNKNOWN,
    REVOKED,
    SYNC_FIRST,
)
from firmware.common.wire.signed import parse_signed
from firmware.receiver import answering
from firmware.receiver.tap import serve
from tests.unit import world
from tests.unit.forms import PAYEE, flipped
from tests.unit.helpers import Folder
from tests.unit.roles import run, until
from tests.unit.shop import (
    ACK,
    OTHER_PURSE,
    PURSE,
    REALM,
    VERDICT,
    Payer,
    again,
    ask,
    paid,
    pay,
    reasons,
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


def test_a_payment_is_entered_shown_and_acknowledged():
    with Folder() as folder:
        app, payer = start(folder)
        txn = payer.txn(1, 4_50, 4_50)
        words: list = []

        async def story():
            await payer.meet()
            assert payer.preq.amount == 4_50 and payer.preq.cur == 978
            assert await payer.offer(1, 4_50) == OK
            words.append(tap_words(payer.channel.session.code))
            number, ack = await payer.say(messages.TXN, txn.signed)
            await until(app, lambda: app.dialog.title == "RECEIVED")
            return number, ack

        number, ack = run(story(), serve(app), app.run())
        assert number == ACK and (ack.gen, ack.index) == (0, 0)
        assert ack.ledger_head == ledger.extend(bytes(32), txn_hash(txn), app.till.device, 0)
        public = app.device.store.keys.signing_public
        answer.check_ack(REALM, public, ack.signed, app.till.device, txn_hash(txn))
        lines = app.device.board.display.lines
        assert lines[0] == "RECEIVED" and lines[2:5] == ["4.50 EUR", "", words[0]]
        assert app.device.board.beeps == 1


def test_received_is_on_the_screen_before_the_receipt_is_signed():
    with Folder() as folder:
        app, payer = start(folder)
        txn = payer.txn(1, 4_50, 4_50)
        seen: list = []
        real = answer.make_ack

        def make_ack(*arguments):
            seen.append((app.dialog.title, app.till.count))
            return real(*arguments)

        async def story():
            await payer.meet()
            await payer.offer(1, 4_50)
            return await payer.say(messages.TXN, txn.signed)

        answer.make_ack = answering.make_ack = make_ack  # a board loads `answering` anew
        try:
            run(story(), serve(app), app.run())
        finally:
            answer.make_ack = answering.make_ack = real
        assert seen == [("RECEIVED", 1)]


def test_the_same_payment_fifty_times_is_one_entry_and_one_receipt():
    with Folder() as folder:
        app, payer = start(folder)
        txn = payer.txn(1, 4_50, 4_50)

        async def many():
            await payer.meet()
            await payer.offer(1, 4_50)
            found = []
            for _ in range(20):
                found.append(await payer.say(messages.TXN, txn.signed))
            return found

        answers = tap(app, many())
        answers += [pay(app, payer, txn) for _ in range(15)]
        app = again(app)
        payer.app = app
        answers += [pay(app, payer, txn) for _ in range(15)]
        assert len(answers) == 50 and {number for number, _ in answers} == {ACK}
        assert {record.signed for _, record in answers} == {answers[0][1].signed}
        assert (app.till.count, app.till.received_minor) == (1, 4_50)
        assert app.device.board.beeps == 0  # nobody is told twice of one payment


def test_a_receipt_tells_of_its_own_entry_however_many_follow():
    with Folder() as folder:
        app = shop(folder)
        payer = Payer(app)
        txns = paid(app, payer, 12, 1_00)
        for number, txn in enumerate(txns):
            _, ack = pay(app, payer, txn)
            assert ack.index == number
        app = again(app)
        payer.app = app
        heads = [pay(app, payer, txn)[1].ledger_head for txn in txns]
        head = bytes(32)
        for txn, found in zip(txns, heads):  # noqa: B905 - MicroPython
            head = ledger.extend(head, txn_hash(txn), app.till.device, 0)
            assert found == head


def test_a_till_that_asks_for_nothing_says_who_it_is():
    with Folder() as folder:
        app = shop(folder)
        payer = Payer(app)

        async def story():
            await payer.meet()
            return await payer.offer(1, 4_50)

        assert tap(app, story()) == OK
        assert (payer.preq.flags, payer.preq.amount) == (1, 0)
        txn = payer.txn(1, 4_50, 4_50)
        assert pay(app, payer, txn) == (VERDICT, REQUEST_UNKNOWN) and app.till.count == 0


def test_1_what_is_not_for_this_till_or_not_what_it_asked_for():
    with Folder() as folder:
        app, payer = start(folder)
        wrongs = (
            (NOT_FOR_ME, payer.txn(1, 4_50, 4_50, payee=b"another1")),
            (REQUEST_UNKNOWN, payer.txn(1, 4_50, 4_50, req_hash=b"never asked for!")),
            (AMOUNT_DIFFERS, payer.txn(1, 4_49, 4_49)),
            (AMOUNT_DIFFERS, payer.txn(1, 4_51, 4_51)),
            (MALFORMED, payer.txn(1, 4_50, 4_50, kind=2)),  # boards refuse closings
            (MALFORMED, payer.txn(1, 4_50, 4_50, kind=0)),
        )
        for reason, txn in wrongs:
            assert pay(app, payer, txn) == (VERDICT, reason), reason
        assert app.till.count == 0 and app.till.open


def test_1_lengths_and_versions():
    with Folder() as folder:
        app, payer = start(folder)
        good = payer.txn(1, 4_50, 4_50).signed
        nonsense = [
            (layout, data)
            for layout in (messages.TXN, messages.OFFER, messages.RESUME)
            for data in (b"", b"\x01", good[:-1], good + b"x", b"\x02" + good[1:], bytes(4_000))
        ]

        async def story():
            await payer.meet()
            found = set()
            for layout, data in nonsense:
                found.add(await payer.say(layout, data))
            return found

        assert tap(app, story()) == {(VERDICT, MALFORMED)}
        assert pay(app, payer, payer.txn(1, 4_50, 4_50))[0] == ACK


def test_2_what_the_purse_does_not_allow():
    with Folder() as folder:
        app, payer = start(folder, tx_max=4_00)
        assert reasons(app, payer, payer.txn(1, 4_50, 4_50)) == (OVER_LIMIT, OVER_LIMIT)
        payer = Payer(app, cur=840)
        assert reasons(app, payer, payer.txn(1, 4_50, 4_50)) == (AMOUNT_DIFFERS, AMOUNT_DIFFERS)
        payer = Payer(app)
        for claim in ((1, 4_49, 4_50), (0, 4_50, 4_50)):
            assert reasons(app, payer, payer.txn(*claim)) == (MALFORMED, MALFORMED)
        for claim in ((1, 100_01, 4_50), (251, 4_50, 4_50)):
            assert reasons(app, payer, payer.txn(*claim)) == (OVER_LIMIT, OVER_LIMIT)
        assert app.till.count == 0


def test_3_an_expired_purse():
    with Folder() as folder:
        app, payer = start(folder, not_after=world.NOW)
        assert reasons(app, payer, payer.txn(1, 4_50, 4_50)) == (EXPIRED, EXPIRED)


def test_4_a_revoked_purse():
    with Folder() as folder:
        app, payer = start(folder)
        take(app.device.news, REVDELTA, world.revocations(0, (b"purse001",)))
        assert reasons(app, payer, payer.txn(1, 4_50, 4_50)) == (REVOKED, REVOKED)


def test_6_caps():
    with Folder() as folder:
        app, payer = start(folder)
        take(app.device.news, BEACON, world.beacon(2, payee_pct=4))
        assert reasons(app, payer, payer.txn(1, 4_50, 4_50)) == (OVER_LIMIT, OVER_LIMIT)
        take(app.device.news, BEACON, world.beacon(3, stale_minor=4_49))
        assert reasons(app, payer, payer.txn(1, 4_50, 4_50)) == (SYNC_FIRST, SYNC_FIRST)
        take(app.device.news, BEACON, world.beacon(4, stale_taps=2))
        paid(app, payer, 2, 1_00)
        ask(app, 1_00)
        assert reasons(app, payer, payer.txn(3, 3_00, 1_00)) == (SYNC_FIRST, SYNC_FIRST)
        take(app.device.news, BEACON, world.beacon(5))
        assert reasons(app, payer, payer.txn(3, 3_00, 1_00)) == (OK, 0)


def test_7_a_purse_that_the_bank_did_not_sign():
    with Folder() as folder:
        app, payer = start(folder, signer=PAYEE)
        txn = payer.txn(1, 4_50, 4_50)
        assert reasons(app, payer, txn) == (BAD_SIGNATURE, BAD_SIGNATURE)
        good = world.purse_of(PURSE)
        for position in range(100, 160, 7):
            forged = parse_signed(messages.PURSE, flipped(good.signed, position, 1))
            assert set(reasons(app, payer, txn, forged)) == {BAD_SIGNATURE}
        assert app.till.count == 0 and app.known_purses == []


def test_8_a_payment_that_the_purse_did_not_sign():
    with Folder() as folder:
        app, payer = start(folder)
        good = payer.txn(1, 4_50, 4_50)
        stranger = Payer(app, OTHER_PURSE)
        stranger.purse = payer.purse
        forged = [stranger.txn(1, 4_50, 4_50)]
        for position in (82, 100, 145):
            forged.append(parse_signed(messages.TXN, flipped(good.signed, position, 0)))
        for txn in forged:
            assert reasons(app, payer, txn) == (OK, BAD_SIGNATURE)
        assert app.till.count == 0 and pay(app, payer, good)[0] == ACK


def test_a_payment_without_its_purse_is_not_looked_at():
    with Folder() as folder:
        app, payer = start(folder)
        other = Payer(app, OTHER_PURSE, purse8=b"purse002")
        txn = payer.txn(1, 4_50, 4_50)

        async def story():
            await payer.meet()
            first = await payer.say(messages.TXN, txn.signed)
            await payer.offer(1, 4_50, other.purse)
            return first, await payer.say(messages.TXN, txn.signed)

        assert tap(app, story()) == ((VERDICT, MALFORMED), (VERDICT, MALFORMED))
