"""A till and its bank: one upload until it is answered, only the bank's receipts, refunds."""

import os

from firmware.common.payment.batch import LEDGER
from firmware.common.payment.evidence import check_evidence
from firmware.common.payment.verdicts import CONFLICT_UNPAID, DUPLICATE, LAPSED, OVER_LIMIT, SETTLED
from firmware.common.storage.news_exchange import take
from firmware.common.wire import messages, packet
from firmware.common.wire.console import answer
from firmware.common.wire.errors import (
    BAD_SIGNATURE,
    CANNOT_OPEN,
    MALFORMED,
    NOT_ENROLLED,
    NOT_FOR_ME,
    REPLAY,
    REQUEST_UNKNOWN,
    SYNC_FIRST,
)
from firmware.common.wire.errors import OVER_LIMIT as TOO_MUCH
from firmware.common.wire.limits import MESSAGE_BYTES_MAX, UPLOAD_ENTRIES_BOARD_MAX
from firmware.receiver import refunding
from tests.unit import world
from tests.unit.counter import Counter
from tests.unit.cuts import powerless
from tests.unit.forms import PAYEE, flipped
from tests.unit.helpers import Folder
from tests.unit.roles import run, until
from tests.unit.shop import (
    Payer,
    again,
    ask,
    enter,
    paid,
    shop,
)


def call(app, do: str, body: bytes = b"", **members) -> tuple:
    """The till's answer to a host's command: header and body."""
    header = {"do": do}
    header.update(members)
    told = answer(app, packet.pack(header, body))
    assert len(told) <= MESSAGE_BYTES_MAX
    return packet.unpack(told)


def done(app, do: str, body: bytes = b"", **members) -> tuple:
    header, data = call(app, do, body, **members)
    assert header["ok"], header
    return header, data


def declined(reason: int, app, do: str, body: bytes = b"", **members) -> None:
    header, _ = call(app, do, body, **members)
    assert not header["ok"] and header["reason"] == reason, header


def filled(folder: str, count: int = 3) -> tuple:
    """A till with that many payments, its payer, and the bank."""
    app = shop(folder)
    payer = Payer(app)
    for number in range(1, count + 1):
        enter(app, ask(app, 1_00), payer, payer.txn(number, number * 1_00, 1_00))
    bank = Counter(app)
    bank.purses[payer.purse.purse] = payer.purse
    return app, payer, bank


def settle(app, bank: Counter) -> int:
    """Uploads and receipts until nothing is left; how many batches that took."""
    batches = 0
    while True:
        told, box = done(app, "upload")
        if not box:
            assert told["count"] == told["left"] == 0
            return batches
        bank.open(box)
        done(app, "receipt", bank.receipt())
        batches += 1


# -- uploads -------------------------------------------------------------------------------------


def test_an_empty_ledger_has_nothing_to_upload():
    with Folder() as folder:
        app = shop(folder)
        assert done(app, "upload") == ({"ok": True, "first": 0, "count": 0, "left": 0}, b"")


def test_entries_arrive_in_their_order_in_batches_that_fit():
    with Folder() as folder:
        count = 2 * UPLOAD_ENTRIES_BOARD_MAX + 3
        app, _, bank = filled(folder, count)
        kinds = []
        while app.till.judged < count:
            told, box = done(app, "upload")
            bank.open(box)
            assert told["first"] == bank.upload.first == app.till.judged
            assert told["left"] == count - app.till.judged - told["count"]
            kinds.append(bank.upload.kind)
            done(app, "receipt", bank.receipt())
        assert kinds == [LEDGER] * 3  # see `uploading`: never the last one
        assert [entry.record.ctr for entry in bank.entries] == list(range(1, count + 1))
        assert bank.head == app.till.head
        assert {entry.recv_t for entry in bank.entries} == {world.NOW}


