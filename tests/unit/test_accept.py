"""The payee's checks, one by one: what each refuses and for which reason, and what it lets pass."""

from firmware.common.payment import transaction
from firmware.common.storage.news_exchange import take
from firmware.common.storage.news_proofs import keep_proof
from firmware.common.storage.news_store import News
from firmware.common.wire import messages
from firmware.common.wire.errors import (
    AMOUNT_DIFFERS,
    EXPIRED,
    MALFORMED,
    NOT_FOR_ME,
    OVER_LIMIT,
    PROVEN_CHEAT,
    REVOKED,
    SYNC_FIRST,
)
from firmware.receiver import accept
from firmware.receiver.seen import VOIDED, make_row
from tests.unit import world
from tests.unit.fake_board import Clock
from tests.unit.helpers import Folder, Seeded, refused
from tests.unit.shop import PURSE
from tests.unit.world import DAY, NOW

LIMITS = world.purse_of(PURSE)  # 100.00, 50.00 at a time, 250 payments, EUR


def row(ctr: int, cum: int, amount: int, gen: int = 0, index: int = 0) -> bytes:
    place = (gen, index, NOW, bytes(8), bytes(32))
    return make_row(b"purse001", ctr, cum, amount, NOW, *place, (b"%d" % ctr * 32)[:32])


def news_of(folder: str) -> News:
    news = News(folder, Clock())
    news.pin(world.ROOT.public)
    take(news, messages.BKEY.number, world.bank_key())
    return news


def test_1_only_payments_for_this_payee():
    txn = world.pay(PURSE, LIMITS, 1, 4_50, 4_50)
    accept.check_payee(txn, b"payee001")
    refused(NOT_FOR_ME, accept.check_payee, txn, b"payee002")


def test_1_only_the_amount_that_was_asked_for():
    accept.check_amount(world.pay(PURSE, LIMITS, 1, 9_00, 4_50), 4_50)
    for amount in (4_49, 4_51):
        wrong = world.pay(PURSE, LIMITS, 1, 9_00, amount)
        refused(AMOUNT_DIFFERS, accept.check_amount, wrong, 4_50)


def test_2_only_what_the_purse_allows():
    def check(ctr: int, cum: int, amount: int, currency: int = 978) -> None:
        accept.check_claim(LIMITS, currency, ctr, cum, amount, NOW)

    for fine in ((1, 1, 1), (250, 100_00, 50_00), (7, 50_00, 50_00)):
        check(*fine)
    for reason, claim in (
        (MALFORMED, (1, 5, 0)),
        (MALFORMED, (1, 4, 5)),
        (MALFORMED, (0, 5, 5)),
        (OVER_LIMIT, (1, 50_01, 50_01)),
        (OVER_LIMIT, (1, 100_01, 5)),
        (OVER_LIMIT, (251, 5, 5)),
    ):
        refused(reason, check, *claim)
    refused(AMOUNT_DIFFERS, check, 1, 5, 5, 840)


def test_3_only_a_purse_that_has_not_expired():
    end = LIMITS.not_after
    accept.check_claim(LIMITS, 978, 1, 5, 5, end - 1)
    for now in (end, end + 1):
        refused(EXPIRED, accept.check_claim, LIMITS, 978, 1, 5, 5, now)


def test_4_no_revoked_purse_and_no_proven_cheat():
    with Folder() as folder:
        news = news_of(folder)
        accept.check_standing(news, b"purse001")
        take(news, messages.REVDELTA.number, world.revocations(0, (b"purse001",)))
        refused(REVOKED, accept.check_standing, news, b"purse001")
        keep_proof(news, b"\x01\x00purse002" + bytes(442))
        refused(PROVEN_CHEAT, accept.check_standing, news, b"purse002")
        accept.check_standing(news, b"purse003")


def test_5_the_pair_rule_is_the_nouns():
    """The rule on numbers against that on payments, for thousands of pairs."""

    class Payment:
        def __init__(self, ctr: int, cum: int, amount: int) -> None:
            self.purse, self.ctr, self.cum, self.amount = b"", ctr, cum, amount
            self.raw = (ctr, cum, amount)

    seeded = Seeded("pairs")
    for _ in range(2_000):
        a, b = [(1 + seeded.below(4), 5 + seeded.below(20), 1 + seeded.below(5)) for _ in range(2)]
        if a != b:
            expected = transaction.contradict(Payment(*a), Payment(*b))  # type: ignore[arg-type]
            assert accept.contradicts(*a, *b) == expected, (a, b)


def test_5_a_late_honest_payment_of_a_lower_counter_contradicts_nothing():
    rows = [row(1, 10, 10), row(3, 30, 10), row(4, 45, 15)]
    assert accept.compare(rows, 0, 2, 20, 10, b"x" * 32)[:2] == (b"", b"")
    assert accept.compare(rows, 0, 5, 50, 5, b"x" * 32)[:2] == (b"", b"")


def test_5_what_contradicts_is_found():
    rows = [row(1, 10, 10), row(3, 30, 10)]
    for claim in ((1, 9, 9), (3, 31, 11), (2, 21, 5), (4, 35, 6), (2, 30, 20)):
        own, rival, _ = accept.compare(rows, 0, *claim, b"x" * 32)
        assert own == b"" and rival in rows, claim


