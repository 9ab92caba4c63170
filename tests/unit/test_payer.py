"""The payer's side of a tap, with a till that says what a test wants: what is signed, and when."""

from firmware.common.payment import label, transaction
from firmware.common.payment.words import tap_words
from firmware.common.wire import messages
from firmware.common.wire.errors import (
    BAD_SIGNATURE,
    DECLINED,
    MALFORMED,
    NOT_FOR_ME,
    OVER_LIMIT,
    REQUEST_UNKNOWN,
    STORE_FULL,
    UNAVAILABLE,
)
from firmware.common.wire.limits import PENDING_MAX
from firmware.sender import keeping
from tests.unit import till as tills
from tests.unit import world
from tests.unit.fake_board import Board, join
from tests.unit.forms import OTHER_PAYEE, flipped
from tests.unit.helpers import Folder, refused
from tests.unit.till import (
    Till,
    again,
    first_hash,
    outcome,
    pair,
    pay,
    screens,
    signed_by,
    tap_again,
    top_up,
)

OFFER, TXN, RESUME = messages.OFFER.number, messages.TXN.number, messages.RESUME.number


# -- a payment -----------------------------------------------------------------------------------


def test_a_payment_is_signed_for_what_was_asked_and_confirmed():
    with Folder() as folder:
        app, till = pair(folder)
        assert pay(app, till) == "PAID"
        (txn,) = signed_by(till)
        assert (txn.ctr, txn.cum, txn.amount) == (1, 4_50, 4_50)
        assert txn.prev == first_hash(app) and app.wallet.pending == []
        transaction.check_payment(tills.REALM, tills.purse_of(app), txn)
        shown = [screen for screen in app.device.board.display.shown if screen[0][:4] == "PAY "]
        words = tap_words(till.words_of)
        assert shown == [["PAY 4.50 EUR", "", "Bakery Anna", "", words, "HOLD OK   CANCEL"]]
        assert screens(app)[-3:] == ["PAY 4.50 EUR", "NOT CONFIRMED", "PAID"]
        assert app.device.board.display.lines[2:4] == ["4.50 EUR", "Bakery Anna"]
        assert app.device.board.beeps == 1 and len(app.last_id) == 32


def test_payments_of_a_purse_count_up_and_chain_over_restarts():
    with Folder() as folder:
        app, till = pair(folder)
        for number, amount_minor in enumerate((4_50, 1, 50_00)):
            till.amount_minor, till.nonce = amount_minor, b"request%d" % number
            assert pay(app, till) == "PAID"
            app = again(app, till)
        first, second, third = signed_by(till)
        assert [txn.ctr for txn in (first, second, third)] == [1, 2, 3]
        assert [txn.cum for txn in (first, second, third)] == [4_50, 4_51, 54_51]
        assert second.prev == transaction.txn_hash(first)
        assert third.prev == transaction.txn_hash(second)
        assert (app.wallet.purses[0].spent, app.wallet.signed) == (54_51, 3)


def test_the_offer_announces_what_is_signed_then():
    with Folder() as folder:
        app, till = pair(folder)
        pay(app, till)
        offers = [messages.OFFER.read(body) for kind, body in till.heard if kind == OFFER]
        (offer,), (txn,) = offers, signed_by(till)
        assert (offer.ctr, offer.cum, offer.beacon) == (txn.ctr, txn.cum, 1)
        assert offer.purse == app.wallet.purses[0].signed
        assert [kind for kind, _ in till.heard][:2] == [OFFER, TXN]


def test_a_short_ok_signs_nothing():
    with Folder() as folder:
        app, till = pair(folder)
        assert pay(app, till, "ok", "ok", "next", "cancel") == "CANCELLED"
        assert signed_by(till) == [] and app.wallet.signed == 0
        assert app.device.board.display.lines[:2] == ["CANCELLED", "Nothing was paid"]


def test_who_does_not_answer_in_time_has_not_paid():
    with Folder() as folder:
        app, till = pair(folder)
        till.changes = {"ttl_s": 5}
        before_ms = app.device.board.clock.ms()
        assert pay(app, till, "ok") == "CANCELLED"
        assert app.device.board.clock.ms() - before_ms < 8_000
        assert app.wallet.signed == 0


def test_an_amount_is_shown_whole_however_large():
    with Folder() as folder:
        app, till = pair(folder, 1_234_567_89)
        top_up(app, b"large   ", allowance=4_000_000_000, tx_max=4_000_000_000)
        till.dcert = world.device(till.keys.public, till.ed.public, rx_limit=4_000_000_000)
        assert pay(app, till) == "PAID"
        assert ["PAY?", "1234567.89 EUR", "Bakery Anna"] in [
            screen[:3] for screen in app.device.board.display.shown
        ]