def test_the_same_upload_until_its_receipt_whatever_happens():
    with Folder() as folder:
        app, payer, bank = filled(folder, 2)
        contents = [bank.open(done(app, "upload")[1])]
        app.device.board.clock.now_ms += 100_000
        take(app.device.news, messages.BEACON.number, world.beacon(9))
        payer.app = app
        paid(app, payer, 1, 1_00, 2)
        contents.append(bank.open(done(app, "upload")[1]))
        app = again(app)
        for _ in range(2):
            contents.append(bank.open(done(app, "upload")[1]))
        assert set(contents) == {contents[0]}
        done(app, "receipt", bank.receipt())
        bank.open(done(app, "upload")[1])
        assert (bank.upload.first, bank.upload.n, bank.upload.beacon) == (2, 1, 9)


def test_what_is_uploaded_is_in_flash_before_it_leaves():
    with Folder() as folder:
        app, _, bank = filled(folder, 2)
        contents = []
        for cut_at in range(3):

            def act(app=app) -> None:
                contents.append(bank.open(done(app, "upload")[1]))

            was_cut = powerless(cut_at, act)
            assert was_cut == (cut_at < 1) and len(contents) == cut_at
            app = again(app)
        assert len(set(contents)) == 1


def test_a_till_that_belongs_to_nobody_uploads_nothing():
    with Folder() as folder:
        app, _, _ = filled(folder, 1)
        os.remove(folder + "/news/bank-keys")
        declined(NOT_ENROLLED, app, "upload")


# -- receipts ------------------------------------------------------------------------------------


def test_a_receipt_settles_and_frees():
    with Folder() as folder:
        app, _, bank = filled(folder, 3)
        bank.open(done(app, "upload")[1])
        told, _ = done(app, "receipt", bank.seal(bank.receipt()))
        assert (told["first"], told["verdicts"], told["left"]) == (0, [SETTLED] * 3, 0)
        for found in (app, again(app)):
            total = done(found, "total")[0]["guaranteed"]
            assert (total["count"], total["judged"], total["minor"]) == (3, 3, 3_00)
            assert (total["paid_minor"], total["unsettled_minor"]) == (3_00, 0)
        assert app.device.news.t_lb() >= world.NOW + 50
        assert done(app, "upload")[1] == b"" and app.unsettled() == 0


def test_only_the_banks_receipt_for_this_upload_counts():
    with Folder() as folder:
        app, _, bank = filled(folder, 2)
        declined(REQUEST_UNKNOWN, app, "receipt", b"\x01" * 200)
        bank.open(done(app, "upload")[1])
        good = bank.receipt()
        wrongs = (
            (BAD_SIGNATURE, bank.receipt(key=PAYEE)),
            (NOT_FOR_ME, bank.receipt(device=b"another1")),
            (NOT_FOR_ME, bank.receipt(gen=1)),
            (NOT_FOR_ME, bank.receipt(first=1)),
            (NOT_FOR_ME, bank.receipt(verdicts=bytes(1))),
            (NOT_FOR_ME, bank.receipt(verdicts=bytes(3))),
            (NOT_FOR_ME, bank.receipt(batch=bytes(16))),
            (NOT_FOR_ME, bank.receipt(new_head=bytes(32))),
            (REPLAY, bank.receipt(nonce=bytes(8))),
            (MALFORMED, bank.receipt(verdicts=b"\x00\x0d")),
            (MALFORMED, good[:50]),
            (NOT_FOR_ME, bank.seal(good, b"somebody")),
        )
        for reason, wrong in wrongs:
            declined(reason, app, "receipt", wrong)
        sealed = bank.seal(good)
        for position in (9, 20, 80, len(sealed) - 1):
            declined(CANNOT_OPEN, app, "receipt", flipped(sealed, position, 0))
        for position in range(0, len(good), 5):
            assert not call(app, "receipt", flipped(good, position, 0))[0]["ok"]
        assert app.till.judged == 0
        done(app, "receipt", good)
        declined(REQUEST_UNKNOWN, app, "receipt", good)


