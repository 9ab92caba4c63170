"""The payee's memory: every state of a request, and what is left when power goes at any write."""

from firmware.common.storage import files
from firmware.common.wire.errors import ALREADY_PAID, CANCELLED, DECLINED, EXPIRED, STORE_FULL
from firmware.common.wire.limits import (
    REQUEST_TTL_S,
    STALE_S_MAX,
    TILL_CLOSED_MAX,
    TILL_REQUESTS_MAX,
    TILL_UNSETTLED_MAX,
)
from firmware.receiver import keeping, remembering
from firmware.receiver.seen import VOIDED, read_row
from tests.unit import world
from tests.unit.cuts import Flash, powerless
from tests.unit.helpers import Folder, refused
from tests.unit.roles import run
from tests.unit.shop import (
    ACK,
    VERDICT,
    VOID,
    Payer,
    again,
    ask,
    closed,
    enter,
    kept,
    paid,
    pay,
    shop,
    txn_hash,
)


def everything(app) -> tuple:
    """All that a till must know after a restart as before it."""
    till = app.till
    return (
        (till.gen, till.count, till.head, till.judged),
        (till.received_minor, till.paid_minor, till.unsettled_minor, till.refunds),
        (till.beacon_seq, till.taps, till.taps_minor),
        till.uploading,
        till.closed,
        [(request.core, request.is_stale) for request in till.requests],
    )


def of(app, purse: bytes = b"purse001") -> list:
    """The rows of a purse."""
    return list(remembering.rows(app.till, purse))


# -- requests ------------------------------------------------------------------------------------


def test_a_request_is_in_flash_before_it_is_told():
    with Folder() as folder:
        app = shop(folder)
        with Flash() as flash:
            asked = ask(app)
        assert [path for _, path in flash.log][-1].startswith(folder + "/till/")
        found = kept(again(app), asked)
        assert found.core == asked.core and len(asked.core) == 46


def test_a_restart_makes_an_open_request_stale():
    with Folder() as folder:
        app = shop(folder)
        asked = ask(app)
        app = again(app)
        assert app.till.open is None and kept(app, asked).is_stale
        assert everything(again(app)) == everything(app)


def test_time_makes_an_open_request_stale():
    with Folder() as folder:
        app = shop(folder)
        asked = ask(app)
        clock = app.device.board.clock
        clock.now_ms += REQUEST_TTL_S * 1_000
        assert not keeping.expire(app.till, clock.ms()) and app.till.open is asked
        clock.now_ms += 1
        assert keeping.expire(app.till, clock.ms()) and app.till.open is None
        assert not keeping.expire(app.till, clock.ms())
        for found in (app, again(app)):
            assert kept(found, asked).is_stale


def test_a_stale_request_is_closed_after_a_day():
    with Folder() as folder:
        app = shop(folder)
        asked = ask(app)
        app = again(app)
        app.device.news.saw(asked.number(38, 42) + STALE_S_MAX)
        assert not keeping.expire(app.till, 0)
        app.device.news.saw(asked.number(38, 42) + STALE_S_MAX + 1)
        assert keeping.expire(app.till, 0)
        for found in (app, again(app)):
            assert found.till.requests == [] and closed(found, asked) == EXPIRED


def test_a_new_request_closes_the_one_before():
    with Folder() as folder:
        app = shop(folder)
        first, second = ask(app), ask(app, 7_00)
        for found in (app, again(app)):
            assert [request.core for request in found.till.requests] == [second.core]
            assert closed(found, first) == CANCELLED


def test_a_closed_request_stays_closed_with_its_reason():
    with Folder() as folder:
        app = shop(folder)
        asked = ask(app)
        keeping.close(app.till, asked, DECLINED)
        for found in (app, again(app)):
            assert found.till.open is None and kept(found, asked) is None
            assert closed(found, asked) == DECLINED
            assert remembering.closed_reason(found.till, bytes(16)) == 0


