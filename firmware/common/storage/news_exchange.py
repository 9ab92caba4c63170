"""Takes in the bank's news and hands it on; loaded when there is some, see `news_store`.

Whoever brings it, host or other board, is not trusted: what a key of the bank did not sign, or
proves nothing by itself, changes nothing.
"""

import os
from struct import pack, unpack

from firmware.common.payment.certificate import check_bank_key
from firmware.common.payment.news import (
    FIRST_ROOT,
    check_beacon,
    check_revocations,
    extend_root,
    revoked_ids,
)
from firmware.common.payment.proof import check_proof
from firmware.common.payment.purse import check_time
from firmware.common.storage import files
from firmware.common.storage.news_reading import PROOF_BYTES
from firmware.common.storage.news_store import News
from firmware.common.wire import messages
from firmware.common.wire.errors import (
    LEDGER_FORK,
    MALFORMED,
    NOT_ENROLLED,
    STORE_FULL,
    SYNC_FIRST,
    Refused,
)
from firmware.common.wire.limits import (
    BANK_KEYS_MAX,
    PROOFS_HANDED_ON_MAX,
    PROOFS_MAX,
    REVDELTA_HANDED_ON_BYTES_MAX,
    REVDELTAS_BYTES_MAX,
    REVOCATIONS_KEPT_MAX,
)
from firmware.common.wire.signed import parse_signed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from firmware.common.wire.codec import Record


def take(news: News, number: int, message: bytes, may_revoke: bool = True) -> bool:
    """Takes one signed message of that type; whether it was news. Raises `Refused`.

    SYNC_FIRST: revocations, while `may_revoke` is False. LEDGER_FORK: the bank contradicts itself.
    """
    if not news.root:
        raise Refused(NOT_ENROLLED, "no bank is pinned")
    if number == messages.BKEY.number:
        return _take_bank_key(news, message)
    if number == messages.BEACON.number:
        return _take_beacon(news, message)
    if number == messages.REVDELTA.number:
        return _take_revocations(news, message, may_revoke)
    if number == messages.EQUIV.number:
        return _take_proof(news, message)
    raise Refused(MALFORMED, "not news")


def hear(news: News, number: int, message: bytes) -> bool:
    """The same from another board: what is no good is dropped without a word."""
    try:
        return take(news, number, message)
    except Refused:
        return False


def keep_proof(news: News, proof: bytes) -> None:
    """Keeps a proof that is known to be good; the oldest makes room."""
    path = news.folder + "/proofs"
    count = files.size(path) // PROOF_BYTES
    if count >= PROOFS_MAX:
        kept = files.read(path)[PROOF_BYTES * (count - PROOFS_MAX + 1) :]
        files.replace(path, kept + proof)
    else:
        _write_at(path, PROOF_BYTES * count, proof)


def messages_for(news: News, beacon_seq: int, rev_seq: int) -> "Iterator[tuple[int, bytes]]":
    """(type, message) of what a board with this beacon and so many revocations may not know."""
    beacon = news.beacon
    if beacon and beacon.seq > beacon_seq:
        banks = news.banks
        if len(banks) > 1:
            yield messages.BKEY.number, banks[-1].signed
        yield messages.BEACON.number, beacon.signed
    for delta in _kept_deltas(news):
        since, until = unpack(">II", delta[2:10])
        if since <= rev_seq < until:
            yield messages.REVDELTA.number, delta
            rev_seq = until
    count = files.size(news.folder + "/proofs") // PROOF_BYTES
    for i in range(max(0, count - PROOFS_HANDED_ON_MAX), count):
        with open(news.folder + "/proofs", "rb") as file:
            file.seek(i * PROOF_BYTES)
            proof = file.read(PROOF_BYTES)
        yield messages.EQUIV.number, proof


def _take_bank_key(news: News, message: bytes) -> bool:
    known = news.banks
    if message in [bank.signed for bank in known]:
        return False
    found = check_bank_key(news.root, message, news.t_lb())
    if found.pub in [bank.pub for bank in known]:
        return False
    banks = sorted(known + [found], key=_issued)[-BANK_KEYS_MAX:]
    if found not in banks:
        return False
    files.replace(news.folder + "/bank-keys", b"".join([bank.signed for bank in banks]))
    return True


def _issued(bank: "Record") -> int:
    return bank.issued


def _take_beacon(news: News, message: bytes) -> bool:
    beacon, known = parse_signed(messages.BEACON, message), news.beacon
    if known and (beacon.seq < known.seq or beacon.raw == known.raw):
        return False
    beacon = check_beacon(news.realm8, news.banks, message)
    if known and beacon.seq == known.seq:
        raise Refused(LEDGER_FORK, "the bank tells two boards different things")
    if beacon.rev_seq == news.rev_seq:
        _check_root(beacon, _rev_root(news))
    files.replace(news.folder + "/beacon", message)
    news.beacon_seq = beacon.seq
    news.saw(beacon.t)
    return True


def _take_revocations(news: News, message: bytes, may_revoke: bool) -> bool:
    delta = parse_signed(messages.REVDELTA, message)
    if not delta.since <= news.rev_seq < delta.until:
        return False
    if not may_revoke:
        raise Refused(SYNC_FIRST, "what was received before must be uploaded first")
    if delta.until > REVOCATIONS_KEPT_MAX:
        raise Refused(STORE_FULL, "%d revocations are the most" % REVOCATIONS_KEPT_MAX)
    delta = check_revocations(news.realm8, news.banks, message)
    ids = revoked_ids(delta)[news.rev_seq - delta.since :]
    root = _rev_root(news)
    beacon = news.beacon
    if beacon and news.rev_seq < beacon.rev_seq <= delta.until:
        told = beacon.rev_seq - news.rev_seq
        _check_root(beacon, extend_root(root, ids[:told]))
    root = extend_root(root, ids)
    # Ids first: until `rev` counts them they do not exist.
    _write_at(news.folder + "/revoked", 8 * news.rev_seq, b"".join(ids))
    files.replace(news.folder + "/rev", pack(">I", delta.until) + root)
    news.rev_seq = delta.until
    _keep_delta(news, message)
    news.saw(delta.t)
    return True


def _rev_root(news: News) -> bytes:
    return files.read(news.folder + "/rev")[4:] or FIRST_ROOT


def _check_root(beacon: "Record", root: bytes) -> None:
    if beacon.rev_root != root:
        raise Refused(LEDGER_FORK, "the bank's revocations are not those it told of")


def _take_proof(news: News, message: bytes) -> bool:
    if message[2:10] in news.proven:
        return False
    purse = check_proof(news.realm8, news.banks, message)
    check_time(purse, news.t_lb())  # nobody takes that purse any more
    keep_proof(news, message)
    return True


def _write_at(path: str, position: int, data: bytes) -> None:
    """Writes behind what counts of a file; a write that power cut short left more, or nothing."""
    with open(path, "r+b" if files.exists(path) else "wb") as file:
        file.seek(position)
        file.write(data)
        file.flush()


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


def _kept_deltas(news: News) -> "Iterator[bytes]":
    for name in ("/deltas.old", "/deltas"):
        if files.exists(news.folder + name):
            with open(news.folder + name, "rb") as file:
                while True:
                    head = file.read(2)
                    if len(head) < 2:
                        break
                    yield file.read(unpack(">H", head)[0])
