"""Takes in revocations, which follow those that are known."""

import os
from struct import pack

from firmware.common.payment.news import check_revocations, extend_root, revoked_ids
from firmware.common.storage import files
from firmware.common.storage.news_beacon import check_root, rev_root
from firmware.common.storage.news_reading import banks
from firmware.common.storage.news_reading import beacon as known_beacon
from firmware.common.storage.news_store import News
from firmware.common.wire.errors import STORE_FULL, Refused
from firmware.common.wire.limits import (
    REVDELTA_HANDED_ON_BYTES_MAX,
    REVDELTAS_BYTES_MAX,
    REVOCATIONS_KEPT_MAX,
)
from firmware.common.wire.messages import REVDELTA
from firmware.common.wire.signed import parse_signed


def take_revocations(news: News, message: bytes) -> bool:
    """Whether any of them was new. Raises `Refused`."""
    delta = parse_signed(REVDELTA, message)
    if not delta.since <= news.rev_seq < delta.until:
        return False
    if delta.until > REVOCATIONS_KEPT_MAX:
        raise Refused(STORE_FULL, "%d revocations are the most" % REVOCATIONS_KEPT_MAX)
    delta = check_revocations(news.realm8, banks(news), message)
    ids = revoked_ids(delta)[news.rev_seq - delta.since :]
    root = rev_root(news)
    beacon = known_beacon(news)
    if beacon and news.rev_seq < beacon.rev_seq <= delta.until:
        told = beacon.rev_seq - news.rev_seq
        check_root(beacon, extend_root(root, ids[:told]))
    root = extend_root(root, ids)
    # Ids first: until `rev` counts them they do not exist.
    files.write_at(news.folder + "/revoked", 8 * news.rev_seq, b"".join(ids))
    files.replace(news.folder + "/rev", pack(">I", delta.until) + root)
    news.rev_seq = delta.until
    _keep_delta(news, message)
    news.saw(delta.t)
    return True


def _keep_delta(news: News, message: bytes) -> None:
    """Keeps what is small enough to be handed on, in two files of which the older is dropped."""
    if len(message) > REVDELTA_HANDED_ON_BYTES_MAX:
        return
    path = news.folder + "/deltas"
    if files.size(path) + len(message) > REVDELTAS_BYTES_MAX // 2:
        os.rename(path, path + ".old")
    with open(path, "ab") as file:
        file.write(pack(">H", len(message)) + message)
        file.flush()
