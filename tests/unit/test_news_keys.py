"""The bank's keys on a board: what its root has signed, at most two, each as it was signed last."""

from firmware.common.storage.news_exchange import hear, take
from firmware.common.storage.news_store import News
from firmware.common.wire import messages
from firmware.common.wire.errors import BAD_SIGNATURE, EXPIRED
from tests.unit import world
from tests.unit.fake_board import Clock
from tests.unit.forms import Keys, flipped
from tests.unit.helpers import Folder, refused
from tests.unit.test_news_store import pinned
from tests.unit.world import DAY, NOW

BKEY, BEACON = messages.BKEY.number, messages.BEACON.number


def test_the_banks_key_counts_by_the_roots_signature_alone():
    with Folder() as folder:
        news = News(folder, Clock())
        news.pin(world.ROOT.public)
        good = world.bank_key()
        for position in (0, 1, 2, 100, len(good) - 1):
            assert not hear(news, BKEY, flipped(good, position, 0))
        assert not hear(news, BKEY, good[:-1]) and news.banks == []
        assert take(news, BKEY, good) and not take(news, BKEY, good)
        assert News(folder, Clock()).banks[0].signed == good


def test_two_keys_of_the_bank_are_kept_and_the_older_goes_first():
    with Folder() as folder:
        news = pinned(folder)
        keys = [world.bank_key(Keys(f"bank {i}"), NOW + i, NOW + 900 * DAY) for i in (1, 2)]
        assert take(news, BKEY, keys[1]) and take(news, BKEY, keys[0])  # in the wrong order
        assert not hear(news, BKEY, world.bank_key())  # older than both
        for found in (news, News(folder, Clock())):
            assert [bank.signed for bank in found.banks] == keys
        assert take(news, BEACON, world.beacon(1, keys=Keys("bank 1")))
        assert take(news, BEACON, world.beacon(2, keys=Keys("bank 2")))
        refused(BAD_SIGNATURE, take, news, BEACON, world.beacon(3))


def test_a_key_that_the_root_has_signed_anew_lasts_longer():
    with Folder() as folder:
        news = pinned(folder)
        longer = world.bank_key(issued=NOW, not_after=NOW + 1_000 * DAY)
        assert take(news, BKEY, longer) and not take(news, BKEY, longer)
        assert not hear(news, BKEY, world.bank_key())  # others may still hand the older one on
        next_key = world.bank_key(Keys("next"), NOW + 1)
        assert take(news, BKEY, next_key)  # it is still one of two keys
        for found in (news, News(folder, Clock())):
            assert [bank.signed for bank in found.banks] == [longer, next_key]
        assert take(news, BEACON, world.beacon(1))


def test_an_expired_key_of_the_bank_is_refused():
    with Folder() as folder:
        news = pinned(folder)
        news.saw(NOW)
        refused(EXPIRED, take, news, BKEY, world.bank_key(Keys("old"), NOW - 9, NOW))
