"""The bank's news, which every tap carries: what time it is at least, and what is revoked.

    BEACON   = {seq, t, rev_seq, policy, rev_root, audit_head}, signed by KB
    REVDELTA = {since, until, t, n} and the n = until - since ids with numbers since+1 … until
    rev_root_n = SHA-256(rev_root_{n-1} || id_n), rev_root_0 = 32 zeros

An id is a purse's or a device's. Who holds the first `since` revocations extends their root by a
REVDELTA and has the `rev_root` of the beacon whose `rev_seq` is `until`, or was told lies.
"""

from firmware.common import crypto
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import MALFORMED, TOO_LARGE, Refused
from firmware.common.wire.limits import REVOCATIONS_MAX
from firmware.common.wire.messages import BEACON, POLICY, REVDELTA
from firmware.common.wire.signed import read_from_bank, sign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST_ROOT = bytes(32)
_ID_BYTES = 8


def make_beacon(
    realm8: bytes,
    bank_private: bytes,
    seq: int,
    t: int,
    rev_seq: int,
    policy: bytes,
    rev_root: bytes,
    audit_head: bytes,
) -> bytes:
    """A signed BEACON; `policy` is made by `POLICY.pack`."""
    body = BEACON.pack(
        seq=seq, t=t, rev_seq=rev_seq, policy=policy, rev_root=rev_root, audit_head=audit_head
    )
    return sign(realm8, BEACON, body, bank_private)


def check_beacon(realm8: bytes, banks: "Sequence[Record]", data: bytes) -> Record:
    """The BEACON that one of the bank's keys signed. Raises `Refused`."""
    return read_from_bank(realm8, BEACON, data, banks)


def policy_of(beacon: Record) -> Record:
    """The bank's policy: `stale_days`, `nopin_minor` and so on."""
    return POLICY.read(beacon.policy)


def make_revocations(
    realm8: bytes, bank_private: bytes, since: int, t: int, ids: "Sequence[bytes]"
) -> bytes:
    """A signed REVDELTA of the ids that follow the first `since`."""
    if len(ids) > REVOCATIONS_MAX or any(len(id8) != _ID_BYTES for id8 in ids):
        raise ValueError("at most %d ids of 8 bytes" % REVOCATIONS_MAX)
    n = len(ids)
    body = REVDELTA.pack(since=since, until=since + n, t=t, n=n, tail=b"".join(ids))
    return sign(realm8, REVDELTA, body, bank_private)


def check_revocations(realm8: bytes, banks: "Sequence[Record]", data: bytes) -> Record:
    """The REVDELTA that one of the bank's keys signed. Raises `Refused`."""
    if len(data) > REVDELTA.size + REVOCATIONS_MAX * _ID_BYTES + 64:
        raise Refused(TOO_LARGE, "more revocations than one message holds")
    delta = read_from_bank(realm8, REVDELTA, data, banks)
    if len(delta.tail) != _ID_BYTES * delta.n or delta.until - delta.since != delta.n:
        raise Refused(MALFORMED, "the revocations are not as many as they say")
    return delta


def revoked_ids(delta: Record) -> list[bytes]:
    """The ids of a checked REVDELTA, in their order."""
    tail = delta.tail
    return [tail[i : i + _ID_BYTES] for i in range(0, len(tail), _ID_BYTES)]


def extend_root(root: bytes, ids: "Sequence[bytes]") -> bytes:
    """The root once these ids are revoked too."""
    for id8 in ids:
        root = crypto.sha256(root + id8)
    return root
