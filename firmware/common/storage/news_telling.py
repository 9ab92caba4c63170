"""Finds what news another board may not have (see `news_exchange`)."""

from struct import unpack

from firmware.common.storage import files
from firmware.common.storage.news_reading import BANK_KEY_BYTES, BEACON_BYTES, PROOF_BYTES
from firmware.common.storage.news_store import News
from firmware.common.wire.limits import PROOFS_HANDED_ON_MAX
from firmware.common.wire.messages import BEACON, BKEY, EQUIV, REVDELTA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def messages_for(news: News, beacon_seq: int, rev_seq: int) -> "Iterator[tuple[int, bytes]]":
    """(type, message) of what a board with this beacon and so many revocations may not know."""
    if news.beacon_seq > beacon_seq:
        keys = files.read(news.folder + "/bank-keys")
        if len(keys) > BANK_KEY_BYTES:
            yield BKEY.number, keys[-BANK_KEY_BYTES:]
        yield BEACON.number, files.read(news.folder + "/beacon")[:BEACON_BYTES]
    for delta in _kept_deltas(news):
        since, until = unpack(">II", delta[2:10])
        if since <= rev_seq < until:
            yield REVDELTA.number, delta
            rev_seq = until
    count = files.size(news.folder + "/proofs") // PROOF_BYTES
    for i in range(max(0, count - PROOFS_HANDED_ON_MAX), count):
        with open(news.folder + "/proofs", "rb") as file:
            file.seek(i * PROOF_BYTES)
            proof = file.read(PROOF_BYTES)
        yield EQUIV.number, proof


def _kept_deltas(news: News) -> "Iterator[bytes]":
    for name in ("/deltas.old", "/deltas"):
        if files.exists(news.folder + name):
            with open(news.folder + name, "rb") as file:
                while True:
                    head = file.read(2)
                    if len(head) < 2:
                        break
                    yield file.read(unpack(">H", head)[0])
