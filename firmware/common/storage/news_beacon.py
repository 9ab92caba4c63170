"""Takes in the bank's beacon: what time it is at least, and what its policy is."""

from struct import pack

from firmware.common.payment.news import FIRST_ROOT, check_beacon
from firmware.common.storage import files
from firmware.common.storage.news_reading import banks, vouched
from firmware.common.storage.news_store import News
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import LEDGER_FORK, Refused


def take_beacon(news: News, message: bytes) -> bool:
    """Keeps one that is newer than the known one: true.

    Raises `Refused`: LEDGER_FORK for another one of the same number, or of other revocations.
    """
    beacon = check_beacon(news.realm8, banks(news), message)
    if beacon.seq <= news.beacon_seq:
        raise Refused(LEDGER_FORK, "the bank tells two boards different things")
    if beacon.rev_seq == news.rev_seq:
        check_root(beacon, rev_root(news))
    seq, t = vouched(news)
    files.replace(news.folder + "/beacon", message + pack(">II", seq, t))
    news.beacon_seq = beacon.seq
    news.saw(beacon.t)
    return True


def rev_root(news: News) -> bytes:
    """Of the revocations that are known."""
    return files.read(news.folder + "/rev")[4:] or FIRST_ROOT


def check_root(beacon: Record, root: bytes) -> None:
    """Raises `Refused(LEDGER_FORK)` unless the beacon tells of these revocations."""
    if beacon.rev_root != root:
        raise Refused(LEDGER_FORK, "the bank's revocations are not those it told of")
