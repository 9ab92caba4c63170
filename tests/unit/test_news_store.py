"""The bank's news on a board: only what the bank signed counts, and time never goes back."""

import os

from firmware.common.payment import news as nouns
from firmware.common.payment import proof
from firmware.common.storage import files
from firmware.common.storage.news_exchange import hear, take
from firmware.common.storage.news_proofs import keep_proof
from firmware.common.storage.news_reading import vouched
from firmware.common.storage.news_store import News
from firmware.common.storage.news_telling import messages_for
from firmware.common.wire import messages
from firmware.common.wire.errors import (
    BAD_SIGNATURE,
    DECLINED,
    EXPIRED,
    LEDGER_FORK,
    MALFORMED,
    NOT_ENROLLED,
    STORE_FULL,
    SYNC_FIRST,
)
from firmware.common.wire.limits import (
    PROOFS_HANDED_ON_MAX,
    PROOFS_MAX,
    REVDELTAS_BYTES_MAX,
    REVOCATIONS_KEPT_MAX,
)
from tests.unit import world
from tests.unit.fake_board import Clock
from tests.unit.forms import BANK, PAYEE, Keys, flipped
from tests.unit.helpers import Folder, Seeded, read_bytes, refused, write_bytes
from tests.unit.world import DAY, NOW

BKEY, BEACON = messages.BKEY.number, messages.BEACON.number
REVDELTA, EQUIV = messages.REVDELTA.number, messages.EQUIV.number


def ids(*numbers: int) -> tuple:
    return tuple([b"purse%03d" % number for number in numbers])


def pinned(folder: str, clock: Clock | None = None) -> News:
    """A board that knows its bank; nothing else yet."""
    found = News(folder, clock or Clock())
    found.pin(world.ROOT.public)
    take(found, BKEY, world.bank_key())
    return found


def everything(news: News) -> tuple:
    return (
        news.root,
        [bank.signed for bank in news.banks],
        news.beacon.signed if news.beacon else b"",
        news.rev_seq,
        read_bytes(news.folder + "/rev")[4:] if news.rev_seq else bytes(32),
        news.proven,
    )


def cheat(number: int = 1, **changes: int) -> bytes:
    """Proof that purse `number` was spent twice."""
    purse = world.purse_of(PAYEE, *ids(number), **changes)
    a, b = world.pay(PAYEE, purse, 1, 5_00, 5_00), world.pay(PAYEE, purse, 1, 4_00, 4_00)
    return proof.make_proof(purse, a, b)


def test_a_board_without_a_root_takes_nothing_from_anybody():
    with Folder() as folder:
        news = News(folder, Clock())
        refused(NOT_ENROLLED, take, news, BKEY, world.bank_key())
        assert news.beacon is None
        assert not hear(news, BEACON, world.beacon(1))
        assert everything(News(folder, Clock())) == (b"", [], b"", 0, bytes(32), [])


def test_a_root_is_pinned_once():
    with Folder() as folder:
        news = pinned(folder)
        news.pin(world.ROOT.public)
        refused(DECLINED, news.pin, BANK.public)
        again = News(folder, Clock())
        assert again.root == world.ROOT.public and again.realm8 == world.REALM


def test_the_newest_beacon_counts():
    with Folder() as folder:
        news = pinned(folder)
        second = world.beacon(2, NOW, stale_taps=7)
        assert take(news, BEACON, second)
        assert not take(news, BEACON, second)
        assert not take(news, BEACON, world.beacon(1, NOW + 5 * DAY))  # an older one, late
        for found in (news, News(folder, Clock())):
            assert (found.beacon_seq, found.t_lb()) == (2, NOW)
            assert found.beacon
            policy = nouns.policy_of(found.beacon)
            assert (policy.stale_taps, policy.payee_pct) == (7, 50)


def test_a_beacon_that_the_bank_did_not_sign_changes_nothing():
    with Folder() as folder:
        news = pinned(folder)
        good = world.beacon(9)
        before = everything(news)
        for position in range(0, len(good), 13):
            assert not hear(news, BEACON, flipped(good, position, 3))
        refused(BAD_SIGNATURE, take, news, BEACON, world.beacon(9, keys=PAYEE))
        refused(MALFORMED, take, news, BEACON, good + b"x")
        refused(MALFORMED, take, news, 99, good)
        refused(MALFORMED, take, news, messages.TXN.number, good)
        assert everything(news) == before and news.t_lb() == 0


