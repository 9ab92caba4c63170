"""The payer's journal: no power cut makes it sign twice, and it is small however long it lives."""

import os

from firmware.common.payment import asking, sync, transaction, verdicts
from firmware.common.storage import appending, files
from firmware.common.wire import messages
from firmware.common.wire.errors import STORE_FULL
from firmware.common.wire.limits import PURSES_MAX
from firmware.common.wire.signed import parse_signed
from firmware.sender import keeping
from firmware.sender.keeping import DELIVERED
from tests.unit import world
from tests.unit.bank_desk import Desk, agree, declined, done, paid, report_all, topped_up
from tests.unit.beside import run, until
from tests.unit.helpers import Folder
from tests.unit.till import again, pair, pay, signed_by, tap_again, top_up

TXN = messages.TXN.number


class PowerCut(BaseException):
    """The board is off."""


class Cut:
    """Ends the power at the n-th write to flash, after some bytes of it or all."""

    def __init__(self, number: int, keeps: int) -> None:
        self.left = number
        self.keeps = keeps

    def open(self, path: str, mode: str):
        return _File(self, open(path, mode)) if mode != "rb" else open(path, mode)

    def __enter__(self):
        for module in (appending, files):
            module.open = self.open  # type: ignore[attr-defined]
        return self

    def __exit__(self, *_):
        for module in (appending, files):
            del module.open  # type: ignore[attr-defined]