def test_what_the_bank_does_not_pay_is_told_to_the_cashier():
    with Folder() as folder:
        app, _, bank = filled(folder, 3)
        verdicts = [SETTLED, CONFLICT_UNPAID, LAPSED]
        bank.open(done(app, "upload")[1])
        done(app, "receipt", bank.receipt(verdicts=bytes(verdicts)))

        async def story() -> None:
            await until(app, lambda: app.dialog.title == "NOT PAID")

        run(story(), app.run())
        assert app.device.board.display.lines[1] == "2 entries"
        for found in (app, again(app)):
            assert done(found, "total")[0]["guaranteed"]["paid_minor"] == 1_00
            entries = done(found, "entries", first=0)[0]["entries"]
            assert [entry["verdict"] for entry in entries] == verdicts


def test_power_that_goes_while_a_receipt_is_taken_leaves_it_to_be_taken_again():
    with Folder() as folder:
        app, _, bank = filled(folder, 2)
        bank.open(done(app, "upload")[1])
        receipt = bank.receipt()
        for cut_at in range(3):
            powerless(cut_at, lambda app=app: call(app, "receipt", receipt))
            app = again(app)
            if app.till.judged == 0:
                bank.open(done(app, "upload")[1])
                assert bank.receipt() == receipt
        assert app.till.judged == 2 and app.till.unsettled_minor == 0


def test_revocations_are_taken_only_when_everything_is_judged():
    with Folder() as folder:
        app, _, bank = filled(folder, 1)
        delta = world.revocations(0, (b"purse001",))
        news = bytes((11,)) + len(delta).to_bytes(2, "big") + delta
        declined(SYNC_FIRST, app, "news", news)
        assert app.device.news.rev_seq == 0
        settle(app, bank)
        assert done(app, "news", news)[0]["taken"] == 1 and app.device.news.rev_seq == 1


# -- refunds -------------------------------------------------------------------------------------


def give_back(app, index: int, amount: int, *presses: str):
    """What a host's `refund` comes to."""
    header, _ = call(app, "refund", index=index, amount=amount, reason=7)
    assert header["ok"]
    return come_to(app, *presses)


def come_to(app, *presses: str):
    """What the question on the screen comes to."""
    app.device.board.press(*presses)

    async def story() -> None:
        await until(app, lambda: bool(app.outcome or app.why))

    app.why = 0
    run(story(), app.run())
    return app.outcome or app.why


def test_a_refund_is_an_entry_that_its_cashier_confirmed():
    with Folder() as folder:
        app, _, bank = filled(folder, 2)
        assert give_back(app, 1, 40, "cancel") == "CANCELLED" and app.till.count == 2
        assert give_back(app, 1, 40, "ok") == "DONE" and app.till.count == 3
        app = again(app)
        settle(app, bank)
        refund = bank.entries[2].record
        payment = bank.entries[1]
        assert (refund.amount, refund.rctr, refund.reason) == (40, 1, 7)
        assert (refund.txn_hash, refund.to_purse) == (payment.hash, b"purse001")
        assert bank.head == app.till.head
        kinds = [entry["kind"] for entry in done(app, "entries", first=0)[0]["entries"]]
        assert kinds == ["payment", "payment", "refund"]


def test_no_more_goes_back_than_came():
    with Folder() as folder:
        app, _, _ = filled(folder, 1)
        assert give_back(app, 0, 60, "ok") == "DONE"
        assert give_back(app, 0, 41) == TOO_MUCH
        assert give_back(app, 0, 40, "ok") == "DONE"
        assert give_back(again(app), 0, 1) == TOO_MUCH
        assert app.till.refunds == 2 and app.till.count == 3
        for wrong in (-1, 1, 99):  # a refund, and what never was
            assert give_back(app, wrong, 1) == REQUEST_UNKNOWN
        assert OVER_LIMIT == 7


