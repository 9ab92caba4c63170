"""The payer's purses: asked for, used, reported, closed, and never used twice by a power cut."""

from firmware.common import crypto
from firmware.common.payment import sync, transaction, verdicts
from firmware.common.wire import messages
from firmware.common.wire.errors import (
    BAD_SIGNATURE,
    BUSY,
    CANNOT_OPEN,
    KEY_MISMATCH,
    MALFORMED,
    NO_FUNDS,
    NOT_FOR_ME,
    OVER_LIMIT,
    REPLAY,
    REQUEST_UNKNOWN,
    STORE_FULL,
)
from firmware.common.wire.limits import PURSES_MAX, SYNC_ENTRIES_BOARD_MAX
from firmware.common.wire.sealed_box import seal_box
from firmware.sender import keeping
from tests.unit import world
from tests.unit.bank_desk import Desk, agree, declined, done, paid, report_all, topped_up
from tests.unit.beside import run, until
from tests.unit.forms import OTHER_ECDH, Keys, flipped
from tests.unit.helpers import Folder
from tests.unit.till import again, pay, payer, signed_by, tap_again, top_up

TXN = messages.TXN.number


def states(app) -> list:
    return [row["state"] for row in done(app, "payments", first=0)[0]["payments"]]


# -- a purse comes -------------------------------------------------------------------------------


def test_a_purse_is_asked_for_given_and_used():
    with Folder() as folder:
        app, _, till = topped_up(folder)
        (purse,) = done(app, "purses")[0]["purses"]
        assert (purse["allowance"], purse["spent"], purse["currency"]) == (100_00, 0, 978)
        paid(app, till, 4_50, 1)
        app = again(app, till)
        (purse,) = done(app, "purses")[0]["purses"]
        assert (purse["spent"], purse["payments"]) == (4_50, 1)
        assert done(app, "status")[0]["account"] == "anna"


def test_a_top_up_is_the_users_decision():
    with Folder() as folder:
        app = payer(folder)
        done(app, "top_up", amount=100_00)
        assert agree(app, "cancel") == "CANCELLED"
        assert done(app, "sync")[1] == b"" and not app.wallet.new_key
        for _ in range(PURSES_MAX):
            top_up(app, b"p%07d" % len(app.wallet.purses))
        declined(STORE_FULL, app, "top_up", amount=100_00)


async def answered(app, do: str, **members) -> None:
    """A second question of that kind while the first is on the screen; the user agrees to both."""
    await until(app, lambda: app.dialog.title.endswith("?"))
    done(app, do, **members)
    app.device.board.press("ok")
    await until(app, lambda: app.outcome == "DONE")
    app.device.board.press("ok")
    await until(app, lambda: app.why)


def test_a_second_top_up_while_the_first_is_asked_makes_no_second_key():
    with Folder() as folder:
        app = payer(folder)
        done(app, "top_up", amount=100_00)
        run(answered(app, "top_up", amount=50_00), app.run())
        assert app.why == BUSY and app.wallet.new_amount_minor == 100_00
        desk = Desk(app)
        data = desk.open(done(app, "sync")[1])
        assert sync.parse_sync(data)[0].newpub == crypto.public_key(app.wallet.new_key)


def test_amounts_that_no_purse_can_have_are_refused_before_anybody_is_asked():
    with Folder() as folder:
        app = payer(folder)
        for do in ("top_up", "pay"):
            for amount in (0, -1, 2**32, 2**80):
                declined(OVER_LIMIT, app, do, amount=amount)
            for amount in (1.5, "1", None, True, [1]):
                declined(MALFORMED, app, do, amount=amount)


def test_a_purse_for_another_key_than_the_kept_one_is_not_taken():
    with Folder() as folder:
        app = payer(folder)
        desk = Desk(app)
        done(app, "top_up", amount=100_00)
        agree(app)
        box = done(app, "sync")[1]
        keeping.add_key(app.wallet, crypto.generate_key()[0], 100_00)
        declined(KEY_MISMATCH, app, "statement", desk.answer(box))
        assert app.wallet.purses == []


