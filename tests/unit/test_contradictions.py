"""A purse that is spent twice is found, proven and blocked; junk and late payments block nobody."""

from firmware.common.payment import proof
from firmware.common.storage.news_exchange import hear, take
from firmware.common.wire import messages
from firmware.common.wire.errors import (
    BAD_SIGNATURE,
    PROVEN_CHEAT,
)
from firmware.common.wire.signed import parse_signed
from firmware.receiver import accusing, entries, keeping
from tests.unit import world
from tests.unit.forms import PAYEE
from tests.unit.helpers import Folder
from tests.unit.shop import (
    ACK,
    OTHER_PURSE,
    REALM,
    VERDICT,
    Payer,
    again,
    ask,
    heard_by,
    paid,
    pay,
    reasons,
    shop,
    tap,
)

BEACON, REVDELTA, EQUIV = (
    messages.BEACON.number,
    messages.REVDELTA.number,
    messages.EQUIV.number,
)


def test_a_late_honest_payment_of_a_lower_counter_is_taken():
    with Folder() as folder:
        app = shop(folder)
        payer = Payer(app)
        early = payer.txn(1, 4_50, 4_50, ask(app))
        app = again(app)  # its request is stale now
        payer.app = app
        ask(app, 2_00)
        assert pay(app, payer, payer.txn(2, 6_50, 2_00))[0] == ACK
        app.till.requests[0].agreed = True
        assert pay(app, payer, early)[0] == ACK
        assert app.till.received_minor == 6_50


def test_a_purse_that_is_spent_twice_is_proven_and_blocked():
    with Folder() as folder:
        app = shop(folder)
        payer = Payer(app)
        (first,) = paid(app, payer, 1)
        ask(app, 3_00)
        second = payer.txn(1, 3_00, 3_00)  # restored old flash: the counter again
        assert reasons(app, payer, second) == (PROVEN_CHEAT, PROVEN_CHEAT)
        assert app.device.news.proven == [b"purse001"]
        assert reasons(app, payer, payer.txn(2, 7_50, 3_00)) == (PROVEN_CHEAT, PROVEN_CHEAT)
        told = dict(tap(app, heard_by(payer)))
        purse = proof.check_proof(REALM, (world.bank(),), told[EQUIV])
        assert purse == payer.purse
        equiv = messages.EQUIV.read(told[EQUIV])
        assert {equiv.a, equiv.b} == {first.signed, second.signed}
        assert b"purse001" in again(app).device.news.proven and app.till.count == 1


def test_overlapping_intervals_under_other_counters_are_found():
    with Folder() as folder:
        app = shop(folder)
        payer = Payer(app)
        paid(app, payer, 2)
        ask(app, 1_00)
        assert reasons(app, payer, payer.txn(3, 9_99, 1_00)) == (PROVEN_CHEAT, PROVEN_CHEAT)
        assert app.device.news.proven == [b"purse001"]


def test_junk_with_a_known_counter_blocks_nobody():
    with Folder() as folder:
        app = shop(folder)
        payer = Payer(app)
        paid(app, payer, 1)
        ask(app, 3_00)
        stranger = Payer(app, OTHER_PURSE)
        stranger.purse = payer.purse
        junk = stranger.txn(1, 3_00, 3_00)
        assert pay(app, stranger, junk) == (VERDICT, BAD_SIGNATURE)
        forged_purse = world.purse_of(OTHER_PURSE, signer=PAYEE)
        assert reasons(app, stranger, junk, forged_purse)[1] == BAD_SIGNATURE
        assert app.device.news.proven == []
        assert pay(app, payer, payer.txn(2, 7_50, 3_00))[0] == ACK


def test_a_contradiction_is_refused_also_when_the_other_payment_is_forgotten():
    with Folder() as folder:
        app = shop(folder)
        payer = Payer(app)
        paid(app, payer, 1)
        real = entries.signed_payment
        # Its segment was dropped. A board loads `accusing` anew, a computer has it.
        entries.signed_payment = accusing.signed_payment = lambda till, row: b""
        try:
            ask(app, 3_00)
            assert pay(app, payer, payer.txn(1, 3_00, 3_00)) == (VERDICT, PROVEN_CHEAT)
        finally:
            entries.signed_payment = accusing.signed_payment = real
        assert app.till.count == 1 and app.device.news.proven == []


def test_two_tills_take_one_clone_and_the_proof_travels_by_a_third_payer():
    """A cloned board pays two shops with one counter; whoever has both payments proves it."""
    with Folder() as one, Folder() as two:
        first, second = shop(one), shop(two)
        clone = Payer(first)
        paid(first, clone, 1)
        clone.app = second
        ask(second, 3_00)
        assert pay(second, clone, clone.txn(1, 3_00, 3_00))[0] == ACK  # it cannot know
        both = [
            parse_signed(messages.TXN, payload[-146:])
            for app in (first, second)
            for _, kind, payload in keeping.segments(app.till).scan()
            if kind == 5
        ]
        equiv = proof.make_proof(clone.purse, both[0], both[1])  # as the bank does, who sees both
        take(first.device.news, EQUIV, equiv)
        honest = Payer(first, OTHER_PURSE, purse8=b"purse002")
        for number, message in tap(first, heard_by(honest)):
            hear(second.device.news, number, message)
        ask(second, 1_00)
        assert pay(second, clone, clone.txn(2, 4_00, 1_00)) == (VERDICT, PROVEN_CHEAT)