def test_what_is_kept_of_requests_is_bounded():
    with Folder() as folder:
        app = shop(folder)
        hashes = []
        for _ in range(TILL_REQUESTS_MAX + 3):
            hashes.append(ask(app).hash)
            keeping.make_stale(app.till, app.till.open)
        for found in (app, again(app)):
            kept = [request.hash for request in found.till.requests]
            assert kept == hashes[-TILL_REQUESTS_MAX:]
            assert remembering.closed_reason(found.till, hashes[2]) == EXPIRED
        for _ in range(TILL_CLOSED_MAX):
            hashes.append(ask(app).hash)
            keeping.close(app.till, app.till.open, CANCELLED)
        assert remembering.closed_reason(app.till, hashes[2]) == 0
        assert remembering.closed_reason(app.till, hashes[-TILL_CLOSED_MAX]) == CANCELLED
        assert everything(again(app)) == everything(app)


# -- payments ------------------------------------------------------------------------------------


def test_a_payment_is_one_record_with_its_request_and_what_its_receipt_is_made_of():
    with Folder() as folder:
        app = shop(folder)
        asked, payer = ask(app), Payer(app)
        txn = payer.txn(1, 4_50, 4_50)
        with Flash() as flash:
            row = enter(app, asked, payer, txn)
        assert len(flash.log) == 1  # J7: one write, and nothing half done
        for start in (lambda: app, lambda: again(app)):
            till = start().till
            assert (till.count, till.received_minor, till.unsettled_minor) == (1, 4_50, 4_50)
            assert (
                till.requests == [] and remembering.closed_reason(till, asked.hash) == ALREADY_PAID
            )
            assert list(remembering.rows(till, b"purse001")) == [row]
        fields = read_row(row)
        assert fields[:4] == (b"purse001", 1, 4_50, 4_50)
        assert fields[4:7] == (payer.purse.not_after, 0, 0)
        assert fields[8:] == (asked.core[10:18], app.till.head, txn_hash(txn))


def test_the_ledger_chains_as_documented():
    import hashlib

    with Folder() as folder:
        app = shop(folder)
        head = "GENESIS"
        for txn in paid(app, Payer(app), 3):
            head = hashlib.sha256((head + txn_hash(txn).hex()).encode()).digest().hex()
        assert app.till.head.hex() == head == again(app).till.head.hex()


def test_the_time_of_an_entry_is_not_forgotten():
    with Folder() as folder:
        app = shop(folder)
        app.device.board.clock.now_ms += 3_000_000
        paid(app, Payer(app), 1)
        now = app.device.news.t_lb()
        assert now >= world.NOW + 3_000
        assert again(app).device.news.t_lb() >= now - 1  # the tap took some ticks more


def test_a_till_with_too_much_unsettled_takes_no_more():
    with Folder() as folder:
        app = shop(folder)
        app.till.count = TILL_UNSETTLED_MAX - 1
        remembering.check_room(app.till, b"purse001")
        app.till.count += 1
        refused(STORE_FULL, remembering.check_room, app.till, b"purse001")
        app.till.judged += 1
        remembering.check_room(app.till, b"purse001")


def test_rows_are_written_later_and_none_is_missing_or_double_after_a_restart():
    with Folder() as folder:
        app = shop(folder)
        payer = Payer(app)
        rows = []
        for number in range(1, 20):
            rows.append(enter(app, ask(app), payer, payer.txn(number, number, 1)))
            assert of(app) == rows
            if number % 3 == 0:
                remembering.write_rows(app.till)
            if number % 4 == 0:
                app = again(app)
                payer.app = app
            assert of(app) == rows


# -- power ---------------------------------------------------------------------------------------


def test_power_that_goes_at_any_write_of_a_payment_costs_nobody_anything():
    with Folder() as folder:
        app = shop(folder)
        payer = Payer(app)
        cuts, was_cut = 0, True
        for cut_at in range(40):
            number = cut_at + 1
            asked = ask(app, 10)
            txn = payer.txn(number, number * 10, 10)
            answers: list = []

            def act(app=app, txn=txn, answers=answers) -> None:
                answers.append(pay(app, payer, txn))
                remembering.write_rows(app.till)

            beeps = app.device.board.beeps
            was_cut = powerless(cut_at, act)
            was_heard = app.device.board.beeps > beeps
            app = again(app)
            payer.app = app
            is_in = app.till.count == number
            assert is_in or not (was_heard or answers)  # J2
            if not is_in:
                kept(app, asked).agreed = True  # stale: its cashier takes it
            kind, ack = pay(app, payer, txn)
            assert kind == ACK and ack.index == number - 1
            assert not answers or answers[0][1] == ack  # the same bytes
            assert app.till.count == number and app.till.received_minor == 10 * number
            assert [read_row(row)[1] for row in of(app)] == list(range(1, number + 1))
            cuts += was_cut
            if not was_cut:
                break
        assert not was_cut and cuts >= 2  # the entry, and its row