def test_what_the_bank_refused_to_give_back_can_be_given_again():
    with Folder() as folder:
        app, _, bank = filled(folder, 1)
        assert give_back(app, 0, 1_00, "ok") == "DONE"
        bank.open(done(app, "upload")[1])
        done(app, "receipt", bank.receipt(verdicts=bytes((SETTLED, OVER_LIMIT))))
        app = again(app)
        assert give_back(app, 0, 60, "ok") == "DONE"
        assert give_back(app, 0, 41) == TOO_MUCH  # not judged: on its way
        bank.open(done(app, "upload")[1])
        done(app, "receipt", bank.receipt(verdicts=bytes((DUPLICATE,))))
        assert give_back(again(app), 0, 41) == TOO_MUCH


def test_a_refund_that_could_not_be_written_is_refused_before_anybody_is_asked():
    with Folder() as folder:
        app, _, _ = filled(folder, 1)
        for reason in (-1, 2**32, 2**80, 1.5, "7", None, True):
            told, _ = call(app, "refund", index=0, amount=1, reason=reason)
            assert told["reason"] == MALFORMED
        for index in ("first", None, [0]):
            declined(MALFORMED, app, "refund", index=index, amount=1)
        for amount, reason in (
            (-1, TOO_MUCH),
            (2**80, TOO_MUCH),
            (1.5, MALFORMED),
            ("1", MALFORMED),
        ):
            done(app, "refund", index=0, amount=amount)
            assert come_to(app) == reason
        done(app, "refund", index=0, amount=1, reason=2**32 - 1)
        assert come_to(app, "ok") == "DONE"


def test_power_that_goes_while_a_refund_is_entered_leaves_it_in_or_out():
    with Folder() as folder:
        app, _, bank = filled(folder, 1)
        for cut_at in range(3):
            before = app.till.count
            payment = refunding.payment(app, 0)
            powerless(cut_at, lambda app=app, of=payment: refunding.refund(app, of, 1, 0))
            app = again(app)
            assert before <= app.till.count <= before + 1
        settle(app, bank)
        numbers = [entry.record.rctr for entry in bank.entries[1:]]
        assert numbers == list(range(1, len(numbers) + 1)) and numbers


# -- evidence, and what a host asks for ----------------------------------------------------------


def test_evidence_proves_a_payment_from_the_root_alone():
    with Folder() as folder:
        app, _, bank = filled(folder, 2)
        _, pack = done(app, "evidence", index=1)
        assert len(pack) == 1_014
        _, _, _, txn, ack = check_evidence(world.ROOT.public, pack)
        assert (txn.ctr, ack.index) == (2, 1)
        declined(REQUEST_UNKNOWN, app, "evidence", index=2)
        settle(app, bank)
        assert done(again(app), "evidence", index=1)[1] == pack


def test_a_host_asks_and_cancels():
    with Folder() as folder:
        app = shop(folder)
        declined(REQUEST_UNKNOWN, app, "cancel_request")
        told, _ = done(app, "charge", amount=4_50, ref="table 7")
        opened = app.till.open
        assert opened.core[10:18].hex() == told["request"]
        assert opened.core[26:38] == b"table 7" + bytes(5) and opened.amount_minor == 4_50
        assert done(app, "total")[0]["request"] == 4_50
        for amount in (0, -1, 50_01, 2**40):
            declined(TOO_MUCH, app, "charge", amount=amount)
        declined(MALFORMED, app, "charge", amount=1, ref="x" * 13)
        declined(MALFORMED, app, "charge", amount=1.5)
        assert app.till.open is opened
        done(app, "cancel_request")
        assert app.till.open is None


def test_entries_by_tap_and_by_file_are_counted_apart():
    with Folder() as folder:
        app, _, _ = filled(folder, 2)
        total = done(app, "total")[0]
        assert total["guaranteed"]["count"] == 2 and total["guaranteed"]["minor"] == 2_00
        assert total["unguaranteed"] == {"count": 0, "minor": 0}
        page = done(app, "entries", first=1)[0]
        assert page["count"] == 2 and [entry["index"] for entry in page["entries"]] == [1]
        assert page["entries"][0]["verdict"] is None and page["entries"][0]["amount"] == 1_00
        assert done(app, "json_entries", first=0)[0] == {"ok": True, "entries": [], "count": 0}