# -- journal before sending ----------------------------------------------------------------------


def test_the_payment_is_in_flash_before_its_first_byte_leaves():
    with Folder() as folder:
        app, till = pair(folder)
        found = []

        def look(number, body):
            kept = keeping.start(app.device.board.root)
            found.extend([keeping.papers(kept, pending)[2] for pending in kept.pending])
            return till.reply(number, body)

        till.answers[TXN] = look
        assert pay(app, till) == "PAID"
        assert found == [signed_by(till)[0].signed]


def test_a_board_full_of_unconfirmed_payments_signs_no_more():
    with Folder() as folder:
        app, till = pair(folder)
        till.answers[TXN] = lambda number, body: [till.verdict(DECLINED)]
        assert pay(app, till) == "NOT CONFIRMED YET"
        app.wallet.pending = app.wallet.pending * PENDING_MAX
        other = other_till(app)
        assert pay(app, other) == "CANCELLED"
        assert app.why == STORE_FULL and signed_by(other) == []


def other_till(app, amount_minor: int = 2_00) -> Till:
    """Another payee, at the end of the same wire."""
    board: tills.Any = Board("", app.device.board.clock)
    till = Till(board, amount_minor, b"request2")
    till.keys, till.ed = tills.OTHER_TILL, tills.OTHER_TILL_ED
    join(app.device.board.tap, till.board.tap)
    return till


# -- resume --------------------------------------------------------------------------------------


def test_a_lost_answer_is_asked_for_again_and_nothing_is_signed_twice():
    with Folder() as folder:
        app, till = pair(folder)

        def take_and_die(number, body):
            till.reply(number, body)

        till.answers[TXN] = take_and_die
        assert pay(app, till) == "NOT CONFIRMED YET"
        assert (app.why, len(app.wallet.pending)) == (UNAVAILABLE, 1)
        till.answers = {}
        app = again(app, till)
        assert tap_again(app, till) == "PAID"
        assert len(till.taken) == len(signed_by(till)) == app.wallet.signed == 1
        assert keeping.start(app.device.board.root).pending == []


def test_a_lost_payment_is_sent_again_the_same_bytes():
    with Folder() as folder:
        app, till = pair(folder)
        till.answers[TXN] = lambda number, body: None
        assert pay(app, till) == "NOT CONFIRMED YET"
        till.answers = {}
        app = again(app, till)
        assert pay(app, till) == "PAID"  # the button PAY resumes too
        first, second = signed_by(till)
        assert first.signed == second.signed and app.wallet.signed == 1
        kinds = [kind for kind, _ in till.heard]
        assert kinds[2:5] == [RESUME, OFFER, TXN]
        assert not [screen for screen in app.device.board.display.shown if "PAY " in screen[0]]


def test_a_resumed_payment_is_sent_whatever_the_verdict_on_its_offer():
    with Folder() as folder:
        app, till = pair(folder)
        till.answers[TXN] = lambda number, body: None
        pay(app, till)
        till.answers = {OFFER: lambda number, body: [till.verdict(OVER_LIMIT)]}
        assert tap_again(app, till) == "PAID"


def test_an_unknown_request_leaves_the_payment_as_it_is():
    with Folder() as folder:
        app, till = pair(folder)
        till.answers[TXN] = lambda number, body: None
        pay(app, till)
        till.answers = {RESUME: tills.unknown(till)}
        assert tap_again(app, till) == "NOT CONFIRMED YET"
        assert (app.why, len(app.wallet.pending)) == (REQUEST_UNKNOWN, 1)
        assert len(keeping.start(app.device.board.root).pending) == 1


def test_a_pending_payment_comes_before_a_new_request_and_both_are_told():
    with Folder() as folder:
        app, till = pair(folder)
        till.answers[TXN] = lambda number, body: None
        pay(app, till)
        till.answers = {}
        till.amount_minor, till.nonce = 2_00, b"request2"
        board = app.device.board
        assert pay(app, till, "hold") == "PAID"
        assert [txn.amount for txn in signed_by(till)] == [4_50, 4_50, 2_00]
        assert [txn.ctr for txn in signed_by(till)] == [1, 1, 2]
        board.press("ok", "ok")
        app.outcome = ""
        app.ask(nothing, app)
        outcome(app, till)
        told = [screen[:3] for screen in board.display.shown if screen[0] == "PAID"]
        assert told[0] == ["PAID", "", "4.50 EUR"] and ["PAID", "", "2.00 EUR"] in told


async def nothing(app) -> None:
    app.outcome = "nothing"


