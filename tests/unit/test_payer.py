"""The payer's side of a tap, with a till that says what a test wants: what is signed, and when."""

from firmware.common.payment import label, transaction
from firmware.common.payment.words import tap_words
from firmware.common.storage import news_exchange
from firmware.common.wire import messages
from firmware.common.wire.errors import (
    AMOUNT_DIFFERS,
    BAD_CERTIFICATE,
    BAD_SIGNATURE,
    CANNOT_OPEN,
    DECLINED,
    EXPIRED,
    KEY_MISMATCH,
    MALFORMED,
    NO_FUNDS,
    NOT_ENROLLED,
    NOT_FOR_ME,
    OVER_LIMIT,
    REPLAY,
    REQUEST_UNKNOWN,
    REVOKED,
    STORE_FULL,
    UNAVAILABLE,
)
from firmware.common.wire.limits import PENDING_MAX
from firmware.sender.wallet import Wallet
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
    signed_by,
    tap_again,
    top_up,
)

OFFER, TXN, RESUME = messages.OFFER.number, messages.TXN.number, messages.RESUME.number


def screens(app) -> list:
    """Every title that was shown, repetitions left out."""
    found: list = []
    for screen in app.device.board.display.shown:
        if not found or found[-1] != screen[0]:
            found.append(screen[0])
    return found


# -- a payment -----------------------------------------------------------------------------------


def test_a_payment_is_signed_for_what_was_asked_and_confirmed():
    with Folder() as folder:
        app, till = pair(folder)
        assert pay(app, till) == "PAID"
        (txn,) = signed_by(till)
        assert (txn.ctr, txn.cum, txn.amount) == (1, 4_50, 4_50)
        assert txn.prev == first_hash(app) and app.wallet.pending == []
        transaction.check_payment(tills.REALM, app.wallet.purses[0].record, txn)
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
        assert offer.purse == app.wallet.purses[0].record.signed
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
            kept = Wallet(app.device.board.root)
            found.extend([kept.papers(pending)[2] for pending in kept.pending])
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
        assert Wallet(app.device.board.root).pending == []


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
        assert len(Wallet(app.device.board.root).pending) == 1


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
        assert app.wallet.pending == [] == Wallet(app.device.board.root).pending
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


# -- what is refused before anybody is asked -----------------------------------------------------


def refusal(folder: str, change) -> "tuple[int, tills.Any, Till]":
    """The reason why a payment is refused after `change(app, till)`; nobody was asked."""
    app, till = pair(folder)
    amount_minor = change(app, till) or 0
    app.propose(amount_minor)
    assert outcome(app, till) == "CANCELLED"
    assert app.wallet.signed == 0 and signed_by(till) == []
    assert app.device.board.display.lines[:2] == ["CANCELLED", "Nothing was paid"]
    return app.why, app, till


def is_refused(reason: int, change) -> None:
    with Folder() as folder:
        why, app, till = refusal(folder, change)
        assert why == reason, why
        assert not any("PAY " in title for title in screens(app))
        assert [kind for kind, _ in till.heard] == []  # and no purse was shown


def test_a_payee_without_the_banks_certificate_is_refused():
    def certified(**changes):
        def change(app, till):
            till.dcert = world.device(till.keys.public, till.ed.public, **changes)

        return change

    is_refused(EXPIRED, certified(issued=1, not_after=world.NOW - 1))
    is_refused(BAD_CERTIFICATE, certified(kind=1))  # a payer

    def forged(app, till):
        till.dcert = flipped(world.device(till.keys.public, till.ed.public), 10)

    is_refused(BAD_SIGNATURE, forged)

    def cut(app, till):
        till.dcert = world.device(till.keys.public, till.ed.public)[:-1]

    is_refused(MALFORMED, cut)


def test_a_revoked_payee_is_refused():
    def revoke(app, till):
        revoked = (till.fields()["payee"],)
        news = app.device.news
        news_exchange.take(news, messages.BEACON.number, world.beacon(2, revoked=revoked))
        news_exchange.take(news, messages.REVDELTA.number, world.revocations(0, revoked))

    is_refused(REVOKED, revoke)


def test_a_request_that_the_payee_did_not_sign_here_and_now_is_refused():
    def other_signer(app, till):
        till.dcert = world.device(OTHER_PAYEE.public, till.ed.public)

    is_refused(BAD_SIGNATURE, other_signer)

    def other_payee(app, till):
        till.changes = {"payee": b"somebody"}

    is_refused(KEY_MISMATCH, other_payee)

    def other_connection(app, till):
        till.transcript = bytes(16)

    is_refused(REPLAY, other_connection)


