"""What a payer's board refuses to pay, before its user is asked and while the user reads."""

from firmware.common.storage import news_exchange
from firmware.common.wire import messages
from firmware.common.wire.errors import (
    AMOUNT_DIFFERS,
    BAD_CERTIFICATE,
    BAD_SIGNATURE,
    CANNOT_OPEN,
    EXPIRED,
    KEY_MISMATCH,
    MALFORMED,
    NO_FUNDS,
    NOT_ENROLLED,
    OVER_LIMIT,
    REPLAY,
    REQUEST_UNKNOWN,
    REVOKED,
    UNAVAILABLE,
)
from tests.unit import till as tills
from tests.unit import world
from tests.unit.forms import OTHER_PAYEE, flipped
from tests.unit.helpers import Folder, refused
from tests.unit.till import (
    Till,
    outcome,
    pair,
    pay,
    screens,
    signed_by,
    top_up,
)

OFFER, TXN, RESUME = messages.OFFER.number, messages.TXN.number, messages.RESUME.number


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