class _File:
    def __init__(self, cut: Cut, file) -> None:
        self._cut = cut
        self._file = file

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def write(self, data: bytes) -> None:
        self._cut.left -= 1
        if self._cut.left == 0:
            self._file.write(data[: len(data) * self._cut.keeps // 2])
            self._file.flush()
            raise PowerCut
        self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


async def mortal(app) -> None:
    """The board's flow until its power goes; what it wrote by then stays."""
    try:
        await app.run()
    except PowerCut:
        app.outcome = "off"


def attempt(app, till) -> None:
    """Pays; the power may go."""
    app.propose(0)
    app.device.board.press("hold")

    async def story() -> None:
        await until(app, lambda: bool(app.outcome))

    run(story(), mortal(app), till.serve())


def test_power_lost_at_any_write_signs_no_two_payments_with_one_counter():
    for number in (1, 2, 3):  # SIGNED, DELIVERED, and none
        for keeps in (0, 1, 2):
            with Folder() as folder:
                app, till = pair(folder)
                with Cut(number, keeps) as cut:
                    attempt(app, till)
                assert (cut.left > 0) == (number == 3)
                app = again(app, till)
                if app.wallet.pending:
                    assert tap_again(app, till) == "PAID"
                till.nonce = b"request2"
                till.amount_minor = 2_00
                assert pay(app, till) == "PAID"
                found = signed_by(till)
                for a in found:
                    for b in found:
                        assert not transaction.contradict(a, b), (number, keeps)
                assert found[-1].amount == 2_00
                spent = app.wallet.purses[0].spent
                assert spent == sum({txn.raw: txn.amount for txn in found}.values())


def test_power_lost_while_topping_up_asks_for_one_purse():
    for number in range(1, 6):  # NEWKEY, SYNCING, ANSWERED, the clock, and none
        for keeps in (0, 2):
            with Folder() as folder:
                app, till = pair(folder)
                desk = Desk(app)
                boxes: list = []
                with Cut(number, keeps) as cut:
                    top_up_and_sync(app, desk, boxes)
                assert (cut.left > 0) == (number == 5)
                app = again(app, till)
                if not (app.wallet.new_key or len(app.wallet.purses) == 2):
                    done(app, "top_up", amount=30_00)
                    agree(app)
                while True:
                    box = done(app, "sync")[1]
                    if not box:
                        break
                    done(app, "statement", desk.answer(box))
                assert len(desk.purses) == 1 and len(app.wallet.purses) == 2, (number, keeps)
                nonces = {sync.parse_sync(data)[0].nonce for data in desk.syncs}
                assert len(nonces) == 1


def top_up_and_sync(app, desk: Desk, boxes: list) -> None:
    try:
        done(app, "top_up", amount=30_00)
        app.device.board.press("ok")

        async def story() -> None:
            await until(app, lambda: bool(app.outcome))

        run(story(), mortal(app))
        if app.outcome == "off":
            return
        boxes.append(done(app, "sync")[1])
        done(app, "statement", desk.answer(boxes[0]))
    except PowerCut:
        return


def test_segments_whose_payments_are_judged_are_dropped_and_what_counts_survives():
    with Folder() as folder:
        app, desk, till = topped_up(folder)
        root = app.device.board.root
        dcert = world.device(till.keys.public, till.ed.public)
        preq = asking.make_request(
            world.REALM, till.keys.private, asking.make_core(**till.fields()), bytes(16)
        )
        wallet, count, unconfirmed = app.wallet, 130, (5, 60, 125)
        for ctr in range(1, count + 1):
            (purse,) = wallet.purses
            txn = transaction.make_payment(
                world.REALM,
                purse.private,
                parse_signed(messages.PURSE, purse.signed),
                ctr,
                ctr * 10,
                10,
                till.fields()["payee"],
                asking.request_hash(preq),
                purse.prev,
                world.NOW,
            )
            pending = keeping.add_signed(wallet, dcert, preq, txn)
            if ctr not in unconfirmed:
                keeping.add_answer(wallet, DELIVERED, pending, till.ack(pending.hash)[1])
        assert sorted(os.listdir(root + "/payments")) == ["0", "1"]
        app = again(app, till)
        assert (app.wallet.signed, app.wallet.purses[0].spent) == (count, count * 10)
        assert [pending.ctr for pending in app.wallet.pending] == list(unconfirmed)
        report_all(app, desk)
        assert os.listdir(root + "/payments").count("0") == 1  # payments wait in it
        desk.judge = lambda entry: verdicts.LAPSED
        report_all(app, desk, again=True)
        assert "0" not in os.listdir(root + "/payments")
        app = again(app, till)
        assert (app.wallet.signed, app.wallet.purses[0].spent) == (count, count * 10)
        assert app.wallet.pending == [] and done(app, "sync", again=True)[1] == b""
        paid(app, till, 1_00, 1)
        assert signed_by(till)[-1].ctr == count + 1


def test_a_purse_that_is_spent_and_judged_gives_its_place_to_the_next_for_good():
    with Folder() as folder:
        app, desk, till = topped_up(folder, 4_50)
        paid(app, till, 4_50, 1)
        spent = app.wallet.purses[0].id
        for number in range(1, PURSES_MAX):
            top_up(app, b"p%07d" % number)
        declined(STORE_FULL, app, "top_up", amount=20_00)  # its payment may still come to nothing
        report_all(app, desk)
        for _ in range(2):
            done(app, "top_up", amount=20_00)
            assert app.wallet.find(spent) is None and len(app.wallet.purses) == PURSES_MAX - 1
            agree(app, "cancel")
            app = again(app, till)
        done(app, "top_up", amount=20_00)
        assert agree(app) == "DONE"
        report_all(app, desk)
        for found in (app, again(app, till)):
            assert len(found.wallet.purses) == PURSES_MAX
            assert [row["state"] for row in done(found, "payments", first=0)[0]["payments"]] == [
                "settled"
            ]
        declined(STORE_FULL, app, "top_up", amount=20_00)


def test_a_purse_whose_payee_never_comes_back_does_not_hide_another():
    with Folder() as folder:
        app, desk, till = topped_up(folder, 4_50)
        till.answers[TXN] = lambda number, body: None
        pay(app, till)
        top_up(app, b"purse002")
        app.wallet.pending.clear()  # else it is resumed first
        till.nonce = b"req00002"
        pay(app, till)
        report_all(app, desk)
        asked = set()
        for _ in range(24):
            told, box = done(app, "sync", again=True)
            asked.add(told["purse"])
            done(app, "statement", desk.answer(box))
        assert asked == {b"bank0000".hex(), b"purse002".hex()}
