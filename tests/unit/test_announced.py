"""The payment that an OFFER announced is known by its bytes; any other goes the way of all."""

from firmware.receiver import taking
from tests.unit.forms import flipped, other_s
from tests.unit.helpers import Folder
from tests.unit.shop import ask, start


def test_it_is_taken_with_its_purse():
    with Folder() as folder:
        app, payer = start(folder)
        signed = payer.txn(1, 4_50, 4_50).signed
        found = taking.announced(app, app.till.open, payer.offered(1, 4_50), signed)
        assert found == payer.purse.signed


def test_a_payment_with_any_byte_changed_is_another_one():
    with Folder() as folder:
        app, payer = start(folder)
        signed = payer.txn(1, 4_50, 4_50).signed
        for position in range(len(signed)):
            changed = flipped(signed, position, position % 8)
            assert taking.announced(app, app.till.open, payer.offered(1, 4_50), changed) == b""
        for changed in (b"", signed[:-1], signed + b"\0"):
            assert taking.announced(app, app.till.open, payer.offered(1, 4_50), changed) == b""


def test_of_both_signatures_the_lower_one_counts():
    with Folder() as folder:
        app, payer = start(folder)
        signed = payer.txn(1, 4_50, 4_50).signed
        told = payer.offered(1, 4_50)
        assert taking.announced(app, app.till.open, told, other_s(signed)) == b""


def test_a_payment_that_says_something_else_than_the_offer_is_another_one():
    with Folder() as folder:
        app, payer = start(folder)
        told = payer.offered(1, 4_50)
        for ctr, cum, amount in ((2, 4_50, 4_50), (1, 4_51, 4_50), (1, 4_50, 4_49)):
            signed = payer.txn(ctr, cum, amount).signed
            assert taking.announced(app, app.till.open, told, signed) == b""
        for changes in ({"payee": bytes(8)}, {"req_hash": bytes(16)}):
            signed = payer.txn(1, 4_50, 4_50, **changes).signed
            assert taking.announced(app, app.till.open, told, signed) == b""


def test_a_request_that_is_over_and_a_purse_that_has_ended_take_none():
    with Folder() as folder:
        app, payer = start(folder)
        asked, told = app.till.open, payer.offered(1, 4_50)
        signed = payer.txn(1, 4_50, 4_50).signed
        asked.is_stale = True
        assert taking.announced(app, asked, told, signed) == b""
        asked.is_stale = False
        app.till.requests.remove(asked)
        assert taking.announced(app, asked, told, signed) == b""
        asked = ask(app)
        signed = payer.txn(1, 4_50, 4_50).signed
        assert taking.announced(app, asked, told, signed) == payer.purse.signed
        app.device.news.saw(payer.purse.not_after)
        assert taking.announced(app, asked, told, signed) == b""