def test_a_purse_is_closed_once_however_often_it_is_asked():
    with Folder() as folder:
        app, _, _ = topped_up(folder)
        purse8 = app.wallet.purses[0].id.hex()
        done(app, "close_purse", purse=purse8)
        run(answered(app, "close_purse", purse=purse8), app.run())
        assert app.why == NO_FUNDS and app.wallet.purses[0].ctr == 1


def test_the_key_of_a_purse_is_in_flash_before_the_bank_sees_it():
    with Folder() as folder:
        app = payer(folder)
        desk = Desk(app)
        done(app, "top_up", amount=100_00)
        agree(app)
        kept = keeping.start(folder).new_key
        assert kept == app.wallet.new_key != b""
        found = desk.open(done(app, "sync")[1])
        assert sync.parse_sync(found)[0].newpub == crypto.public_key(kept)
        declined(BUSY, app, "top_up", amount=50_00)


def test_the_same_sync_is_said_until_it_is_answered_over_restarts():
    with Folder() as folder:
        app, desk, till = topped_up(folder)
        paid(app, till, 4_50, 1)
        done(app, "top_up", amount=30_00)
        agree(app)
        boxes = [done(app, "sync")[1]]
        paid(app, till, 1_00, 2)  # news since then waits for the next SYNC
        app = again(app, till)
        boxes.append(done(app, "sync")[1])
        assert boxes[0] != boxes[1]  # sealed anew
        data = [desk.open(box) for box in boxes]
        assert data[0] == data[1]
        done(app, "statement", desk.answer(boxes[0]))
        declined(REPLAY, app, "statement", desk.answer(boxes[1]))
        assert len(app.wallet.purses) == 2 == len(keeping.start(app.device.board.root).purses)
        told = [entry.txn.amount for entry in sync.parse_sync(desk.open(done(app, "sync")[1]))[1]]
        assert told == [1_00]


def test_a_statement_that_is_not_the_answer_changes_nothing():
    with Folder() as folder:
        app, desk, till = topped_up(folder)
        paid(app, till, 4_50, 1)
        done(app, "top_up", amount=30_00)
        agree(app)
        box = done(app, "sync")[1]
        data = desk.open(box)
        good = desk.statement(data)
        other_key = world.purse_of(Keys("thief"), b"bank0009").signed
        known = world.purse_of(
            type("Key", (), {"public": sync.parse_sync(data)[0].newpub}),  # type: ignore[arg-type]
            b"bank0000",
        ).signed
        for reason, body in (
            (REPLAY, desk.seal(desk.statement(data, nonce=bytes(8)))),
            (NOT_FOR_ME, desk.seal(desk.statement(data, purse=bytes(8)))),
            (NOT_FOR_ME, desk.seal(desk.statement(data, device=bytes(8)))),
            (KEY_MISMATCH, desk.seal(desk.statement(data, other_key))),
            (REPLAY, desk.seal(desk.statement(data, known))),
            (BAD_SIGNATURE, desk.seal(flipped(good, 30))),
            (NOT_FOR_ME, desk.seal(good, messages.SRCPT.number)),
            (CANNOT_OPEN, flipped(desk.seal(good), 100)),
            (
                CANNOT_OPEN,
                seal_box(19, world.REALM, desk.device, OTHER_ECDH.public, good),
            ),
        ):
            declined(reason, app, "statement", body)
        assert len(app.wallet.purses) == 1 and app.wallet.syncing
        assert done(app, "statement", desk.seal(good))[0]["balance"] == 12_34


def test_a_top_up_that_the_bank_will_not_give_can_be_asked_for_again():
    """What was paid is judged all the same; the user reads why, and asks with another key."""
    with Folder() as folder:
        app, desk, till = topped_up(folder)
        paid(app, till, 4_50, 1)
        done(app, "top_up", amount=30_00)
        agree(app)
        box = done(app, "sync")[1]
        refused = sync.parse_sync(desk.open(box))[0]
        told = done(app, "statement", desk.seal(desk.statement(refused.signed, b"")), reason=7)[0]
        assert (told["judged"], told["purse"], states(app)) == (1, "", ["settled"])
        assert shown_until(app, "NO PURSE") == ["", "30.00", "The bank says:", "no funds", "OK"]
        assert b"NO PURSE no funds" in done(app, "log")[1]
        app = again(app, till)
        assert len(app.wallet.purses) == 1 and done(app, "sync")[1] == b""
        done(app, "top_up", amount=20_00)
        agree(app)
        box = done(app, "sync")[1]
        asked = sync.parse_sync(desk.open(box))[0]
        assert asked.amount == 20_00 and asked.newpub != refused.newpub
        done(app, "statement", desk.answer(box))
        assert len(app.wallet.purses) == 2


