"""What a board has heard of its bank it hands to whoever asks, to be held against the bank."""

from firmware.common.storage.news_exchange import take
from firmware.common.wire import messages
from firmware.common.wire.errors import SYNC_FIRST
from tests.unit import shop, world
from tests.unit.forms import Keys
from tests.unit.helpers import Folder
from tests.unit.roles import payee
from tests.unit.test_till_bank import declined, done

BKEY, BEACON = messages.BKEY.number, messages.BEACON.number


def packed(number: int, message: bytes) -> bytes:
    return bytes((number,)) + len(message).to_bytes(2, "big") + message


def test_the_newest_beacon_with_the_banks_keys():
    with Folder() as folder:
        app = shop.shop(folder)
        first = packed(BKEY, world.bank_key())
        assert done(app, "witness")[1] == first + packed(BEACON, world.beacon(1))
        newer = world.bank_key(Keys("next"), world.NOW, world.NOW + 900 * world.DAY)
        revoked = (b"purse001",)
        take(app.device.news, BKEY, newer)
        take(app.device.news, BEACON, world.beacon(7, revoked=revoked))  # without its revocations
        told = first + packed(BKEY, newer) + packed(BEACON, world.beacon(7, revoked=revoked))
        for board in (app, shop.again(app)):
            assert done(board, "witness")[1] == told


def test_a_board_that_never_heard_of_the_bank_is_no_witness():
    with Folder() as folder:
        declined(SYNC_FIRST, payee(folder), "witness")