def test_a_bank_that_says_two_things_under_one_number_is_found_out():
    with Folder() as folder:
        news = pinned(folder)
        take(news, BEACON, world.beacon(5))
        other = world.beacon(5, NOW + 1)
        refused(LEDGER_FORK, take, news, BEACON, other)
        refused(BAD_SIGNATURE, take, news, BEACON, world.beacon(5, NOW + 1, keys=PAYEE))
        assert news.beacon and news.beacon.signed == world.beacon(5)


def test_time_is_what_the_bank_signed_and_own_ticks_and_never_goes_back():
    with Folder() as folder:
        clock = Clock()
        news = pinned(folder, clock)
        take(news, BEACON, world.beacon(1, NOW))
        clock.now_ms += 90_500
        assert news.t_lb() == NOW + 90
        news.saw(NOW + 89)
        assert news.t_lb() == NOW + 90
        news.saw(NOW + 1_000)
        clock.now_ms += 2_000
        assert news.t_lb() == NOW + 1_002


def test_a_restart_costs_at_most_an_hour_of_time():
    with Folder() as folder:
        clock = Clock()
        news = pinned(folder, clock)
        take(news, BEACON, world.beacon(1, NOW))
        for _ in range(50):
            clock.now_ms += 600_000
            news.keep_time()
        assert news.t_lb() == NOW + 30_000
        assert NOW + 30_000 - 3_600 <= News(folder, Clock()).t_lb() <= NOW + 30_000


def test_time_is_written_at_most_once_an_hour():
    with Folder() as folder:
        clock = Clock()
        news = pinned(folder, clock)
        take(news, BEACON, world.beacon(1, NOW))
        kept = set()
        for _ in range(60):
            clock.now_ms += 120_000
            news.keep_time()
            kept.add(read_bytes(folder + "/news/time"))
        assert len(kept) <= 3  # of two hours


def test_revocations_are_counted_from_the_first():
    with Folder() as folder:
        news = pinned(folder)
        assert not hear(news, REVDELTA, world.revocations(1, ids(2)))  # a gap
        assert take(news, REVDELTA, world.revocations(0, ids(1, 2, 3)))
        assert take(news, REVDELTA, world.revocations(2, ids(3, 4)))  # overlaps
        assert not take(news, REVDELTA, world.revocations(0, ids(1, 2)))
        for found in (news, News(folder, Clock())):
            assert found.rev_seq == 4
            assert everything(found)[4] == nouns.extend_root(nouns.FIRST_ROOT, ids(1, 2, 3, 4))
            told = [found.is_revoked(id8) for id8 in ids(1, 2, 3, 4, 5)]
            assert told == [True, True, True, True, False]


def test_an_id_is_not_found_across_two_others():
    with Folder() as folder:
        news = pinned(folder)
        take(news, REVDELTA, world.revocations(0, (b"abcdefgh", b"ijklmnop")))
        assert not news.is_revoked(b"efghijkl") and news.is_revoked(b"ijklmnop")
        take(news, REVDELTA, world.revocations(2, (b"efghijkl",)))
        assert news.is_revoked(b"efghijkl")


def test_revocations_that_the_bank_did_not_sign_are_dropped():
    with Folder() as folder:
        news = pinned(folder)
        good = world.revocations(0, ids(1))
        for position in range(len(good)):
            assert not hear(news, REVDELTA, flipped(good, position, 1))
        refused(BAD_SIGNATURE, take, news, REVDELTA, world.revocations(0, ids(1), keys=PAYEE))
        assert news.rev_seq == 0 and not news.is_revoked(*ids(1))


def test_a_payee_takes_revocations_only_after_it_has_uploaded():
    with Folder() as folder:
        news = pinned(folder)
        delta = world.revocations(0, ids(1))
        refused(SYNC_FIRST, take, news, REVDELTA, delta, False)
        assert news.rev_seq == 0 and take(news, REVDELTA, delta, True)
        assert not take(news, REVDELTA, delta, False)  # known: nothing to refuse