def test_a_reason_that_the_host_does_not_know_or_makes_up():
    with Folder() as folder:
        app, desk, _ = topped_up(folder)
        for reason, shown in ((0, "reason unknown"), ("no", "reason unknown"), (999, "reason 999")):
            done(app, "top_up", amount=30_00)
            agree(app)
            box = done(app, "sync")[1]
            done(app, "statement", desk.seal(desk.statement(desk.open(box), b"")), reason=reason)
            assert shown_until(app, "NO PURSE")[3] == shown
            app.device.board.press("ok")
        done(app, "top_up", amount=30_00)
        agree(app)
        done(app, "statement", desk.answer(done(app, "sync")[1]), reason=7)
        assert len(app.wallet.purses) == 2  # what the bank has signed counts
        assert shown_until(app, "SENDER")[2] == "130.00 EUR"


def shown_until(app, title: str) -> list:
    """What stands below that title, once it is on the screen."""

    async def story() -> None:
        await until(app, lambda: app.dialog.title == title)

    run(story(), app.run())
    return app.device.board.display.lines[1:]


# -- what the bank is told -----------------------------------------------------------------------


def test_the_bank_hears_of_every_payment_with_what_the_payee_said():
    with Folder() as folder:
        app, desk, till = topped_up(folder)
        paid(app, till, 4_50, 1)
        till.answers[TXN] = lambda number, body: [till.void(signed_by(till)[-1])]
        till.nonce = b"req00002"
        assert pay(app, till) == "CANCELLED"
        till.answers[TXN] = lambda number, body: None
        till.nonce = b"req00003"
        assert pay(app, till) == "NOT CONFIRMED YET"
        data = desk.open(done(app, "sync")[1])
        found, entries = sync.parse_sync(data)
        assert [entry.tag for entry in entries] == [sync.WITH_ACK, sync.WITH_VOID, sync.ALONE]
        assert [entry.txn.ctr for entry in entries] == [1, 2, 3]
        assert (found.ctr, found.cum) == (3, 13_50)
        assert found.head == transaction.txn_hash(entries[-1].txn)
        assert found.t_lb >= world.NOW


def test_verdicts_end_payments_and_pending_ones_are_asked_about_again():
    with Folder() as folder:
        app, desk, till = topped_up(folder)
        paid(app, till, 4_50, 1)
        till.answers[TXN] = lambda number, body: None
        till.nonce = b"req00002"
        pay(app, till)
        assert states(app) == ["delivered", "signed"]
        done(app, "statement", desk.answer(done(app, "sync")[1]))
        assert states(app) == ["settled", "signed"] and len(app.wallet.pending) == 1
        assert done(app, "sync")[1] == b""  # the bank knows all that this board knows
        assert done(app, "sync", again=True)[0]["entries"] == 1
        desk.judge = lambda entry: verdicts.LAPSED
        done(app, "statement", desk.answer(done(app, "sync")[1]))
        assert states(app) == ["settled", "lapsed"] and app.wallet.pending == []
        assert keeping.start(app.device.board.root).pending == []
        declined(REQUEST_UNKNOWN, app, "tap_again")
        assert done(app, "sync", again=True)[1] == b""


def test_a_payment_confirmed_after_it_was_reported_is_reported_again():
    with Folder() as folder:
        app, desk, till = topped_up(folder)
        till.answers[TXN] = lambda number, body: None
        pay(app, till)
        done(app, "statement", desk.answer(done(app, "sync")[1]))
        till.answers = {}
        assert tap_again(app, till) == "PAID"
        found = sync.parse_sync(desk.open(done(app, "sync")[1]))[1]
        assert [entry.tag for entry in found] == [sync.WITH_ACK]