def test_5_a_payment_is_no_rival_of_itself():
    rows = [row(1, 10, 10), row(2, 20, 10)]
    own, rival, _ = accept.compare(rows, 0, 2, 20, 10, b"2" * 32)
    assert (own, rival) == (rows[1], b"")
    assert accept.compare(rows, 0, 2, 20, 99)[0] == rows[1]  # as announced on a resume


def test_5_what_was_voided_is_remembered_too():
    rows = [row(1, 10, 10, VOIDED, 15)]
    assert accept.compare(rows, 0, 2, 20, 10, b"x" * 32) == (b"", b"", 0)
    assert accept.compare(rows, 0, 1, 9, 9, b"x" * 32)[1] == rows[0]


def test_6_what_was_taken_of_a_purse_since_the_last_receipt_is_summed():
    rows = [
        row(1, 10, 10, 0, 4),
        row(2, 25, 15, 0, 5),
        row(3, 30, 5, VOIDED, 15),
        row(4, 50, 20, 0, 9),
    ]
    for judged, expected in ((0, 45), (5, 35), (6, 20), (10, 0)):
        assert accept.compare(rows, judged, 9, 99, 1, b"x" * 32)[2] == expected


class Numbers:
    """A till as `check_caps` sees it."""

    def __init__(self) -> None:
        self.beacon_seq, self.taps, self.taps_minor, self.unsettled_minor = 1, 0, 0, 0


def caps(news: News, amount: int = 10_00, unjudged: int = 0, **numbers) -> None:
    till = Numbers()
    for name, value in numbers.items():
        setattr(till, name, value)
    accept.check_caps(till, news, 1_000_00, LIMITS, amount, unjudged)  # type: ignore[arg-type]


def test_6_caps_at_their_bounds():
    with Folder() as folder:
        news = news_of(folder)
        refused(SYNC_FIRST, caps, news)  # nothing was ever heard of the bank
        take(news, messages.BEACON.number, world.beacon(1))
        caps(news)
        caps(news, 10_00, 40_00)
        refused(OVER_LIMIT, caps, news, 10_01, 40_00)  # half of an allowance at one payee
        for fine, wrong in (
            ({"unsettled_minor": 990_00}, {"unsettled_minor": 990_01}),
            ({"taps": 199}, {"taps": 200}),
            ({"taps_minor": 490_00}, {"taps_minor": 490_01}),
        ):
            caps(news, **fine)
            refused(SYNC_FIRST, lambda wrong=wrong: caps(news, **wrong))


def test_6_a_newer_beacon_ends_what_counts_since_the_last():
    with Folder() as folder:
        news = news_of(folder)
        take(news, messages.BEACON.number, world.beacon(2))
        caps(news, taps=200, taps_minor=500_00)
        refused(SYNC_FIRST, lambda: caps(news, taps=200, beacon_seq=2))
        refused(SYNC_FIRST, lambda: caps(news, unsettled_minor=995_00))


def test_6_a_newer_beacon_without_its_revocations_ends_nothing():
    with Folder() as folder:
        clock = Clock()
        news = News(folder, clock)
        news.pin(world.ROOT.public)
        take(news, messages.BKEY.number, world.bank_key())
        take(news, messages.BEACON.number, world.beacon(2))
        revoked = (b"purse001", b"purse002")
        take(news, messages.BEACON.number, world.beacon(3, NOW + 5 * DAY, revoked))
        spent = {"taps_minor": 490_01, "beacon_seq": 2}
        caps(news, beacon_seq=2)
        refused(SYNC_FIRST, lambda: caps(news, **spent))
        clock.now_ms = 2 * DAY * 1_000
        caps(news, beacon_seq=2)  # seven days after the second
        clock.now_ms += 1_000
        refused(SYNC_FIRST, lambda: caps(news, beacon_seq=2))
        take(news, messages.REVDELTA.number, world.revocations(0, revoked[:1]))
        refused(SYNC_FIRST, lambda: caps(news, beacon_seq=2))
        take(news, messages.REVDELTA.number, world.revocations(1, revoked[1:]))
        caps(news, **spent)


def test_6_a_till_whose_first_beacon_came_without_its_revocations_asks_the_bank():
    with Folder() as folder:
        news = news_of(folder)
        take(news, messages.BEACON.number, world.beacon(3, revoked=(b"purse001",)))
        refused(SYNC_FIRST, caps, news)
        take(news, messages.REVDELTA.number, world.revocations(0, (b"purse001",)))
        caps(news)


def test_6_a_beacon_serves_so_many_days():
    with Folder() as folder:
        clock = Clock()
        news = News(folder, clock)
        news.pin(world.ROOT.public)
        take(news, messages.BKEY.number, world.bank_key())
        take(news, messages.BEACON.number, world.beacon(1, NOW))
        clock.now_ms = 7 * DAY * 1_000
        caps(news)
        clock.now_ms += 1_000
        refused(SYNC_FIRST, caps, news)