def test_revocations_and_beacon_must_tell_the_same():
    lies = nouns.extend_root(nouns.FIRST_ROOT, ids(9, 2))
    with Folder() as folder:
        news = pinned(folder)
        take(news, BEACON, world.beacon(1, revoked=ids(1, 2), rev_root=lies))
        refused(LEDGER_FORK, take, news, REVDELTA, world.revocations(0, ids(1, 2, 3)))
        assert news.rev_seq == 0
        take(news, REVDELTA, world.revocations(0, ids(9, 2, 3)))
        assert news.rev_seq == 3
        told = world.beacon(2, revoked=ids(1, 2, 3))
        refused(LEDGER_FORK, take, news, BEACON, told)
        assert news.beacon_seq == 1


def test_power_lost_while_revocations_are_written_leaves_those_before():
    with Folder() as folder:
        news = pinned(folder)
        take(news, REVDELTA, world.revocations(0, ids(1)))
        before = everything(news)
        path = folder + "/news/revoked"
        for torn in (b"p", b"purse002", b"purse002purs"):
            write_bytes(path, ids(1)[0] + torn)  # `rev` was not written any more
            again = News(folder, Clock())
            assert everything(again) == before and not again.is_revoked(b"purse002")
        assert take(again, REVDELTA, world.revocations(1, ids(3)))
        assert read_bytes(path)[:16] == b"".join(ids(1, 3))


def test_the_list_of_revocations_is_bounded():
    with Folder() as folder:
        news = pinned(folder)
        since = REVOCATIONS_KEPT_MAX - 1
        write_bytes(folder + "/news/revoked", bytes(8 * since))
        write_bytes(folder + "/news/rev", since.to_bytes(4, "big") + bytes(32))
        news = News(folder, Clock())
        refused(STORE_FULL, take, news, REVDELTA, world.revocations(since, ids(1, 2)))
        assert take(news, REVDELTA, world.revocations(since, ids(1)))
        assert news.is_revoked(*ids(1))


def test_a_proven_cheat_is_remembered():
    with Folder() as folder:
        news = pinned(folder)
        assert take(news, EQUIV, cheat(1)) and not take(news, EQUIV, cheat(1))
        for found in (news, News(folder, Clock())):
            assert found.proven == list(ids(1))


def test_what_proves_nothing_is_dropped():
    purse = world.purse_of(PAYEE, b"purse001")
    honest = [world.pay(PAYEE, purse, 1, 5_00, 5_00), world.pay(PAYEE, purse, 2, 9_00, 4_00)]
    good = cheat(1)
    fakes = [flipped(good, position, 2) for position in range(0, 452, 37)]
    fakes.append(messages.EQUIV.pack(purse=purse.signed, a=honest[0].signed, b=honest[1].signed))
    fakes.append(messages.EQUIV.pack(purse=purse.signed, a=honest[0].signed, b=honest[0].signed))
    fakes.append(good[:-1])
    other = world.pay(Keys("nobody"), purse, 1, 4_00, 4_00)
    pair = sorted([honest[0], other], key=lambda txn: txn.raw)
    fakes.append(messages.EQUIV.pack(purse=purse.signed, a=pair[0].signed, b=pair[1].signed))
    with Folder() as folder:
        news = pinned(folder)
        for fake in fakes:
            assert not hear(news, EQUIV, fake)
        news.saw(purse.not_after)
        refused(EXPIRED, take, news, EQUIV, good)
        assert news.proven == [] and not files.exists(folder + "/news/proofs")


def test_proofs_are_bounded_and_the_newest_stay():
    with Folder() as folder:
        news = pinned(folder)
        body = cheat(0)[10:]
        for number in range(PROOFS_MAX + 3):
            keep_proof(news, b"\x01\x00" + ids(number)[0] + body)
        for found in (news, News(folder, Clock())):
            assert found.proven == list(ids(*range(3, PROOFS_MAX + 3)))
        assert files.size(folder + "/news/proofs") == PROOFS_MAX * 452