def test_every_altered_byte_of_a_request_is_noticed_before_anything_is_shown():
    with Folder() as folder:
        app, till = pair(folder)
        for position in list(range(0, 62, 7)) + [62, 94, 125]:  # noqa: RUF005 - see pyproject.toml
            till.spoil_preq = lambda preq, at=position: flipped(preq, at)
            app.propose(0)
            assert outcome(app, till) == "CANCELLED", position
            assert app.why in (MALFORMED, BAD_SIGNATURE), (position, app.why)
        assert not any("PAY " in title for title in screens(app))
        assert app.wallet.signed == 0


def test_requests_out_of_bounds_are_refused():
    def field(**changes):
        def change(app, till):
            till.changes = changes

        return change

    is_refused(OVER_LIMIT, field(amount=50_01))  # rx_limit
    is_refused(NO_FUNDS, field(cur=840))

    def nothing_asked(app, till):
        till.amount_minor = 0

    is_refused(REQUEST_UNKNOWN, nothing_asked)
    is_refused(AMOUNT_DIFFERS, lambda app, till: 4_51)


def purse_with(**changes):
    def change(app, till):
        app.wallet.purses.clear()
        if changes:
            top_up(app, b"purse002", **changes)

    return change


def test_a_purse_that_cannot_pay_is_not_used():
    is_refused(NO_FUNDS, purse_with())
    is_refused(NO_FUNDS, purse_with(allowance=4_49, tx_max=4_49))
    is_refused(OVER_LIMIT, purse_with(tx_max=4_49))
    is_refused(EXPIRED, purse_with(issued=1, not_after=world.NOW))

    def used_up(app, till):
        purse_with(ctr_max=7)(app, till)
        app.wallet.purses[0].ctr = 7

    is_refused(NO_FUNDS, used_up)

    def spent(app, till):
        app.wallet.purses[0].spent = 95_51

    is_refused(NO_FUNDS, spent)

    def revoked(app, till):
        news, ids = app.device.news, (b"purse001",)
        news_exchange.take(news, messages.BEACON.number, world.beacon(2, revoked=ids))
        news_exchange.take(news, messages.REVDELTA.number, world.revocations(0, ids))

    is_refused(NO_FUNDS, revoked)


def test_of_several_purses_the_one_that_ends_first_pays():
    with Folder() as folder:
        app, till = pair(folder, 3_00)
        day = world.DAY
        top_up(app, b"ends 3rd", not_after=world.NOW + 20 * day)
        top_up(app, b"ends 1st", not_after=world.NOW + 2 * day, allowance=5_00, tx_max=5_00)
        top_up(app, b"dollars ", not_after=world.NOW + day, cur=840)
        top_up(app, b"expired ", issued=1, not_after=world.NOW - 1)
        for number in range(2):
            till.nonce = b"number %d" % number
            assert pay(app, till) == "PAID"
        till.amount_minor, till.nonce = 2_00, b"number 2"
        assert pay(app, till) == "PAID"
        used = [(txn.purse, txn.ctr, txn.cum) for txn in signed_by(till)]
        assert used == [(b"ends 1st", 1, 3_00), (b"purse001", 1, 3_00), (b"ends 1st", 2, 5_00)]


def test_what_the_till_would_refuse_is_told_while_the_user_reads():
    with Folder() as folder:
        app, till = pair(folder)
        till.answers[OFFER] = lambda number, body: [till.verdict(OVER_LIMIT)]
        assert pay(app, till, "ok") == "CANCELLED"
        assert app.why == OVER_LIMIT and signed_by(till) == []
        till.answers[OFFER] = lambda number, body: [till.verdict(0, b"another!")]
        assert pay(app, till, "ok") == "CANCELLED"
        assert app.why == MALFORMED and app.wallet.signed == 0


def test_nobody_signs_before_the_till_has_said_yes():
    with Folder() as folder:
        app, till = pair(folder)
        till.answers[OFFER] = lambda number, body: []
        assert pay(app, till, "hold") == "CANCELLED"
        assert app.why == UNAVAILABLE and app.wallet.signed == 0


def test_a_till_of_another_bank_is_not_understood():
    with Folder() as folder:
        app, till = pair(folder)
        app.device.news.realm8 = b"another!"
        assert pay(app, till) == "CANCELLED"
        assert app.why in (CANNOT_OPEN, UNAVAILABLE) and app.wallet.signed == 0


def test_nobody_at_the_other_end():
    with Folder() as folder:
        app, till = pair(folder)
        app.device.board.tap.is_cut = True
        assert pay(app, till) == "CANCELLED"
        assert app.why == UNAVAILABLE


def test_a_board_without_a_certificate_pays_nobody():
    with Folder() as folder:
        app, _ = pair(folder)
        import os

        os.remove(app.device.board.root + "/dcert")
        refused(NOT_ENROLLED, app.propose, 0)


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