def test_power_that_goes_while_a_segment_is_closed_loses_nothing():
    with Folder() as folder:
        app = shop(folder)
        payer = Payer(app)
        number = 0
        while not number or app.till.place[2] < 65_000:
            number += 1
            enter(app, ask(app, 1), payer, payer.txn(number, number, 1))
        for cut_at in range(30):
            before = everything(app)

            def act(app=app, number=number) -> None:
                asked = ask(app, 1)
                enter(app, asked, payer, payer.txn(number + 1, number + 1, 1))

            was_cut = powerless(cut_at, act)
            app = again(app)
            payer.app = app
            number = app.till.count
            assert everything(again(app))[0] == everything(app)[0]
            assert before[0][1] <= number <= before[0][1] + 1
            assert len(of(app)) == number
            if not was_cut and keeping.segments(app.till).last == 1:
                break
        assert keeping.segments(app.till).last == 1 and len(of(app)) == number


def test_a_void_is_in_flash_before_it_is_sent():
    with Folder() as folder:
        app = shop(folder)
        payer = Payer(app)
        seen: list = []
        for cut_at in range(4):
            asked = ask(app)
            txn = payer.txn(cut_at + 1, (cut_at + 1) * 4_50, 4_50)
            keeping.close(app.till, asked, CANCELLED)
            answers: list = []

            def act(app=app, txn=txn, answers=answers) -> None:
                answers.append(pay(app, payer, txn))

            was_cut = powerless(cut_at, act)
            app = again(app)
            payer.app = app
            rows = [row for row in of(app) if row[-32:] == txn_hash(txn)]
            assert rows or not answers  # J3
            kind, void = pay(app, payer, txn)
            assert kind == VOID and (void.reason, void.req_hash) == (CANCELLED, asked.hash)
            assert not answers or answers[0][1] == void
            assert pay(app, payer, txn)[1] == void and app.till.count == 0
            seen.append(was_cut)
        assert seen[0] and not seen[-1]
        assert [read_row(row)[5] for row in of(app)] == [VOIDED] * 4


def test_a_full_flash_is_told_and_takes_nothing():
    with Folder() as folder:
        app = shop(folder)
        ask(app)
        payer = Payer(app)
        txn = payer.txn(1, 4_50, 4_50)
        real, files.free_bytes = files.free_bytes, lambda path: 1_000
        try:
            assert pay(app, payer, txn) == (VERDICT, STORE_FULL)
            refused(STORE_FULL, ask, app)
        finally:
            files.free_bytes = real
        assert app.till.count == 0 and pay(app, payer, txn)[0] == ACK


def test_checkpoints_hold_everything_at_every_length():
    with Folder() as folder:
        app = shop(folder)
        payer = Payer(app)
        for number in range(1, 6):
            ask(app, number)
            keeping.make_stale(app.till, app.till.open)
            enter(app, ask(app, 1), payer, payer.txn(number, number, 1))
            keeping.upload(app.till, bytes(72 + number % 2))
            data = keeping._checkpoint(app.till)
            other = again(app)
            other.till.requests, other.till.closed = [], b""
            keeping._take_checkpoint(other.till, data)
            assert everything(other) == everything(app)


def test_the_clock_of_the_till_is_kept_while_it_idles():
    from firmware.receiver.tap import serve

    with Folder() as folder:
        app = shop(folder)
        clock = app.device.board.clock

        async def idle() -> None:
            for _ in range(20):
                clock.now_ms += 600_000
                await clock.sleep_ms(1_000)

        run(idle(), serve(app))
        assert again(app).device.news.t_lb() > world.NOW + 12_000 - 3_700