def test_what_is_known_is_as_old_as_the_beacon_whose_revocations_are_held():
    with Folder() as folder:
        news = pinned(folder)
        assert vouched(news) == (0, 0)
        steps = (
            ((BEACON, world.beacon(2, NOW)), (2, NOW)),
            ((BEACON, world.beacon(3, NOW + 10, ids(1, 2))), (2, NOW)),
            ((BEACON, world.beacon(4, NOW + 20, ids(1, 2, 3))), (2, NOW)),
            ((REVDELTA, world.revocations(0, ids(1, 2))), (2, NOW)),  # the third is forgotten
            ((REVDELTA, world.revocations(2, ids(3))), (4, NOW + 20)),
            ((BEACON, world.beacon(5, NOW + 30, ids(1, 2, 3, 4))), (4, NOW + 20)),
        )
        for message, expected in steps:
            assert take(news, *message)
            for found in (news, News(folder, Clock())):
                assert vouched(found) == expected
        assert told(news) == [BEACON, REVDELTA, REVDELTA]


def told(news: News, beacon_seq: int = 0, rev_seq: int = 0) -> list:
    return [number for number, _ in messages_for(news, beacon_seq, rev_seq)]


def test_news_passes_from_board_to_board():
    with Folder() as one, Folder() as other:
        giver, taker = pinned(one), pinned(other)
        take(giver, BKEY, world.bank_key(Keys("next"), NOW + 1))
        take(giver, BEACON, world.beacon(3, revoked=ids(1, 2, 3)))
        take(giver, REVDELTA, world.revocations(0, ids(1)))
        take(giver, REVDELTA, world.revocations(1, ids(2, 3)))
        take(giver, EQUIV, cheat(7))
        for number, message in messages_for(giver, taker.beacon_seq, taker.rev_seq):
            assert hear(taker, number, message)
        assert everything(taker) == everything(giver)
        for number, message in messages_for(giver, 0, 0):
            assert not hear(taker, number, message)


def test_nothing_is_told_that_the_other_board_knows():
    with Folder() as folder:
        news = pinned(folder)
        assert told(news) == []
        take(news, BEACON, world.beacon(3))
        take(news, REVDELTA, world.revocations(0, ids(1, 2)))
        assert told(news, 2, 0) == [BEACON, REVDELTA]
        assert told(news, 3, 1) == [REVDELTA]
        assert told(news, 3, 2) == told(news, 9, 9) == []


def test_what_is_handed_on_is_bounded_however_much_there_is():
    with Folder() as folder:
        news = pinned(folder)
        body = cheat(0)[10:]
        for number in range(PROOFS_MAX):
            keep_proof(news, b"\x01\x00" + ids(number)[0] + body)
        for since in range(0, 600, 100):
            some = tuple([since.to_bytes(4, "big") + i.to_bytes(4, "big") for i in range(100)])
            take(news, REVDELTA, world.revocations(since, some))
        kept = [name for name in os.listdir(folder + "/news") if name.startswith("deltas")]
        sizes = [files.size(folder + "/news/" + name) for name in kept]
        assert sum(sizes) <= REVDELTAS_BYTES_MAX
        assert told(news, 0, 500) == [REVDELTA] + [EQUIV] * PROOFS_HANDED_ON_MAX
        assert told(news, 0, 0) == [EQUIV] * PROOFS_HANDED_ON_MAX  # it asks the bank


def test_any_order_of_news_ends_in_the_same_state():
    seeded = Seeded("news")
    all_news = [
        (BEACON, world.beacon(1)),
        (BEACON, world.beacon(2, NOW + 5, ids(1, 2))),
        (REVDELTA, world.revocations(0, ids(1, 2))),
        (REVDELTA, world.revocations(1, ids(2, 3))),
        (EQUIV, cheat(1)),
    ]
    for _ in range(4):
        with Folder() as folder:
            news = pinned(folder)
            for _ in range(25):
                hear(news, *seeded.among(all_news))
            for item in all_news:
                hear(news, *item)
            assert (news.beacon_seq, news.rev_seq, news.proven) == (2, 3, list(ids(1)))
            assert everything(news)[4] == nouns.extend_root(nouns.FIRST_ROOT, ids(1, 2, 3))
