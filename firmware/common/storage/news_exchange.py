"""Takes in the bank's news; each kind of it is loaded when it comes, see `news_store`.

Whoever brings it, host or other board, is not trusted: what a key of the bank did not sign, or
proves nothing by itself, changes nothing. What is handed on is found by `news_telling`.
"""

from firmware.common import late
from firmware.common.storage import files
from firmware.common.storage.news_reading import BEACON_BYTES
from firmware.common.storage.news_store import News
from firmware.common.wire import messages
from firmware.common.wire.errors import LEDGER_FORK, MALFORMED, NOT_ENROLLED, SYNC_FIRST, Refused

_BODY_BYTES = BEACON_BYTES - 64


def take(news: News, number: int, message: bytes, may_revoke: bool = True) -> bool:
    """Takes one signed message of that type; whether it was news. Raises `Refused`.

    SYNC_FIRST: revocations, while `may_revoke` is False. LEDGER_FORK: the bank contradicts itself.
    """
    if not news.root:
        raise Refused(NOT_ENROLLED, "no bank is pinned")
    if number == messages.BKEY.number:
        return late.call("firmware.common.storage.news_keys", "take_bank_key", news, message)
    if number == messages.BEACON.number:
        if _is_known(news, message):  # as at most taps: then no more is loaded
            return False
        return late.call("firmware.common.storage.news_beacon", "take_beacon", news, message)
    if number == messages.EQUIV.number:
        return late.call("firmware.common.storage.news_proofs", "take_proof", news, message)
    if number != messages.REVDELTA.number:
        raise Refused(MALFORMED, "not news")
    if not may_revoke and int.from_bytes(message[2:6], "big") <= news.rev_seq < int.from_bytes(
        message[6:10], "big"
    ):
        raise Refused(SYNC_FIRST, "what was received before must be uploaded first")
    return late.call("firmware.common.storage.news_revoking", "take_revocations", news, message)


def _is_known(news: News, beacon: bytes) -> bool:
    """Whether it is the newest beacon that is known, or an older one."""
    seq, known = int.from_bytes(beacon[2:6], "big"), news.beacon_seq
    if seq == known > 0:
        kept = files.read(news.folder + "/beacon")
        return len(beacon) == BEACON_BYTES and beacon[:_BODY_BYTES] == kept[:_BODY_BYTES]
    return seq < known


def hear(news: News, number: int, message: bytes) -> bool:
    """The same from another board: what is no good is dropped without a word.

    That the bank contradicts itself is noted: the flow tells its user when there is time.
    """
    try:
        return take(news, number, message)
    except Refused as refused:
        if refused.reason == LEDGER_FORK:
            news.why = LEDGER_FORK
        return False