def test_verdicts_as_people_read_them():
    with Folder() as folder:
        app, desk, till = topped_up(folder)
        order = (
            (verdicts.SETTLED, "settled"),
            (verdicts.DUPLICATE, "settled"),
            (verdicts.VOIDED, "refunded"),
            (verdicts.LAPSED, "lapsed"),
            (verdicts.RETURNED, "refunded"),
            (verdicts.CONFLICT_UNPAID, "not settled"),
            (verdicts.PENDING, "delivered"),
        )
        for number, _ in enumerate(order):
            paid(app, till, 1_00, number)
        desk.judge = lambda entry: order[entry.txn.ctr - 1][0]
        done(app, "statement", desk.answer(done(app, "sync")[1]))
        assert states(app) == [state for _, state in order]


def test_many_payments_are_reported_a_few_at_a_time():
    with Folder() as folder:
        app, desk, till = topped_up(folder)
        count = SYNC_ENTRIES_BOARD_MAX + 3
        for number in range(count):
            paid(app, till, 1_00, number)
        sizes = []
        while True:
            told, box = done(app, "sync")
            if not box:
                break
            sizes.append(told["entries"])
            done(app, "statement", desk.answer(box))
        assert sizes == [SYNC_ENTRIES_BOARD_MAX, 3]
        page = done(app, "payments", first=8)[0]
        assert page["count"] == count and [row["state"] for row in page["payments"]] == (
            ["settled"] * 3
        )


def test_the_rest_of_a_purse_is_given_back_and_it_pays_no_more():
    with Folder() as folder:
        app, desk, till = topped_up(folder)
        paid(app, till, 4_50, 1)
        purse8 = done(app, "purses")[0]["purses"][0]["purse"]
        done(app, "close_purse", purse=purse8)
        assert agree(app, "cancel") == "CANCELLED" and app.wallet.purses[0].spent == 4_50
        done(app, "close_purse", purse=purse8)
        assert agree(app) == "DONE"
        for _ in range(2):
            declined(NO_FUNDS, app, "close_purse", purse=purse8)
            till.nonce = b"req00002"
            assert pay(app, till) == "CANCELLED" and app.why == NO_FUNDS
            app = again(app, till)
        found, entries = sync.parse_sync(desk.open(done(app, "sync")[1]))
        assert [entry.tag for entry in entries] == [sync.WITH_ACK, sync.CLOSING]
        close = entries[1].txn
        assert (close.ctr, close.cum, close.amount) == (2, 100_00, 95_50)
        assert close.req_hash == found.nonce + bytes(8)
        declined(REQUEST_UNKNOWN, app, "close_purse", purse="00" * 8)


# -- evidence ------------------------------------------------------------------------------------


def test_the_evidence_pack_is_handed_out_for_what_was_delivered():
    from firmware.common.payment.evidence import check_evidence

    with Folder() as folder:
        app, _, till = topped_up(folder)
        paid(app, till, 4_50, 1)
        pack = done(app, "evidence", id=app.last_id)[1]
        assert len(pack) == 1_014
        records = check_evidence(world.ROOT.public, pack)
        assert records[3].amount == 4_50
        till.answers[TXN] = lambda number, body: None
        till.nonce = b"req00002"
        pay(app, till)
        declined(REQUEST_UNKNOWN, app, "evidence", id=app.last_id)
        declined(REQUEST_UNKNOWN, app, "evidence", id="00" * 16)


def test_a_purse_is_forgotten_once_it_is_over_and_judged():
    with Folder() as folder:
        app, desk, till = topped_up(folder)
        paid(app, till, 4_50, 1)
        report_all(app, desk)
        assert len(app.wallet.purses) == 1
        over = world.NOW + 13 * world.DAY + 168 * 3_600 + 1
        done(app, "top_up", amount=20_00)
        agree(app)
        data = desk.open(done(app, "sync")[1])
        new_purse = world.purse_of(
            type("Key", (), {"public": sync.parse_sync(data)[0].newpub}),  # type: ignore[arg-type]
            b"new one ",
            issued=over,
            not_after=over + world.DAY,
        ).signed
        done(app, "statement", desk.seal(desk.statement(data, new_purse, t=over)))
        ids = [row["purse"] for row in done(app, "purses")[0]["purses"]]
        assert ids == [b"new one ".hex()]