def test_no_second_payment_for_a_pending_request():
    with Folder() as folder:
        app, till = pair(folder)
        till.answers[TXN] = lambda number, body: [till.verdict(DECLINED)]
        till.answers[RESUME] = lambda number, body: [till.verdict(DECLINED)]
        for _ in range(3):
            assert pay(app, till) == "NOT CONFIRMED YET"
            assert app.why == DECLINED
        assert app.wallet.signed == 1 and len(set(signed_by(till))) == 1


def test_what_is_pending_elsewhere_does_not_hold_up_another_payee():
    with Folder() as folder:
        app, till = pair(folder)
        till.answers[TXN] = lambda number, body: None
        pay(app, till)
        other = other_till(app)
        assert pay(app, other) == "PAID"
        assert [txn.ctr for txn in signed_by(other)] == [2]
        assert [pending.ctr for pending in app.wallet.pending] == [1]
        assert tap_again(app, other) == "NOT CONFIRMED YET"
        assert app.why == NOT_FOR_ME


def test_a_voided_payment_is_cancelled_for_good():
    with Folder() as folder:
        app, till = pair(folder)
        till.answers[TXN] = lambda number, body: [till.void(signed_by(till)[0])]
        assert pay(app, till) == "CANCELLED"
        assert app.wallet.pending == [] == keeping.start(app.device.board.root).pending
        assert app.wallet.purses[0].spent == 4_50  # the interval is not used again
        till.nonce = b"request2"
        till.answers = {}
        assert pay(app, till) == "PAID"
        assert [(txn.ctr, txn.cum) for txn in signed_by(till)] == [(1, 4_50), (2, 9_00)]
        refused(REQUEST_UNKNOWN, app.tap_again)


def test_answers_that_the_payee_did_not_sign_change_nothing():
    with Folder() as folder:
        app, till = pair(folder)

        def hash_of(body: bytes) -> bytes:
            return transaction.txn_hash(transaction.read_payment(body))

        def by_another(number, body):
            honest, till.keys = till.keys, OTHER_PAYEE
            found = till.ack(hash_of(body))
            till.keys = honest
            return [found]

        def void_of_another_request(number, body):
            txn = transaction.read_payment(body)
            return [till.void(type("Txn", (), {"raw": txn.raw, "req_hash": bytes(16)}))]

        spoilt = [
            (by_another, NOT_FOR_ME),
            (lambda number, body: [till.ack(bytes(32))], NOT_FOR_ME),
            (lambda number, body: [(7, flipped(till.ack(hash_of(body))[1], 60))], BAD_SIGNATURE),
            (lambda number, body: [(7, till.ack(hash_of(body))[1][:-1])], MALFORMED),
            (lambda number, body: [(messages.PREQ.number, b"")], MALFORMED),
            (void_of_another_request, NOT_FOR_ME),
        ]
        till.answers[TXN] = lambda number, body: None
        pay(app, till)
        for spoil, reason in spoilt:
            till.answers = {TXN: spoil}
            assert tap_again(app, till) == "NOT CONFIRMED YET"
            assert app.why in (reason, BAD_SIGNATURE), (app.why, reason)
            assert len(app.wallet.pending) == 1
        till.answers = {}
        assert tap_again(app, till) == "PAID"


# -- news ----------------------------------------------------------------------------------------


def test_news_go_both_ways_after_a_payment():
    with Folder() as folder:
        app, till = pair(folder)
        till.news = [(messages.BEACON.number, world.beacon(7, t=world.NOW + 500))]
        assert pay(app, till) == "PAID"
        assert app.device.news.beacon_seq == 7
        assert app.device.news.t_lb() >= world.NOW + 500
        kinds = [kind for kind, _ in till.heard]
        assert kinds == [OFFER, TXN, messages.BEACON.number, messages.VERDICT.number]


def test_bad_news_and_endless_news_change_nothing():
    with Folder() as folder:
        app, till = pair(folder)
        forged = flipped(world.beacon(7), 20)
        till.news = [(messages.BEACON.number, forged), (99, b"?")] * 20
        assert pay(app, till) == "PAID"
        assert app.device.news.beacon_seq == 1


def test_the_name_on_the_screen_is_the_certificates():
    with Folder() as folder:
        app, till = pair(folder)
        till.dcert = world.device(till.keys.public, till.ed.public, "Caf\xe9 Zo\xeb")
        assert pay(app, till) == "PAID"
        shown = [screen[2] for screen in app.device.board.display.shown if "PAY " in screen[0]]
        assert shown == ["Caf? Zo?"]
        assert label.to_text(label.to_bytes("Caf\xe9 Zo\xeb", 16)) == "Caf\xe9 Zo\xeb"
